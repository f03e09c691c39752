/* SPDX-License-Identifier: GPL-2.0-only */
/* describe.c: see reconcile.h. */
#include "engine/reconcile.h"

#include <net/if.h>

#include "base/cleanup.h"
#include "host/netdev.h"
#include "policy/policy.h"

static size_t published(const struct policy *policy)
{
	const struct policy_port *ports = policy->ports;
	size_t count = 0;

	for (size_t i = 0; i < policy->ports_count; i++)
		count += ports[i].origin == PORT_PUBLISHED &&
			 !(i && policy_is_pair(&ports[i - 1], &ports[i]));
	return count;
}

char *describe_policy(struct kernel *kernel, const struct reconcile_report *report)
{
	_cleanup_free_ struct attachment *list = NULL;
	const struct policy *policy = report->desired->policy;
	size_t count = 0, size, ports, rules = policy_count_rules(policy);
	char *text = NULL, name[IF_NAMESIZE];
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	ports = published(policy);
	fprintf(out, "%zu published port%s, %zu rule%s", ports, ports == 1 ? "" : "s", rules,
		rules == 1 ? "" : "s");
	if (kernel_attachments(kernel, &list, &count, NULL) < 0)
		count = 0;
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s %s (%s)", i ? "," : " on",
			if_indextoname(list[i].ifindex, name) ?: "?", hook_name(list[i].hook));
	fclose(out);
	return text;
}

/* "this host has only eth0 (veth), br0 (bridge)": interfaces that are up, without ports of bridges
 * and bonds and without Docker's. */
static void put_interfaces(FILE *out, const struct netdev_list *list)
{
	const char *separator = "this host has only ";

	for (size_t i = 0; i < list->devices_count; i++) {
		const struct netdev *device = &list->devices[i];

		if (device->ifindex == INTERFACE_LOOPBACK || !netdev_receives(list, device) ||
		    netdev_is_docker_bridge(device))
			continue;
		fprintf(out, "%s%s (%s)", separator, device->name, netdev_kind_text(device));
		separator = ", ";
	}
	if (separator[0] != ',')
		fputs("no interface is up", out);
}

char *describe_no_outside(const struct desired *desired, const char *config_path)
{
	char *text = NULL;
	size_t size, count;
	char *const *names = reconcile_names(desired, &count);
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("no interface to guard: ", out);
	if (count) {
		fputs("none of the interfaces in `interface", out);
		for (size_t i = 0; i < count; i++)
			fprintf(out, " %s", names[i]);
		fprintf(out, "` of '%s' exists", config_path);
	} else {
		fputs("`interface auto` matches NICs, bonds, teams and a veth with the default "
		      "route, and ",
		      out);
		put_interfaces(out, desired->netdevs);
		fprintf(out,
			"; name the one that leads outside: `tidegate up NAME`, or `interface "
			"NAME` in '%s'",
			config_path);
	}
	fclose(out);
	return text;
}

void describe_docker(const struct desired *desired, char ret[static DESCRIBE_DOCKER])
{
	const char *meaning = desired->docker_source == DOCKER_REMEMBERED
				      ? "using the ports it had published when it last answered"
				      : "only ports that rules name are guarded";

	ret[0] = '\0';
	if (desired->docker_source >= DOCKER_REMEMBERED && desired->docker_error[0])
		snprintf(ret, DESCRIBE_DOCKER, "%s; %s", desired->docker_error, meaning);
}
