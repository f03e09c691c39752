/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse_plain.h: bytes -> struct packet for nearly all packets: TCP or UDP right behind an IP
 * header without options or extension headers, and no tag in front.  Reads such a one as parse.h
 * would, in a tenth of the instructions, and returns false for every other and for what ends too
 * soon: that is to be read from its start again, by parse.h.
 */
#ifndef TIDEGATE_PARSE_PLAIN_H
#define TIDEGATE_PARSE_PLAIN_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>

#include "parse.h"

#define PLAIN_BYTES (sizeof(struct iphdr) + sizeof(struct udphdr)) /* at least */

static __always_inline bool parse_plain_ipv4(struct cursor *cursor, struct packet *pkt)
{
	struct iphdr *ip = cursor->pos;

	if (cursor->pos + PLAIN_BYTES > cursor->end || ip->version != 4 || ip->ihl != 5 ||
	    ip->frag_off & bpf_htons(IP_OFFSET))
		return false;
	cursor->pos += sizeof(*ip);
	/* Below zero is more than any header needs, but 0 has a meaning, so neither is plain. */
	if (bpf_ntohs(ip->tot_len) < sizeof(*ip))
		return false;
	cursor->left = bpf_ntohs(ip->tot_len) - sizeof(*ip);
	pkt->family = 4;
	pkt->protocol = ip->protocol;
	pkt->saddr[0] = ip->saddr;
	pkt->daddr[0] = ip->daddr;
	return true;
}

static __always_inline bool parse_plain_ipv6(struct cursor *cursor, struct packet *pkt)
{
	struct ipv6hdr *ip6 = cursor->pos;

	if (!cursor_skip(cursor, sizeof(*ip6)) || ip6->version != 6 || !ip6->payload_len)
		return false;
	cursor->left = bpf_ntohs(ip6->payload_len);
	pkt->family = 6;
	pkt->protocol = ip6->nexthdr;
	__builtin_memcpy(pkt->saddr, ip6->saddr, sizeof(pkt->saddr));
	__builtin_memcpy(pkt->daddr, ip6->daddr, sizeof(pkt->daddr));
	return true;
}

static __always_inline bool parse_plain_transport(struct cursor *cursor, struct packet *pkt)
{
	if (pkt->protocol == IPPROTO_TCP)
		return parse_tcp(cursor, pkt);
	return pkt->protocol == IPPROTO_UDP && parse_udp(cursor, pkt);
}

static __always_inline bool parse_plain_network(struct cursor *cursor, __be16 ethertype,
						struct packet *pkt)
{
	if (ethertype == bpf_htons(ETH_P_IP))
		return parse_plain_ipv4(cursor, pkt) && parse_plain_transport(cursor, pkt);
	return ethertype == bpf_htons(ETH_P_IPV6) && parse_plain_ipv6(cursor, pkt) &&
	       parse_plain_transport(cursor, pkt);
}

static __always_inline bool parse_plain_frame(struct cursor *cursor, struct packet *pkt)
{
	struct ethhdr *eth = cursor->pos;

	return cursor_skip(cursor, sizeof(*eth)) && parse_plain_network(cursor, eth->h_proto, pkt);
}

#endif
