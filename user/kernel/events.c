/* SPDX-License-Identifier: GPL-2.0-only */
/* events.c: a ring buffer of one's own among those that the programs write to.  See events.h. */
#include "kernel/events.h"

#include <errno.h>
#include <sys/mman.h>

#include "kernel/private.h"
#include "reason.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define RING_SHORT (1u << 20)
#define RING_WHOLE (8u << 20)

struct events {
	struct kernel *kernel;
	struct listeners *listeners; /* mapped */
	struct ring_buffer *ring;
	__u32 slot;
	__u64 until_ns; /* as it is in the slot */
	int ring_fd;
	int cpus;
	__u32 flags;
	/* until the last call of events_lost() */
	__u64 lost;
	__u64 decided; /* packets that this one wants to hear of, by the counters */
	/* since then */
	__u64 received;
	bool was_paused; /* the programs went on without listeners, because there is a flood */
	__s64 resumed_ms;
	event_fn *take;
	void *arg;
};

static void events_closep(struct events **events)
{
	events_close(*events);
}

static __u64 lease_end(void)
{
	return clock_ns(CLOCK_MONOTONIC) + EVENTS_LEASE_MS * 1000000ull;
}

static bool swap_until(struct events *events, __u64 from, __u64 to)
{
	return __atomic_compare_exchange_n(&events->listeners->of[events->slot].until_ns, &from, to,
					   false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static __u64 read_lost(const struct events *events)
{
	_cleanup_free_ struct event_buckets *all = calloc(events->cpus + 1, sizeof(*all));
	__u64 lost = 0;
	__u32 key = 0;

	if (!all || bpf_map_lookup_elem(events->kernel->event_buckets_fd, &key, all) < 0)
		return events->lost;
	for (int i = 0; i < events->cpus; i++)
		lost += all[i].of[events->slot].lost;
	return lost;
}

static __u64 read_decided(const struct events *events)
{
	_cleanup_(counter_ids_freep) struct counter_ids *ids = NULL;
	const struct counters *totals;
	__u64 decided = 0;

	if (counter_ids_read(events->kernel, &ids, NULL) < 0 ||
	    counter_ids_totals(ids, &totals, NULL) < 0)
		return events->decided;
	for (int reason = 1; reason < REASON_MAX; reason++)
		if (reason_is_drop(reason) || (events->flags & LISTENER_PASSES))
			decided += totals->of[reason].packets;
	return decided;
}

/* What was decided and not heard of.  Where nothing got lost, the two differ by what was on its way
 * at this moment. */
__u64 events_lost(struct events *events)
{
	__u64 lost = read_lost(events), decided = read_decided(events);
	__s64 unheard = decided - events->decided - events->received;
	bool is_losing = lost != events->lost || events->was_paused;

	events->lost = lost;
	events->decided = decided;
	events->received = 0;
	events->was_paused = false;
	return is_losing && unheard > 0 ? unheard : 0;
}

/* Nobody else has a place that was free, or whose listener is dead, once it is swapped. */
static int take_slot(struct events *events, __u32 flags, struct error *error)
{
	__u64 now_ns = clock_ns(CLOCK_MONOTONIC);

	for (events->slot = 0; events->slot < LISTENERS_MAX; events->slot++) {
		struct listener_slot *slot = &events->listeners->of[events->slot];
		/* It is mapped, which the analyzer does not see. */
		__u64 old = slot->until_ns; /* NOLINT(*NullDereference) */

		events->until_ns = lease_end();
		if (old > now_ns || !swap_until(events, old, events->until_ns))
			continue;
		slot->flags = events->flags = flags;
		return 0;
	}
	return error_set(error, -EBUSY, "%d others watch already, and there is room for no more",
			 LISTENERS_MAX);
}

static int take_sample(void *arg, void *data, size_t size)
{
	struct events *events = arg;
	const struct event *event = data;
	int err;

	if (size < sizeof(*event) || event->captured > size - sizeof(*event))
		return 0;
	err = events->take(events->arg, event, size);
	events->received += err <= 0;
	return err;
}

static int make_ring(struct events *events, __u32 flags, struct error *error)
{
	__u32 size = flags & LISTENER_WHOLE ? RING_WHOLE : RING_SHORT;

	events->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, size, NULL);
	if (events->ring_fd < 0)
		return error_set_errno(error, -errno, "cannot create a ring buffer of %u MiB",
				       size >> 20);
	events->ring = ring_buffer__new(events->ring_fd, take_sample, events, NULL);
	if (!events->ring)
		return error_set_errno(error, -errno, "cannot read the ring buffer");
	if (bpf_map_update_elem(events->kernel->event_rings_fd, &events->slot, &events->ring_fd,
				BPF_ANY) < 0)
		return error_set_errno(error, -errno, "cannot give the ring buffer to the filter");
	return 0;
}

static int map_listeners(struct events *events, struct error *error)
{
	void *mapped;

	if (events->kernel->listeners_fd < 0 || events->kernel->event_buckets_fd < 0 ||
	    events->kernel->event_rings_fd < 0)
		return error_set(
			error, -ENOTSUP,
			"the filter in the kernel is from a version that tells of no packets: "
			"`tidegate up` upgrades it");
	mapped = mmap(NULL, sizeof(*events->listeners), PROT_READ | PROT_WRITE, MAP_SHARED,
		      events->kernel->listeners_fd, 0);
	if (mapped == MAP_FAILED)
		return error_set_errno(error, -errno, "cannot map the list of who listens");
	events->listeners = mapped;
	events->cpus = libbpf_num_possible_cpus();
	return events->cpus < 0 ? events->cpus : 0;
}

int events_open(struct kernel *kernel, __u32 flags, struct events **ret, struct error *error)
{
	_cleanup_(events_closep) struct events *events = calloc(1, sizeof(*events));
	int err;

	if (!events)
		return -ENOMEM;
	events->kernel = kernel;
	events->ring_fd = -1;
	events->slot = LISTENERS_MAX;
	err = map_listeners(events, error);
	if (err == 0)
		err = take_slot(events, flags, error);
	if (err == 0)
		err = make_ring(events, flags, error);
	if (err < 0)
		return err;
	events->lost = read_lost(events);
	events->decided = read_decided(events);
	err = events_renew(events, error);
	if (err < 0)
		return err;
	events->was_paused = false;
	*ret = TAKE_PTR(events);
	return 0;
}

static bool is_anybody_left(const struct events *events)
{
	__u64 now_ns = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < LISTENERS_MAX; i++)
		if (events->listeners->of[i].until_ns > now_ns)
			return true;
	return false;
}

