/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * socket.bpf.c: the last look, when the kernel looks for the socket that a packet is for.  The
 * filter let the packet in some microseconds ago; if Docker bound the port since, the packet
 * would be the first of many, and the only one to get through.  What came in by an interface that
 * was plugged in a moment ago, the filter has not even seen.  Runs for what no connected socket
 * takes: the first packet of a connection, and datagrams.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "policy_image.h"
#include "reason.h"
#include "bound.h"
#include "listen.h"
#include "lookup.h"
#include "maps.h"
#include "parse.h"

/* include/uapi/linux/bpf.h, enum sk_action */
#define SK_DROP 0
#define SK_PASS 1

#define AF_INET 2

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u64 clock_ns(void)
{
	return bpf_ktime_get_coarse_ns();
}

/* Each field is read where it is: of two that take turns the compiler would make one load through a
 * computed pointer, which the verifier refuses. */
static __always_inline void read_lookup(const struct bpf_sk_lookup *ctx, struct packet *pkt)
{
	__be32 saddr = ctx->remote_ip4, daddr = ctx->local_ip4;

	barrier_var(saddr);
	barrier_var(daddr);
	pkt->kind = PACKET_PORTS;
	pkt->protocol = ctx->protocol;
	pkt->sport = ctx->remote_port;
	pkt->dport = bpf_htons(ctx->local_port);
	for (int i = 0; i < 4; i++) {
		pkt->saddr[i] = ctx->remote_ip6[i];
		pkt->daddr[i] = ctx->local_ip6[i];
	}
	pkt->family = ctx->family == AF_INET ? 4 : 6;
	if (pkt->family == 4) {
		pkt->saddr[0] = saddr;
		pkt->daddr[0] = daddr;
	}
}

/* A bridge of Docker's that was made again is not seen yet either, and here nobody can tell it from
 * a NIC that was plugged in. */
static __always_inline bool is_from_container(struct image_ref image,
					      const struct image_header *header,
					      const struct packet *pkt)
{
	__u32 source = destination_at(image, header, pkt->family, pkt->saddr);

	return is_container(image_kind(image, header, source));
}

static __always_inline bool is_kept_out(enum action action)
{
	return action == ACTION_DENY || action == ACTION_DEFAULT_DENY || action == ACTION_BAN;
}

/*
 * As the filter decides about a port that Docker bound.  What it decides otherwise it has decided:
 * here nobody could ask about replies.  Where it has not seen the packet, the port's rules are
 * asked as well; a port that nobody names is no container's.
 */
static __always_inline enum reason decide_socket(struct image_ref image, const struct packet *pkt,
						 bool is_bound, bool is_unseen)
{
	const struct image_header *header = image_header_of(image);
	__u32 number = lookup_endpoint(image, header, pkt, destination_of(image, header, pkt));
	const struct image_endpoint *endpoint;
	const struct image_rule *rule;

	rule = find_rule(image, header, pkt, number, &endpoint);
	if (!rule)
		return is_unseen ? DROP_NO_POLICY : REASON_NONE;
	if (rule->action == ACTION_FAILSAFE)
		return REASON_NONE;
	if (is_unseen && is_inside(image, header, pkt) && !is_from_container(image, header, pkt))
		return DROP_SPOOFED;
	if (is_bound && !(header->flags & IMAGE_ALLOW_ALL) &&
	    (!number || rule->action == ACTION_DEFAULT_ALLOW))
		return DROP_LEARNED;
	return is_unseen && is_kept_out(rule->action) ? DROP_GATE : REASON_NONE;
}

/* A global function, which the verifier checks once, with any bits in what it is told: inlined, it
 * would be checked again for each way to get here. */
__noinline int look_late(const struct packet *pkt, int is_bound, int is_unseen)
{
	struct image_ref image = current_image();
	enum reason reason;

	/* Without a policy nobody has looked at the interfaces either. */
	if (!pkt || !pkt->family || !image.bytes)
		return REASON_NONE;
	reason = decide_socket(image, pkt, is_bound, is_unseen);
	if (reason != REASON_NONE && image_header_of(image)->flags & IMAGE_AUDIT)
		return reason | ONLY_AUDIT;
	return reason;
}

static __always_inline void write_event(__u32 slot, __u32 ifindex, const struct packet *pkt,
					__u32 told)
{
	struct event *event = reserve_event(slot, false);

	if (!event)
		return;
	fill_event(event, EVENT_SOCKET, told);
	fill_flow(event, pkt);
	event->ifindex = ifindex;
	bpf_ringbuf_submit(event, 0);
}

/* Here nobody knows the packet's bytes. */
static __always_inline void tell_socket(const struct packet *pkt, __u32 ifindex, int reason,
					bool is_unseen)
{
	__u32 flags = EVENT_L3 | (reason & ONLY_AUDIT ? EVENT_AUDIT : EVENT_DROP) |
		      (is_unseen ? EVENT_UNSEEN : 0);
	__u32 told = TOLD(reason & (ONLY_AUDIT - 1), flags);
	__u64 now_ns = clock_ns();

	for (__u32 slot = 0; slot < LISTENERS_MAX; slot++)
		if (listener_at(slot, now_ns) && take_token(slot, now_ns))
			write_event(slot, ifindex, pkt, told);
}

SEC("sk_lookup")
int learn_socket(struct bpf_sk_lookup *ctx)
{
	enum zone zone = zone_of(ctx->ingress_ifindex);
	struct packet pkt = {};
	bool is_bound;
	int reason;

	if (zone == ZONE_INSIDE)
		return SK_PASS;
	read_lookup(ctx, &pkt);
	is_bound = is_unknown_bound(&pkt);
	/* From here until the socket is found is the time that bpf/bindwatch.bpf.c waits for. */
	if (!is_bound && zone == ZONE_OUTSIDE)
		return SK_PASS;
	reason = look_late(&pkt, is_bound, zone == ZONE_UNSEEN);
	if (reason == REASON_NONE)
		return SK_PASS;
	count(reason & (ONLY_AUDIT - 1), pkt.family, 1, 0);
	tell_socket(&pkt, ctx->ingress_ifindex, reason, zone == ZONE_UNSEEN);
	return reason & ONLY_AUDIT ? SK_PASS : SK_DROP;
}
