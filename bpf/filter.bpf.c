/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filter.bpf.c: the programs on the guarded interfaces, at XDP and at tc ingress, from one source.
 * The one place that turns a reason into a verdict of the hook, and that counts.
 *
 *   hook                  entry, fast path   source looked up       slow path
 *   XDP                   filter_xdp         filter_lookup_xdp      filter_slow_xdp
 *   tc                    filter_tc          filter_lookup_tc       filter_slow_tc
 *   tc without Ethernet   filter_tc_l3       filter_lookup_tc_l3    filter_slow_tc_l3
 *   decided by            fastpath.h, its    fastpath.h, class and  decide.h
 *                         table              rule in the image
 *
 * Each entry hands what it cannot decide to the function on its right.  decide.h is the
 * specification; the other two decide what it would decide, or nothing.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "fastpath_table.h"
#include "limit.h"
#include "policy_image.h"
#include "decide.h"
#include "parse.h"
#include "parse_plain.h"
#include "fastpath.h"
#include "listen.h"
#include "tell.h"

/* include/uapi/linux/pkt_cls.h.  UNSPEC lets the programs and filters behind this one speak. */
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_SHOT   2

/* Headers that the longest legal chain needs are read directly; more are pulled up to here. */
#define HEADER_BYTES 256

_Static_assert((int)VERDICT_DROP == XDP_DROP && (int)VERDICT_PASS == XDP_PASS, "of XDP");

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u64 clock_ns(void)
{
	return bpf_ktime_get_coarse_ns();
}

/* Decides and counts.  Returns whether the packet is to be dropped. */
static __always_inline bool filter(const struct hook *hook, struct packet *pkt, __u32 packets,
				   __u64 bytes)
{
	struct decision decision = {};
	__u32 port_counter;
	bool drop;

	decide(hook, pkt, &decision);
	drop = is_drop(decision.reason);
	port_counter = decision.port_counter ? decision.port_counter + drop : 0;
	count_each(decision.reason, pkt->family, port_counter, decision.rule_counter, packets,
		   bytes);
	if (is_watched())
		tell(hook, told_of(decision.reason, drop && decision.is_audit), port_counter,
		     decision.rule_counter);
	return drop && !decision.is_audit;
}

/* Count what a fast path entry decided, or a verdict entry that was looked up. */
static __always_inline enum verdict apply_fastpath(__u32 entry, __u32 packets, __u64 bytes)
{
	count_entry(entry, packets, bytes);
	return FASTPATH_VERDICT(entry);
}

static __always_inline enum verdict apply_entry(const struct hook *hook, const struct packet *pkt,
						const struct verdict_entry *entry, __u32 packets,
						__u64 bytes)
{
	count_each(entry->reason, pkt->family, entry->port_counter, entry->rule_counter, packets,
		   bytes);
	if (is_watched())
		tell(hook, told_of(entry->reason, entry->verdict == VERDICT_PASS),
		     entry->port_counter, entry->rule_counter);
	return entry->verdict;
}

/* ---- reading ---------------------------------------------------------------------------- */

static __always_inline struct cursor xdp_cursor(struct xdp_md *ctx)
{
	return (struct cursor){
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
		.left = ~0u,
	};
}

/* Kept in 64 bits: half of a packet pointer may not be put by. */
static __always_inline __u64 xdp_bytes(const struct xdp_md *ctx)
{
	__u64 start = ctx->data, end = ctx->data_end;

	barrier_var(start);
	barrier_var(end);
	return end - start;
}

static __always_inline struct cursor skb_cursor(struct __sk_buff *skb)
{
	return (struct cursor){
		.pos = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.left = ~0u,
	};
}

/* Makes the headers linear.  A failed pull leaves less to read; then the parser is not sure,
 * and says so. */
static __always_inline void pull_headers(struct __sk_buff *skb)
{
	__u32 want = skb->len < HEADER_BYTES ? skb->len : HEADER_BYTES;

	if ((void *)(long)skb->data + want > (void *)(long)skb->data_end)
		bpf_skb_pull_data(skb, want);
}

/*
 * What is not plain is read by global functions, which the verifier checks once each and takes
 * the result of as any bytes at all.  Inlined, each way through the headers would be checked
 * again with each way through the policy: 600 000 instructions instead of a third.
 */
