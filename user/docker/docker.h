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

#define DOCKER_READ_MS 15000

/*
 * url: "unix:///path", "tcp://host:port" ("http://…" too).  NULL: $DOCKER_HOST, then
 * unix:///var/run/docker.sock.  Does not connect.  0 or -EINVAL, -ENOMEM.
 */
int docker_new(const char *url, struct docker **ret);

/*
 * Reads everything (containers, running or not; networks; on a manager, services) in one
 * consistent answer, in the version of the API that Engine and tidegate both speak.  Blocks
 * for DOCKER_READ_MS at most.  What did not change is remembered by id, and containers whose
 * creation docker_watch() heard of are asked for first, before they start.
 * 0, or -errno with docker_error() saying what was asked and what came back; *ret untouched.
 */
int docker_read(struct docker *docker, struct inventory **ret);

/* From now on a reading may take so long at most, in place of DOCKER_READ_MS. */
void docker_limit(struct docker *docker, int read_ms);

/*
 * How a running container was told to run: what an audit judges, and no policy needs.  Texts are
 * printable ASCII, as in an inventory.
 */
struct docker_facts {
	char *id, *name;
	char *image;        /* as it was named: "redis:7", "redis@sha256:…" */
	char *user;         /* "" = root */
	char *capabilities; /* added: "NET_ADMIN SYS_ADMIN"; "" = none */
	bool is_privileged, is_root_read_only, bars_new_privileges;
	bool has_host_network, has_host_pid, has_host_ipc;
	bool has_socket; /* of the Engine or of containerd, mounted */
};

/*
 * Of the containers that ran at the last docker_read(), in its order.  A request for each, so not
 * for the daemon.  *ret_api is the API's minor version that the Engine speaks: 48 is Engine 28.
 * 0 or -errno as docker_read(); one that has ended meanwhile is left out.
 */
int docker_read_facts(struct docker *docker, struct docker_facts **ret, size_t *ret_count,
		      int *ret_api);
void docker_facts_free(struct docker_facts *facts, size_t count);

/*
 * The event stream, for a loop that waits for other things as well: the descriptor is readable, or
 * the time is up, when docker_watch() has something to do.  That does not block; it connects,
 * connects again with a back-off, and tells of events that may change ports or addresses, and of
 * a stream that broke or stands again.  Events get lost (the Engine drops them for a slow
 * listener): read again from time to time without one.
 * docker_watch_fd(): a descriptor of docker's, or -errno.  docker_watch_timeout_ms(): from now.
 * docker_watch(): 0 or -ENOMEM; that Docker is down is not an error.
 */
int docker_watch_fd(struct docker *docker);
int docker_watch_timeout_ms(const struct docker *docker);
int docker_watch(struct docker *docker, bool *ret_changed);

/* Whether the event stream stands. */
bool docker_is_connected(const struct docker *docker);

/* Text of the last failure: what was attempted, on what, why.  "" if none. */
const char *docker_error(const struct docker *docker);
const char *docker_url(const struct docker *docker);

void docker_free(struct docker *docker);
void docker_freep(struct docker **docker);

#endif
