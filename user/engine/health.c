/* SPDX-License-Identifier: GPL-2.0-only */
/* health.c: see health.h. */
#include "engine/health.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>

#include "base/lock.h"
#include "host/netdev.h"
#include "policy/policy.h"
#include "engine/trial.h"
#include "base/cleanup.h"

/* The interface is a port of a bridge, or one itself. */
static int describe_bridge(struct health *health, struct health_interface *interface, int ifindex)
{
	const struct desired *desired = health->report.desired;
	const struct netdev *device = desired ? netdev_find_index(desired->netdevs, ifindex) : NULL;
	const struct netdev *master =
		device ? netdev_find_index(desired->netdevs, device->master) : NULL;

	if (master && netdev_is_bridge(master)) {
		interface->bridge = strdup(master->name);
		return interface->bridge ? 0 : -ENOMEM;
	}
	if (device && netdev_is_bridge(device) && netdev_is_translated_early(device->name))
		return problems_add(&health->problems, RECONCILE_BRIDGE_PROBLEM, device->name);
	return 0;
}

static int add_interface(struct health *health, const struct attachment *attachment)
{
	struct health_interface *interface =
		util_append(&health->interfaces, health->interfaces_count, sizeof(*interface));
	char name[IF_NAMESIZE];

	if (!interface)
		return -ENOMEM;
	interface->name = strdup(if_indextoname(attachment->ifindex, name) ?: "(gone)");
	interface->hook = attachment->hook;
	interface->is_attached = attachment->is_attached;
	if (!interface->name)
		return -ENOMEM;
	health->interfaces_count++;
	return describe_bridge(health, interface, attachment->ifindex);
}

static bool is_guarded(const struct attachment *list, size_t count, int ifindex)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].ifindex == ifindex && list[i].is_attached)
			return true;
	return false;
}

/* What comes in by it is filtered below, or by the ports. */
static bool is_filtered(const struct netdev_list *netdevs, const struct netdev *device,
			const struct attachment *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct netdev *guarded = netdev_find_index(netdevs, list[i].ifindex);

		if (guarded && list[i].is_attached &&
		    (guarded == device || guarded->master == device->ifindex ||
		     netdev_is_upper(netdevs, device, guarded->ifindex) ||
		     netdev_is_upper(netdevs, device, guarded->master)))
			return true;
	}
	return false;
}

int health_list_unguarded(const struct netdev_list *netdevs, const struct attachment *list,
			  size_t count, struct netdev **ret, size_t *ret_count)
{
	for (size_t i = 0; i < netdevs->devices_count; i++) {
		const struct netdev *device = &netdevs->devices[i];
		struct netdev *added;

		if (device->ifindex == INTERFACE_LOOPBACK || netdev_is_docker_bridge(device) ||
		    !netdev_receives(netdevs, device) || is_filtered(netdevs, device, list, count))
			continue;
		added = util_append(ret, *ret_count, sizeof(*added));
		if (!added)
			return -ENOMEM;
		*added = *device;
		++*ret_count;
	}
	return 0;
}

/* Every interface that is wanted must have the filter. */
static int check_interfaces(struct kernel *kernel, struct health *health)
{
	_cleanup_free_ struct attachment *list = NULL;
	const struct desired *desired = health->report.desired;
	size_t count = 0, attached = 0, names_count = 0;
	char *const *names = desired ? reconcile_names(desired, &names_count) : NULL;
	int err = kernel_attachments(kernel, &list, &count, NULL);

	for (size_t i = 0; err == 0 && i < count; i++) {
		attached += list[i].is_attached;
		err = add_interface(health, &list[i]);
		if (err == 0 && list[i].is_attached &&
		    !kernel_is_of_these_maps(kernel, list[i].program_id))
			err = problems_add(&health->problems,
					   "the filter on '%s' does not use the pinned maps: "
					   "`tidegate up` replaces it",
					   health->interfaces[health->interfaces_count - 1].name);
	}
	for (size_t i = 0; err == 0 && desired && i < desired->netdevs->devices_count; i++) {
		const struct netdev *device = &desired->netdevs->devices[i];

		if (reconcile_wants(desired, NULL, 0, device->ifindex) &&
		    !is_guarded(list, count, device->ifindex))
			err = problems_add(
				&health->problems,
				"'%s' is not guarded: `tidegate reload` attaches the filter",
				device->name);
	}
	for (size_t i = 0; err == 0 && desired && i < names_count; i++)
		if (!netdev_find(desired->netdevs, names[i]))
			err = problems_add(&health->problems,
					   "interface '%s' of the configuration does not exist",
					   names[i]);
	if (err == 0 && desired)
		err = health_list_unguarded(desired->netdevs, list, count, &health->unguarded,
					    &health->unguarded_count);
	if (err == 0 && !attached)
		err = problems_add(&health->problems,
				   "the filter is attached to no interface: name the one "
				   "that leads outside (`interface NAME`)");
	return err;
}