/* The programs find out by themselves that nobody listens; until then a packet costs more. */
static void leave(struct events *events)
{
	bool ignored;

	if (events->slot >= LISTENERS_MAX || !swap_until(events, events->until_ns, 0))
		return;
	(void)bpf_map_delete_elem(events->kernel->event_rings_fd, &events->slot);
	if (!is_anybody_left(events))
		(void)kernel_set_watched(events->kernel, false, &ignored, NULL);
}

void events_close(struct events *events)
{
	if (!events)
		return;
	if (events->listeners) {
		leave(events);
		munmap(events->listeners, sizeof(*events->listeners));
	}
	ring_buffer__free(events->ring);
	util_closep(&events->ring_fd);
	free(events);
}

int events_fd(const struct events *events)
{
	return ring_buffer__epoll_fd(events->ring);
}

/* The programs stop asking for listeners when these have had their share. */
static int resume(struct events *events, struct error *error)
{
	bool was_watched = true;
	int err = kernel_set_watched(events->kernel, true, &was_watched, error);

	events->was_paused = events->was_paused || !was_watched;
	events->resumed_ms = clock_ms(CLOCK_MONOTONIC);
	return err;
}

int events_read(struct events *events, event_fn *take, void *arg)
{
	if (clock_ms(CLOCK_MONOTONIC) - events->resumed_ms >= EVENTS_TURN_MS)
		(void)resume(events, NULL);
	events->take = take;
	events->arg = arg;
	return ring_buffer__consume(events->ring);
}

int events_renew(struct events *events, struct error *error)
{
	__u64 until_ns = lease_end();

	if (!swap_until(events, events->until_ns, until_ns))
		return error_set(error, -ESTALE, "somebody else watches in this one's place");
	events->until_ns = until_ns;
	return resume(events, error);
}
