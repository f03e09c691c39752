/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_up.c: up, reload and down: the filter's coming, renewal and going. */
#include "cli/cmd.h"

#include <errno.h>

#include "engine/asked.h"
#include "config/config.h"
#include "base/lock.h"
#include "base/log.h"
#include "host/netdev.h"
#include "host/session.h"
#include "engine/reconcile.h"
#include "engine/trial.h"
#include "base/cleanup.h"
#include "base/clock.h"

struct up {
	bool is_reload, is_audit, is_boot;
	enum hook_kind hook;
	unsigned int trial_seconds;
	char **interfaces;
	size_t interfaces_count;
	struct asked asked;
	struct trail before;
};

static void up_clear(struct up *up)
{
	asked_clear(&up->asked);
}

/* "120s", "2m", "1h" or bare seconds; 0 = not a duration that makes sense for a trial. */
static unsigned int parse_seconds(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	unsigned long unit = streq(end, "") || streq(end, "s") ? 1
			     : streq(end, "m")                 ? 60
			     : streq(end, "h")                 ? 3600
							       : 0;

	if (end == text || value > 86400 || value * unit > 86400)
		return 0;
	return value * unit;
}

static int parse_up(const struct options *options, int argc, char **argv, struct up *up)
{
	up->is_reload = streq(argv[0], "reload");
	up->is_audit = options->audit;
	up->is_boot = options->boot;
	up->asked.asks_nobody = options->without_docker || options->boot;
	if (options->confirm)
		up->trial_seconds = parse_seconds(options->confirm);
	if (options->confirm && !up->trial_seconds)
		return cmd_usage(argv[0], "--confirm takes a time of at most a day: 120s, 5m, 1h");
	if (options->hook)
		up->hook = hook_from_name(options->hook);
	if (options->hook && up->hook == HOOK_NONE)
		return cmd_usage(argv[0], "--hook takes xdp, xdp-generic, tcx or clsact");
	if (up->is_reload && argc > 1)
		return cmd_usage(argv[0], "'%s': takes no argument", argv[1]);
	up->interfaces = argv + 1;
	up->interfaces_count = argc - 1;
	return CMD_DONE;
}

/* An interface of the configuration that is not there is picked up later; one that was typed
 * is a mistake. */
static bool are_found(const struct desired *desired, const struct up *up)
{
	for (size_t i = 0; i < up->interfaces_count; i++) {
		const char *name = up->interfaces[i];

		if (!netdev_find(desired->netdevs, name) || streq(name, "lo")) {
			log_error(0,
				  streq(name, "lo")
					  ? "'%s': nothing from outside arrives by this interface"
					  : "'%s': no such interface",
				  name);
			return false;
		}
	}
	return true;
}

/* Nothing would be protected.  At boot the interfaces come later, and the daemon before them. */
static bool guards_nothing(const struct options *options, const struct up *up,
			   const struct reconcile_input *input, const struct desired *desired)
{
	_cleanup_free_ char *why = NULL;

	if (reconcile_has_outside(input, desired))
		return false;
	why = describe_no_outside(desired, options->config);
	if (up->is_boot) {
		log_warning("%s; `tidegate run` will guard an interface that appears later",
			    why ?: "");
		return false;
	}
	log_error(0, "%s; nothing was changed", why ?: "");
	return true;
}

static void report_up(const struct up *up, struct kernel *kernel,
		      const struct reconcile_report *report)
{
	_cleanup_free_ char *what = describe_policy(kernel, report);

	cmd_warn(report);
	cmd_warn_problems(report->desired);
	if (!up->is_reload && !kernel_has_conntrack())
		log_warning("this kernel cannot recognise replies (no conntrack kfuncs): replies "
			    "to a port that is closed are dropped");
	log_info("%s: %s", up->is_audit ? "auditing, nothing is dropped" : "enforcing", what ?: "");
}

/*
 * Over SSH a wrong policy is noticed by the one who can no longer undo it.  On a terminal
 * offer a trial; "no" is an answer, silence is not.
 */
static void offer_trial(const struct options *options, struct up *up)
{
	struct ssh_connection ssh;
	char answer[16];

	if (up->trial_seconds || options->force || up->is_audit || !session_ssh(&ssh) ||
	    !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "you are connected by SSH.  Try it for 120 s first, and keep it only after "
			"`tidegate confirm`? [Y/n] ");
	if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'n' && answer[0] != 'N'))
		up->trial_seconds = 120;
}

static void report_trial(const struct up *up)
{
	if (up->trial_seconds)
		log_info("on trial for %u s: `tidegate confirm` keeps the policy, otherwise the "
			 "kernel rolls back to the last confirmed one",
			 up->trial_seconds);
}

static int commit(const struct up *up, const struct reconcile_input *input,
		  struct reconcile_plan *plan)
{
	_cleanup_(reconcile_clear) struct reconcile_report report = {};
	struct error error = {};

	if (reconcile_commit(input, plan, &report, &error) < 0) {
		log_error(0, "%s", ERROR(&error));
		return CMD_FAILED;
	}
	if (input->is_dry_run) {
		cmd_warn(&report), cmd_warn_problems(report.desired);
		return CMD_DONE;
	}
	cmd_record(&up->before, input->kernel, input->config_path, input->text);
	report_up(up, input->kernel, &report);
	return CMD_DONE;
}

