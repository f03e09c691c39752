/* SPDX-License-Identifier: GPL-2.0-only */
/* listen.h: one packet, told to those who listen, as many as a bucket of tokens lets through. */
#ifndef TIDEGATE_LISTEN_H
#define TIDEGATE_LISTEN_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "event.h"
#include "image.h"
#include "parse.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct listeners);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_buckets);
} event_buckets SEC(".maps");

/* A listener makes its own, of the size that it likes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LISTENERS_MAX);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} event_rings SEC(".maps");

/* What is told of a packet, in one word, as a global function takes it. */
#define TOLD(reason, flags)  ((__u32)(reason) | (__u32)(flags) << 8)
#define TOLD_REASON(told)    ((told) & 0xff)
#define TOLD_FLAGS(told)     ((told) >> 8 & 0xff)
#define TOLD_IS_REPORT(told) (TOLD_FLAGS(told) & (EVENT_DROP | EVENT_AUDIT))

static __always_inline struct event_bucket *bucket_of(__u32 slot)
{
	__u32 key = 0;
	struct event_buckets *buckets = bpf_map_lookup_elem(&event_buckets, &key);

	return buckets && slot < LISTENERS_MAX ? &buckets->of[slot] : NULL;
}

static __always_inline void count_lost(__u32 slot)
{
	struct event_bucket *bucket = bucket_of(slot);

	if (bucket)
		bucket->lost++;
}

static __always_inline bool take_token(__u32 slot, __u64 now_ns)
{
	struct event_bucket *bucket = bucket_of(slot);
	__u64 more;

	if (!bucket)
		return false;
	more = (now_ns - bucket->filled_ns) >> EVENT_TOKEN_SHIFT;
	if (more) {
		more += bucket->tokens;
		bucket->tokens = more < EVENT_TOKENS_MAX ? more : EVENT_TOKENS_MAX;
		bucket->filled_ns = now_ns;
	}
	if (!bucket->tokens) {
		bucket->lost++;
		return false;
	}
	bucket->tokens--;
	return true;
}

/* The listener, if it listens now. */
static __always_inline const struct listener_slot *listener_at(__u32 slot, __u64 now_ns)
{
	const struct listeners *all;
	__u32 key = 0;

	all = bpf_map_lookup_elem(&listeners, &key);
	if (!all || slot >= LISTENERS_MAX || all->of[slot].until_ns <= now_ns)
		return NULL;
	return &all->of[slot];
}

/* Whether the one in that slot is to hear of the packet. */
static __always_inline bool is_wanted(const struct listener_slot *listener, __u32 told)
{
	return TOLD_IS_REPORT(told) || (listener->flags & LISTENER_PASSES);
}

/* A place for an event in the slot's ring, zero but for its bytes; NULL = no room, which is
 * counted.  The two sizes are constants because the kernel wants them so. */
static __always_inline struct event *reserve_event(__u32 slot, bool is_whole)
{
	void *ring = bpf_map_lookup_elem(&event_rings, &slot);
	struct event *event = NULL;

	if (!ring)
		return NULL;
	if (is_whole)
		event = bpf_ringbuf_reserve(ring, sizeof(*event) + EVENT_LONG, 0);
	else
		event = bpf_ringbuf_reserve(ring, sizeof(*event) + EVENT_SHORT, 0);
	if (!event) {
		count_lost(slot);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = bpf_ktime_get_ns();
	return event;
}

static __always_inline void fill_event(struct event *event, enum event_hook hook, __u32 told)
{
	event->hook = hook;
	event->reason = TOLD_REASON(told);
	event->flags = TOLD_FLAGS(told);
}

/* 1 to `room`, as the verifier sees it: it takes no size that may be 0, and loses what a comparison
 * with 0 tells.  Of nothing it is more than there is, and cannot be read. */
static __always_inline __u32 count_to_copy(__u32 length, __u32 room)
{
	__u32 last = length - 1;

	if (last > room - 1)
		last = room - 1;
	barrier_var(last);
	return last + 1;
}

/* What the gate and the socket look-up decided about. */
static __always_inline void fill_flow(struct event *event, const struct packet *pkt)
{
	event->family = pkt->family;
	event->protocol = pkt->protocol;
	event->sport = pkt->sport;
	event->dport = pkt->dport;
	__builtin_memcpy(event->saddr, pkt->saddr, sizeof(event->saddr));
	__builtin_memcpy(event->daddr, pkt->daddr, sizeof(event->daddr));
}

#endif
