/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_image.h: layout of the image, which is the policy compiled for the kernel.
 */
#ifndef TIDEGATE_POLICY_IMAGE_H
#define TIDEGATE_POLICY_IMAGE_H

#include "limit.h"
#include "types.h"

/*
 * The policy compiled for the kernel: one block of memory, the only value of a frozen map.
 * The header is at offset 0, all offsets in it are in bytes from the start of the image, and
 * each element of a table is aligned to its size.
 *
 * The map's size is one of three, because a size known at load time lets the programs read it
 * without a helper call; each has an array of maps of its own, of which exactly one is filled
 * in a slot.
 *
 * A packet finds its rule like this:
 *
 *   daddr ─► destination ───────┐
 *   proto, dport ─► port entry ─┴─► endpoint ─► row ─┐
 *   saddr ─► class ──────────────────────────────────┴─► rule ─► action
 *
 * The destination says what is at that address: nothing known, this host, a container.
 * The class is the set of rule sources that contain the address.  Which rule wins for
 * (row, class) is computed in user space, so its cost here does not depend on how many
 * rules there are or how they overlap.  Most addresses are of one class; the endpoint
 * has its default rule, and the prefilter a bit where an address may be of another.  For this
 * host's own addresses the port entry has what all of this comes to, a verdict entry, and the fast
 * path a copy of it where it is found at once.
 */
#define IMAGE_CHUNK  65536u /* images are a multiple of it */
#define IMAGE_SMALL  (1u << 20)
#define IMAGE_MEDIUM (8u << 20)
#define IMAGE_LARGE  (32u << 20)
#define IMAGE_MAGIC  0x65746167u /* "gate" */

/* Slots of the arrays of maps "policy_small", "policy_medium", "policy_large". */
enum image_slot {
	SLOT_ACTIVE = 0,    /* what enforces */
	SLOT_CONFIRMED = 1, /* what enforces after image_header.deadline_ns */
	SLOT_MAX
};

enum action {
	ACTION_NONE = 0, /* row 0 and nobody banned: the port is not guarded */
	ACTION_ALLOW = 1,
	ACTION_DENY = 2,
	ACTION_BAN = 3,
	ACTION_FAILSAFE = 4,
	ACTION_DEFAULT_ALLOW = 5, /* no rule's source contains the address; pass */
	ACTION_DEFAULT_DENY = 6,  /* no rule's source contains the address; drop */
};

/* image_header.flags */
#define IMAGE_AUDIT     1u /* decide and count, but pass */
#define IMAGE_DENY_ALL  2u /* default deny all: ports nobody named are closed too */
#define IMAGE_ALLOW_ALL 4u /* default allow: so are none, whatever Docker publishes */
#define IMAGE_QUIET     8u /* no ban and no failsafe source: only named ports have rules */

/* What a destination address is.  Values from DESTINATION_FIRST are addresses that some
 * port names; image_header.destinations holds the kind of each, and DESTINATION_INSIDE. */
enum destination {
	DESTINATION_OTHER = 0,     /* nothing known: the kernel's routing table answers */
	DESTINATION_LOCAL = 1,     /* this host's own */
	DESTINATION_CONTAINER = 2, /* in a Docker subnet behind NAT */
	DESTINATION_ROUTED = 3,    /* in a Docker subnet in gateway mode routed */
	DESTINATION_MARTIAN = 4,   /* 127.0.0.0/8, 0.0.0.0/8, ::1, :: */
	DESTINATION_MACVLAN = 5,   /* a container's own in no subnet behind this host */
	DESTINATION_FIRST = 16
};

/* Beside a kind in image_header.destinations: the address is this host's or behind it now, so that
 * no packet from outside can have it as its source.  Of an address that a rule names, the kind
 * alone does not tell: it may be a virtual one that another host has at the moment. */
#define DESTINATION_INSIDE 0x80u

/*
 * A set of disjoint address ranges, each with a value (a class or a destination): together
 * they are the whole address space.  How it is laid out is known to include/classify.h and
 * user/image/table.c alone.
 */
struct image_table {
	__u32 root; /* offset of the references, or the only one when bits is 0 */
	__u8 bits;  /* the root has 1 << bits parts */
	__u8 shift; /* part = (address - base) >> shift */
	__u16 reserved;
	__u64 base;
};

