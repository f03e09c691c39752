/* SPDX-License-Identifier: GPL-2.0-only */
/* tell.h: what the filter decided of a packet, told to who listens, with the packet's bytes. */
#ifndef TIDEGATE_TELL_H
#define TIDEGATE_TELL_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "decide.h"
#include "listen.h"
#include "fastpath.h"

static __always_inline __u32 told_of(enum reason reason, bool is_audit)
{
	__u32 flags = is_audit ? EVENT_AUDIT : EVENT_DROP;

	return TOLD(reason, is_drop(reason) ? flags : 0);
}

/* The ids of a combined counter's port and rule, in the words that counter_ids.c wrote. */
static __always_inline __u32 told_of_counter(__u32 id, bool is_audit, __u32 *ret_port,
					     __u32 *ret_rule)
{
	const struct counter_key *owner;

	if (id < COUNTER_FIRST)
		return told_of(id % COUNTER_IPV6, is_audit);
	owner = bpf_map_lookup_elem(&counter_owners, &id);
	if (!owner)
		return 0;
	*ret_port = (__u32)owner->hash[0];
	*ret_rule = owner->hash[0] >> 32;
	return told_of((__u32)owner->hash[1] % COUNTER_IPV6, is_audit);
}

/* From the start, as many as there is room for. */
static __always_inline void copy_bytes(const struct hook *hook, struct event *event, __u32 room)
{
	__u32 count = count_to_copy(event->length, room);
	long err;

	if (hook->is_xdp)
		err = bpf_xdp_load_bytes(hook->ctx, 0, event->bytes, count);
	else
		err = bpf_skb_load_bytes(hook->ctx, 0, event->bytes, count);
	if (err == 0)
		event->captured = count;
}

/* Global functions, as in decide.h: the verifier checks them once each. */
__noinline int write_xdp(struct xdp_md *ctx, __u32 slot, __u32 told, __u32 port, __u32 rule)
{
	struct hook hook = { .ctx = ctx, .is_xdp = true };
	const struct listener_slot *listener = listener_at(slot, clock_ns());
	bool is_whole = listener && listener->flags & LISTENER_WHOLE;
	struct event *event = reserve_event(slot, is_whole);

	if (!event)
		return 0;
	fill_event(event, EVENT_XDP, told);
	event->ifindex = ctx->ingress_ifindex;
	event->port_counter = port;
	event->rule_counter = rule;
	event->length = bpf_xdp_get_buff_len(ctx);
	if (is_whole)
		copy_bytes(&hook, event, EVENT_LONG);
	else
		copy_bytes(&hook, event, EVENT_SHORT);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

__noinline int write_tc(struct __sk_buff *skb, __u32 slot, __u32 told, __u32 port, __u32 rule)
{
	struct hook hook = { .ctx = skb };
	const struct listener_slot *listener = listener_at(slot, clock_ns());
	bool is_whole = listener && listener->flags & LISTENER_WHOLE;
	struct event *event = reserve_event(slot, is_whole);

	if (!event)
		return 0;
	fill_event(event, EVENT_TC, told);
	event->ifindex = skb->ifindex;
	event->port_counter = port;
	event->rule_counter = rule;
	event->length = skb->len;
	if (skb->vlan_present) {
		event->vlan_tci = skb->vlan_tci;
		event->vlan_proto = skb->vlan_proto;
	}
	if (is_whole)
		copy_bytes(&hook, event, EVENT_LONG);
	else
		copy_bytes(&hook, event, EVENT_SHORT);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* What is to be done for each listener is the same for both kinds of context.  Where all who want
 * to hear of it have had theirs, it is a flood: the fast path goes on without them until user space
 * says again that somebody listens, some times a second. */
#define TELL_ALL(write, ctx, told, port, rule)                                            \
	do {                                                                              \
		__u64 now_ns = clock_ns();                                                \
		bool is_any = false, is_told = false, is_refused = false;                 \
                                                                                          \
		for (__u32 slot = 0; slot < LISTENERS_MAX; slot++) {                      \
			const struct listener_slot *listener = listener_at(slot, now_ns); \
                                                                                          \
			if (!listener)                                                    \
				continue;                                                 \
			is_any = true;                                                    \
			if (!is_wanted(listener, told))                                   \
				continue;                                                 \
			if (take_token(slot, now_ns)) {                                   \
				write(ctx, slot, told, port, rule);                       \
				is_told = true;                                           \
			} else {                                                          \
				is_refused = true;                                        \
			}                                                                 \
		}                                                                         \
		if (!is_any || (is_refused && !is_told))                                  \
			stop_watching();                                                  \
	} while (0)

__noinline int tell_xdp(struct xdp_md *ctx, __u32 told, __u32 port, __u32 rule)
{
	TELL_ALL(write_xdp, ctx, told, port, rule);
	return 0;
}

__noinline int tell_tc(struct __sk_buff *skb, __u32 told, __u32 port, __u32 rule)
{
	TELL_ALL(write_tc, skb, told, port, rule);
	return 0;
}

static __always_inline void tell(const struct hook *hook, __u32 told, __u32 port, __u32 rule)
{
	if (hook->is_l3)
		told |= EVENT_L3 << 8;
	if (hook->is_xdp)
		tell_xdp(hook->ctx, told, port, rule);
	else
		tell_tc(hook->ctx, told, port, rule);
}

/* What a fast path entry or a verdict entry decided. */
static __always_inline void tell_entry(const struct hook *hook, __u32 entry)
{
	__u32 port = 0, rule = 0, told;

	told = told_of_counter(FASTPATH_COUNTER(entry), FASTPATH_VERDICT(entry) == VERDICT_PASS,
			       &port, &rule);
	tell(hook, told, port, rule);
}

#endif
