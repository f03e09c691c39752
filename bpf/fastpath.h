/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fastpath.h: the fast path for plain TCP and UDP packets to one of this host's own addresses.  The
 * table has the verdict, unless the prefilter has a bit for the source, which may be in a list
 * then: lookup_entry() finds its class and rule in the image.  Both decide as decide.h would, which
 * has every other packet.
 */
#ifndef TIDEGATE_FASTPATH_H
#define TIDEGATE_FASTPATH_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "verdict_entry.h"
#include "classify.h"
#include "count.h"
#include "fastpath_table.h"
#include "policy_image.h"
#include "reason.h"
#include "decide.h"
#include "lookup.h"
#include "parse.h"
#include "parse_plain.h"

#define likely(condition) __builtin_expect(!!(condition), 1)

/* In .bss, whose address is part of the program: no look-up. */
struct fastpath fastpath;

/* Asked before the headers are read, so that only a pointer has to be kept meanwhile.  NULL when
 * the fast path is disabled.  The address of the table depends on the word that enables it, which
 * keeps the order of the two readings on every processor. */
static __always_inline const struct fastpath_table *fastpath_enabled(void)
{
	__u64 offset = *(volatile __u64 *)&fastpath.offset & FASTPATH_OFFSET;

	barrier_var(offset);
	return offset ? (const void *)&fastpath + offset : NULL;
}

/* Whether somebody listens.  The same line as above. */
static __always_inline bool is_watched(void)
{
	return *(volatile __u64 *)&fastpath.offset & FASTPATH_WATCHED;
}

/* Likewise the table, while somebody listens. */
static __always_inline const struct fastpath_table *fastpath_kept(void)
{
	__u64 offset = *(volatile __u64 *)&fastpath.offset;

	offset = (offset & FASTPATH_KEPT) >> FASTPATH_KEPT_SHIFT;
	barrier_var(offset);
	return offset ? (const void *)&fastpath + offset : NULL;
}

/* Nobody listens, or nobody now: user space says so again when he does.  What it writes meanwhile
 * wins. */
static __always_inline void stop_watching(void)
{
	(void)__sync_val_compare_and_swap(&fastpath.offset, FASTPATH_WATCHED | FASTPATH_KEPT,
					  FASTPATH_OFFSET);
	(void)__sync_val_compare_and_swap(&fastpath.offset, FASTPATH_WATCHED, 0);
}

static __always_inline bool is_own(const struct own_addrs *own, const struct packet *pkt)
{
	if (pkt->family == 4)
		return is_own4(own, pkt->daddr[0]);
	return is_own6(own, word64(pkt->daddr), word64(pkt->daddr + 2));
}

/* Of an address that is_own(). */
static __always_inline __u32 own_slot(const struct own_addrs *own, const struct packet *pkt)
{
	if (pkt->family == 4)
		return own_slot4(own, pkt->daddr[0]);
	return own_slot6(own, word64(pkt->daddr), word64(pkt->daddr + 2));
}

/* Whether decide.h's is_inside() knows the source without a bit in the prefilter: an own address, a
 * link-local or group one, or one that begins with 64 zeros. */
static __always_inline bool is_inside6(const struct own_addrs *own, __u64 hi, __u64 lo)
{
	return hi - 1 >= (0xfeull << 56) - 1 || is_own6(own, hi, lo);
}

/* Whether no list has an address near the source, and it can come from outside. */
static __always_inline bool is_unlisted(const struct fastpath_table *table,
					const struct packet *pkt)
{
	__u64 part;

	if (pkt->family == 4)
		return !is_own4(&table->own, pkt->saddr[0]) &&
		       is_clear4(table->prefilter4, bpf_ntohl(pkt->saddr[0]));
	if (is_inside6(&table->own, word64(pkt->saddr), word64(pkt->saddr + 2)))
		return false;
	part = prefilter6_bucket(&table->shape6, word64(pkt->saddr));
	barrier_var(part);
	return !(table->prefilter6[part / 8 % sizeof(table->prefilter6)] >> part % 8 & 1);
}

/* The flags of an entry that apply to this packet. */
static __always_inline __u32 applicable_flags(__u32 flags, const struct packet *pkt)
{
	return flags & (ENTRY_VALID | ENTRY_ANY_SOURCE | ENTRY_CHECK_BOUND |
			(is_syn(pkt) ? 0 : ENTRY_SYN_ONLY));
}

/*
 * Whether the entry holds for the packet: see the table of ENTRY_VALID.  What may be a reply needs
 * conntrack, and what passes because nobody named its port, the marks of the ports that Docker
 * bound.
 */
static __always_inline bool is_conclusive(__u32 flags, const struct packet *pkt)
{
	return flags == ENTRY_VALID ||
	       (flags == (ENTRY_VALID | ENTRY_CHECK_BOUND) && !is_marked(bound_marks_of(), pkt));
}