/*
 * The precomputed verdict on packets with ports for one of this host's own addresses, from sources
 * of the default class: what endpoint, rule and the header's flags come to.  Most packets need none
 * of these then.
 */
struct verdict_entry {
	__u32 counter;      /* id of a combined one, for the reason and these two; 0 = none */
	__u32 port_counter; /* id: the one of the port's two; 0 = not counted */
	__u32 rule_counter;
	__u8 reason;  /* enum reason */
	__u8 verdict; /* enum verdict: in audit mode another than the reason's */
	__u16 flags;  /* ENTRY_*; 0 = none, ask the endpoint */
};

/* The numbers are those of XDP, which needs no translation so; bpf/filter.bpf.c checks it. */
enum verdict { VERDICT_DROP = 1, VERDICT_PASS = 2 };

/* clang-format off */
/*
 * When a verdict entry holds, by its flags, the bit of the source's bucket in the prefilter, and
 * whether the packet is a SYN.  "lookup": the source's class has to be found; "decide": decide.h.
 *
 *   flags                          bit clear         bit set           reason
 *                                  SYN    other      SYN     other
 *   VALID                          holds  holds      lookup  lookup    allowed, failsafe, banned
 *   VALID CHECK_BOUND              holds if the      lookup  lookup    unguarded, default-allow
 *                                  port is unbound
 *   VALID SYN_ONLY                 holds  decide     lookup  lookup    closed, denied
 *   VALID SYN_ONLY ANY_SOURCE      holds  decide     holds   decide    the same, for every source
 *   VALID ANY_SOURCE               holds  holds      holds   holds     banned, for every source
 *   0                              decide decide     lookup  lookup    the rule expires
 */
/* clang-format on */
#define ENTRY_VALID       1u
#define ENTRY_ANY_SOURCE  2u /* every class has the same rule, and it drops */
#define ENTRY_SYN_ONLY    4u /* anything but a SYN may be a reply: conntrack has to be asked */
#define ENTRY_CHECK_BOUND 8u /* only if Docker did not bind the port a moment ago */

/* What is behind (protocol, port): the endpoint for each kind of destination. 0 = none. */
struct port_entry {
	__u32 any4; /* endpoint for this host's own IPv4 addresses */
	__u32 any6;
	__u32 first_override; /* index into the address overrides, sorted by destination */
	__u32 overrides;
};

/* The endpoint for one destination >= DESTINATION_FIRST; takes precedence over any4, any6. */
struct addr_override {
	__u32 destination;
	__u32 endpoint;
};

/* A guarded port at one address or at all.  Number 0 stands for every port nobody named and for no
 * port at all. */
struct image_endpoint {
	__u32 counter; /* id; +0 counts what passed, +1 what was dropped; 0 = not counted */
	__u32 row;
	__u16 is_uniform;    /* every class has the same rule */
	__u16 fallback;      /* rule of the default: in place of one that let in and has expired */
	__u16 default_rule4; /* for the class that most IPv4 addresses have */
	__u16 default_rule6;
	struct verdict_entry entry4; /* of default_rule4, at this host's own addresses */
	struct verdict_entry entry6;
	__u32 reserved[4];
};

struct image_rule {
	__u8 action; /* enum action */
	__u8 reserved[3];
	__u32 counter;    /* id, 0 = not counted */
	__u64 expires_ns; /* CLOCK_MONOTONIC; 0 = never. Past it an allow counts as closed */
};

/* Cells of one row are stored in blocks of CELL_BLOCK classes; equal blocks once. */
#define CELL_BLOCK 64u

/*
 * Addresses of this host, its broadcast addresses included, that the programs find with one
 * comparison: packets to them take the fast path, and no packet from outside has one for its
 * source.  A perfect hash: the writer looks for factors with which no two addresses have the same
 * slot, and leaves out those for which it finds none; these have a bit in the prefilter.  Not in
 * here are loopback, link-local addresses and the host's ends of Docker's networks.  An empty slot
 * has an address that belongs into another slot, and so is never found.
 */
#define OWN_ADDRS 64
#define OWN_SHIFT 58 /* of the product of address and factor: what is left is a slot */

struct own_addr6 {
	__u64 hi, lo; /* in host order */
};

