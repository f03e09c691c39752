/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_run.c: the daemon: reconcile(), called again whenever something may have changed.  It
 * keeps nothing that the next one would miss: killed, the filter goes on with the last policy;
 * started, it begins where the kernel is.
 */
#include "cli/cmd.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>

#include "docker/docker.h"
#include "base/lock.h"
#include "base/log.h"
#include "host/netdev.h"
#include "policy/policy.h"
#include "host/tracking.h"
#include "engine/describe.h"
#include "engine/text.h"
#include "engine/trial.h"
#include "base/cleanup.h"

/* Docker's events can be lost, so all is read again this often, whatever was said. */
#define RELIST_SECONDS 30
#define RETRY_SECONDS  5
#define QUIET_MS       1000

/* Nobody says that pins are removed, hidden by a mount, or links detached. */
#define CHECK_MS 2000

enum wakeup { WAKE_SIGNAL, WAKE_CONFIG, WAKE_NETDEV, WAKE_TRACKING, WAKE_MAX };

struct daemon {
	const struct options *options;
	struct kernel *kernel;
	struct docker *docker;
	char *docker_text; /* configuration that docker was opened for */
	bool is_docker_off;
	int fds[WAKE_MAX];
	bool is_stopping;
	bool is_config_changed;
	bool is_text_new; /* since the last round that succeeded */
	bool was_failing, was_refused, was_unguarded;
	bool is_too_early; /* see engine/reconcile.h */
	char *problems;    /* as the last round had them, a line each; NULL = none */
	enum docker_source docker_source;
	time_t next_expiry;
	unsigned int trial_seconds_left; /* when the last round ended; 0 = nothing is on trial */
};

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The directory, because a file that is replaced by rename is another file. */
static int watch_config(const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	_cleanup_close_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 || !dir)
		return -errno;
	if (slash)
		*slash = '\0';
	if (inotify_add_watch(fd, slash ? (dir[0] ? dir : "/") : ".",
			      IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static bool drain(int fd)
{
	char bytes[4096] __attribute__((aligned(8)));
	bool any = false;

	while (read(fd, bytes, sizeof(bytes)) > 0)
		any = true;
	return any;
}

static void take_signals(struct daemon *daemon)
{
	struct signalfd_siginfo info;

	while (read(daemon->fds[WAKE_SIGNAL], &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			daemon->is_config_changed = true;
		else
			daemon->is_stopping = true;
	}
}

/* The Engine's address may be one of the things that changed. */
static int renew_docker(struct daemon *daemon, const char *text)
{
	if (daemon->docker_text && streq(daemon->docker_text, text))
		return 0;
	docker_free(TAKE_PTR(daemon->docker));
	free(daemon->docker_text);
	daemon->is_text_new = true;
	daemon->docker_text = strdup(text);
	if (!daemon->docker_text)
		return -ENOMEM;
	return cmd_open_docker(daemon->options, text, &daemon->docker, &daemon->is_docker_off);
}

/* Once, and again when it is something else. */
static void report_problems(struct daemon *daemon, const struct desired *desired)
{
	char *problems = NULL;
	size_t size;
	FILE *out = open_memstream(&problems, &size);

	if (!out)
		return;
	for (size_t i = 0; i < desired->problems_count; i++)
		fprintf(out, "%s\n", desired->problems[i]);
	fclose(out);
	if (!streq(daemon->problems ?: "", problems ?: ""))
		cmd_warn_problems(desired);
	if (daemon->problems && daemon->problems[0] && !desired->problems_count)
		log_info("recovered: the problems with the files are solved");
	free(daemon->problems);
	daemon->problems = problems;
}

/* Likewise. */
static void report_unguarded(struct daemon *daemon, const struct reconcile_report *report)
{
	_cleanup_free_ char *why = NULL;

	if (!report->guarded && !daemon->was_unguarded) {
		why = describe_no_outside(report->desired, daemon->options->config);
		log_warning("%s", why ?: "");
	}
	daemon->was_unguarded = !report->guarded;
}

static void report_refusal(const struct daemon *daemon, const char *why)
{
	const char *path = daemon->options->config;

	if (why[0])
		log_warning("'%s' was not applied, because %s; the previous policy stays active: "
			    "`tidegate reload --confirm 120s` tries the file, `tidegate --force "
			    "reload` applies it anyway",
			    path, why);
	else
		log_warning("'%s' was on trial, was not confirmed and was rolled back; the last "
			    "confirmed policy is active",
			    path);
}

static void report(struct daemon *daemon, const struct reconcile_report *report)
{
	_cleanup_free_ char *what = NULL;
	enum docker_source source = report->desired->docker_source;

	if (report->is_refused && (!daemon->was_refused || daemon->is_text_new))
		report_refusal(daemon, report->refused_why);
	daemon->was_refused = report->is_refused;
	report_problems(daemon, report->desired);
	report_unguarded(daemon, report);
	if (daemon->was_failing)
		log_info("recovered");
	if (source != daemon->docker_source && source == DOCKER_FRESH)
		log_info("following Docker at %s", docker_url(daemon->docker));
	else if (source != daemon->docker_source)
		cmd_warn(report);
	daemon->docker_source = source;
	if (!report->is_changed)
		return;
	what = describe_policy(daemon->kernel, report);
	log_info("policy %llu active: %s", report->generation, what ?: "");
}

static unsigned int read_trial(const struct daemon *daemon)
{
	struct image_header header;

	if (kernel_read_header(daemon->kernel, SLOT_ACTIVE, &header) < 0)
		return 0;
	return trial_seconds_left(&header);
}

/* A file that is empty now may be one that is being written, or that a full disk left.  Who means
 * it says so with `reload`. */
static int read_config(const struct daemon *daemon, char **ret_text, char *error)
{
	const struct text_file file = { daemon->options->config,
					daemon->options->is_default_config };
	int err = text_load(&file, daemon->kernel, ret_text, error);

	if (err < 0 || (*ret_text)[0] || !text_is_enforced(daemon->kernel))
		return err;
	snprintf(error, ERROR_TEXT,
		 "'%s' is empty now, which may be a mistake: `tidegate reload` applies it",
		 daemon->options->config);
	return -ENODATA;
}

/* Said once, and again when the file has changed.  What the policy that runs says of containers
 * and interfaces must not grow old meanwhile. */
static int keep_running(struct daemon *daemon, struct reconcile_input *input, int err,
			const char *error)
{
	_cleanup_(reconcile_clear) struct reconcile_report ignored = {};
	char ignored_error[ERROR_TEXT];

	if (!daemon->was_failing || daemon->is_config_changed)
		log_error(0, "%s; keeping the active policy", error);
	input->complaint = error;
	(void)reconcile(input, &ignored, ignored_error);
	return err;
}

/* Somebody else made all anew, after what we have was taken away. */
static int take_others(struct daemon *daemon)
{
	struct kernel *others;
	int err = kernel_load(daemon->options->pin_dir, &others);

	if (err < 0)
		return err;
	kernel_free(daemon->kernel);
	daemon->kernel = others;
	return 0;
}

/* What was taken away since the last round comes back before anything else. */
static int heal(struct daemon *daemon)
{
	int err = kernel_heal(daemon->kernel);

	if (err == -ESTALE) {
		log_warning("%s; using the new ones", kernel_error());
		err = take_others(daemon);
	}
	if (err < 0 && !daemon->was_failing)
		log_error(err, "%s", kernel_error());
	return err;
}

/* One round.  Whatever fails leaves the policy that runs, and is tried again. */
static int round_once(struct daemon *daemon)
{
	_cleanup_(reconcile_clear) struct reconcile_report result = {};
	_cleanup_close_ int lock_fd = cmd_take_lock();
	_cleanup_free_ char *text = NULL;
	struct reconcile_input input = {
		.config_path = daemon->options->config,
		.sets_dir = SETS_DIR,
		.guard = GUARD_WANTED,
		.is_unattended = true,
	};
	char error[ERROR_TEXT];
	int err, read_err;

	if (lock_fd < 0)
		return lock_fd;
	err = heal(daemon);
	if (err < 0)
		return err;
	input.kernel = daemon->kernel;
	read_err = read_config(daemon, &text, error);
	err = read_err < 0 && daemon->docker_text ? 0 : renew_docker(daemon, text ?: "");
	if (err < 0)
		return err;
	input.text = text;
	input.docker = daemon->docker;
	input.is_docker_off = daemon->is_docker_off;
	err = read_err ?: reconcile(&input, &result, error);
	if (err < 0)
		return keep_running(daemon, &input, err, error);
	report(daemon, &result);
	daemon->is_too_early = result.is_too_early;
	daemon->trial_seconds_left = read_trial(daemon);
	daemon->next_expiry = result.desired->policy->next_expiry;
	daemon->is_config_changed = daemon->is_text_new = false;
	return 0;
}

static int next_timeout_ms(const struct daemon *daemon)
{
	time_t seconds = daemon->was_failing ? RETRY_SECONDS : RELIST_SECONDS;
	time_t now = time(NULL);

	if (daemon->is_too_early)
		seconds = RECONCILE_AGAIN_SECONDS;
	/* What the kernel goes back to then is as old as the trial. */
	if (daemon->trial_seconds_left && daemon->trial_seconds_left < seconds)
		seconds = daemon->trial_seconds_left;
	if (daemon->next_expiry && daemon->next_expiry - now < seconds)
		seconds = daemon->next_expiry > now ? daemon->next_expiry - now : 0;
	return seconds * 1000;
}

enum woken { WOKEN_BY_TIME, WOKEN_BY_TRACKING, WOKEN_BY_CHANGE };

/* Docker's own descriptor and time limit beside the others; it says whether what it heard counts.
 */
static bool listen_to_docker(struct daemon *daemon, struct pollfd *poll_fd, int *timeout_ms)
{
	bool is_changed = false;
	int own;

	*poll_fd = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (!daemon->docker)
		return false;
	poll_fd->fd = docker_watch_fd(daemon->docker);
	if (poll_fd->fd < 0 || docker_watch(daemon->docker, &is_changed) < 0)
		return false;
	own = docker_watch_timeout_ms(daemon->docker);
	if (own < *timeout_ms)
		*timeout_ms = own;
	return is_changed;
}

static enum woken wait_once(struct daemon *daemon, int timeout_ms)
{
	struct pollfd polls[WAKE_MAX + 1];
	bool is_changed = listen_to_docker(daemon, &polls[WAKE_MAX], &timeout_ms);

	for (int i = 0; i < WAKE_MAX; i++)
		polls[i] = (struct pollfd){ .fd = daemon->fds[i], .events = POLLIN };
	if (poll(polls, WAKE_MAX + 1, is_changed ? 0 : timeout_ms) < 0)
		return is_changed ? WOKEN_BY_CHANGE : WOKEN_BY_TIME;
	for (int i = 0; i < WAKE_MAX; i++)
		is_changed = is_changed || (polls[i].revents && i != WAKE_TRACKING);
	return is_changed                     ? WOKEN_BY_CHANGE
	       : polls[WAKE_TRACKING].revents ? WOKEN_BY_TRACKING
					      : WOKEN_BY_TIME;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* Whether something may have changed before the time was over.  Docker's own rules in nftables,
 * and the firewall's, are none of it. */
static bool wait_some(struct daemon *daemon, int timeout_ms)
{
	long long end = now_ms() + timeout_ms, left = timeout_ms;

	/* However often nftables changes, the time ends. */
	for (; left >= 0; left = end - now_ms()) {
		enum woken woken = wait_once(daemon, left < CHECK_MS ? left : CHECK_MS);

		if (woken == WOKEN_BY_CHANGE || !kernel_is_in_place(daemon->kernel))
			return true;
		if (woken == WOKEN_BY_TIME)
			continue;
		(void)drain(daemon->fds[WAKE_TRACKING]);
		kernel_tend_means(daemon->kernel);
	}
	return false;
}

/*
 * Until something may have changed, or it is time to look anyway.  A round needs many times
 * the memory that is left of it; to give it back at once would cost a third of the next round,
 * when many containers start.
 */
static void wait_for_change(struct daemon *daemon)
{
	int timeout = next_timeout_ms(daemon);

	if (timeout <= QUIET_MS) {
		(void)wait_some(daemon, timeout);
	} else if (!wait_some(daemon, QUIET_MS)) {
		malloc_trim(0);
		(void)wait_some(daemon, timeout - QUIET_MS);
	}
	take_signals(daemon);
	if (drain(daemon->fds[WAKE_CONFIG]))
		daemon->is_config_changed = true;
	(void)netdev_drain(daemon->fds[WAKE_NETDEV]);
}

static int prepare(struct daemon *daemon)
{
	_cleanup_close_ int lock_fd = cmd_take_lock();
	int err;

	if (lock_fd < 0)
		return lock_fd;
	daemon->fds[WAKE_SIGNAL] = watch_signals();
	daemon->fds[WAKE_CONFIG] = watch_config(daemon->options->config);
	if (daemon->fds[WAKE_SIGNAL] < 0 || daemon->fds[WAKE_CONFIG] < 0)
		return log_error(daemon->fds[WAKE_CONFIG], "cannot watch the directory of '%s'",
				 daemon->options->config);
	err = netdev_subscribe(&daemon->fds[WAKE_NETDEV]);
	if (err < 0)
		return log_error(err, "cannot subscribe to changes of interfaces");
	/* A kernel without nftables has nothing to say about it. */
	(void)tracking_subscribe(&daemon->fds[WAKE_TRACKING]);
	err = kernel_load(daemon->options->pin_dir, &daemon->kernel);
	return err < 0 ? log_error(err, "%s", kernel_error()) : 0;
}

/* Told to the kernel, so that `status` can tell a daemon that died from one that was stopped. */
static void follow(struct daemon *daemon, __u32 is_followed)
{
	_cleanup_close_ int lock_fd = cmd_take_lock();
	struct state state;

	if (lock_fd < 0 || kernel_read_state(daemon->kernel, &state) < 0)
		return;
	state.is_followed = is_followed;
	(void)kernel_write_state(daemon->kernel, &state);
}

static void daemon_clear(struct daemon *daemon)
{
	for (int i = 0; i < WAKE_MAX; i++)
		util_closep(&daemon->fds[i]);
	docker_free(daemon->docker);
	kernel_free(daemon->kernel);
	free(daemon->problems);
	free(daemon->docker_text);
}

int cmd_run(const struct options *options, int argc, char **argv)
{
	_cleanup_(daemon_clear) struct daemon daemon = {
		.options = options,
		.fds = { -1, -1, -1, -1 },
		.is_config_changed = true,
		.docker_source = DOCKER_OFF,
	};
	_cleanup_close_ int daemon_fd = -1;

	if (argc > 1)
		return cmd_usage(argv[0], "'%s': takes no argument", argv[1]);
	daemon_fd = lock_take_daemon(options->pin_dir);
	if (daemon_fd < 0) {
		log_error(daemon_fd == -EAGAIN ? 0 : daemon_fd,
			  daemon_fd == -EAGAIN ? "another `tidegate run` is running"
					       : "cannot take the lock in " LOCK_DIR
						 " (tidegate needs root)");
		return CMD_FAILED;
	}
	if (prepare(&daemon) < 0)
		return CMD_FAILED;
	follow(&daemon, 1);
	while (!daemon.is_stopping) {
		daemon.was_failing = round_once(&daemon) < 0;
		kernel_hold_links(daemon.kernel);
		wait_for_change(&daemon);
	}
	follow(&daemon, 0);
	log_info("stopping; the filter stays attached with the active policy");
	return CMD_DONE;
}