/* Loads, swaps, attaches.  What was not up before is not half up after a failure; but at boot
 * what could be guarded stays so. */
static int enforce(const struct options *options, const struct up *up,
		   struct reconcile_input *input, struct reconcile_plan *plan)
{
	struct error error = {};
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	bool was_up = input->kernel != NULL, found;
	int err = kernel_load(options->pin_dir, &kernel, &error), status = CMD_FAILED;

	input->kernel = kernel;
	if (err < 0)
		log_failure(err, &error);
	else
		status = commit(up, input, plan);
	if (status != CMD_DONE && !was_up && !up->is_boot && err != -EPROTO)
		(void)kernel_remove(options->pin_dir, &found, NULL);
	return status;
}

/* What is wrong with the configuration is found before anything is loaded. */
static int make_plan(const struct options *options, const struct up *up,
		     const struct reconcile_input *input, struct reconcile_plan **ret)
{
	_cleanup_(reconcile_plan_freep) struct reconcile_plan *plan = NULL;
	const struct desired *desired;
	struct error error = {};

	if (reconcile_prepare(input, &plan, &error) < 0) {
		log_error(0, "%s", ERROR(&error));
		return CMD_FAILED;
	}
	desired = reconcile_desired(plan);
	if (!are_found(desired, up) || guards_nothing(options, up, input, desired) ||
	    (!options->force && cmd_cuts_ssh(plan, up->trial_seconds)))
		return CMD_FAILED;
	*ret = TAKE_PTR(plan);
	return CMD_DONE;
}

static bool is_usable(const char *text)
{
	_cleanup_(config_freep) struct config *config = NULL;

	return config_parse(text, strlen(text), clock_s(CLOCK_REALTIME), &config, NULL) == 0;
}

/* The text's `interface` statement, if it can be used for itself; else nothing.  Allocated. */
static char *salvage_interfaces(const char *text)
{
	static const char word[] = "interface";

	for (const char *line = text; line && *line; line += strcspn(line, "\n"), line += !!*line) {
		size_t blank = strspn(line, " \t");
		_cleanup_free_ char *copy = NULL;

		if (strncmp(line + blank, word, sizeof(word) - 1) != 0)
			continue;
		copy = strndup(line, strcspn(line, "\n"));
		if (copy && is_usable(copy))
			return TAKE_PTR(copy);
	}
	return strdup("");
}

/*
 * At boot there is no policy that could go on, and Docker comes next.  Of a configuration that
 * cannot be used nothing is believed but where the outside is: what Docker publishes is closed
 * to everyone.
 */
static int close_published(struct reconcile_input *input, char **text)
{
	char *salvaged = salvage_interfaces(*text);

	if (!salvaged)
		return CMD_FAILED;
	log_warning("closing every port that Docker publishes until the configuration is valid");
	free(*text);
	input->text = *text = salvaged;
	return CMD_DONE;
}

/* What an older version enforces goes on as it is. */
static int fall_back(struct reconcile_input *input, char **text)
{
	if (!kernel_is_moving(input->kernel))
		return close_published(input, text);
	log_warning("keeping the active policy until the configuration is valid");
	input->complaint = "the configuration was not valid when the filter was upgraded";
	return CMD_DONE;
}

/* kernel: NULL when it is not up. */
static int apply(const struct options *options, struct up *up, struct kernel *kernel)
{
	_cleanup_(reconcile_plan_freep) struct reconcile_plan *plan = NULL;
	_cleanup_free_ char *text = NULL;
	bool is_moving = kernel_is_moving(kernel), is_taken_over = is_moving && up->is_boot;
	struct reconcile_input input = {
		.config_path = options->config,
		.sets_dir = SETS_DIR,
		.kernel = is_moving && options->dry_run ? NULL : kernel,
		.interfaces = up->interfaces,
		.interfaces_count = up->interfaces_count,
		.answer_of = asked_answer,
		.answer_arg = &up->asked,
		.guard = GUARD_WANTED,
		.audit = up->is_reload || is_taken_over ? AUDIT_KEEP
			 : up->is_audit                 ? AUDIT_ON
							: AUDIT_OFF,
		.hook = up->hook,
		.trial_seconds = up->trial_seconds,
		.is_insisted = !is_taken_over,
		.is_dry_run = options->dry_run,
		.is_kernel_later = (!kernel || is_moving) && !options->dry_run,
	};
	int status = cmd_read_config(options, input.kernel, &text) < 0 ? CMD_FAILED : CMD_DONE;

	input.text = text;
	if (status == CMD_DONE)
		status = make_plan(options, up, &input, &plan);
	if (status != CMD_DONE && up->is_boot && fall_back(&input, &text) == CMD_DONE)
		status = make_plan(options, up, &input, &plan);
	if (status != CMD_DONE)
		return status;
	trail_begin(&up->before, kernel, NULL);
	status = up->is_reload || options->dry_run ? commit(up, &input, plan)
						   : enforce(options, up, &input, plan);
	trail_clear(&up->before);
	if (status == CMD_DONE && !options->dry_run)
		report_trial(up);
	return status;
}

