/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * datapath.h: the contract between the programs in bpf/ and the code in user/:
 * every limit, enum, key and value that crosses the map boundary, and the layout of
 * the image.  It includes integer types and nothing else, and compiles for both sides.
 *
 * Byte order: fields typed __be16/__be32 are as on the wire, everything else is in
 * host order.  Padding is a named field and always zero.
 */
#ifndef TIDEGATE_DATAPATH_H
#define TIDEGATE_DATAPATH_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

/* Layout of the pinned maps and of the image.  A build that finds another number
 * pinned refuses to touch it (user/kernel.c). */
#define DATAPATH_ABI 7

/* ---- reasons ------------------------------------------------------------------ */

/*
 * Why a packet passed or was dropped.  Append-only: the number is a counter's index,
 * an event's field and, through reason_name(), what people read.  A retired number
 * keeps its place.  0 is not a reason, so that a forgotten one is seen.
 */
enum reason {
	REASON_NONE = 0,
	PASS_NOT_IP = 1,     /* ARP, LLDP, ...: not ours to judge */
	PASS_CONTROL = 2,    /* neighbour discovery, DHCP, ICMP and ICMPv6 errors */
	PASS_FAILSAFE = 3,   /* a failsafe statement names the source or the port */
	PASS_REPLY = 4,      /* conntrack direction REPLY: this host or a container began it */
	PASS_FRAGMENT = 5,   /* later fragment: its first fragment was decided here */
	PASS_NO_PORTS = 6,   /* protocol without ports */
	PASS_UNGUARDED = 7,  /* no published port, no rule */
	PASS_FORWARDED = 8,  /* the destination is not this host's own */
	PASS_ALLOWED = 9,    /* an allow rule */
	PASS_DEFAULT = 10,   /* default allow, or a port that only deny rules name */
	DROP_MALFORMED = 11, /* headers that cannot be read with certainty */
	DROP_BANNED = 12,    /* the source is banned */
	DROP_MARTIAN = 13,   /* 127.0.0.0/8 or ::1 from the wire */
	DROP_DIRECT = 14,    /* a container's own address, around the published port */
	DROP_DENIED = 15,    /* a deny rule */
	DROP_CLOSED = 16,    /* no rule allows it */
	DROP_NO_POLICY = 17, /* the image is missing: nothing is known, so nothing enters */
	DROP_LEARNED = 18,   /* Docker bound the port, and no policy knows it yet */
	DROP_GATE = 19,      /* on the way to a container, and nothing let it in */
	DROP_SPOOFED = 20,   /* would pass, but its source can only be inside: this host, a
			      * container, loopback, a group */
	REASON_MAX
};

/* The reasons that drop.  A mask, because the enum is append-only. */
#define REASONS_DROP                                                                         \
	(1u << DROP_MALFORMED | 1u << DROP_BANNED | 1u << DROP_MARTIAN | 1u << DROP_DIRECT | \
	 1u << DROP_DENIED | 1u << DROP_CLOSED | 1u << DROP_NO_POLICY | 1u << DROP_LEARNED | \
	 1u << DROP_GATE | 1u << DROP_SPOOFED)

/* ---- limits ------------------------------------------------------------------- */

#define LIMIT_COUNTERS     65536 /* reasons + 2 for each guarded port + 1 for each rule; + combined */
#define LIMIT_RULES        8192  /* entries of image_header.rules, but those of the defaults */
#define LIMIT_PORTS        16384 /* guarded ports, each protocol and family (a range counts once) */
#define LIMIT_CLASSES      65535 /* classes of source address */
#define LIMIT_DESTINATIONS 8192  /* address ranges with a meaning of their own, each family */
#define LIMIT_PREFIXES     2000000 /* source prefixes over all rules */
#define LIMIT_INTERFACES   256     /* guarded interfaces */
#define LIMIT_KNOWN        4096    /* interfaces that are noted, guarded or not */
#define LIMIT_MACS         4096    /* link-layer addresses of this host */
#define LIMIT_BOUND        65536   /* ports bound by Docker at one address and not forgotten */
#define LIMIT_VLAN_TAGS    2       /* 802.1Q and 802.1ad in front of the IP header */
#define LIMIT_IPV4_OPTIONS 8       /* in one header */
#define LIMIT_IPV6_HEADERS 8       /* extension headers in front of the ports */

/* ---- counters ----------------------------------------------------------------- */

/*
 * Array "counters": index = number of the CPU that counts, one element for each there can be,
 * and a last one for what user space moves from one counter to another.  What they counted is
 * the sum over all elements.  Not a per-CPU array: the element is looked up once for all that a
 * packet moves, and user space reads them from memory that it maps.
 *
 * Ids [0, REASON_MAX) belong to the reasons, those from COUNTER_FIRST are given out by
 * user/kernel_counter_ids.c and survive a new image.
 */
#define COUNTER_FIRST 64
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
 * published port before anybody can connect to it.  Forgotten by user space, user/engine/learned.c.
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
 * Key and value of the hashes "learned", what is bound at every address, and "learned_at", what is
 * bound at one.  The first has room for all there can be.  Where the second has none, the port
 * counts as bound at every address of its family: nothing opens, and no other port closes.
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
 * Array "learned_ports", one element: which ports may be in the hashes, for the packets of all
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

