/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_status.c: is it enforcing, and what happens at each published port. */
#include <errno.h>
#include <time.h>

#include "map_values.h"
#include "reason.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "cli/status.h"
#include "host/netdev.h"
#include "base/cleanup.h"

static void leads_to(const struct policy_port *port, char *buf, size_t size)
{
	if (port->origin == PORT_NAMED)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%s:%u%s", port->container ?: "?", port->container_port,
			 port->is_armed ? " (not running)" : "");
}

/* The kernel takes a packet for any of its addresses by any interface. */
static void print_address_note(const struct status *status)
{
	const struct health *health = status->health;

	if (health->interfaces_count + health->unguarded_count < 2)
		return;
	for (size_t i = 0; i < status->view.count; i++) {
		const struct policy_port *port = status->view.rows[i].port;

		if (!port->addr.length || port->origin == PORT_DIRECT ||
		    (port->addr.family == 4 && port->addr.addr[0] == 127))
			continue;
		puts("ADDRESS is the destination of a packet, which may arrive on any interface");
		return;
	}
}

static void print_rows(const struct view *view)
{
	static const char *const heading[] = { "PORT",          "ADDRESS", "LEADS TO",
					       "WHO MAY ENTER", "PASSED",  "DROPPED" };
	_cleanup_(table_clear) struct table table = { .columns = 6, .wrapped = 3, .right = 0x30 };

	if (!view->count) {
		puts("no guarded ports");
		return;
	}
	(void)table_add(&table, heading);
	for (size_t i = 0; i < view->count; i++) {
		char port[48], address[PREFIX_STRLEN], target[160], passed[24], dropped[24];
		const struct view_row *row = &view->rows[i];
		const char *columns[] = { port,   view_address_text(row, address),
					  target, row->who ?: "",
					  passed, dropped };

		view_port_text(row, port, sizeof(port));
		leads_to(row->port, target, sizeof(target));
		snprintf(passed, sizeof(passed), "%llu", row->passed.packets);
		snprintf(dropped, sizeof(dropped), "%llu", row->dropped.packets);
		(void)table_add(&table, columns);
	}
	table_print(&table, stdout);
}

/* What keeps ports closed until the policy knows them, and what is weaker where it is not. */
static void print_defenses(const struct health *health)
{
	const char *separator = "  defenses   ";

	for (enum defense i = 0; i < DEFENSE_MAX; i++) {
		if (!health->defenses[i].is_attached)
			continue;
		printf("%s%s", separator, defense_name(i));
		separator = ", ";
	}
	if (health->is_arming) {
		printf("%sarming at create", separator);
		separator = ", ";
	}
	if (separator[0] == ',')
		putchar('\n');
	for (enum defense i = 0; i < DEFENSE_MAX; i++)
		if (!health->defenses[i].is_attached)
			printf("  missing    %s (%s): %s\n", defense_name(i),
			       health->defenses[i].why_not[0] ? health->defenses[i].why_not
							      : "it was removed",
			       defense_without(i));
}

/* What each of them may have been meant to be, `list` says. */
static void print_useless(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rules_count; i++)
		count += !policy->rules[i].is_everywhere && !policy->rules[i].ports_count;
	if (count)
		printf("  rules      %zu of %zu ha%s no effect now: `tidegate list` says why\n",
		       count, policy_count_rules(policy), count == 1 ? "s" : "ve");
}

#define AGE_STRLEN 24

/* In the unit that tells enough of it. */
static const char *age_text(time_t seconds, char buf[static AGE_STRLEN])
{
	static const struct {
		const char *name;
		time_t seconds;
	} units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 } };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (seconds < 2 * units[i].seconds)
			continue;
		snprintf(buf, AGE_STRLEN, "%lld %s", (long long)(seconds / units[i].seconds),
			 units[i].name);
		return buf;
	}
	snprintf(buf, AGE_STRLEN, "%lld s", (long long)(seconds > 0 ? seconds : 0));
	return buf;
}

/* Of those in files: what they hold, and how old it is. */
static void print_sets(const struct desired *desired)
{
	char age[AGE_STRLEN];

	for (size_t i = 0; i < desired->sets_count; i++) {
		const struct set_file *file = &desired->set_files[i];
		size_t count = desired->sets[i].count;

		printf("  set        %s: ", file->name);
		if (file->is_unknown) {
			printf("not known, nothing was ever read from %s\n", file->path);
			continue;
		}
		printf("%zu prefix%s", count, count == 1 ? "" : "es");
		if (file->modified)
			printf(", %s old", age_text(clock_s(CLOCK_REALTIME) - file->modified, age));
		printf(", %s%s\n", file->is_fresh ? "" : "the previous content of ", file->path);
	}
}