struct own_addrs {
	__u64 factor4, factor6;
	__be32 addr4[OWN_ADDRS];
	struct own_addr6 addr6[OWN_ADDRS];
	__u32 destination4[OWN_ADDRS]; /* by slot: what daddr4 has for it, always of kind LOCAL */
	__u32 destination6[OWN_ADDRS];
};

/*
 * The prefilter: a bit for each bucket of the upper 64 bits of IPv6 addresses, up to and with the
 * last one.  It is set if some address in the bucket has another class than most have, or can only
 * be inside (DROP_SPOOFED) and is not in own_addrs.  fe80::/9, ff00::/8 and ::/64 are not in it.
 * Where most bits would be set there is one bucket, with the bit of image_header.prefilter_full.
 * The bits of IPv4 are at IMAGE_PREFILTER4.
 */
struct image_bitmap {
	__u32 root; /* offset of the bytes */
	__u32 last; /* bucket = (key - base) >> shift, but no more than this */
	__u32 shift;
	__u32 reserved;
	__u64 base; /* a key in front of it comes around to behind the last bucket */
};

struct image_header {
	__u32 magic;
	__u32 abi;
	__u32 size; /* bytes, a multiple of IMAGE_CHUNK */
	__u32 flags;
	__u64 generation;     /* grows by one with each image that is swapped in */
	__u64 deadline_ns;    /* CLOCK_MONOTONIC; past it SLOT_CONFIRMED enforces. 0 = confirmed */
	__u64 digest[2];      /* hash of everything but generation, deadline and digest */
	__u64 built_at;       /* seconds since the epoch */
	__u32 endpoints_used; /* entries of endpoints */
	__u32 classes;        /* classes in use */
	__u32 port_entries_used; /* entries at IMAGE_PORTS */
	__u32 overrides;         /* struct addr_override[] */
	__u32 endpoints;         /* struct image_endpoint[] */
	__u32 blocks;            /* __u32[rows][row_blocks]: number of the cell block */
	__u32 row_blocks;        /* blocks in a row: classes / CELL_BLOCK, rounded up */
	__u32 cells;             /* __u16[][CELL_BLOCK]: rule number */
	__u32 rules;             /* struct image_rule[] */
	__u32 destinations;      /* __u8[]: enum destination of value DESTINATION_FIRST + i */
	__u32 snapshot;          /* what user space wants to read back; the programs never do */
	__u32 snapshot_size;
	__u32 prefilter_full; /* ones: of everything there may be another class */
	__u32 unbanned; /* __u16[classes]: which class each is once its bans have ended; 0 = none
			   ends */
	struct own_addrs own;
	struct image_table saddr4;
	struct image_table saddr6;
	struct image_table daddr4;
	struct image_table daddr6;
	struct image_bitmap prefilter6;
};

/* Protocol index of the port index. */
enum proto_index { PROTO_TCP = 0, PROTO_UDP = 1, PROTO_SCTP = 2, PROTO_MAX };

/*
 * Three tables have the same place in every image, because each packet needs them that the fast
 * path does not decide: what is known when the program is compiled need not be read.  The port
 * entries are as many as there are.
 */
/* __u16[3][65536]: number of the port entry of (protocol index, __be16), 0 = none. */
#define IMAGE_PORT_INDEX 2048u
/* A bit for each IPv4 /20, as in struct image_bitmap. */
#define IMAGE_PREFILTER4       (IMAGE_PORT_INDEX + 3 * 65536 * 2)
#define IMAGE_PREFILTER4_SHIFT 12
#define IMAGE_PREFILTER4_SIZE  (1u << (32 - IMAGE_PREFILTER4_SHIFT - 3))
#define IMAGE_PORTS            (IMAGE_PREFILTER4 + IMAGE_PREFILTER4_SIZE) /* struct port_entry[] */
#define IMAGE_PORTS_MAX        65536u

ASSERT_SIZE(image_table, 16);
ASSERT_SIZE(verdict_entry, 16);
ASSERT_SIZE(port_entry, 16);
ASSERT_SIZE(addr_override, 8);
ASSERT_SIZE(image_endpoint, 64);
ASSERT_SIZE(image_rule, 16);
ASSERT_SIZE(own_addrs, 1808);
ASSERT_SIZE(image_bitmap, 24);
ASSERT_SIZE(image_header, 2008);
_Static_assert(sizeof(struct image_header) <= IMAGE_PORT_INDEX, "the header has room");

#endif