/* Array "means": why the last load went without it; "" = it did not. */
#define DEFENSE_TEXT 240
struct defense_note {
	char why_not[DEFENSE_TEXT];
};

/* ---- the image ----------------------------------------------------------------- */

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
 * user/image_table.c alone.
 */
struct image_table {
	__u32 root; /* offset of the references, or the only one when bits is 0 */
	__u8 bits;  /* the root has 1 << bits parts */
	__u8 shift; /* part = (address - base) >> shift */
	__u16 reserved;
	__u64 base;
};

/*
 * What becomes of a packet with ports for this host's own address, said beforehand: for sources
 * of the class that most have.  It is what the port, its rule and the header's flags say, so that
 * most packets need none of them.
 */
struct verdict_entry {
	__u32 counter;      /* id of a combined one, for the reason and these two; 0 = none */
	__u32 port_counter; /* id: the one of the port's two; 0 = not counted */
	__u32 rule_counter;
	__u8 reason;  /* enum reason */
	__u8 verdict; /* enum verdict: in audit mode another than the reason's */
	__u16 flags;  /* 0 = nothing is said: ask the port */
};

/* The numbers are those of XDP, which needs no translation so; bpf/filter.bpf.c checks it. */
enum verdict { VERDICT_DROP = 1, VERDICT_PASS = 2 };

#define ENTRY_VALID       1u
#define ENTRY_ANY_SOURCE  2u /* for every source; only of what drops */
#define ENTRY_SYN_ONLY    4u /* only for what opens a flow; everything else may be a reply */
#define ENTRY_CHECK_BOUND 8u /* only if Docker did not bind the port a moment ago */

/* What is behind (protocol, port): the endpoint for each kind of destination. 0 = none. */
struct port_entry {
	__u32 any4; /* endpoint for this host's own IPv4 addresses */
	__u32 any6;
	__u32 first_override; /* index into the address overrides, sorted by destination */
	__u32 overrides;
	struct verdict_entry entry4; /* of any4 */
	struct verdict_entry entry6;
	__u32 reserved[4];
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
	__u16 default_rule4; /* rule for the class that most IPv4 addresses have */
	__u16 default_rule6;
};

struct image_rule {
	__u8 action; /* enum action */
	__u8 reserved[3];
	__u32 counter;    /* id, 0 = not counted */
	__u64 expires_ns; /* CLOCK_MONOTONIC; 0 = never. Past it an allow counts as closed */
};

/* Cells of one row are stored in blocks of CELL_BLOCK classes; equal blocks once. */
#define CELL_BLOCK 64u

/* What an address is: asked before the table, because nearly all packets are for one of a few
 * addresses. */
#define IMAGE_NEAR 4
struct image_near4 {
	__u64 is; /* IMAGE_NEAR4(): of an own address just that, so that one comparison tells */
};
#define IMAGE_NEAR4(addr, destination) \
	((__u64)((destination) ^ DESTINATION_LOCAL) << 32 | (addr)) /* __be32 */
#define IMAGE_NEAR4_DESTINATION(is) ((__u32)((is) >> 32) ^ DESTINATION_LOCAL)

/* IPv4 addresses of this host, its broadcast addresses included, that no packet from outside has
 * for its source, as they are on the wire.  They are compared one by one, because a bit for the
 * part of the address space that they are in would slow down all neighbours.  Unused: 0.0.0.0. */
#define IMAGE_OWN4 8

struct image_near6 {
	__u64 hi, lo; /* in host order */
	__u32 destination;
	__u32 reserved;
};

/*
 * A bit for each part of the upper 64 bits of IPv6 addresses, up to and with the last one: whether
 * some address in it has another class than most have, or can only be inside (DROP_SPOOFED) and is
 * not in near6.  fe80::/9, ff00::/8 and ::/64 are not in it.  Where bits would say nothing, there
 * is one part, and its bit is that of image_header.prefilter_full.  The bits of IPv4 are at
 * IMAGE_PREFILTER4.
 */
struct image_bitmap {
	__u32 root; /* offset of the bytes */
	__u32 last; /* part = (key - base) >> shift, but no more than this */
	__u32 shift;
	__u32 reserved;
	__u64 base; /* a key in front of it comes around to behind the last part */
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
	__u32 notes;             /* what user space wants to read back; the programs never do */
	__u32 notes_size;
	__u32 prefilter_full; /* ones: of everything there may be another class */
	__u32 reserved;
	struct image_near4 near4[IMAGE_NEAR]; /* answers of daddr4 for this host's own addresses */
	struct image_near6 near6[IMAGE_NEAR]; /* of daddr6 */
	__be32 own4[IMAGE_OWN4];
	struct image_table saddr4;
	struct image_table saddr6;
	struct image_table daddr4;
	struct image_table daddr6;
	struct image_bitmap prefilter6;
};

/* Protocol index of the port index. */
enum proto_index { PROTO_TCP = 0, PROTO_UDP = 1, PROTO_SCTP = 2, PROTO_MAX };