static int check_defense(struct health *health, enum defense i)
{
	const struct defense_state *defense = &health->defenses[i];

	if (defense->is_left_out)
		return problems_add(
			&health->problems,
			"the defense '%s' was left out, because TIDEGATE_WITHOUT was in "
			"the environment: `tidegate up` without it brings it back",
			defense_name(i));
	if (!defense->is_attached && !defense->why_not[0])
		return problems_add(&health->problems,
				    "the defense '%s' was removed: `tidegate up` restores it",
				    defense_name(i));
	return 0;
}

/* What this kernel cannot do is weaker, and said; what it did and does no more is a fault. */
static int check_defenses(struct kernel *kernel, struct health *health)
{
	int err = kernel_read_defenses(kernel, health->defenses, NULL);

	for (enum defense i = 0; err == 0 && i < DEFENSE_MAX; i++)
		err = check_defense(health, i);
	health->is_arming = health->is_daemon_running && !health->daemon_silent_ms &&
			    health->report.desired &&
			    health->report.desired->docker_source == DOCKER_FRESH;
	return err;
}

/* Docker binds few ports at single addresses; these are many, or nobody has asked it for long. */
static int check_bound(struct kernel *kernel, struct health *health)
{
	_cleanup_free_ struct bound_port *ports = NULL;
	size_t count = 0, widened = 0;
	int err = kernel_read_bound(kernel, &ports, &count, NULL);

	for (size_t i = 0; err == 0 && i < count; i++)
		widened += ports[i].value.flags & BOUND_WIDENED;
	if (!widened)
		return err;
	return problems_add(&health->problems,
			    "no room for more ports that Docker binds at one address (the limit is "
			    "%d), so %zu are closed at every address: `tidegate reload` makes room",
			    LIMIT_BOUND, widened);
}

/* The daemon says the same. */
static int add_refusal(struct health *health, const char *path)
{
	const char *why = health->report.refused_why;

	if (!why[0])
		return problems_add(&health->problems,
				    "'%s' was on trial, was not confirmed and was rolled back; the "
				    "last confirmed policy is active",
				    path);
	return problems_add(&health->problems,
			    "'%s' was not applied when it was saved, because %s; the previous "
			    "policy stays active: `tidegate reload --confirm 120s` tries the file",
			    path, why);
}

/* Not applied yet, or the daemon could not, and has said why. */
static int add_change(struct health *health, struct kernel *kernel)
{
	struct state state;

	if (kernel_read_state(kernel, &state, NULL) == 0 && state.config_error[0])
		return problems_add(&health->problems,
				    "the active policy is out of date and cannot be replaced: %s",
				    state.config_error);
	return problems_add(&health->problems,
			    "the active policy is out of date with the configuration or "
			    "Docker: `tidegate reload` renews it");
}

