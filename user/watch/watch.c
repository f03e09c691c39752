/* SPDX-License-Identifier: GPL-2.0-only */
/* watch.c: reports become sightings.  See watch.h. */
#include "watch/watch.h"

#include <errno.h>

#include "kernel/events.h"
#include "kernel/kernel.h"
#include "reason.h"
#include "watch/names.h"
#include "watch/owners.h"
#include "watch/packet.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

struct watch {
	struct events *events;
	struct names *names;
	struct owners *owners; /* NULL: nobody wants to know */
	__s64 offset_ns;       /* from CLOCK_MONOTONIC to CLOCK_REALTIME */
	sighting_fn *take;
	void *arg;
};

static void set_clock(struct watch *watch)
{
	watch->offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
}

int watch_open(const struct watch_input *input, struct watch **ret, struct error *error)
{
	_cleanup_(watch_closep) struct watch *watch = calloc(1, sizeof(*watch));
	int err = watch ? names_new(input, &watch->names) : -ENOMEM;

	if (err == 0 && input->has_processes && !(watch->owners = owners_new()))
		err = -ENOMEM;
	if (err == 0)
		err = events_open(input->kernel, input->flags, &watch->events, error);
	if (err < 0)
		return err;
	set_clock(watch);
	*ret = TAKE_PTR(watch);
	return 0;
}

void watch_closep(struct watch **watch)
{
	if (!*watch)
		return;
	events_close((*watch)->events);
	owners_free((*watch)->owners);
	names_free((*watch)->names);
	free(*watch);
}

int watch_fd(const struct watch *watch)
{
	return events_fd(watch->events);
}

/*
 * Whose the socket is, where the policy names no container.  What was learned is Docker's for a
 * container whose name is not known yet, and no process of this host's own.
 */
static void find_holder(const struct watch *watch, struct sighting *sighting)
{
	const struct socket_holder *holder;

	if (!watch->owners || sighting->owner[0] || sighting->reason == DROP_LEARNED)
		return;
	holder = owners_find(watch->owners, sighting);
	if (holder && holder->container[0])
		names_put_container(watch->names, holder->container, sighting);
	else if (holder)
		snprintf(sighting->process, sizeof(sighting->process), "%s", holder->name);
}

static int take_event(void *arg, const struct event *event, size_t size)
{
	struct watch *watch = arg;
	__u64 at_ns = event->time_ns + watch->offset_ns;
	struct sighting sighting = {
		.at = { .tv_sec = at_ns / CLOCK_SECOND_NS, .tv_nsec = at_ns % CLOCK_SECOND_NS },
		.ifindex = event->ifindex,
		.is_drop = event->flags & EVENT_DROP,
		.is_audit = event->flags & EVENT_AUDIT,
		.is_unseen = event->flags & EVENT_UNSEEN,
		.reason = event->reason,
		.count = 1,
		.event = event,
	};

	if (names_is_probe(watch->names, event))
		return 1;
	if (!if_indextoname(event->ifindex, sighting.interface))
		memcpy(sighting.interface, "?", 2);
	packet_read(event, &sighting);
	names_find(watch->names, event, &sighting);
	find_holder(watch, &sighting);
	return watch->take(watch->arg, &sighting);
}

int watch_read(struct watch *watch, sighting_fn *take, void *arg)
{
	watch->take = take;
	watch->arg = arg;
	return events_read(watch->events, take_event, watch);
}

int watch_tick(struct watch *watch, struct error *error)
{
	set_clock(watch);
	names_refresh(watch->names);
	if (watch->owners)
		owners_tick(watch->owners);
	return events_renew(watch->events, error);
}

__u64 watch_lost(struct watch *watch)
{
	return events_lost(watch->events);
}

bool watch_is_wanted(const struct watch_filter *filter, const struct sighting *sighting)
{
	if (filter->source.family && (sighting->saddr.family != filter->source.family ||
				      !prefix_contains(&filter->source, &sighting->saddr)))
		return false;
	if (filter->port && (!sighting->has_ports || sighting->dport != filter->port))
		return false;
	return (!filter->proto || sighting->proto == filter->proto) &&
	       (!filter->owner || streq(filter->owner, sighting->owner)) &&
	       (!filter->interface || streq(filter->interface, sighting->interface)) &&
	       (!filter->reason || sighting->reason == filter->reason);
}

const char *watch_missing(const struct sighting *sighting)
{
	if (sighting->is_unseen)
		return "interface not seen yet: no round has looked at it";
	if (sighting->reason == DROP_LEARNED)
		return "Docker bound the port a moment ago, and no policy knows it yet";
	if (sighting->reason == DROP_GATE)
		return "the filter let it come this far, but no rule lets it into the container";
	if (sighting->reason == DROP_NO_POLICY)
		return "there is no policy in the kernel";
	return "";
}
