/* SPDX-License-Identifier: GPL-2.0-only */
/* read.c: gathers what audit_judge() reads: from Docker, /proc, the kernel and the other firewall.
 */
#include <errno.h>
#include <time.h>

#include "audit/audit.h"
#include "audit/firewall.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/order.h"
#include "docker/docker.h"
#include "docker/inventory.h"
#include "engine/desired.h"
#include "engine/reconcile.h"
#include "engine/running.h"
#include "host/netdev.h"
#include "host/processes.h"
#include "image/image.h"
#include "kernel/kernel.h"
#include "policy/policy.h"

struct gathered {
	struct netdev_list *netdevs;
	struct inventory *inventory;
	struct listener *listeners;
	struct socket_holder *holders;
	struct firewall firewall;
	struct desired *desired; /* what enforces; NULL = nothing does */
	struct attachment *attachments;
	size_t attachments_count;
};

static void gathered_clear(struct gathered *gathered)
{
	netdev_list_free(gathered->netdevs);
	inventory_free(gathered->inventory);
	free(gathered->listeners);
	free(gathered->holders);
	firewall_clear(&gathered->firewall);
	desired_free(gathered->desired);
	free(gathered->attachments);
}

static int read_docker(const struct audit_source *source, struct gathered *gathered,
		       struct audit_input *input, struct audit_result *audit, struct error *error)
{
	int err;

	if (!source->docker)
		return 0;
	err = docker_read(source->docker, &gathered->inventory);
	if (!err)
		err = docker_read_facts(source->docker, &audit->facts, &audit->facts_count,
					&input->api_minor);
	if (err)
		return error_set(error, err, "%s", docker_error(source->docker));
	input->inventory = gathered->inventory;
	input->facts = audit->facts;
	input->facts_count = audit->facts_count;
	return 0;
}

static int compare_holder(const void *a_, const void *b_)
{
	const struct socket_holder *a = a_, *b = b_;

	return order_numbers(a->inode, b->inode);
}

/* A socket on :: is two listeners; its inode is asked for once.  How many there are. */
static size_t fill_holders(const struct listener *listeners, size_t count,
			   struct socket_holder *holders)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		holders[i].inode = listeners[i].inode;
	if (count)
		qsort(holders, count, sizeof(*holders), compare_holder);
	for (size_t i = 0; i < count; i++)
		if (!kept || holders[kept - 1].inode != holders[i].inode)
			holders[kept++] = holders[i];
	return kept;
}

static int read_listeners(struct gathered *gathered, struct audit_input *input, struct error *error)
{
	size_t count = 0;
	int err = netdev_read_listeners(&gathered->listeners, &count);

	if (err)
		return error_set_errno(error, err, "cannot read the listening sockets");
	gathered->holders = calloc(count + 1, sizeof(*gathered->holders));
	if (!gathered->holders)
		return error_complete(error, -ENOMEM);
	input->listeners = gathered->listeners;
	input->listeners_count = count;
	input->holders = gathered->holders;
	input->holders_count = fill_holders(gathered->listeners, count, gathered->holders);
	err = processes_find(gathered->holders, input->holders_count);
	if (err)
		return error_set_errno(error, err, "cannot tell whose the listening sockets are");
	return 0;
}

static bool is_attached(const struct gathered *gathered)
{
	for (size_t i = 0; i < gathered->attachments_count; i++)
		if (gathered->attachments[i].is_attached)
			return true;
	return false;
}

/* The policy that the image in the kernel was made from, if that image decides anything. */
static int read_policy(const struct audit_source *source, struct gathered *gathered,
		       struct audit_input *input, struct audit_result *audit, struct error *error)
{
	_cleanup_(image_clear) struct image image = {};
	struct desired_input how = { .config_path = source->config_path,
				     .sets_dir = source->sets_dir };
	int err;

	if (!source->kernel)
		return 0;
	err = kernel_attachments(source->kernel, &gathered->attachments,
				 &gathered->attachments_count, error);
	if (!err && is_attached(gathered))
		err = running_read(source->kernel, SLOT_ACTIVE, &image, error);
	if (err || !image.bytes)
		return err == -ENOENT ? 0 : err;
	audit->is_dry = image_header(&image)->flags & IMAGE_AUDIT;
	if (audit->is_dry)
		return 0;
	how.running = &image;
	err = desired_from_image(&how, &gathered->desired, error);
	if (!err)
		input->policy = gathered->desired->policy;
	input->attachments = gathered->attachments;
	input->attachments_count = gathered->attachments_count;
	return err;
}

/* The interfaces that `up` would attach to count as attached. */
static int attach(const struct desired *desired, struct gathered *gathered)
{
	for (size_t i = 0; i < desired->netdevs->devices_count; i++) {
		const struct netdev *device = &desired->netdevs->devices[i];
		struct attachment *added;

		if (!reconcile_wants(desired, NULL, 0, device->ifindex))
			continue;
		added = util_append(&gathered->attachments, gathered->attachments_count,
				    sizeof(*added));
		if (!added)
			return -ENOMEM;
		gathered->attachments_count++;
		added->ifindex = device->ifindex;
		added->is_attached = true;
	}
	return 0;
}

/* The policy that a configuration and Docker come to now. */
static int make_policy(const struct audit_source *source, struct gathered *gathered,
		       struct audit_input *input, struct audit_result *audit, struct error *error)
{
	struct desired_input how = { .config_path = source->config_path,
				     .sets_dir = source->sets_dir,
				     .text = source->would,
				     .docker = source->docker,
				     .is_docker_off = !source->docker,
				     .kernel = source->kernel };
	int err = desired_read(&how, &gathered->desired, error);

	if (!err)
		err = attach(gathered->desired, gathered);
	if (!err)
		err = audit_find_cuts(gathered->desired->policy, audit);
	if (err)
		return err;
	audit->is_would = true;
	input->policy = gathered->desired->policy;
	input->attachments = gathered->attachments;
	input->attachments_count = gathered->attachments_count;
	return 0;
}

static void note_circumstances(struct audit_result *audit)
{
	time_t now = clock_s(CLOCK_REALTIME);
	struct tm parts;

	if (gmtime_r(&now, &parts))
		strftime(audit->time, sizeof(audit->time), "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (gethostname(audit->host, sizeof(audit->host) - 1) < 0)
		audit->host[0] = '\0';
}

int audit_read(const struct audit_source *source, struct audit_result *ret, struct error *error)
{
	_cleanup_(gathered_clear) struct gathered gathered = {};
	_cleanup_(audit_clear) struct audit_result audit = {};
	struct audit_input input = { .from = source->from, .firewall = &gathered.firewall };
	int err = netdev_read(&gathered.netdevs);

	if (err)
		return error_set_errno(error, err, "cannot read the interfaces and addresses");
	input.netdevs = gathered.netdevs;
	err = read_docker(source, &gathered, &input, &audit, error)
	      ?: read_listeners(&gathered, &input, error)
	      ?: (source->would ? make_policy : read_policy)(source, &gathered, &input, &audit,
							     error)
	      ?: firewall_read(&gathered.firewall) ?: audit_judge(&input, &audit);
	if (err)
		return error_complete(error, err);
	note_circumstances(&audit);
	*ret = audit;
	audit = (struct audit_result){};
	return 0;
}
