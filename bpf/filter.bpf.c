/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filter.bpf.c: the programs on the guarded interfaces, at XDP and at tc ingress, from one
 * source.  The one place that turns a reason into a verdict of the hook, and that counts.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "datapath.h"
#include "decide.h"
#include "parse.h"

/* include/uapi/linux/pkt_cls.h.  UNSPEC lets the programs and filters behind this one speak. */
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_SHOT 2

/* Headers that the longest legal chain needs are read directly; more are pulled up to here. */
#define HEADER_BYTES 256

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u64 clock_ns(void)
{
	return bpf_ktime_get_coarse_ns();
}

/* Decides and counts.  Returns whether the packet is to be dropped. */
static __always_inline bool filter(const struct hook *hook, const struct packet *pkt,
				   __u32 packets, __u32 bytes)
{
	struct decision decision = {};
	bool drop;

	decide(hook, pkt, &decision);
	drop = is_drop(decision.reason);
	count(decision.reason, packets, bytes);
	if (decision.port_counter)
		count(decision.port_counter + drop, packets, bytes);
	if (decision.rule_counter)
		count(decision.rule_counter, packets, bytes);
	return drop && !decision.is_audit;
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

static __always_inline int filter_skb(struct __sk_buff *skb, const struct packet *pkt)
{
	struct hook hook = { .ctx = skb };
	/* What GRO merged came as several packets. */
	__u32 packets = skb->gso_segs ?: 1;

	return filter(&hook, pkt, packets, skb->len) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* Multi-buffer aware (kernel 5.18): the first buffer holds the headers. */
SEC("xdp.frags")
int filter_xdp(struct xdp_md *ctx)
{
	struct hook hook = { .ctx = ctx, .is_xdp = true };
	struct cursor cursor = xdp_cursor(ctx);
	struct packet pkt = {};

	if (!parse_plain_frame(&cursor, &pkt))
		parse_xdp(ctx, &pkt);
	return filter(&hook, &pkt, 1, ctx->data_end - ctx->data) ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int filter_tc(struct __sk_buff *skb)
{
	struct cursor cursor = skb_cursor(skb);
	struct packet pkt = {};

	if (!parse_plain_frame(&cursor, &pkt))
		parse_skb(skb, &pkt);
	return filter_skb(skb, &pkt);
}

/* Interfaces without an Ethernet header: tun, WireGuard, PPP. */
SEC("tc")
int filter_tc_l3(struct __sk_buff *skb)
{
	struct cursor cursor = skb_cursor(skb);
	struct packet pkt = {};

	if (!parse_plain_network(&cursor, skb->protocol, &pkt))
		parse_skb_l3(skb, &pkt);
	return filter_skb(skb, &pkt);
}
