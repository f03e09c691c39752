/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decide.h: packet + image -> reason.  Knows the policy, the routing table and conntrack; knows no
 * XDP and no tc codes.
 *
 * This is the specification.  The verdict entries of the image, the prefilter and the fast path are
 * caches of it, and tests/verdict compares them with it.  tidegate(8) promises the order of the
 * steps: the first that decides, decides.  What the image cannot tell, because it contradicts
 * itself, is dropped.
 */
#ifndef TIDEGATE_DECIDE_H
#define TIDEGATE_DECIDE_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "verdict_entry.h"
#include "conntrack.h"
#include "count.h"
#include "map_values.h"
#include "policy_image.h"
#include "reason.h"
#include "lookup.h"
#include "maps.h"
#include "parse.h"

#define AF_INET  2
#define AF_INET6 10

/* Where the packet was met.  All but ctx are constants wherever this is inlined. */
struct hook {
	void *ctx;
	bool is_xdp;
	bool is_l3; /* tc, and there is no Ethernet header */
};

/* Asked for only on the way to a drop: at XDP it is three look-ups in the kernel's memory. */
static __always_inline __u32 ifindex_of(const struct hook *hook)
{
	if (hook->is_xdp)
		return ((struct xdp_md *)hook->ctx)->ingress_ifindex;
	return ((struct __sk_buff *)hook->ctx)->ifindex;
}

struct decision {
	enum reason reason;
	__u32 port_counter; /* 0 = none */
	__u32 rule_counter;
	bool is_audit;
};

/* net/netfilter/nf_conntrack_bpf.c, since 5.18.  Weak: without them nothing is a reply. */
struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, __u32 size,
				  struct bpf_ct_opts___tidegate *opts,
				  __u32 opts_size) __ksym __weak;
struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *ctx, struct bpf_sock_tuple *tuple, __u32 size,
				  struct bpf_ct_opts___tidegate *opts,
				  __u32 opts_size) __ksym __weak;
void bpf_ct_release(struct nf_conn *ct) __ksym __weak;

#define IP_CT_DIR_REPLY 1

/* By the loader's word: the address of a weak function cannot be asked for where it is in a
 * module, because libbpf before 1.2 leaves out which module. */
const volatile bool has_conntrack = false;

/* TCP with SYN and without ACK: cannot be a reply. */
static __always_inline bool is_syn(const struct packet *pkt)
{
	return (pkt->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN;
}

/*
 * Whether the packet answers a flow that this host or a container began: conntrack knows
 * the tuple as it is on the wire, in direction REPLY.  Direction ORIGINAL is what the
 * outside began, and must not pass because it once did.  Where a connection was picked up in its
 * middle, a port that somebody names is a service's, whatever its number.
 */
static __always_inline bool is_tracked_reply(const struct hook *hook, const struct packet *pkt,
					     __u32 port)
{
	struct bpf_ct_opts___tidegate opts = { .netns_id = -1, .l4proto = pkt->protocol };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *ct;
	bool is_ours;
	__u32 size;

	if (pkt->family == 4) {
		tuple.ipv4.saddr = pkt->saddr[0];
		tuple.ipv4.daddr = pkt->daddr[0];
		tuple.ipv4.sport = pkt->sport;
		tuple.ipv4.dport = pkt->dport;
		size = sizeof(tuple.ipv4);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, pkt->saddr, sizeof(pkt->saddr));
		__builtin_memcpy(tuple.ipv6.daddr, pkt->daddr, sizeof(pkt->daddr));
		tuple.ipv6.sport = pkt->sport;
		tuple.ipv6.dport = pkt->dport;
		size = sizeof(tuple.ipv6);
	}
	if (hook->is_xdp)
		ct = bpf_xdp_ct_lookup(hook->ctx, &tuple, size, &opts, sizeof(opts));
	else
		ct = bpf_skb_ct_lookup(hook->ctx, &tuple, size, &opts, sizeof(opts));
	if (!ct)
		return false;
	is_ours = has_begun(ct, pkt->protocol, port ? 0 : pkt->dport);
	bpf_ct_release(ct);
	return is_ours && opts.dir == IP_CT_DIR_REPLY;
}

/* A flood of SYNs ends here, before anything is made ready for the look-up. */
static __always_inline bool is_reply(const struct hook *hook, const struct packet *pkt, __u32 port)
{
	return !is_syn(pkt) && has_conntrack && is_tracked_reply(hook, pkt, port);
}