/* The packet's entry in the table, if it holds; 0 = it does not, and lookup_entry() may know, which
 * is in *ret_needs_lookup (false before), or decide.h. */
static __always_inline __u32 fastpath_packet(const struct fastpath_table *table,
					     const struct packet *pkt, bool *ret_needs_lookup)
{
	bool is_ipv6 = pkt->family == 6;
	__u32 entry, flags;

	if (pkt->kind != PACKET_PORTS || !is_own(&table->own, pkt))
		return 0;
	entry = table->entries[is_ipv6][proto_index(pkt->protocol) % FASTPATH_PROTOS][pkt->dport];
	if (FASTPATH_IS_ROW(entry))
		entry = table->rows[FASTPATH_ROW_OF(entry)][own_slot(&table->own, pkt)];
	flags = applicable_flags(FASTPATH_FLAGS(entry), pkt);
	/* Of a flood to a closed port one comparison tells. */
	if (flags == (ENTRY_VALID | ENTRY_ANY_SOURCE))
		return entry;
	if (!is_unlisted(table, pkt)) {
		*ret_needs_lookup = !(flags & ENTRY_ANY_SOURCE);
		return 0;
	}
	return is_conclusive(flags, pkt) ? entry : 0;
}

/* Each protocol by itself: what TCP and UDP have in common would cost more in registers than it
 * saves in code. */
static __always_inline __u32 fastpath_transport(const struct fastpath_table *table,
						struct cursor *cursor, const struct packet *ip,
						bool *ret_needs_lookup)
{
	struct packet pkt = *ip;

	if (likely(ip->protocol == IPPROTO_TCP) && parse_tcp(cursor, &pkt))
		return fastpath_packet(table, &pkt, ret_needs_lookup);
	if (ip->protocol == IPPROTO_UDP && parse_udp(cursor, &pkt))
		return fastpath_packet(table, &pkt, ret_needs_lookup);
	return 0;
}

/* As are the families.  From the network header on. */
static __always_inline __u32 fastpath_network(const struct fastpath_table *table,
					      struct cursor *cursor, __be16 ethertype,
					      bool *ret_needs_lookup)
{
	struct packet pkt = {};

	if (!table)
		return 0;
	if (likely(ethertype == bpf_htons(ETH_P_IP)) && parse_plain_ipv4(cursor, &pkt))
		return fastpath_transport(table, cursor, &pkt, ret_needs_lookup);
	if (ethertype == bpf_htons(ETH_P_IPV6) && parse_plain_ipv6(cursor, &pkt))
		return fastpath_transport(table, cursor, &pkt, ret_needs_lookup);
	return 0;
}

/* From the Ethernet header on. */
static __always_inline __u32 fastpath_frame(const struct fastpath_table *table,
					    struct cursor *cursor, bool *ret_needs_lookup)
{
	struct ethhdr *eth = cursor->pos;

	if (!table || cursor->pos + sizeof(*eth) + PLAIN_BYTES > cursor->end)
		return 0;
	cursor->pos += sizeof(*eth);
	return fastpath_network(table, cursor, eth->h_proto, ret_needs_lookup);
}

/* The verdict entry for a source that has to be looked up, made from the image; false = decide.h.
 */
static __always_inline bool lookup_entry(const struct packet *pkt, struct verdict_entry *ret)
{
	struct image_ref image = image_in(SLOT_ACTIVE);
	const struct image_header *header = image_header_of(image);
	const struct image_endpoint *endpoint;
	const struct image_rule *rule;
	__u32 destination, number, class, rule_number, slot;

	/* A trial may have begun meanwhile, and ended. */
	if (!image.bytes || header->deadline_ns || pkt->kind != PACKET_PORTS ||
	    !is_own(&header->own, pkt))
		return false;
	slot = own_slot(&header->own, pkt);
	if (pkt->family == 4) {
		destination = header->own.destination4[slot];
		class = classify4(image, &header->saddr4, bpf_ntohl(pkt->saddr[0]));
	} else {
		destination = header->own.destination6[slot];
		class = classify6(image, &header->saddr6, word64(pkt->saddr),
				  word64(pkt->saddr + 2));
	}
	number = lookup_endpoint(image, header, pkt, destination);
	if (number == IMAGE_INVALID)
		return false;
	endpoint = image_endpoint_at(image, header, number);
	rule_number = endpoint ? image_rule(image, header, endpoint, class) : IMAGE_INVALID;
	if (rule_number == IMAGE_INVALID)
		return false;
	rule = image_rule_at(image, header, rule_number);
	if (!rule)
		return false;
	*ret = make_verdict_entry(header, number, endpoint, rule);
	/* Most that are banned are so for a time. */
	if (rule->action == ACTION_BAN && !is_expired(rule))
		ret->flags = entry_flags(header, DROP_BANNED);
	if (!is_drop(ret->reason) && ret->reason != PASS_FAILSAFE && is_spoofed(pkt))
		return false;
	return is_conclusive(applicable_flags(ret->flags, pkt), pkt);
}

#endif
