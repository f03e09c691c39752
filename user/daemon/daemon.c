/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.c: the loop: waits for events, asks decide.c what to do, does it.  See daemon.h.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "daemon/decide.h"
#include "daemon/drops.h"
#include "daemon/heart.h"
#include "daemon/round.h"
#include "docker/docker.h"
#include "host/netdev.h"
#include "host/tracking.h"
#include "kernel/kernel.h"

enum wakeup { WAKE_SIGNAL, WAKE_CONFIG, WAKE_NETDEV, WAKE_NFTABLES, WAKE_MAX };

/* Beside these in the epoll set: docker_watch_fd(), which belongs to Docker. */
#define WAKE_DOCKER WAKE_MAX

struct daemon {
	struct heart heart;
	struct round round;
	struct drops *drops;
	struct daemon_state state;
	char *config_dir;
	int config_watch; /* inotify's number for it; -1 = none */
	int epoll_fd;
	int fds[WAKE_MAX];
};

/* ---- what to wait for ------------------------------------------------------------------ */

static int watch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* The directory, because a file that is replaced by rename is another file.  Again each round:
 * the directory itself may be another one by now. */
static int watch_config(struct daemon *daemon)
{
	int watch = inotify_add_watch(daemon->fds[WAKE_CONFIG], daemon->config_dir,
				      IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE);

	if (watch < 0)
		return -errno;
	if (daemon->config_watch >= 0 && daemon->config_watch != watch)
		(void)inotify_rm_watch(daemon->fds[WAKE_CONFIG], daemon->config_watch);
	daemon->config_watch = watch;
	return 0;
}

static int open_config(struct daemon *daemon, const char *path)
{
	const char *slash = strrchr(path, '/');

	daemon->config_watch = -1;
	daemon->config_dir = !slash          ? strdup(".")
			     : slash == path ? strdup("/")
					     : strndup(path, slash - path);
	daemon->fds[WAKE_CONFIG] = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!daemon->config_dir)
		return -ENOMEM;
	return daemon->fds[WAKE_CONFIG] < 0 ? -errno : watch_config(daemon);
}

static int add(struct daemon *daemon, int fd, unsigned int wakeup)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = wakeup };

	return epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* It may be another Engine's after a round.  A descriptor that is closed leaves by itself. */
static void add_docker(struct daemon *daemon)
{
	struct docker *docker = daemon->round.asked.docker;
	int fd = docker ? docker_watch_fd(docker) : -1;

	if (fd >= 0)
		(void)add(daemon, fd, WAKE_DOCKER);
}

static int open_sources(struct daemon *daemon, const char *config_path)
{
	int err;

	daemon->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	daemon->fds[WAKE_SIGNAL] = watch_signals();
	if (daemon->epoll_fd < 0 || daemon->fds[WAKE_SIGNAL] < 0)
		return log_error(daemon->epoll_fd < 0 ? -errno : daemon->fds[WAKE_SIGNAL],
				 "cannot wait for signals");
	err = open_config(daemon, config_path);
	if (err < 0)
		return log_error(err, "cannot watch the directory of '%s'", config_path);
	err = netdev_subscribe(&daemon->fds[WAKE_NETDEV]);
	if (err < 0)
		return log_error(err, "cannot subscribe to changes of interfaces");
	/* A kernel without nftables has nothing to say about it. */
	(void)tracking_subscribe(&daemon->fds[WAKE_NFTABLES]);
	for (int i = 0; err == 0 && i < WAKE_MAX; i++)
		err = daemon->fds[i] < 0 ? 0 : add(daemon, daemon->fds[i], i);
	return err < 0 ? log_error(err, "cannot wait for events") : 0;
}

/* ---- what happened --------------------------------------------------------------------- */

static struct daemon_time now(void)
{
	return (struct daemon_time){ .ms = clock_ms(CLOCK_MONOTONIC),
				     .wall_ms = clock_ms(CLOCK_REALTIME) };
}

static unsigned int decide(struct daemon *daemon, const struct daemon_event *event)
{
	return daemon_decide(&daemon->state, event, now());
}

static unsigned int decide_kind(struct daemon *daemon, enum daemon_event_kind kind)
{
	const struct daemon_event event = { .kind = kind };

	return decide(daemon, &event);
}

