/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.h: single packets, as the programs report them to who listens.  Of a flood only some
 * thousands a second are reported, the rest is counted.
 *
 * For a loop over epoll(7): wait for events_fd() to be readable, then call events_read(); and call
 * events_renew() about each second, whatever happened, because a listener that has not for
 * EVENTS_LEASE_MS is taken for dead.
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

/*
 * Begins to listen.  flags: LISTENER_*.  The kernel must outlive what is returned.  0 or -errno
 * with error: -ENOTSUP when the filter that is attached does not know of events yet, -EBUSY when
 * LISTENERS_MAX listen already.
 */
int events_open(struct kernel *kernel, __u32 flags, struct events **ret, struct error *error);
void events_close(struct events *events);

/* For poll(2) and epoll(7); of the events. */
int events_fd(const struct events *events);

/* The event is valid during the call.  Below zero = do not go on. */
typedef int event_fn(void *arg, const struct event *event, size_t size);

/* All that there are; how many, or what `take` returned, or -errno. */
int events_read(struct events *events, event_fn *take, void *arg);

/* Goes on listening.  -ESTALE when somebody replaced the maps, or took the place of a listener that
 * seemed to be dead: open it again then. */
int events_renew(struct events *events, struct error *error);

/* How many events were not reported since the last call. */
__u64 events_lost(struct events *events);

#endif
