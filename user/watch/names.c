/* SPDX-License-Identifier: GPL-2.0-only */
/* names.c: counter ids -> ports and rules, ports -> containers.  See names.h. */
#include "watch/names.h"

#include <errno.h>

#include "docker/inventory.h"
#include "engine/desired.h"
#include "engine/running.h"
#include "image/image.h"
#include "kernel/kernel.h"
#include "kernel/probe.h"
#include "policy/policy.h"
#include "reason.h"
#include "base/cleanup.h"

struct named {
	__u32 id;
	const struct policy_port *port; /* or */
	const struct policy_rule *rule;
};

struct names {
	struct watch_input input;
	__u64 generation;
	__u8 neighbor[6];        /* probe_neighbor() */
	struct desired *desired; /* NULL = nothing is active */
	struct named *list;      /* by id */
	size_t count;
};

static int compare(const void *a, const void *b)
{
	const struct named *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

static const struct named *find(const struct names *names, __u32 id)
{
	const struct named key = { .id = id };

	if (!id || !names->count)
		return NULL;
	return bsearch(&key, names->list, names->count, sizeof(key), compare);
}

static __u32 id_of(const struct counter_ids *ids, const char *kind, const char *identity)
{
	_cleanup_free_ char *name = NULL;

	return asprintf(&name, "%s %s", kind, identity) < 0 ? 0 : counter_ids_find(ids, name);
}

static void list_all(struct names *names, const struct counter_ids *ids)
{
	const struct policy *policy = names->desired->policy;

	names->list =
		calloc(2 * policy->ports_count + policy->rules_count + 1, sizeof(*names->list));
	if (!names->list)
		return;
	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];
		__u32 id = id_of(ids, "port", port->identity);

		/* Passed and dropped. */
		for (__u32 more = 0; id && more < 2; more++)
			names->list[names->count++] = (struct named){ id + more, port, NULL };
	}
	for (size_t i = 0; i < policy->rules_count; i++) {
		__u32 id = id_of(ids, "rule", policy->rules[i].identity);

		if (id)
			names->list[names->count++] = (struct named){ id, NULL, &policy->rules[i] };
	}
	qsort(names->list, names->count, sizeof(*names->list), compare);
}

static void forget(struct names *names)
{
	free(names->list);
	names->list = NULL;
	names->count = 0;
	desired_freep(&names->desired);
	names->desired = NULL;
}

static void read_all(struct names *names)
{
	_cleanup_(image_clear) struct image image = {};
	_cleanup_(counter_ids_freep) struct counter_ids *ids = NULL;
	struct desired_input how = { .config_path = names->input.config_path,
				     .sets_dir = names->input.sets_dir,
				     .running = &image };

	forget(names);
	if (running_read(names->input.kernel, SLOT_ACTIVE, &image, NULL) < 0)
		return;
	names->generation = image_header(&image)->generation;
	if (desired_from_image(&how, &names->desired, NULL) < 0 ||
	    counter_ids_read(names->input.kernel, &ids, NULL) < 0)
		return;
	list_all(names, ids);
}

void names_refresh(struct names *names)
{
	struct image_header header;

	if (kernel_read_header(names->input.kernel, SLOT_ACTIVE, &header, NULL) < 0)
		return;
	probe_neighbor(&header, names->neighbor);
	if (!names->desired || header.generation != names->generation)
		read_all(names);
}

int names_new(const struct watch_input *input, struct names **ret)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->input = *input;
	names_refresh(names);
	*ret = names;
	return 0;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	forget(names);
	free(names);
}

bool names_is_probe(const struct names *names, const struct event *event)
{
	return (event->hook == EVENT_XDP || event->hook == EVENT_TC) &&
	       !(event->flags & EVENT_L3) && event->captured >= 12 &&
	       memcmp(event->bytes + 6, names->neighbor, sizeof(names->neighbor)) == 0;
}

/* ---- whose it is --------------------------------------------------------------------------- */

static void put_container(const struct container *container, struct sighting *sighting)
{
	if (container->project && container->service)
		snprintf(sighting->owner, WATCH_TEXT, "%s/%s", container->project,
			 container->service);
	else
		snprintf(sighting->owner, WATCH_TEXT, "%s", container->name);
}

static const struct container *find_by_id(const struct inventory *inventory, const char *id)
{
	for (size_t i = 0; inventory && id && i < inventory->containers_count; i++)
		if (streq(inventory->containers[i].id, id))
			return &inventory->containers[i];
	return NULL;
}

/* By its own address. */
static const struct container *find_at(const struct inventory *inventory,
				       const struct prefix *daddr)
{
	for (size_t i = 0; inventory && i < inventory->containers_count; i++) {
		const struct container *container = &inventory->containers[i];

		for (size_t j = 0; j < container->endpoints_count; j++)
			if (prefix_equal(&container->endpoints[j].addr4, daddr) ||
			    prefix_equal(&container->endpoints[j].addr6, daddr))
				return container;
	}
	return NULL;
}

/* What the counter does not tell: who has the port. */
static const struct policy_port *find_port(const struct policy *policy,
					   const struct sighting *sighting)
{
	const struct policy_port *found = NULL;

	for (size_t i = 0; sighting->has_ports && i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		if (port->proto == sighting->proto && port->lo <= sighting->dport &&
		    sighting->dport <= port->hi && prefix_contains(&port->addr, &sighting->daddr) &&
		    (!found || port->addr.length > found->addr.length))
			found = port;
	}
	return found;
}

void names_find(const struct names *names, const struct event *event, struct sighting *sighting)
{
	const struct named *port = find(names, event->port_counter);
	const struct named *rule = find(names, event->rule_counter);
	const struct container *container;
	const struct policy_port *named;

	if (!names->desired)
		return;
	named = port && port->port ? port->port : find_port(names->desired->policy, sighting);
	container = find_at(names->desired->inventory, &sighting->daddr);
	if (!container && named)
		container = find_by_id(names->desired->inventory, named->container_id);
	if (container)
		put_container(container, sighting);
	else if (named && named->container)
		snprintf(sighting->owner, WATCH_TEXT, "%s", named->container);
	if (!rule || !rule->rule)
		return;
	snprintf(sighting->rule, WATCH_TEXT, "%s", rule->rule->text);
	sighting->line = rule->rule->line;
}

void names_put_container(const struct names *names, const char *id, struct sighting *sighting)
{
	const struct inventory *inventory = names->desired ? names->desired->inventory : NULL;
	const struct container *container = find_by_id(inventory, id);

	if (container)
		put_container(container, sighting);
	else
		snprintf(sighting->owner, WATCH_TEXT, "%.12s", id);
}
