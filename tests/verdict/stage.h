/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stage.h: a network namespace with the product's programs loaded into the kernel, a policy
 * made from configuration text, and the ways a frame can reach a program:
 *
 *      veth1 ──── veth0 (guarded)   192.0.2.1/24 192.0.2.5 192.0.2.77, 2001:db8::1/64 …
 *                 tun0 (guarded, no Ethernet header)
 *                 vm0    198.51.100.0/24 and 2001:db8:5::/64 are behind it
 *                 docker0    172.17.0.0/16 and 172.30.0.0/16, fd00:17::/64 and fd00:30::/64
 *      default routes lead out of veth0
 *
 * The policy knows of this host's addresses all but 192.0.2.77 and 2001:db8::77: those were
 * added a moment ago.  What goes wrong here ends the program: without a stage there is no play.
 */
#ifndef TIDEGATE_VERDICT_STAGE_H
#define TIDEGATE_VERDICT_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "map_values.h"
#include "reason.h"
#include "base/error.h"
#include "frame.h"

struct image;

/* A port that Docker's processes bound; a port of 0 ends a list of them. */
struct bound {
	const char *addr; /* "0.0.0.0" and "::" are every address */
	__u8 proto;
	__u16 port;
};
#define BOUND_MAX 12

/* What enforces while a row is played. */
struct scene {
	const char *name;
	const char *config;    /* in the active slot; NULL: the slot is empty */
	const char *confirmed; /* in the other one, likewise */
	bool is_audit;
	bool is_trial;         /* the active image's deadline is in an hour */
	bool is_past_deadline; /* … was a second ago */
	bool is_expired;       /* what ends ("until") ended a second ago */
	bool is_forwarding_off;
	bool is_shared;  /* INTERFACE_SHARED */
	bool is_foreign; /* frames are to a link-layer address that is not this host's */
	struct bound bound[BOUND_MAX];
	void (*damage)(struct image *image); /* done to the active image */
};

/* Which program, and how the frame gets there. */
enum way {
	WAY_XDP,   /* filter_xdp by BPF_PROG_TEST_RUN */
	WAY_TC,    /* filter_tc, likewise */
	WAY_TC_L3, /* filter_tc_l3, likewise */
	WAY_VETH,  /* filter_tc on an interface, which gets a frame from its peer */
	WAY_TUN,   /* filter_tc_l3 on an interface without Ethernet headers */
	WAY_MAX
};
extern const char *const way_names[WAY_MAX];

/* Of the last failure. */
extern struct error stage_error;

#define STAGE_COUNTERS 1024

/* The first and the last counters that there are: nothing here has so many that others are used. */
struct counts {
	struct counter counters[STAGE_COUNTERS];
};

/* What became of a frame. */
struct outcome {
	enum reason reason; /* REASON_NONE: none was counted, or more than one */
	bool is_dropped;    /* by the program's return value; of no meaning on an interface */
	bool is_changed;    /* the program wrote to the frame */
	struct counts moved;
};

struct stage;

/* Skips the whole test when this process is not root.  *stage is for the process's life. */
struct stage *stage_open(void);

void stage_set(struct stage *stage, const struct scene *scene);

/* Whether the frame can go this way: the kernel refuses to test-run what is too short for the
 * protocol it names, and strips the outermost VLAN tag before any program sees it. */
bool stage_has_way(enum way way, const struct bytes *bytes);

/* gso_segs: of how many segments GRO made it; 0 and 1 = it is as it came. */
void stage_send(struct stage *stage, enum way way, const struct bytes *bytes, unsigned int gso_segs,
		struct outcome *ret);

/* What became of a frame that the caller sent to veth0 itself. */
void stage_observe(struct stage *stage, struct outcome *ret);

/* Place in struct counts of the first of the port's counters, or of the rule's one, in the policy
 * that enforces; 0 = there is none.  The port by its identity ("tcp 0.0.0.0 80"), the rule by its
 * number. */
unsigned int stage_port_counter(struct stage *stage, const char *identity);
unsigned int stage_rule_counter(struct stage *stage, unsigned int number);

/* The frame's bytes as the program sees them. */
size_t stage_bytes(enum way way, const struct bytes *bytes);

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