static __always_inline bool is_shared(const struct hook *hook)
{
	__u32 ifindex = ifindex_of(hook);
	const struct interface *interface = bpf_map_lookup_elem(&interfaces, &ifindex);

	return interface && (interface->flags & INTERFACE_SHARED);
}

/*
 * Whether this host takes the frame off the wire for itself: it is to one of the host's own
 * link-layer addresses, or to many.  What is to another one, a bridge or a macvlan takes.
 */
static __always_inline bool is_own_frame(const struct hook *hook)
{
	struct ethhdr *eth;
	struct mac_key key = {};
	void *end;

	if (hook->is_l3)
		return true;
	if (hook->is_xdp) {
		eth = (void *)(long)((struct xdp_md *)hook->ctx)->data;
		end = (void *)(long)((struct xdp_md *)hook->ctx)->data_end;
	} else {
		eth = (void *)(long)((struct __sk_buff *)hook->ctx)->data;
		end = (void *)(long)((struct __sk_buff *)hook->ctx)->data_end;
	}
	if ((void *)(eth + 1) > end)
		return true;
	__builtin_memcpy(key.addr, eth->h_dest, sizeof(key.addr));
	return key.addr[0] & 1 || bpf_map_lookup_elem(&own_macs, &key);
}

/*
 * Whether an address that the image does not know is this host's own: asked of the routing
 * table, as Docker's `addrtype LOCAL` does, so that an address added a moment ago has no
 * window and what is merely routed or bridged through here is left alone.  A look-up that
 * fails counts as yes.
 *
 * docker-proxy's socket on every address also receives what is for a group, once anybody on this
 * host has joined it.  Where others listen on the same wire, only the groups that the image knows
 * are this host's, and those are not asked about here.
 */