static void print_head(const struct status *status)
{
	const struct health *health = status->health;
	const struct desired *desired = health->report.desired;

	printf("tidegate: %s\n", health->is_unreadable    ? "DEGRADED"
				 : !health->is_loaded     ? "DOWN"
				 : health->is_audit       ? "AUDIT (nothing is dropped)"
				 : health->problems.count ? "DEGRADED"
							  : "enforcing");
	for (size_t i = 0; i < health->problems.count; i++)
		printf("  problem    %s\n", health->problems.texts[i]);
	for (size_t i = 0; i < health->notes.count; i++)
		printf("  note       %s\n", health->notes.texts[i]);
	if (health->trial_seconds_left)
		printf("  on trial   %u s left: `tidegate confirm` keeps the policy\n",
		       health->trial_seconds_left);
	for (size_t i = 0; i < health->interfaces_count; i++)
		printf("  interface  %s: %s%s%s%s\n", health->interfaces[i].name,
		       hook_name(health->interfaces[i].hook),
		       health->interfaces[i].bridge ? ", port of " : "",
		       health->interfaces[i].bridge ?: "",
		       health->interfaces[i].is_attached ? "" : ", NOT ATTACHED");
	for (size_t i = 0; i < health->unguarded_count; i++)
		printf("%s%s (%s)%s", i ? ", " : "  unguarded  ", health->unguarded[i].name,
		       netdev_kind_text(&health->unguarded[i]),
		       i + 1 == health->unguarded_count ? "\n" : "");
	if (health->is_loaded)
		print_defenses(health);
	if (health->proof.packets)
		printf("  proof      %zu packets shown to the filter: %zu dropped, %zu passed%s\n",
		       health->proof.packets, health->proof.dropped,
		       health->proof.packets - health->proof.dropped,
		       health->problems.count ? "" : ", as the policy says");
	if (desired)
		printf("  docker     %s\n", view_docker_word(status->health->report.desired));
	if (desired) {
		print_useless(desired->policy);
		print_sets(desired);
	}
	printf("  daemon     %s\n",
	       !health->is_daemon_running ? "not running: later changes in Docker are not followed"
	       : health->daemon_silent_ms ? "hangs: later changes in Docker are not followed"
					  : "running");
	printf("  config     %s\n", status->options->config);
}

static void print_reasons(const struct counters *totals)
{
	for (int drop = 0; drop <= 1; drop++) {
		const char *separator = "";

		printf("%s", drop ? "\ndropped: " : "passed:  ");
		for (enum reason reason = 1; reason < REASON_MAX; reason++) {
			if (reason_is_drop(reason) != drop || !totals->of[reason].packets)
				continue;
			printf("%s%s %llu", separator, reason_name(reason),
			       totals->of[reason].packets);
			separator = ", ";
		}
	}
	putchar('\n');
}

/* ---- the verb -------------------------------------------------------------------------- */

static void print_text(const struct status *status)
{
	print_head(status);
	if (status->totals)
		print_reasons(status->totals);
	putchar('\n');
	print_rows(&status->view);
	print_address_note(status);
}

static int show(const struct options *options, struct kernel *kernel, const struct health *health)
{
	const struct desired *desired = health->report.desired;
	_cleanup_(cmd_counted_clear) struct counted counted = {};
	struct status status = { .options = options, .health = health };
	int err = cmd_read_counted(kernel, &counted);

	if (err == 0)
		err = view_make(&counted, desired ? desired->policy : NULL, &status.view);
	if (err < 0)
		return err;
	status.totals = counted.totals;
	if (options->json)
		status_print_json(&status);
	else
		print_text(&status);
	view_clear(&status.view);
	return 0;
}

/* docker_ms: see status_read(). */
static int read_once(const struct options *options, const struct health_input *how, int docker_ms,
		     struct health *health)
{
	_cleanup_(docker_freep) struct docker *docker = NULL;
	_cleanup_free_ char *text = NULL;
	struct health_input input = *how;
	int err = cmd_read_config(options, input.kernel, &text);

	if (err == 0)
		err = cmd_open_docker(options, text, &docker, &input.is_docker_off);
	if (err < 0)
		return err;
	if (docker && docker_ms)
		docker_limit(docker, docker_ms);
	input.docker = docker;
	input.text = text;
	err = health_read(&input, health);
	return err < 0 ? log_error(err, "cannot determine the status") : 0;
}

/* The daemon takes its time for a change; with a slow Engine, more than this. */
#define CATCH_UP_TIMES 15
#define CATCH_UP_NS    200000000

/* What is not applied yet may have changed a moment ago, which is no reason to raise an alarm. */
static int read_health(const struct options *options, const struct health_input *input,
		       struct health *health)
{
	const struct timespec moment = { .tv_nsec = CATCH_UP_NS };
	int err = read_once(options, input, 0, health);

	for (int i = 0; err == 0 && health->is_behind && i < CATCH_UP_TIMES; i++) {
		nanosleep(&moment, NULL);
		health_clear(health);
		err = read_once(options, input, 0, health);
	}
	return err;
}

static int open_kernel(const struct options *options, struct kernel **ret,
		       struct health_input *input)
{
	static char unreadable[ERROR_STRLEN];
	struct error error = {};
	int err = kernel_open(options->pin_dir, ret, &error);

	if (err < 0 && err != -ENOENT && err != -EPROTO)
		return log_failure(err, &error);
	*input = (struct health_input){ .pin_dir = options->pin_dir,
					.config_path = options->config,
					.sets_dir = SETS_DIR,
					.kernel = *ret };
	if (err == -EPROTO)
		input->unreadable = error_format(&error, unreadable);
	else if (err == -ENOENT && kernel_has_strays(options->pin_dir))
		input->unreadable =
			"the filter is attached and enforcing, but its pins are missing, removed "
			"or hidden by a mount: `tidegate up` restores them";
	return 0;
}

int status_read(const struct options *options, int docker_ms, struct kernel **ret_kernel,
		struct health *ret)
{
	struct health_input input;
	int err = open_kernel(options, ret_kernel, &input);

	return err < 0 ? err : read_once(options, &input, docker_ms, ret);
}

int cmd_status(const struct options *options, int argc, char **argv)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(health_clear) struct health health = {};
	struct health_input input;
	int err;

	if (argc == 2 && streq(argv[1], "numbered"))
		return cmd_list(options, 1, argv);
	if (argc > 1)
		return cmd_usage(argv[0], "'%s': the only argument is `numbered`", argv[1]);
	if (open_kernel(options, &kernel, &input) < 0 || read_health(options, &input, &health) < 0)
		return CMD_FAILED;
	err = show(options, kernel, &health);
	if (err < 0)
		return log_error(err, "cannot determine the status"), CMD_FAILED;
	return health.problems.count ? CMD_FAILED : CMD_DONE;
}
