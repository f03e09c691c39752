/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.h: bytes -> struct packet.  Knows headers and bounds, no maps and no verdicts.
 *
 * Each helper reads one header at the cursor, with bounds checks, and moves behind it.
 * What cannot be read with certainty makes the packet PACKET_MALFORMED: a parser that is
 * not sure must not guess ports.  Nothing here trusts a length field without comparing it
 * to the bytes that are there.
 */
#ifndef TIDEGATE_PARSE_H
#define TIDEGATE_PARSE_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "limit.h"

#define ETH_P_IP     0x0800
#define ETH_P_8021Q  0x8100
#define ETH_P_IPV6   0x86dd
#define ETH_P_8021AD 0x88a8

#define IPPROTO_HOPOPTS  0
#define IPPROTO_ICMP     1
#define IPPROTO_TCP      6
#define IPPROTO_UDP      17
#define IPPROTO_ROUTING  43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_AH       51
#define IPPROTO_ICMPV6   58
#define IPPROTO_DSTOPTS  60
#define IPPROTO_SCTP     132
#define IPPROTO_MH       135
#define IPPROTO_HIP      139
#define IPPROTO_SHIM6    140

/* Options of an IPv4 header, RFC 791 3.1. */
#define IPOPT_END  0
#define IPOPT_NOOP 1
#define IPOPT_LSRR 131
#define IPOPT_SSRR 137

#define IP_OFFSET  0x1fff
#define IP6_OFFSET 0xfff8

#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_ACK 0x10

enum packet_kind {
	PACKET_NOT_IP,
	PACKET_PORTS,    /* TCP, UDP or SCTP with readable ports */
	PACKET_CONTROL,  /* ICMP and ICMPv6 errors, router discovery, group membership */
	PACKET_NEIGHBOR, /* neighbour solicitation or advertisement */
	PACKET_DHCP,     /* from a server's port to a client's; its ports are readable */
	PACKET_NO_PORTS,
	PACKET_FRAGMENT, /* not the first: carries no ports */
	PACKET_MALFORMED,
};

struct packet {
	__u8 kind;                 /* enum packet_kind */
	__u8 family;               /* 4 or 6 when the addresses below are known, else 0 */
	__u8 protocol;             /* of the transport header; 0 when unknown */
	__u8 tcp_flags;            /* 0 for other protocols */
	__be16 sport, dport;       /* for PACKET_PORTS and PACKET_DHCP */
	__be32 saddr[4], daddr[4]; /* IPv4 in the first word */
};

/* Two ends: of the bytes that are there, which the verifier follows, and of the bytes that
 * the IP header counts as its own.  Padding behind the second is not a header. */
struct cursor {
	void *pos;
	void *end;
	__u32 left; /* bytes up to the second end */
};

/* Moves over `size` bytes, if so many are there; else the cursor stays. */
static __always_inline bool cursor_skip(struct cursor *cursor, __u32 size)
{
	if (size > cursor->left || cursor->pos + size > cursor->end)
		return false;
	cursor->pos += size;
	cursor->left -= size;
	return true;
}

/* The same; returns what it moved over, or NULL. */
static __always_inline void *cursor_take(struct cursor *cursor, __u32 size)
{
	void *header = cursor->pos;

	return cursor_skip(cursor, size) ? header : NULL;
}

static __always_inline bool is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/*
 * Reads the Ethernet header and up to `tags` VLAN tags.  Returns the EtherType behind them,
 * which is still a VLAN's when there are more, or 0 when the frame ends too soon.
 */
static __always_inline __be16 parse_ethernet(struct cursor *cursor, __u32 tags)
{
	struct ethhdr *eth = cursor_take(cursor, sizeof(*eth));
	__be16 ethertype;

	if (!eth)
		return 0;
	ethertype = eth->h_proto;
	for (__u32 i = 0; i < LIMIT_VLAN_TAGS; i++) {
		struct vlan_hdr *vlan;

		if (i >= tags || !is_vlan(ethertype))
			break;
		vlan = cursor_take(cursor, sizeof(*vlan));
		if (!vlan)
			return 0;
		ethertype = vlan->h_vlan_encapsulated_proto;
	}
	return ethertype;
}

/* RFC 4861 4.3, 4.4. */
#define ND_SOLICITATION  135
#define ND_ADVERTISEMENT 136

