/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reconcile_interfaces.c: which interfaces are guarded: attach to those that are wanted, let go
 * of the others, and note these for the gate.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

#include "image/image.h"
#include "host/netdev.h"
#include "image/snapshot.h"
#include "engine/reconcile_private.h"
#include "base/cleanup.h"
#include "base/clock.h"

static const struct statement *find_interfaces(const struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->statements[i].kind == STATEMENT_INTERFACE)
			return &config->statements[i];
	return NULL;
}

char *const *reconcile_names(const struct desired *desired, size_t *ret_count)
{
	const struct statement *statement = find_interfaces(desired->config);

	*ret_count = statement ? statement->interfaces_count : 0;
	return statement ? statement->interfaces : NULL;
}

static bool is_named(const char *name, char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (streq(name, names[i]))
			return true;
	return false;
}

struct wanted {
	const struct netdev_list *netdevs;
	char *const *names; /* none: auto */
	size_t count;
};

/* The names of the configuration, or others in their place. */
static struct wanted wanted_of(const struct desired *desired, char *const *names, size_t count)
{
	if (!count)
		names = reconcile_names(desired, &count);
	return (struct wanted){ .netdevs = desired->netdevs, .names = names, .count = count };
}

static bool is_wanted_by_name(const struct wanted *wanted, const struct netdev *device)
{
	return is_named(device->name, wanted->names, wanted->count);
}

/* A port of a bridge that is wanted by name, which is guarded in place of the bridge. */
static bool is_port_in_place(const struct wanted *wanted, const struct netdev *device)
{
	const struct netdev *bridge = netdev_find_index(wanted->netdevs, device->master);

	return device->master && bridge && netdev_is_bridge(bridge) &&
	       is_wanted_by_name(wanted, bridge) &&
	       (is_wanted_by_name(wanted, device) || netdev_is_outer_port(wanted->netdevs, device));
}

/*
 * Netfilter can translate what comes in by a bridge's ports before the bridge's own hooks see
 * it (br_netfilter, which Docker turns on), and what a VM behind it sends is not from outside.
 */
static bool is_guarded_by_ports(const struct wanted *wanted, const struct netdev *device)
{
	if (!netdev_is_bridge(device) || !is_wanted_by_name(wanted, device))
		return false;
	for (size_t i = 0; i < wanted->netdevs->devices_count; i++) {
		const struct netdev *port = &wanted->netdevs->devices[i];

		if (port->master == device->ifindex && is_port_in_place(wanted, port))
			return true;
	}
	return false;
}

static bool is_wanted(const struct wanted *wanted, const struct netdev *device)
{
	if (!wanted->count)
		return netdev_is_outside(wanted->netdevs, device);
	if (is_wanted_by_name(wanted, device))
		return !is_guarded_by_ports(wanted, device);
	return is_port_in_place(wanted, device);
}

bool reconcile_wants(const struct desired *desired, char *const *names, size_t names_count,
		     int ifindex)
{
	const struct netdev *device = netdev_find_index(desired->netdevs, ifindex);
	struct wanted wanted = wanted_of(desired, names, names_count);

	return device && is_wanted(&wanted, device);
}

static int __attribute__((format(printf, 2, 3))) add_note(struct reconcile_report *report,
							  const char *format, ...)
{
	_cleanup_free_ char *note = NULL;
	char *warnings = NULL;
	va_list args;
	int written;

	va_start(args, format);
	written = vasprintf(&note, format, args);
	va_end(args);
	if (written < 0 || asprintf(&warnings, "%s%s\n", report->warnings ?: "", note) < 0)
		return -ENOMEM;
	free(report->warnings);
	report->warnings = warnings;
	return 0;
}

/* In both ways a bridge's own hooks can be of no use for what Docker publishes. */
static int note_bridge(struct reconcile_report *report, const struct netdev *device)
{
	if (!netdev_is_bridge(device) || !netdev_is_translated_early(device->name))
		return 0;
	return add_note(report, RECONCILE_BRIDGE_PROBLEM, device->name);
}

static bool is_attached(const struct attachment *list, size_t count, int ifindex)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].ifindex == ifindex && list[i].is_attached)
			return true;
	return false;
}

struct attaching {
	const struct reconcile_input *input;
	const struct desired *desired;
	struct reconcile_report *report;
	struct attachment *there; /* before */
	size_t there_count;
	enum hook_kind wish; /* for what is new */
};

/* The hook that somebody asked for lasts as long as the filter. */
static enum hook_kind read_wish(struct kernel *kernel)
{
	struct state state;

	if (kernel_read_state(kernel, &state, NULL) < 0 || state.hook >= HOOK_MAX)
		return HOOK_NONE;
	return state.hook;
}