static int check_policy(const struct health_input *input, struct health *health)
{
	struct reconcile_input dry = {
		.config_path = input->config_path,
		.sets_dir = input->sets_dir,
		.text = input->text,
		.kernel = input->kernel,
		.docker = input->docker,
		.is_docker_off = input->is_docker_off,
		.is_dry_run = true,
	};
	struct error error = {};
	const struct desired *desired;
	int err = reconcile(&dry, &health->report, &error);

	if (err < 0)
		return problems_add(&health->problems, "%s; the previous policy stays active",
				    ERROR(&error));
	desired = health->report.desired;
	health->is_behind = health->is_daemon_running && health->report.is_changed;
	if (input->kernel && !health->report.is_changed)
		err = desired_check_kept(health->report.desired, input->sets_dir);
	for (size_t i = 0; i < desired->problems.count && err == 0; i++)
		err = problems_add(&health->problems, "%s", desired->problems.texts[i]);
	if (err == 0 && health->report.is_refused)
		err = add_refusal(health, input->config_path);
	if (desired->docker_source == DOCKER_REMEMBERED || desired->docker_source == DOCKER_UNKNOWN)
		err = problems_add(
			&health->problems, "%s; %s",
			desired->docker_error[0] ? desired->docker_error : "Docker was not asked",
			desired->docker_source == DOCKER_UNKNOWN
				? "only ports that rules name are guarded"
				: "the ports it had published when it last answered are guarded");
	if (err == 0 && input->kernel && health->report.is_changed)
		err = add_change(health, input->kernel);
	return err;
}

/* An interface that is new, or that somebody else attached to, lacks the daemon's program until its
 * next round. */
static int check_interfaces_now(struct kernel *kernel, struct health *health)
{
	size_t before = health->problems.count;
	int err = check_interfaces(kernel, health);

	health->is_behind |= health->is_daemon_running && health->problems.count > before;
	return err;
}

static int check(const struct health_input *input, struct health *health)
{
	int err = check_policy(input, health);

	if (err < 0 || !input->kernel)
		return err;
	if (kernel_read_state(input->kernel, &health->state, NULL) < 0 ||
	    kernel_read_header(input->kernel, SLOT_ACTIVE, &health->header, NULL) < 0)
		err = problems_add(&health->problems,
				   "there is no policy in the kernel: `tidegate up` loads one");
	health->is_audit = health->header.flags & IMAGE_AUDIT;
	health->trial_seconds_left = trial_seconds_left(&health->header);
	if (err == 0 && health->state.is_followed && !health->is_daemon_running)
		err = problems_add(&health->problems,
				   "`tidegate run` has died: changes in Docker are not followed");
	if (err == 0 && health->daemon_silent_ms)
		err = problems_add(
			&health->problems,
			"`tidegate run` hangs, it has done nothing for %lld s: changes in "
			"Docker are not followed",
			health->daemon_silent_ms / 1000);
	if (err == 0 && health->is_audit)
		err = problems_add(&health->problems, "audit mode: nothing is dropped");
	if (err == 0)
		err = check_defenses(input->kernel, health);
	if (err == 0)
		err = check_bound(input->kernel, health);
	if (err == 0)
		err = check_interfaces_now(input->kernel, health);
	return err < 0 || !health->header.generation ? err : health_prove(input->kernel, health);
}

int health_read(const struct health_input *input, struct health *ret)
{
	_cleanup_(health_clear) struct health health = {};
	int err = 0;

	health.is_loaded = input->kernel != NULL;
	health.is_unreadable = input->unreadable != NULL;
	health.is_daemon_running = lock_is_daemon_running(input->pin_dir);
	if (health.is_daemon_running && lock_beaten_ms(input->pin_dir) > LOCK_HANGS_MS)
		health.daemon_silent_ms = lock_beaten_ms(input->pin_dir);
	if (input->unreadable)
		err = problems_add(&health.problems, "%s", input->unreadable);
	else if (!input->kernel)
		err = problems_add(
			&health.problems,
			"the filter is not up, nothing is guarded: `tidegate up` starts it");
	if (err == 0)
		err = check(input, &health);
	if (err < 0)
		return err;
	*ret = health;
	memset(&health, 0, sizeof(health));
	return 0;
}

void health_clear(struct health *health)
{
	for (size_t i = 0; i < health->interfaces_count; i++)
		free(health->interfaces[i].name);
	for (size_t i = 0; i < health->interfaces_count; i++)
		free(health->interfaces[i].bridge);
	free(health->interfaces);
	free(health->unguarded);
	problems_clear(&health->problems);
	problems_clear(&health->notes);
	reconcile_clear(&health->report);
	memset(health, 0, sizeof(*health));
}
