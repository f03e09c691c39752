/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame.h: what a test says of a frame, and the bytes that come of it.  Everything that is
 * not said is as an honest sender would do it; what a liar would say is written LIE(n).
 */
#ifndef TIDEGATE_VERDICT_FRAME_H
#define TIDEGATE_VERDICT_FRAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define FRAME_MAX 16384

/*
 * The sender when nothing else is said: a stranger.  All senders here are in 8.0.0.0/16 and
 * 2001:db8:86dd::/48, because those bytes stand where an Ethernet header has its EtherType:
 * BPF_PROG_TEST_RUN takes any 14 bytes for one, so the same packet without its Ethernet
 * header still has the right protocol for filter_tc_l3.
 */
#define FRAME_SADDR4 "8.0.113.9"
#define FRAME_SADDR6 "2001:db8:86dd:113::9"

/* A value in place of the right one. */
struct lie {
	bool is_told;
	unsigned int value;
};
#define LIE(lied) { true, (lied) }

struct tag {
	__u16 proto; /* 0 ends the list */
	__u16 tci;
};
#define DOT1Q(vid)  { 0x8100, (vid) }
#define DOT1AD(vid) { 0x88a8, (vid) }

/* An IPv6 extension header.  `length` is the field as it is on the wire. */
struct extension {
	bool is_there;
	__u8 type;
	__u8 length;
	__u8 left;    /* Routing: segments left */
	__u16 offset; /* Fragment: in units of 8 bytes */
	bool more;    /* Fragment: M */
};
#define EXTENSION(...)        { .is_there = true, __VA_ARGS__ }
#define HOPOPTS(n)            EXTENSION(.type = IPPROTO_HOPOPTS, .length = (n))
#define DSTOPTS(n)            EXTENSION(.type = IPPROTO_DSTOPTS, .length = (n))
#define ROUTING(n, segments)  EXTENSION(.type = IPPROTO_ROUTING, .length = (n), .left = (segments))
#define FRAGMENT(at, is_more) EXTENSION(.type = IPPROTO_FRAGMENT, .offset = (at), .more = (is_more))
#define AH(n)                 EXTENSION(.type = IPPROTO_AH, .length = (n))
#define HEADER(number, n)     EXTENSION(.type = (number), .length = (n))

#define EXTENSIONS_MAX 12
#define TAGS_MAX       4

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct frame {
	/* Ethernet; `ethertype` stands behind the tags */
	struct tag tags[TAGS_MAX];
	struct lie ethertype;

	/* IPv4 or IPv6, as `daddr` is written.  NULL: not IP, the payload follows the tags */
	const char *saddr, *daddr;
	struct lie version;

	/* IPv4 */
	struct lie ihl, tot_len;
	__u8 options;     /* bytes of them, a multiple of 4 */
	__u8 option_type; /* the first one's; 0: all are "no operation" */
	__u16 offset;     /* in units of 8 bytes */
	bool more, is_reserved_set;

	/* IPv6 */
	struct lie payload_len;
	struct extension extensions[EXTENSIONS_MAX];

	/* Transport.  Nothing said: TCP with SYN */
	__u8 protocol;
	__u16 sport, dport; /* sport 0: 40000 */
	struct lie flags;   /* of TCP */
	__u8 icmp_type;
	__u16 payload;        /* bytes behind the transport header */
	struct lie transport; /* only so many bytes of header and payload are sent, and counted
				 in the lengths: a short fragment, a short datagram */

	/* What becomes of it on the way */
	struct lie cut;               /* so many bytes of the frame arrive */
	__u16 padding;                /* zeros behind the packet */
	bool is_padding_a_tcp_header; /* to `dport` */
};

struct bytes {
	__u8 data[FRAME_MAX];
	size_t length;
	size_t network; /* offset of what is behind Ethernet header and tags */
};

void frame_build(const struct frame *frame, struct bytes *ret);

#endif
