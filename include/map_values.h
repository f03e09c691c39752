/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * map_values.h: keys and values of the pinned maps, but for the image (policy_image.h) and the fast
 * path (fastpath_table.h).  Which program or process writes each map stands beside it.
 */
#ifndef TIDEGATE_MAP_VALUES_H
#define TIDEGATE_MAP_VALUES_H

#include "limit.h"
#include "reason.h"
#include "types.h"

/* Layout of the pinned maps and of the image.  A build that finds an older number pinned moves what
 * the maps hold (user/kernel/move.c), and refuses to touch one that it does not know. */
#define DATAPATH_ABI 8

/* ---- counters ----------------------------------------------------------------- */

/*
 * Array "counters": element 0 is for what user space moves from one counter to another, then one
 * for each CPU.  What they counted is the sum over all elements.  CPUs that are present, not all
 * that are possible: a virtual machine may say that there could be 128, and an element is
 * LIMIT_COUNTERS * 16 bytes.  Not a per-CPU array: that has an element for each possible CPU, and
 * here the element is looked up once for all that a packet moves, and user space maps it into its
 * memory.
 *
 * Ids [0, REASON_MAX) belong to the reasons, for what is IPv6 those from COUNTER_IPV6 on: in what
 * counter_ids_totals() returns the former count both.  Those from COUNTER_FIRST are given out by
 * user/kernel/counter_ids.c and survive a new image.
 */
#define COUNTERS_USER                      0u
#define COUNTERS_CPU(cpu)                  ((cpu) + 1)
#define COUNTER_IPV6                       32
#define COUNTER_FIRST                      64
#define COUNTER_OF_REASON(reason, is_ipv6) ((__u32)(reason) + ((is_ipv6) ? COUNTER_IPV6 : 0))
/* Combined counters have ids below: a fast path entry has no more bits for one. */
#define COUNTERS_COMBINED 32768

struct counter {
	__u64 packets;
	__u64 bytes; /* of the frame as the hook sees it */
};

struct counters {
	struct counter of[LIMIT_COUNTERS]; /* by id */
};

/*
 * Array "counter_owners": index = counter id, which rule or port has it, so that a counter keeps
 * its meaning when the policy is replaced or the daemon restarts.  The key is a 128-bit hash of
 * the canonical text; or, for a combined counter, which ones it stands for.  Zero = nobody; all
 * ones = who has the id before it as well.
 */
struct counter_key {
	__u64 hash[2];
};

/* ---- interfaces ------------------------------------------------------------------- */

/*
 * Hash "interfaces": ifindex -> struct interface, of all that user space has seen up.  The filter
 * reads it only on the way to a drop.  Behind the filter, to gate.bpf.c and socket.bpf.c, each
 * interface is the outside unless it is in here as INTERFACE_INSIDE: so one that has just been
 * made is closed before anybody could attach to it.
 */
#define INTERFACE_SHARED   1u /* bridge port, or parent of a macvlan: carries frames of others */
#define INTERFACE_UPPER    2u /* not guarded itself, but above one that is: a VLAN, a VRF */
#define INTERFACE_INSIDE   4u /* nobody wants it guarded */
#define INTERFACE_NEW      8u /* a bridge, and nobody can say yet that it is none of Docker's */
#define INTERFACE_LOOPBACK 1u /* ifindex of lo in each network namespace */

struct interface {
	__u32 flags;
	__u32 noted_s; /* CLOCK_MONOTONIC; when a bridge that is not guarded was first seen */
};

/*
 * Hash "own_macs": the link-layer addresses of this host's devices, value 1.  Where the routing
 * table cannot be asked whether an address is this host's own, because forwarding is off, the
 * frame's destination tells whether this host would take it.
 */
struct mac_key {
	__u8 addr[6];
	__u16 reserved;
};

/* ---- bound ports ----------------------------------------------------------------- */

/*
 * What Docker's processes bound on this host (bpf/bindwatch.bpf.c), so that the filter knows a
 * published port before anybody can connect to it.  Forgotten by user space, user/engine/bound.c.
 */
enum bound_by {
	BOUND_BY_PROXY = 1,  /* docker-proxy: a published port for sure */
	BOUND_BY_ENGINE = 2, /* dockerd: one as well, or a port of the Engine's own */
	BOUND_PENDING = 3,   /* one of them is about to bind it, and may not get it */
};

/* So long a port is taken for bound that was only tried. */
#define BOUND_PENDING_NS 100000000ull

/* bound_value.flags.  In fact at one address, for which there was no room: of several, maybe. */
#define BOUND_WIDENED 1u