__noinline int parse_xdp(struct xdp_md *ctx, struct packet *pkt)
{
	struct cursor cursor = xdp_cursor(ctx);

	if (!pkt)
		return 0;
	parse_frame(&cursor, LIMIT_VLAN_TAGS, pkt);
	return 0;
}

/* The outermost VLAN tag is no longer in the frame here, but in the skb. */
__noinline int parse_skb(struct __sk_buff *skb, struct packet *pkt)
{
	struct cursor cursor;

	if (!pkt)
		return 0;
	pull_headers(skb);
	cursor = skb_cursor(skb);
	parse_frame(&cursor, skb->vlan_present ? LIMIT_VLAN_TAGS - 1 : LIMIT_VLAN_TAGS, pkt);
	return 0;
}

__noinline int parse_skb_l3(struct __sk_buff *skb, struct packet *pkt)
{
	struct cursor cursor;

	if (!pkt)
		return 0;
	pull_headers(skb);
	cursor = skb_cursor(skb);
	parse_network(&cursor, skb->protocol, pkt);
	return 0;
}

/* ---- the programs ----------------------------------------------------------------------- */

/*
 * What an entry does not decide it hands to a global function, which begins anew: so what is rare
 * costs the plain packet nothing, not even registers, and the verifier does not multiply the two.
 */
__noinline int filter_slow_xdp(struct xdp_md *ctx)
{
	struct hook hook = { .ctx = ctx, .is_xdp = true };
	struct cursor cursor = xdp_cursor(ctx);
	struct packet pkt = {};

	if (!parse_plain_frame(&cursor, &pkt))
		parse_xdp(ctx, &pkt);
	return filter(&hook, &pkt, 1, xdp_bytes(ctx)) ? XDP_DROP : XDP_PASS;
}

/* 0, which is no verdict of either hook, = not decided.  That it calls no other function keeps the
 * stacks of all that are called within 512 bytes. */
__noinline int filter_lookup_xdp(struct xdp_md *ctx)
{
	struct hook hook = { .ctx = ctx, .is_xdp = true };
	struct cursor cursor = xdp_cursor(ctx);
	struct packet pkt = {};
	struct verdict_entry entry;

	if (!parse_plain_frame(&cursor, &pkt) || !lookup_entry(&pkt, &entry))
		return 0;
	return apply_entry(&hook, &pkt, &entry, 1, xdp_bytes(ctx));
}

/* The same as below, while somebody listens. */
__noinline int filter_watched_xdp(struct xdp_md *ctx)
{
	struct hook hook = { .ctx = ctx, .is_xdp = true };
	struct cursor cursor = xdp_cursor(ctx);
	bool needs_lookup = false;
	__u32 entry = fastpath_frame(fastpath_kept(), &cursor, &needs_lookup);

	if (!entry)
		return needs_lookup ? filter_lookup_xdp(ctx) : 0;
	tell_entry(&hook, entry);
	return apply_fastpath(entry, 1, xdp_bytes(ctx));
}

/* Multi-buffer aware (kernel 5.18): the first buffer holds the headers. */
SEC("xdp.frags")
int filter_xdp(struct xdp_md *ctx)
{
	const struct fastpath_table *table = fastpath_enabled();
	struct cursor cursor = xdp_cursor(ctx);
	bool needs_lookup = false;
	__u32 entry = fastpath_frame(table, &cursor, &needs_lookup);
	int verdict;

	if (entry)
		return apply_fastpath(entry, 1, xdp_bytes(ctx));
	if (!table)
		verdict = is_watched() ? filter_watched_xdp(ctx) : 0;
	else
		verdict = needs_lookup ? filter_lookup_xdp(ctx) : 0;
	return verdict ?: filter_slow_xdp(ctx);
}

/* What GRO merged came as several packets. */
static __always_inline __u32 packets_of(const struct __sk_buff *skb)
{
	return skb->gso_segs ?: 1;
}