static bool is_enforcing(struct kernel *kernel)
{
	struct image_header header;

	return kernel && kernel_read_header(kernel, SLOT_ACTIVE, &header, NULL) == 0;
}

/* Also what has an older layout.  A daemon of that version would take it back at once. */
static int open_running(const struct options *options, struct kernel **ret)
{
	struct error error = {};
	int err = cmd_open_kernel(options, ret, &error);

	if (err == -EPROTO)
		err = kernel_open_older(options->pin_dir, ret, &error);
	/* Something is there, perhaps enforcing, and must not be cleaned up after a failure. */
	if (err < 0 && err != -ENOENT)
		return log_failure(err, &error), CMD_FAILED;
	if (kernel_is_moving(*ret) && lock_is_daemon_running(options->pin_dir)) {
		log_error(0, "the filter in the kernel is from an older version, whose `tidegate "
			     "run` is still running: restart that (systemctl restart tidegate), "
			     "which upgrades the filter as well");
		return CMD_FAILED;
	}
	return CMD_DONE;
}

int cmd_up(const struct options *options, int argc, char **argv)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(up_clear) struct up up = {};
	_cleanup_close_ int lock_fd = -1;

	if (parse_up(options, argc, argv, &up) != CMD_DONE)
		return CMD_USAGE;
	offer_trial(options, &up);
	lock_fd = cmd_ask_and_lock(options, &up.asked);
	if (lock_fd < 0)
		return CMD_FAILED;
	if (open_running(options, &kernel) != CMD_DONE)
		return CMD_FAILED;
	if (up.is_boot && is_enforcing(kernel)) {
		log_info("keeping the policy that is active already");
		return CMD_DONE;
	}
	return apply(options, &up, kernel);
}

int cmd_reload(const struct options *options, int argc, char **argv)
{
	struct error error = {};
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(up_clear) struct up up = {};
	_cleanup_close_ int lock_fd = -1;
	int err;

	if (parse_up(options, argc, argv, &up) != CMD_DONE)
		return CMD_USAGE;
	offer_trial(options, &up);
	lock_fd = cmd_ask_and_lock(options, &up.asked);
	if (lock_fd < 0)
		return CMD_FAILED;
	err = cmd_open_kernel(options, &kernel, &error);
	if (err < 0) {
		log_error(0, "%s%s", ERROR(&error),
			  err == -EPROTO ? "" : ": nothing to reload; `tidegate up` starts it");
		return CMD_FAILED;
	}
	return apply(options, &up, kernel);
}

int cmd_confirm(const struct options *options, int argc, char **argv)
{
	struct error error = {};
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(trail_clear) struct trail before = {};
	_cleanup_close_ int lock_fd = -1;
	int err;

	if (argc > 1)
		return cmd_usage(argv[0], "'%s': takes no argument", argv[1]);
	lock_fd = cmd_take_lock();
	if (lock_fd < 0)
		return CMD_FAILED;
	err = cmd_open_kernel(options, &kernel, &error);
	if (err < 0) {
		log_failure(err, &error);
		return CMD_FAILED;
	}
	trail_begin(&before, kernel, NULL);
	err = trial_confirm(kernel, &error);
	if (err == 0)
		cmd_record(&before, kernel, options->config, before.text);
	if (err == -ENOENT)
		log_error(0, "no policy is on trial");
	else if (err == -ETIME)
		log_error(0, "too late: the kernel has rolled back to the last confirmed policy; "
			     "`tidegate reload --confirm 120s` tries again");
	else if (err < 0)
		log_failure(err, &error);
	else
		log_info("confirmed");
	return err < 0 ? CMD_FAILED : CMD_DONE;
}

static void read_before(const struct options *options, struct trail *ret)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;

	(void)kernel_open(options->pin_dir, &kernel, NULL);
	trail_begin(ret, kernel, NULL);
}

int cmd_down(const struct options *options, int argc, char **argv)
{
	_cleanup_(trail_clear) struct trail before = {};
	struct error error = {};
	_cleanup_close_ int lock_fd = -1;
	bool found;
	int err;

	if (argc > 1)
		return cmd_usage(argv[0], "'%s': takes no argument", argv[1]);
	if (options->dry_run) {
		log_info("would detach from every interface and remove '%s'", options->pin_dir);
		return CMD_DONE;
	}
	lock_fd = cmd_take_lock();
	if (lock_fd < 0)
		return CMD_FAILED;
	if (lock_is_daemon_running(options->pin_dir)) {
		log_error(0, "`tidegate run` is running and would load the filter again: stop it "
			     "first (systemctl stop tidegate)");
		return CMD_FAILED;
	}
	read_before(options, &before);
	err = kernel_remove(options->pin_dir, &found, &error);
	if (err < 0) {
		log_failure(err, &error);
		return CMD_FAILED;
	}
	if (found)
		cmd_record(&before, NULL, options->config, before.text);
	log_info(found ? "down: published ports are open again" : "the filter was not up");
	return CMD_DONE;
}