/* The other bits of them: which socket was bound, by the lower part of its cookie, so that user
 * space need not search all processes for who holds it; 0 = not known.  That two sockets with the
 * same port have the same one, among two thousand million, keeps a port closed. */
#define BOUND_COOKIE(cookie) ((__u32)(cookie) << 1)

/*
 * Key and value of the hashes "bound_ports", what is bound at every address, and "bound_ports_at",
 * what is bound at one.  The first has room for all there can be.  Where the second has none, the
 * port counts as bound at every address of its family: nothing opens, and no other port closes.
 */
#define BOUND_EVERY_MAX (2 * 2 * 65536) /* families, protocols, ports */

struct bound_key {
	__be32 addr[4]; /* as bound, IPv4 in the first word; zero = every address of the family */
	__u8 family;    /* 4 or 6 */
	__u8 proto;     /* IPPROTO_* */
	__u16 port;
};

struct bound_value {
	__u64 bound_ns; /* CLOCK_MONOTONIC_COARSE; or tried */
	__u32 by;       /* enum bound_by */
	__u32 flags;    /* BOUND_WIDENED, BOUND_COOKIE() */
};

/*
 * Array "bound_marks", one element: which ports may be in the hashes, for the packets of all
 * others.  Of the two sets one is read, the other is where user space leaves out what was
 * forgotten; the program marks in both, the hash first.  So a bit that is read is never
 * missing for a port in a hash.
 */
#define BOUND_WORDS                   (3 * 65536 / 32)
#define BOUND_WORD(proto_index, port) (((__u32)(proto_index) << 16 | (port)) / 32)
#define BOUND_BIT(port)               (1u << ((port) % 32))

struct bound_marks {
	__u32 current; /* the set that is read: 0 or 1 */
	__u32 reserved[15];
	__u32 bits[2][BOUND_WORDS];
};

/* ---- state ---------------------------------------------------------------------- */

/* Array "state", one element, written by user space: what `status` wants to know of the
 * last reconciliation.  Its first word tells every build whether it may read the rest. */
#define STATE_TEXT 200

struct state {
	__u32 abi;         /* DATAPATH_ABI of the build that made the maps */
	__u32 is_followed; /* 1: a daemon said it would keep this in step, and did not take leave */
	__u64 generation;  /* of the newest image */
	__u64 reconciled_at;  /* seconds since the epoch: when policy and kernel were last compared
			       */
	__u64 docker_seen_at; /* when Docker was last read whole; 0 = never */
	__u64 refused[2]; /* hash of a configuration that was tried and not confirmed; 0 = none */
	char docker_error[STATE_TEXT]; /* why the last reading failed; "" = it did not */
	char config_error[STATE_TEXT]; /* why the configuration was not applied; "" = it was */
	__u64 unconfirmed_ns; /* CLOCK_MONOTONIC: since when a text enforces that the daemon took
				 from the file; 0 = somebody asked for it */
	__u32 hook;           /* enum hook_kind of the last `up --hook`; 0 = none was asked for */
	__u32 reserved;
	char refused_why[STATE_TEXT]; /* why it was not even tried; "" = it was */
	__u64 pins;                   /* digest of the pin directory's path */
};

/* ---- defenses -------------------------------------------------------------------- */

/*
 * What closes the moment between a container's start and the policy's knowing of it, and what
 * tells replies.  Each is optional: the filter works without, and weaker.
 */
enum defense {
	DEFENSE_BINDWATCH = 0, /* bpf/bindwatch.bpf.c */
	DEFENSE_GATE = 1,      /* bpf/gate.bpf.c */
	DEFENSE_TRACKING = 2,  /* user/tracking.h */
	DEFENSE_MAX
};

/* Array "defenses": why the last load went without it; "" = it did not. */
#define DEFENSE_TEXT 240
struct defense_note {
	char why_not[DEFENSE_TEXT];
};

ASSERT_SIZE(counter, 16);
ASSERT_SIZE(counter_key, 16);
ASSERT_SIZE(interface, 8);
ASSERT_SIZE(mac_key, 8);
ASSERT_SIZE(bound_key, 20);
ASSERT_SIZE(bound_value, 16);
ASSERT_SIZE(bound_marks, 64 + 2 * 24576);
ASSERT_SIZE(state, 672);
ASSERT_SIZE(defense_note, 240);
_Static_assert((int)REASON_MAX <= COUNTER_IPV6, "the two counters of each reason");
_Static_assert(COUNTER_FIRST + 2 * (LIMIT_PORTS + LIMIT_RULES) <= LIMIT_COUNTERS,
	       "rules and ports have counters, also where a rule has half of a port's place");

#endif
