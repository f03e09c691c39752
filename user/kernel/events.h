/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.h: single packets, as the programs report them to who listens.  Of a flood only some
 * thousands a second are reported, the rest is counted.
 *
 * For a loop over epoll(7): wait for events_fd() to be readable, for EVENTS_TURN_MS at most, then
 * call events_read(); and call events_renew() about each second, whatever happened, because a
 * listener that has not for EVENTS_LEASE_MS is taken for dead.  In a flood the programs stop asking
 * for listeners, and that nobody pays for it, until events_read() is called again.
 */
#ifndef TIDEGATE_EVENTS_H
#define TIDEGATE_EVENTS_H

#include <stddef.h>
#include <linux/types.h>

#include "event.h"

struct error;
struct events;
struct kernel;

#define EVENTS_LEASE_MS 4000
#define EVENTS_TURN_MS  100

/*
 * Begins to listen.  flags: LISTENER_*.  The kernel must outlive what is returned.  0 or -errno
 * with error: -ENOTSUP when the filter that is attached does not know of events yet, -EBUSY when
 * LISTENERS_MAX listen already.
 */
int events_open(struct kernel *kernel, __u32 flags, struct events **ret, struct error *error);
void events_close(struct events *events);

/* For poll(2) and epoll(7); of the events. */
int events_fd(const struct events *events);

/* The event is valid during the call.  Below zero = do not go on; above = it was taken back out of
 * the counters. */
typedef int event_fn(void *arg, const struct event *event, size_t size);

/* All that there are; how many, or what `take` returned, or -errno. */
int events_read(struct events *events, event_fn *take, void *arg);

/* Goes on listening.  -ESTALE when somebody replaced the maps, or took the place of a listener that
 * seemed to be dead: open it again then. */
int events_renew(struct events *events, struct error *error);

/* How many packets were not reported since the last call, by the counters: what GRO merged is
 * several. */
__u64 events_lost(struct events *events);

#endif
