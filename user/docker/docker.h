/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * docker.h: the Engine's API -> struct inventory, and its event stream as a reason to look
 * again.  The only room that knows libcurl and jansson.  Answers are untrusted: whatever is
 * not understood is an error, and then the caller keeps the inventory it had.
 */
#ifndef TIDEGATE_DOCKER_H
#define TIDEGATE_DOCKER_H

#include <stdbool.h>
#include <stddef.h>

struct docker;
struct inventory;

/*
 * url: "unix:///path", "tcp://host:port" ("http://…" too).  NULL: $DOCKER_HOST, then
 * unix:///var/run/docker.sock.  Does not connect.  0 or -EINVAL, -ENOMEM.
 */
int docker_new(const char *url, struct docker **ret);

/*
 * Reads everything (containers, running or not; networks; on a manager, services) in one
 * consistent answer, in the version of the API that Engine and tidegate both speak.  Each
 * request has a time limit.  What did not change is remembered by id, and containers whose
 * creation docker_wait() heard of are asked for first, before they start.
 * 0, or -errno with docker_error() saying what was asked and what came back; *ret untouched.
 */
int docker_read(struct docker *docker, struct inventory **ret);

/*
 * The event stream, for the daemon.  docker_wait() drives it: it returns when an event
 * arrived that may change ports or addresses, when one of `fds` is readable (or hung up), or
 * after timeout_ms (< 0: never).  Connecting, reconnecting with back-off, and telling that
 * the stream broke (which also counts as "look again") happen inside.  Events get lost (the
 * Engine drops them for a slow listener): read again from time to time without one.
 * 0 or -ENOMEM; that Docker is down is not an error.
 */
struct docker_fd {
	int fd;
	bool is_ready;
};
int docker_wait(struct docker *docker, struct docker_fd *fds, size_t fds_count, int timeout_ms,
		bool *ret_changed);

/* Whether the event stream stands. */
bool docker_is_connected(const struct docker *docker);

/* Text of the last failure: what was attempted, on what, why.  "" if none. */
const char *docker_error(const struct docker *docker);
const char *docker_url(const struct docker *docker);

void docker_free(struct docker *docker);
void docker_freep(struct docker **docker);

#endif