static int attach(const struct attaching *attaching, const struct netdev *device,
		  struct error *error)
{
	const struct reconcile_input *input = attaching->input;
	bool is_there = is_attached(attaching->there, attaching->there_count, device->ifindex);
	struct attach_request request = {
		.ifindex = device->ifindex,
		.is_ethernet = netdev_is_ethernet(device),
		.is_shared = netdev_is_shared(attaching->desired->netdevs, device),
		.hook = is_there || input->hook ? input->hook : attaching->wish,
	};
	_cleanup_free_ char *note = NULL;
	enum hook_kind hook;
	int err = kernel_attach(input->kernel, &request, &hook, &note, error);

	/* The wish was for another interface, where that hook is. */
	if (err < 0 && request.hook != input->hook) {
		request.hook = HOOK_NONE;
		err = kernel_attach(input->kernel, &request, &hook, &note, error);
	}
	if (err < 0)
		return err;
	attaching->report->guarded++;
	if (note)
		err = add_note(attaching->report, "%s: %s; using %s", device->name, note,
			       hook_name(hook));
	return err < 0 ? err : note_bridge(attaching->report, device);
}

static bool is_gone(const struct netdev *device)
{
	char name[IF_NAMESIZE];

	return !if_indextoname(device->ifindex, name);
}

/* One that refuses keeps no other from being guarded.  The first error is returned. */
static int attach_each(const struct attaching *attaching, struct error *error)
{
	const struct reconcile_input *input = attaching->input;
	const struct desired *desired = attaching->desired;
	int err, first_err = 0;

	for (size_t i = 0; i < desired->netdevs->devices_count; i++) {
		const struct netdev *device = &desired->netdevs->devices[i];

		if (!is_attached(attaching->there, attaching->there_count, device->ifindex) &&
		    !reconcile_wants(desired, input->interfaces, input->interfaces_count,
				     device->ifindex))
			continue;
		err = attach(attaching, device, first_err ? NULL : error);
		if (err == 0 || first_err || is_gone(device))
			continue;
		first_err = err;
		error_prefix(error, err, "'%s'", device->name);
	}
	return first_err;
}

/* Those that are attached already get the program of this build, wanted or not. */
static int attach_wanted(const struct reconcile_input *input, const struct desired *desired,
			 struct reconcile_report *report, struct error *error)
{
	_cleanup_free_ struct attachment *list = NULL;
	struct attaching attaching = { .input = input, .desired = desired, .report = report };
	int err = kernel_attachments(input->kernel, &list, &attaching.there_count, error);

	if (err < 0)
		return err;
	attaching.there = list;
	attaching.wish = read_wish(input->kernel);
	return attach_each(&attaching, error);
}

static bool is_statement_changed(const struct config *old, const struct config *new)
{
	const struct statement *a = find_interfaces(old), *b = find_interfaces(new);
	size_t count = a ? a->interfaces_count : 0;

	if (count != (b ? b->interfaces_count : 0))
		return true;
	for (size_t i = 0; i < count; i++)
		if (!streq(a->interfaces[i], b->interfaces[i]))
			return true;
	return false;
}

/* Whether the `interface` statement is another one than that of the policy that ran. */
static bool is_moved(const struct desired *desired, const struct image *running)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *text = NULL;

	if (!running->bytes || snapshot_unpack(running, &text, NULL) < 0 ||
	    config_parse(text, strlen(text), clock_s(CLOCK_REALTIME), &config, NULL) < 0)
		return false;
	return is_statement_changed(config, desired->config);
}

static bool are_all_there(const struct desired *desired)
{
	size_t count;
	char *const *names = reconcile_names(desired, &count);

	for (size_t i = 0; i < count; i++)
		if (!netdev_find(desired->netdevs, names[i]))
			return false;
	return true;
}

/* A bridge that was guarded itself while it had no port that leads outside. */
static bool is_replaced(const struct reconcile_input *input, const struct desired *desired,
			int ifindex)
{
	const struct netdev *device = netdev_find_index(desired->netdevs, ifindex);
	struct wanted wanted = wanted_of(desired, input->interfaces, input->interfaces_count);

	return device && is_guarded_by_ports(&wanted, device);
}

/* Those of vanished interfaces go always. */
static int detach_others(const struct reconcile_input *input, const struct desired *desired,
			 const struct image *running, struct error *error)
{
	bool is_exact =
		!input->interfaces_count && is_moved(desired, running) && are_all_there(desired);
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(input->kernel, &list, &count, error);

	for (size_t i = 0; err == 0 && i < count; i++) {
		if (list[i].is_attached && !is_replaced(input, desired, list[i].ifindex) &&
		    (!is_exact || reconcile_wants(desired, NULL, 0, list[i].ifindex)))
			continue;
		err = kernel_detach(input->kernel, &list[i], error);
	}
	return err;
}

static bool is_upper(const struct netdev_list *netdevs, const struct netdev *device,
		     const struct attachment *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].is_attached && netdev_is_upper(netdevs, device, list[i].ifindex))
			return true;
	return false;
}

static bool is_any_attached(const struct attachment *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].is_attached)
			return true;
	return false;
}