static __always_inline int filter_skb(const struct hook *hook, struct packet *pkt)
{
	struct __sk_buff *skb = hook->ctx;

	return filter(hook, pkt, packets_of(skb), skb->len) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

static __always_inline int tc_verdict(enum verdict verdict)
{
	return verdict == VERDICT_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

__noinline int filter_slow_tc(struct __sk_buff *skb)
{
	struct hook hook = { .ctx = skb };
	struct cursor cursor = skb_cursor(skb);
	struct packet pkt = {};

	if (!parse_plain_frame(&cursor, &pkt))
		parse_skb(skb, &pkt);
	return filter_skb(&hook, &pkt);
}

__noinline int filter_lookup_tc(struct __sk_buff *skb)
{
	struct hook hook = { .ctx = skb };
	struct cursor cursor = skb_cursor(skb);
	struct packet pkt = {};
	struct verdict_entry entry;

	if (!parse_plain_frame(&cursor, &pkt) || !lookup_entry(&pkt, &entry))
		return 0;
	return tc_verdict(apply_entry(&hook, &pkt, &entry, packets_of(skb), skb->len));
}

__noinline int filter_watched_tc(struct __sk_buff *skb)
{
	struct hook hook = { .ctx = skb };
	struct cursor cursor = skb_cursor(skb);
	bool needs_lookup = false;
	__u32 entry = fastpath_frame(fastpath_kept(), &cursor, &needs_lookup);

	/* 0 is no verdict of a lookup's either: see TC_ACT_UNSPEC. */
	if (!entry)
		return needs_lookup ? filter_lookup_tc(skb) : 0;
	tell_entry(&hook, entry);
	return tc_verdict(apply_fastpath(entry, packets_of(skb), skb->len));
}

SEC("tc")
int filter_tc(struct __sk_buff *skb)
{
	const struct fastpath_table *table = fastpath_enabled();
	struct cursor cursor = skb_cursor(skb);
	bool needs_lookup = false;
	__u32 entry = fastpath_frame(table, &cursor, &needs_lookup);
	int verdict;

	if (entry)
		return tc_verdict(apply_fastpath(entry, packets_of(skb), skb->len));
	if (!table)
		verdict = is_watched() ? filter_watched_tc(skb) : 0;
	else
		verdict = needs_lookup ? filter_lookup_tc(skb) : 0;
	return verdict ?: filter_slow_tc(skb);
}

__noinline int filter_slow_tc_l3(struct __sk_buff *skb)
{
	struct hook hook = { .ctx = skb, .is_l3 = true };
	struct cursor cursor = skb_cursor(skb);
	struct packet pkt = {};

	if (!parse_plain_network(&cursor, skb->protocol, &pkt))
		parse_skb_l3(skb, &pkt);
	return filter_skb(&hook, &pkt);
}

__noinline int filter_lookup_tc_l3(struct __sk_buff *skb)
{
	struct hook hook = { .ctx = skb, .is_l3 = true };
	struct cursor cursor = skb_cursor(skb);
	struct packet pkt = {};
	struct verdict_entry entry;

	if (!parse_plain_network(&cursor, skb->protocol, &pkt) || !lookup_entry(&pkt, &entry))
		return 0;
	return tc_verdict(apply_entry(&hook, &pkt, &entry, packets_of(skb), skb->len));
}

__noinline int filter_watched_tc_l3(struct __sk_buff *skb)
{
	struct hook hook = { .ctx = skb, .is_l3 = true };
	struct cursor cursor = skb_cursor(skb);
	bool needs_lookup = false;
	__u32 entry = fastpath_network(fastpath_kept(), &cursor, skb->protocol, &needs_lookup);

	/* 0 is no verdict of a lookup's either: see TC_ACT_UNSPEC. */
	if (!entry)
		return needs_lookup ? filter_lookup_tc_l3(skb) : 0;
	tell_entry(&hook, entry);
	return tc_verdict(apply_fastpath(entry, packets_of(skb), skb->len));
}

/* Interfaces without an Ethernet header: tun, WireGuard, PPP. */
SEC("tc")
int filter_tc_l3(struct __sk_buff *skb)
{
	const struct fastpath_table *table = fastpath_enabled();
	struct cursor cursor = skb_cursor(skb);
	bool needs_lookup = false;
	__u32 entry = fastpath_network(table, &cursor, skb->protocol, &needs_lookup);
	int verdict;

	if (entry)
		return tc_verdict(apply_fastpath(entry, packets_of(skb), skb->len));
	if (!table)
		verdict = is_watched() ? filter_watched_tc_l3(skb) : 0;
	else
		verdict = needs_lookup ? filter_lookup_tc_l3(skb) : 0;
	return verdict ?: filter_slow_tc_l3(skb);
}
