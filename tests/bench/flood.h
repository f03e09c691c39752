/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flood.h: what the generator's program and its driver share.
 */
#ifndef TIDEGATE_FLOOD_H
#define TIDEGATE_FLOOD_H

#define FLOOD_SOURCES (1u << 20)

/* Where the sources come from.  The first two draw from 11.0.0.0 to 99.255.255.255: nothing
 * that a router calls a martian, so that every peer's chain gets to see every packet. */
enum flood_mode {
	FLOOD_RANDOM = 0,  /* anywhere in there */
	FLOOD_OUTSIDE = 1, /* third octet 128..255: beside the sets, in the same /16s */
	FLOOD_TABLE = 2,   /* a random entry of the table, random below its mask */
};

/* In network order. */
struct flood_source {
	__u32 addr[4];
	__u32 mask[4]; /* bits that are random */
};

struct flood_config {
	__u32 mode;
	__u32 ifindex; /* where the packets leave */
	__u32 is_ipv6;
	__u32 sources; /* entries of the table, a power of two */
	__u8 dst_mac[6];
	__u8 src_mac[6];
	__u32 daddr[4];
	__u16 dport;     /* network order */
	__u16 is_paused; /* nothing is sent */
	__u64 gap_ns;    /* between two packets; 0 = as fast as it goes */
	__u32 ip_sum;    /* over the constant part of the IPv4 header */
	__u32 tcp_sum;   /* over the constant part of the TCP header and its pseudo header */
};

#endif