/* RFC 792, RFC 1122 3.2.2: unreachable, quench, redirect, time exceeded, parameter problem. */
static __always_inline bool is_icmp_error(__u8 type)
{
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* RFC 4443: types below 128 are errors; RFC 4861 133..137, RFC 2710 and 3810 130..132, 143. */
static __always_inline bool is_icmpv6_control(__u8 type)
{
	return type < 128 || (type >= 130 && type <= 137) || type == 143;
}

static __always_inline enum packet_kind icmp_kind(__u8 type, __u8 family)
{
	if (family == 4)
		return is_icmp_error(type) ? PACKET_CONTROL : PACKET_NO_PORTS;
	if (type == ND_SOLICITATION || type == ND_ADVERTISEMENT)
		return PACKET_NEIGHBOR;
	return is_icmpv6_control(type) ? PACKET_CONTROL : PACKET_NO_PORTS;
}

/* `family` is the one the protocol belongs to; in the other it means nothing. */
static __always_inline void parse_icmp(struct cursor *cursor, struct packet *pkt, __u8 family)
{
	struct icmphdr *icmp = cursor_take(cursor, sizeof(*icmp));

	if (!icmp)
		return;
	pkt->kind = PACKET_NO_PORTS;
	if (pkt->family == family)
		pkt->kind = icmp_kind(icmp->type, family);
}

/* A server's answer to a DHCP client; RFC 2131 4.1, RFC 8415 7.2. */
static __always_inline bool is_dhcp(const struct packet *pkt)
{
	if (pkt->family == 4)
		return pkt->sport == bpf_htons(67) && pkt->dport == bpf_htons(68);
	return pkt->sport == bpf_htons(547) && pkt->dport == bpf_htons(546);
}

/*
 * The transport headers.  The whole fixed header must be there: a first fragment that ends
 * inside it hides the flags (RFC 1858, RFC 3128), and no sender has a reason to make one.
 * Return whether it is; else the packet stays what it was.
 */
static __always_inline bool parse_tcp(struct cursor *cursor, struct packet *pkt)
{
	struct tcphdr *tcp = cursor->pos;

	if (!cursor_skip(cursor, sizeof(*tcp)))
		return false;
	pkt->sport = tcp->source;
	pkt->dport = tcp->dest;
	pkt->tcp_flags = tcp->flags;
	pkt->kind = PACKET_PORTS;
	return true;
}

static __always_inline bool parse_udp(struct cursor *cursor, struct packet *pkt)
{
	struct udphdr *udp = cursor->pos;

	if (!cursor_skip(cursor, sizeof(*udp)))
		return false;
	pkt->sport = udp->source;
	pkt->dport = udp->dest;
	pkt->kind = is_dhcp(pkt) ? PACKET_DHCP : PACKET_PORTS;
	return true;
}

static __always_inline bool parse_sctp(struct cursor *cursor, struct packet *pkt)
{
	struct sctphdr *sctp = cursor->pos;

	if (!cursor_skip(cursor, sizeof(*sctp)))
		return false;
	pkt->sport = sctp->source;
	pkt->dport = sctp->dest;
	pkt->kind = PACKET_PORTS;
	return true;
}

static __always_inline void parse_transport(struct cursor *cursor, struct packet *pkt)
{
	switch (pkt->protocol) {
	case IPPROTO_TCP:
		parse_tcp(cursor, pkt);
		return;
	case IPPROTO_UDP:
		parse_udp(cursor, pkt);
		return;
	case IPPROTO_SCTP:
		parse_sctp(cursor, pkt);
		return;
	case IPPROTO_ICMP:
		parse_icmp(cursor, pkt, 4);
		return;
	case IPPROTO_ICMPV6:
		parse_icmp(cursor, pkt, 6);
		return;
	default:
		pkt->kind = PACKET_NO_PORTS;
	}
}

/*
 * Moves over the options of an IPv4 header.  Returns false for source routes: with one, whoever is
 * addressed sends the packet on to the next address in it, behind the filter.  Also for more
 * options than anybody sends, and for lengths that do not add up.
 */
static __always_inline bool parse_options(struct cursor *cursor, __u32 size)
{
	__u8 *options = cursor_take(cursor, size);
	__u32 at = 0;

	if (!options)
		return false;
	for (int i = 0; i < LIMIT_IPV4_OPTIONS && at < size; i++) {
		__u8 *option = options + (at & 63); /* a header has 40 bytes of them */

		if ((void *)(option + 1) > cursor->end || *option == IPOPT_LSRR ||
		    *option == IPOPT_SSRR)
			return false;
		if (*option == IPOPT_END)
			return true;
		if (*option == IPOPT_NOOP) {
			at++;
			continue;
		}
		if ((void *)(option + 2) > cursor->end || option[1] < 2)
			return false;
		at += option[1];
	}
	return at == size;
}

/* IPv4 behind the EtherType: options by IHL, RFC 791 3.1. */
static __always_inline void parse_ipv4(struct cursor *cursor, struct packet *pkt)
{
	struct iphdr *ip = cursor_take(cursor, sizeof(*ip));
	__u32 length, header;

	if (!ip || ip->version != 4)
		return;
	pkt->family = 4;
	pkt->protocol = ip->protocol;
	pkt->saddr[0] = ip->saddr;
	pkt->daddr[0] = ip->daddr;
	header = ip->ihl * 4;
	length = bpf_ntohs(ip->tot_len);
	/* What GRO merged to more than 64 KiB says 0 and means the frame's end (BIG TCP). */
	if (header < sizeof(*ip) || (length && length < header))
		return;
	if (length)
		cursor->left = length - sizeof(*ip);
	if (!parse_options(cursor, header - sizeof(*ip)))
		return;
	if (ip->frag_off & bpf_htons(IP_OFFSET)) {
		pkt->kind = PACKET_FRAGMENT;
		return;
	}
	parse_transport(cursor, pkt);
}

enum extension { EXTENSION_END, EXTENSION_MORE, EXTENSION_LATER_FRAGMENT, EXTENSION_BAD };

/*
 * Moves over one IPv6 extension header.  pkt->protocol is its number before and the next
 * one's after.  Length units differ: 8 bytes, but 4 for AH (RFC 4302 2.2), none for Fragment.
 */
static __always_inline enum extension parse_extension(struct cursor *cursor, struct packet *pkt)
{
	struct frag_hdr *frag;
	__u8 *ext; /* next header, length, and for Routing: type, segments left */

	switch (pkt->protocol) {
	case IPPROTO_FRAGMENT:
		frag = cursor_take(cursor, sizeof(*frag));
		if (!frag)
			return EXTENSION_BAD;
		if (frag->frag_off & bpf_htons(IP6_OFFSET))
			return EXTENSION_LATER_FRAGMENT;
		pkt->protocol = frag->nexthdr;
		return EXTENSION_MORE;
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_MH:
	case IPPROTO_HIP:
	case IPPROTO_SHIM6:
		ext = cursor_take(cursor, 8);
		if (!ext || !cursor_take(cursor, ext[1] * 8))
			return EXTENSION_BAD;
		/* With segments left the real destination is another one. */
		if (pkt->protocol == IPPROTO_ROUTING && ext[3])
			return EXTENSION_BAD;
		pkt->protocol = ext[0];
		return EXTENSION_MORE;
	case IPPROTO_AH:
		ext = cursor_take(cursor, 8);
		if (!ext || !cursor_take(cursor, ext[1] * 4))
			return EXTENSION_BAD;
		pkt->protocol = ext[0];
		return EXTENSION_MORE;
	default:
		return EXTENSION_END;
	}
}

/*
 * IPv6 behind the EtherType.  A chain longer than LIMIT_IPV6_HEADERS is malformed: no
 * sender needs one.  A payload length of 0 (a jumbogram, RFC 2675) leaves the frame's end.
 */
static __always_inline void parse_ipv6(struct cursor *cursor, struct packet *pkt)
{
	struct ipv6hdr *ip6 = cursor_take(cursor, sizeof(*ip6));
	enum extension found = EXTENSION_MORE;

	if (!ip6 || ip6->version != 6)
		return;
	pkt->family = 6;
	pkt->protocol = ip6->nexthdr;
	__builtin_memcpy(pkt->saddr, ip6->saddr, sizeof(pkt->saddr));
	__builtin_memcpy(pkt->daddr, ip6->daddr, sizeof(pkt->daddr));
	if (ip6->payload_len)
		cursor->left = bpf_ntohs(ip6->payload_len);
	for (int i = 0; i <= LIMIT_IPV6_HEADERS && found == EXTENSION_MORE; i++)
		found = parse_extension(cursor, pkt);
	if (found == EXTENSION_LATER_FRAGMENT)
		pkt->kind = PACKET_FRAGMENT;
	else if (found == EXTENSION_END)
		parse_transport(cursor, pkt);
}

/* From the network header on, which `ethertype` names. */
static __always_inline void parse_network(struct cursor *cursor, __be16 ethertype,
					  struct packet *pkt)
{
	*pkt = (struct packet){ .kind = PACKET_MALFORMED };
	if (ethertype == bpf_htons(ETH_P_IP))
		parse_ipv4(cursor, pkt);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		parse_ipv6(cursor, pkt);
	else if (!is_vlan(ethertype))
		pkt->kind = PACKET_NOT_IP;
}

/* From the Ethernet header on; `tags` VLAN tags may still follow it. */
static __always_inline void parse_frame(struct cursor *cursor, __u32 tags, struct packet *pkt)
{
	__be16 ethertype = parse_ethernet(cursor, tags);

	/* Too short for an Ethernet header: nothing that the stack would take for IP. */
	if (ethertype == 0)
		pkt->kind = PACKET_NOT_IP;
	else
		parse_network(cursor, ethertype, pkt);
}

#endif