static void drain(int fd)
{
	char bytes[4096] __attribute__((aligned(8)));

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static unsigned int take_signals(struct daemon *daemon)
{
	struct signalfd_siginfo info;
	unsigned int todo = 0;

	while (read(daemon->fds[WAKE_SIGNAL], &info, sizeof(info)) == sizeof(info))
		todo |= decide_kind(daemon, info.ssi_signo == SIGHUP ? EVENT_HANGUP : EVENT_STOP);
	return todo;
}

/* One that cannot be read any more would be ready for ever. */
static unsigned int take_netdev(struct daemon *daemon)
{
	int fd = daemon->fds[WAKE_NETDEV], err = netdev_drain(fd);

	if (err < 0) {
		log_error(err, "cannot hear of changes of interfaces any more; looking every %d s",
			  DECIDE_RELIST_MS / 1000);
		(void)epoll_ctl(daemon->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	}
	return decide_kind(daemon, EVENT_NETDEV);
}

static unsigned int take(struct daemon *daemon, unsigned int wakeup)
{
	switch (wakeup) {
	case WAKE_SIGNAL:
		return take_signals(daemon);
	case WAKE_CONFIG:
		drain(daemon->fds[WAKE_CONFIG]);
		return decide_kind(daemon, EVENT_CONFIG);
	case WAKE_NETDEV:
		return take_netdev(daemon);
	case WAKE_NFTABLES:
		drain(daemon->fds[WAKE_NFTABLES]);
		return decide_kind(daemon, EVENT_NFTABLES);
	default:
		return 0;
	}
}

/* Whatever woke us: it has times of its own. */
static unsigned int take_docker(struct daemon *daemon)
{
	struct docker *docker = daemon->round.asked.docker;
	bool is_changed = false;

	if (!docker || docker_watch_fd(docker) < 0 || docker_watch(docker, &is_changed) < 0)
		return 0;
	return is_changed ? decide_kind(daemon, EVENT_DOCKER) : 0;
}

static int timeout_ms(const struct daemon *daemon)
{
	int own = daemon_timeout_ms(&daemon->state, now()), docker_ms;
	int drops_ms = drops_timeout_ms(daemon->drops);
	struct docker *docker = daemon->round.asked.docker;

	if (drops_ms >= 0 && drops_ms < own)
		own = drops_ms;
	if (!docker || docker_watch_fd(docker) < 0)
		return own;
	docker_ms = docker_watch_timeout_ms(docker);
	return docker_ms < own ? docker_ms : own;
}

static unsigned int wait_for_events(struct daemon *daemon)
{
	struct epoll_event events[WAKE_MAX + 1];
	int count = epoll_wait(daemon->epoll_fd, events, ARRAY_SIZE(events), timeout_ms(daemon));
	unsigned int todo = decide_kind(daemon, EVENT_TIME);

	for (int i = 0; i < count; i++)
		todo |= take(daemon, events[i].data.u32);
	drops_run(daemon->drops);
	return todo | take_docker(daemon);
}

/* ---- what to do ------------------------------------------------------------------------ */

static unsigned int do_round(struct daemon *daemon)
{
	struct daemon_event event = { .kind = EVENT_ROUND };

	daemon->round.is_config_new = daemon->state.is_config_new || !daemon->state.has_begun;
	round_run(&daemon->round, &event.outcome);
	drops_want(daemon->drops, daemon->round.log);
	(void)watch_config(daemon);
	add_docker(daemon);
	return decide(daemon, &event);
}

static unsigned int do_check(struct daemon *daemon)
{
	struct daemon_event event = { .kind = EVENT_CHECKED };

	event.is_in_place = kernel_is_in_place(daemon->round.kernel);
	return decide(daemon, &event);
}

/* What it leads to is to be done as well. */
static unsigned int perform(struct daemon *daemon, unsigned int todo)
{
	unsigned int next = 0;

	if (todo & DAEMON_BEAT)
		heart_beat(&daemon->heart);
	if (todo & DAEMON_TEND)
		kernel_tend_defenses(daemon->round.kernel);
	if (todo & DAEMON_ROUND)
		next = do_round(daemon);
	else if (todo & DAEMON_CHECK)
		next = do_check(daemon);
	if (todo & DAEMON_TRIM)
		malloc_trim(0);
	if (todo & DAEMON_READY)
		heart_ready();
	return next;
}

static void follow(struct daemon *daemon)
{
	unsigned int todo = decide_kind(daemon, EVENT_TIME);

	while (!(todo & DAEMON_STOP))
		todo = todo ? perform(daemon, todo) : wait_for_events(daemon);
}

static void daemon_clear(struct daemon *daemon)
{
	drops_free(daemon->drops);
	round_clear(&daemon->round);
	for (int i = 0; i < WAKE_MAX; i++)
		util_closep(&daemon->fds[i]);
	util_closep(&daemon->epoll_fd);
	util_closep(&daemon->heart.lock_fd);
	free(daemon->config_dir);
}

int daemon_run(const struct daemon_setup *setup)
{
	_cleanup_(daemon_clear) struct daemon daemon = {
		.heart.lock_fd = -1,
		.epoll_fd = -1,
		.fds = { -1, -1, -1, -1 },
	};
	int err = heart_begin(&daemon.heart, setup->pin_dir);

	if (err == -EAGAIN)
		return log_error(0, "another `tidegate run` is running"), err;
	if (err < 0)
		return log_error(err, "cannot take the lock in " LOCK_DIR " (tidegate needs root)");
	daemon.drops = drops_new(setup);
	err = daemon.drops ? open_sources(&daemon, setup->config.path)
			   : log_error(-ENOMEM, "cannot begin");
	if (err == 0)
		err = round_begin(&daemon.round, setup, &daemon.heart);
	if (err < 0)
		return err;
	follow(&daemon);
	heart_stopping();
	round_end(&daemon.round);
	log_info("stopping; the filter stays attached with the active policy");
	return 0;
}