bool reconcile_has_outside(const struct reconcile_input *input, const struct desired *desired)
{
	_cleanup_free_ struct attachment *list = NULL;
	const struct netdev_list *netdevs = desired->netdevs;
	size_t count = 0;

	for (size_t i = 0; i < netdevs->devices_count; i++)
		if (reconcile_wants(desired, input->interfaces, input->interfaces_count,
				    netdevs->devices[i].ifindex))
			return true;
	return input->kernel && kernel_attachments(input->kernel, &list, &count, NULL) == 0 &&
	       is_any_attached(list, count);
}

/* Of a veth that gets its default route in a moment we would say that nobody wants it guarded. */
static bool may_be_wanted(const struct desired *desired, const struct netdev *device,
			  const struct attachment *list, size_t count)
{
	size_t names_count;

	(void)reconcile_names(desired, &names_count);
	return !names_count && !is_any_attached(list, count) && netdev_may_be_outside(device);
}

/*
 * Whether a bridge that Docker did not tell of is none of its: where an Engine has been and does
 * not answer now, nobody knows.
 */
static bool can_tell(const struct desired *desired)
{
	return desired->docker_source == DOCKER_FRESH || desired->docker_source == DOCKER_OFF ||
	       (desired->docker_source == DOCKER_UNKNOWN && desired->is_docker_absent);
}

/*
 * Docker makes the bridge a moment before it tells of the network, and the daemon is woken by the
 * bridge: it asks again.  What a person asks for is done at once.
 */
static __u32 settled_s(const struct reconcile_input *input, const struct desired *desired)
{
	__u32 began_s = desired->began_ns / 1000000000ull;

	if (!can_tell(desired))
		return 0;
	if (!input->is_unattended)
		return UINT32_MAX;
	return began_s > RECONCILE_AGAIN_SECONDS ? began_s + 1 - RECONCILE_AGAIN_SECONDS : 0;
}

static __u32 flags_of(const struct netdev_list *netdevs, const struct netdev *device,
		      const struct attachment *list, size_t count)
{
	if (is_upper(netdevs, device, list, count))
		return INTERFACE_UPPER;
	return streq(device->kind, "bridge") ? INTERFACE_INSIDE | INTERFACE_NEW : INTERFACE_INSIDE;
}

/*
 * The gate takes what nobody noted for the outside.  What is down, or somebody's port or member,
 * is left like that: it may yet be renamed, or let go, and come up as an interface that is to be
 * guarded before we have heard of it.
 */
static int note_others(const struct reconcile_input *input, const struct desired *desired,
		       struct reconcile_report *report, struct error *error)
{
	_cleanup_free_ struct other_interface *others = NULL;
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0, others_count = 0;
	int err = kernel_attachments(input->kernel, &list, &count, error);

	for (size_t i = 0; err == 0 && i < desired->netdevs->devices_count; i++) {
		const struct netdev *device = &desired->netdevs->devices[i];
		struct other_interface *other;

		if (is_attached(list, count, device->ifindex) ||
		    !netdev_receives(desired->netdevs, device) ||
		    may_be_wanted(desired, device, list, count))
			continue;
		other = util_append(&others, others_count, sizeof(*other));
		if (!other)
			return -ENOMEM;
		other->ifindex = device->ifindex;
		other->flags = flags_of(desired->netdevs, device, list, count);
		others_count++;
	}
	if (err == 0)
		err = kernel_note_others(input->kernel, others, others_count,
					 settled_s(input, desired), error);
	report->is_too_early = err > 0 && can_tell(desired);
	return err < 0 ? err : 0;
}

/* No frame from outside is received at the host's ends of containers' links, of which there are
 * many. */
static int note_macs(const struct reconcile_input *input, const struct desired *desired,
		     struct error *error)
{
	const struct netdev_list *netdevs = desired->netdevs;
	_cleanup_free_ struct mac_key *macs = calloc(netdevs->devices_count + 1, sizeof(*macs));
	size_t count = 0;

	if (!macs)
		return -ENOMEM;
	for (size_t i = 0; i < netdevs->devices_count; i++) {
		const struct netdev *device = &netdevs->devices[i];

		if (!device->master || !streq(device->kind, "veth"))
			memcpy(macs[count++].addr, device->mac, sizeof(device->mac));
	}
	return kernel_note_macs(input->kernel, macs, count, error);
}

int reconcile_interfaces(const struct reconcile_input *input, const struct desired *desired,
			 const struct image *running, struct reconcile_report *report,
			 struct error *error)
{
	int err;

	if (input->guard == GUARD_NONE || input->is_dry_run)
		return 0;
	err = note_macs(input, desired, error);
	if (err == 0)
		err = attach_wanted(input, desired, report, error);
	if (err == 0)
		err = detach_others(input, desired, running, error);
	if (err == 0)
		err = note_others(input, desired, report, error);
	else
		(void)note_others(input, desired, report, NULL);
	kernel_tend_defenses(input->kernel);
	return err;
}