static __always_inline bool is_local(const struct hook *hook, const struct packet *pkt)
{
	struct bpf_fib_lookup fib = { .ifindex = ifindex_of(hook), .l4_protocol = pkt->protocol };
	long found;

	if (is_group_address(pkt->family, pkt->daddr))
		return !is_shared(hook);
	if (pkt->family == 4) {
		fib.family = AF_INET;
		fib.ipv4_src = pkt->saddr[0];
		fib.ipv4_dst = pkt->daddr[0];
	} else {
		fib.family = AF_INET6;
		__builtin_memcpy(&fib.ipv4_src, pkt->saddr, sizeof(pkt->saddr));
		__builtin_memcpy(&fib.ipv4_dst, pkt->daddr, sizeof(pkt->daddr));
	}
	found = bpf_fib_lookup(hook->ctx, &fib, sizeof(fib), 0);
	/* The routing table is not asked where forwarding is off.  What this host takes off the
	 * wire then is for one of its own addresses, or goes nowhere. */
	if (found == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return is_own_frame(hook);
	return found < 0 || found == BPF_FIB_LKUP_RET_NOT_FWDED;
}

/* A container's own address is open only to whom a rule allows it. */
static __always_inline enum reason reason_at(__u32 kind, const struct image_header *header,
					     __u32 port, enum action action)
{
	enum reason reason = image_reason(header, port, action);

	if (is_container(kind) && reason != PASS_ALLOWED && reason != PASS_DEFAULT)
		return DROP_DIRECT;
	return reason;
}

/* Neither failsafe nor ban: these are asked earlier.  What is not allowed may still be a reply, and
 * what is not for this host is not ours to drop. */
static __always_inline enum reason decide_port(const struct hook *hook, const struct packet *pkt,
					       __u32 kind, const struct image_header *header,
					       __u32 port, enum action action)
{
	enum reason reason = reason_at(kind, header, port, action);

	/* Docker bound it, and no policy knows it yet. */
	if ((reason == PASS_UNGUARDED || reason == PASS_DEFAULT) && is_unknown_bound(pkt) &&
	    !(header->flags & IMAGE_ALLOW_ALL))
		reason = DROP_LEARNED;
	if (!is_drop(reason))
		return reason;
	if (kind == DESTINATION_OTHER && !is_local(hook, pkt))
		return PASS_FORWARDED;
	/* Conntrack of this host knows nothing of what a macvlan container begins. */
	if (kind == DESTINATION_MACVLAN)
		return reason;
	return is_reply(hook, pkt, reason == DROP_LEARNED ? 1 : port) ? PASS_REPLY : reason;
}

/* What needs no rule: 0 when one is needed. */
static __always_inline enum reason precheck(const struct hook *hook, const struct packet *pkt,
					    __u32 kind)
{
	/* A container behind NAT is addressed by nothing on the wire, errors included. */
	if ((pkt->kind == PACKET_CONTROL || pkt->kind == PACKET_NEIGHBOR) &&
	    kind != DESTINATION_CONTAINER)
		return PASS_CONTROL;
	if (pkt->kind != PACKET_MALFORMED)
		return REASON_NONE;
	if (kind == DESTINATION_OTHER && !is_local(hook, pkt))
		return PASS_FORWARDED;
	return DROP_MALFORMED;
}

/* Behind failsafe and ban, for packets without ports. */
static __always_inline enum reason decide_portless(const struct packet *pkt, __u32 kind)
{
	if (kind == DESTINATION_CONTAINER)
		return DROP_DIRECT;
	return pkt->kind == PACKET_FRAGMENT ? PASS_FRAGMENT : PASS_NO_PORTS;
}

/* What the rule says that wins there, if any, and what holds without one. */
static __always_inline enum reason apply_rule(const struct hook *hook, const struct packet *pkt,
					      __u32 kind, const struct image_header *header,
					      __u32 number, const struct image_rule *rule)
{
	if (rule && rule->action == ACTION_FAILSAFE)
		return PASS_FAILSAFE;
	if (rule && rule->action == ACTION_BAN)
		return DROP_BANNED;
	if (kind == DESTINATION_MARTIAN)
		return DROP_MARTIAN;
	if (pkt->kind != PACKET_PORTS)
		return decide_portless(pkt, kind);
	return decide_port(hook, pkt, kind, header, number, rule ? rule->action : ACTION_NONE);
}

/*
 * A global function, which the verifier checks once: inlined, it would be checked again for each
 * way to get here.  It asks the image anew, which may be a newer one by now; that knows better what
 * is inside.
 */
__noinline int is_spoofed(const struct packet *pkt)
{
	struct image_ref image = current_image();

	if (!pkt || !image.bytes)
		return 1;
	return is_inside(image, image_header_of(image), pkt);
}

/* Asked backwards: how this host would reach the source.  Forwarding has to be on, and then it is
 * one look-up in the routing table. */
static __always_inline long find_way_back(const struct hook *hook, const struct packet *pkt,
					  __u32 *ret_ifindex)
{
	struct bpf_fib_lookup fib = { .ifindex = ifindex_of(hook), .l4_protocol = pkt->protocol };
	long found;

	if (pkt->family == 4) {
		fib.family = AF_INET;
		fib.ipv4_src = pkt->daddr[0];
		fib.ipv4_dst = pkt->saddr[0];
	} else {
		fib.family = AF_INET6;
		__builtin_memcpy(&fib.ipv4_src, pkt->daddr, sizeof(pkt->daddr));
		__builtin_memcpy(&fib.ipv4_dst, pkt->saddr, sizeof(pkt->saddr));
	}
	found = bpf_fib_lookup(hook->ctx, &fib, sizeof(fib), 0);
	*ret_ifindex = fib.ifindex;
	return found;
}

/* Whether this host would forward it, as far as the image knows; likewise. */
__noinline int is_for_elsewhere(const struct packet *pkt)
{
	struct image_ref image = current_image();

	return pkt && image.bytes && pkt->kind == PACKET_PORTS &&
	       !is_group_address(pkt->family, pkt->daddr) &&
	       destination_of(image, image_header_of(image), pkt) == DESTINATION_OTHER;
}

/*
 * Whether a packet that this host would forward claims to come from an address of this host, or
 * from behind an interface, that no policy knows yet: a network of containers made a moment ago.
 * What a bridge takes off the wire is not routed.
 */
static __always_inline bool is_spoofed_forward(const struct hook *hook, const struct packet *pkt)
{
	__u32 ifindex;
	long found;

	if (!is_own_frame(hook))
		return false;
	found = find_way_back(hook, pkt, &ifindex);
	if (found < 0 || found == BPF_FIB_LKUP_RET_NOT_FWDED)
		return true;
	/* Those in between lead nowhere, or forwarding is off. */
	return (found == BPF_FIB_LKUP_RET_SUCCESS || found > BPF_FIB_LKUP_RET_FWD_DISABLED) &&
	       zone_of(ifindex) == ZONE_UNSEEN;
}

/* Global functions, as is_spoofed() is, and one for each kind of context. */
__noinline int is_spoofed_forward_xdp(struct xdp_md *ctx, const struct packet *pkt)
{
	struct hook hook = { .ctx = ctx, .is_xdp = true };

	return pkt && is_spoofed_forward(&hook, pkt);
}

__noinline int is_spoofed_forward_tc(struct __sk_buff *skb, const struct packet *pkt)
{
	struct hook hook = { .ctx = skb };

	return pkt && is_spoofed_forward(&hook, pkt);
}

__noinline int is_spoofed_forward_tc_l3(struct __sk_buff *skb, const struct packet *pkt)
{
	struct hook hook = { .ctx = skb, .is_l3 = true };

	return pkt && is_spoofed_forward(&hook, pkt);
}

static __always_inline bool is_forged(const struct hook *hook, const struct packet *pkt)
{
	if (is_spoofed(pkt))
		return true;
	if (!is_for_elsewhere(pkt))
		return false;
	if (hook->is_xdp)
		return is_spoofed_forward_xdp(hook->ctx, pkt);
	if (hook->is_l3)
		return is_spoofed_forward_tc_l3(hook->ctx, pkt);
	return is_spoofed_forward_tc(hook->ctx, pkt);
}

/* Nothing from outside may come from an inside source, but for two: failsafe means never dropped;
 * and a neighbour that has this host's address as well must be able to say so (RFC 4862 5.4). */
static __always_inline bool may_be_spoofed(const struct packet *pkt, enum reason reason)
{
	return !is_drop(reason) && reason != PASS_FAILSAFE && pkt->kind != PACKET_NEIGHBOR;
}

/* What the policy says, whoever sends it. */
static __always_inline void decide_for_any(const struct hook *hook, struct packet *pkt,
					   struct image_ref image, struct decision *decision)
{
	const struct image_header *header = image_header_of(image);
	const struct image_endpoint *endpoint;
	const struct image_rule *rule = NULL;
	bool is_dhcp = pkt->kind == PACKET_DHCP;
	__u32 destination, kind, number;

	destination = destination_of(image, header, pkt);
	kind = image_kind(image, header, destination);
	decision->reason = DROP_NO_POLICY;
	if (kind > DESTINATION_MACVLAN)
		return;
	decision->reason = precheck(hook, pkt, kind);
	if (decision->reason)
		return;

	if (is_dhcp)
		pkt->kind = PACKET_PORTS;
	decision->reason = DROP_NO_POLICY;
	number = lookup_endpoint(image, header, pkt, destination);
	/* What comes from a DHCP server's port is for this host's client, which has the client's
	 * port.  But where the policy or Docker names that port somebody else has it, and anybody
	 * can send from a server's. */
	if (is_dhcp && !number && kind != DESTINATION_CONTAINER && !is_unknown_bound(pkt)) {
		decision->reason = PASS_CONTROL;
		return;
	}
	/* Most packets are for no guarded port, and most hosts ban nobody. */
	if (number || !(header->flags & IMAGE_QUIET)) {
		rule = find_rule(image, header, pkt, number, &endpoint);
		if (!rule)
			return;
		decision->port_counter = endpoint->counter;
		decision->rule_counter = rule->counter;
	}
	decision->reason = apply_rule(hook, pkt, kind, header, number, rule);
}

static __always_inline void decide(const struct hook *hook, struct packet *pkt,
				   struct decision *decision)
{
	const struct image_header *header;
	struct image_ref image;

	decision->reason = PASS_NOT_IP;
	if (pkt->kind == PACKET_NOT_IP)
		return;

	decision->reason = DROP_NO_POLICY;
	image = current_image();
	if (!image.bytes)
		return;
	header = image_header_of(image);
	decision->is_audit = header->flags & IMAGE_AUDIT;

	/* Not even addresses: the stack would not take it either. */
	decision->reason = DROP_MALFORMED;
	if (!pkt->family)
		return;
	decide_for_any(hook, pkt, image, decision);
	if (may_be_spoofed(pkt, decision->reason) && is_forged(hook, pkt))
		decision->reason = DROP_SPOOFED;

	/* Not the port's nor the rule's doing. */
	if (decision->reason == PASS_REPLY || decision->reason == PASS_FORWARDED ||
	    decision->reason == DROP_SPOOFED)
		decision->port_counter = decision->rule_counter = 0;
}

#endif