/*
 * Three tables have the same place in every image, because each packet asks them that the fast path
 * does not answer: what is known when the program is compiled need not be read nor bounded.  The
 * port entries are as many as there are; those up to IMAGE_FIXED_PORTS are inside the smallest
 * image.
 */
#define IMAGE_PORT_INDEX \
	512u /* __u16[3][65536]: port entry of (protocol index, __be16), 0 = none */
/* A bit for each IPv4 /20, as in struct image_bitmap, but for own4 in place of near6. */
#define IMAGE_PREFILTER4       (IMAGE_PORT_INDEX + 3 * 65536 * 2)
#define IMAGE_PREFILTER4_SHIFT 12
#define IMAGE_PREFILTER4_SIZE  (1u << (32 - IMAGE_PREFILTER4_SHIFT - 3))
#define IMAGE_PORTS            (IMAGE_PREFILTER4 + IMAGE_PREFILTER4_SIZE) /* struct port_entry[] */
#define IMAGE_PORTS_MAX        65536u
#define IMAGE_FIXED_PORTS      ((IMAGE_SMALL - IMAGE_PORTS) / 64)

/* ---- the fast path ------------------------------------------------------------------- */

/*
 * Array "lane", one element: what the image that enforces says to most packets, at an address
 * that the programs know when they are loaded, and an entry for each port.  To find image, port
 * entry and verdict entry would cost a third of what such a packet takes.  Written by
 * user/kernel/slots.c, only while it is closed and no program reads it any more; an enabled one is
 * complete and says what the image says.
 */
#define FASTPATH_PROTOS 2  /* TCP and UDP */
#define FASTPATH_OFFSET 8u /* in one cache line with the addresses */

/* Of a struct verdict_entry: the verdict, the one counter and the flags; 0 = none. */
#define FASTPATH_ENTRY(verdict, counter, flags) \
	((__u32)(verdict) << 30 | (__u32)(counter) << 4 | (__u32)(flags))
#define FASTPATH_VERDICT(entry) ((entry) >> 30)
#define FASTPATH_COUNTER(entry) ((entry) >> 4 & 0x7fff)
#define FASTPATH_COUNTER_OFFSET(entry)                              \
	((entry)&0x7fff0) /* in struct counters, bytes: 16 for each \
			   */
#define FASTPATH_FLAGS(entry) ((entry)&15)

struct fastpath_table {
	struct image_near4 near4[IMAGE_NEAR]; /* these as in the header */
	struct image_near6 near6[IMAGE_NEAR];
	__be32 own4[IMAGE_OWN4];
	struct image_bitmap shape6;
	__u64 generation; /* of the image that it was made of */
	__u32 entries[2][FASTPATH_PROTOS]
		     [65536];                   /* by family (4, 6), protocol index, __be16 port */
	__u8 prefilter4[IMAGE_PREFILTER4_SIZE]; /* as at IMAGE_PREFILTER4 */
	__u8 prefilter6[1u << 18];              /* as at shape6.root, and more than there can be */
};

struct fastpath {
	__u64 offset; /* FASTPATH_OFFSET, where the table is; 0 = closed, ask the image */
	struct fastpath_table table;
};

#define DATAPATH_ASSERT(type, size) \
	_Static_assert(sizeof(struct type) == (size), "size of struct " #type)
DATAPATH_ASSERT(counter, 16);
DATAPATH_ASSERT(counter_key, 16);
DATAPATH_ASSERT(interface, 8);
DATAPATH_ASSERT(mac_key, 8);
DATAPATH_ASSERT(bound_key, 20);
DATAPATH_ASSERT(bound_value, 16);
DATAPATH_ASSERT(bound_marks, 64 + 2 * 24576);
DATAPATH_ASSERT(state, 672);
DATAPATH_ASSERT(defense_note, 240);
DATAPATH_ASSERT(image_table, 16);
DATAPATH_ASSERT(verdict_entry, 16);
DATAPATH_ASSERT(port_entry, 64);
DATAPATH_ASSERT(addr_override, 8);
DATAPATH_ASSERT(image_endpoint, 16);
DATAPATH_ASSERT(image_rule, 16);
DATAPATH_ASSERT(image_near4, 8);
DATAPATH_ASSERT(image_near6, 24);
DATAPATH_ASSERT(image_bitmap, 24);
DATAPATH_ASSERT(image_header, 360);
DATAPATH_ASSERT(fastpath_table, 192 + (1u << 20) + (3u << 17));
DATAPATH_ASSERT(fastpath, FASTPATH_OFFSET + sizeof(struct fastpath_table));
_Static_assert(COUNTERS_COMBINED == 0x8000, "a counter's id is 15 bits of a fast path entry");
_Static_assert(COUNTER_FIRST + 2 * (LIMIT_PORTS + LIMIT_RULES) <= LIMIT_COUNTERS,
	       "rules and ports have counters, also where a rule has half of a port's place");
_Static_assert(sizeof(struct image_header) <= IMAGE_PORT_INDEX, "the header has room");

#endif
