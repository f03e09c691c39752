/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h: what the programs report of single packets while somebody listens, and who does.
 *
 * Nobody listens most of the time, and then no packet that the fast path decides is asked anything
 * more: a listener takes the fast path away from the programs' first question, in the word that
 * enables it (fastpath_table.h), and what they do then instead knows of listeners.
 *
 * These maps may be missing: a build of the same layout did not have them yet.  Nothing else
 * depends on them.
 */
#ifndef TIDEGATE_EVENT_H
#define TIDEGATE_EVENT_H

#include "types.h"

/* Each has a ring buffer of its own, so that none takes events away from another. */
#define LISTENERS_MAX 4

#define LISTENER_PASSES 1u /* not only what is dropped */
#define LISTENER_WHOLE  2u /* EVENT_LONG bytes of each packet, not EVENT_SHORT */

struct listener_slot {
	__u64 until_ns; /* CLOCK_MONOTONIC: listens until then, and says so again before; 0 = free
			 */
	__u32 flags;    /* LISTENER_* */
	__u32 reserved;
};

/* Array "listeners", one element, written by user space. */
struct listeners {
	struct listener_slot of[LISTENERS_MAX];
};

/*
 * Per-CPU array "event_buckets", one element: how many more events each listener gets now.  They
 * are given out by time, so that a flood costs hardly more than without a listener.
 */
#define EVENT_TOKEN_SHIFT 18   /* one more each 2^18 ns: 3 800 a second on each CPU */
#define EVENT_TOKENS_MAX  1024 /* at once */

struct event_bucket {
	__u64 filled_ns;
	__u64 tokens;
	__u64 lost; /* events that found no token or no room in the ring */
};

struct event_buckets {
	struct event_bucket of[LISTENERS_MAX];
};

/* Where the packet was met. */
enum event_hook { EVENT_XDP = 1, EVENT_TC, EVENT_GATE, EVENT_SOCKET };

#define EVENT_DROP   1u /* else it passed */
#define EVENT_AUDIT  2u /* would be dropped, but for the audit */
#define EVENT_L3     4u /* the bytes begin with the IP header */
#define EVENT_UNSEEN 8u /* it came by an interface that nobody has seen yet */

/* In a ring buffer of the array of maps "event_rings"; struct event, and the packet's first bytes.
 */
struct event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 ifindex;
	__u32 length;       /* of the packet */
	__u32 port_counter; /* ids in "counters"; 0 = none */
	__u32 rule_counter;
	__u16 captured; /* bytes[] that are of the packet */
	__u16 vlan_tci; /* of the tag that is not in the bytes */
	__be16 vlan_proto;
	__u8 hook;   /* enum event_hook */
	__u8 reason; /* enum reason */
	/* What was decided about, where the bytes do not say so: the gate decides about what the
	 * outside sent, before DNAT, and the socket look-up has no bytes.  family 0 = they do. */
	__u8 family; /* 4 or 6 */
	__u8 protocol;
	__u8 flags; /* EVENT_* */
	__u8 reserved;
	__be16 sport, dport;
	__be32 saddr[4], daddr[4];
	__u8 bytes[];
};

#define EVENT_SHORT 184
#define EVENT_LONG  1976

ASSERT_SIZE(listeners, 64);
ASSERT_SIZE(event_buckets, 96);
ASSERT_SIZE(event, 72);

#endif
