/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reason.h: why a packet passed or was dropped: number, name, and which of the two.  A new reason
 * is one row here; tests demand that the manual and a row of tests/verdict know it.
 */
#ifndef TIDEGATE_REASON_H
#define TIDEGATE_REASON_H

#include "types.h"

/*
 * Append-only: the number is a counter's index, and the name is what people read.  A retired number
 * keeps its place.  0 is not a reason, so that a forgotten one is seen.
 */
/* clang-format off */
#define REASON_LIST(X) \
	X(PASS_NOT_IP,    1,  PASSES, "not-ip")      /* ARP, LLDP, ...: not ours to judge       */ \
	X(PASS_CONTROL,   2,  PASSES, "control")     /* neighbour discovery, DHCP, ICMP errors  */ \
	X(PASS_FAILSAFE,  3,  PASSES, "failsafe")    /* failsafe names the source or the port   */ \
	X(PASS_REPLY,     4,  PASSES, "reply")       /* a flow that this side began             */ \
	X(PASS_FRAGMENT,  5,  PASSES, "fragment")    /* a later one: the first was decided here */ \
	X(PASS_NO_PORTS,  6,  PASSES, "no-ports")    /* protocol without ports                  */ \
	X(PASS_UNGUARDED, 7,  PASSES, "unguarded")   /* no published port, no rule              */ \
	X(PASS_FORWARDED, 8,  PASSES, "forwarded")   /* the destination is not this host's own  */ \
	X(PASS_ALLOWED,   9,  PASSES, "allowed")     /* an allow rule                           */ \
	X(PASS_DEFAULT,   10, PASSES, "default-allow") /* default allow, or only deny rules */ \
	X(DROP_MALFORMED, 11, DROPS,  "malformed")   /* headers that cannot be read for sure    */ \
	X(DROP_BANNED,    12, DROPS,  "banned")      /* the source is banned                    */ \
	X(DROP_MARTIAN,   13, DROPS,  "martian")     /* 127.0.0.0/8 or ::1 from the wire        */ \
	X(DROP_DIRECT,    14, DROPS,  "direct")      /* a container's own address               */ \
	X(DROP_DENIED,    15, DROPS,  "denied")      /* a deny rule                             */ \
	X(DROP_CLOSED,    16, DROPS,  "closed")      /* no rule allows it                       */ \
	X(DROP_NO_POLICY, 17, DROPS,  "no-policy")   /* there is no image, so nothing enters    */ \
	X(DROP_LEARNED,   18, DROPS,  "learned")     /* Docker bound it, no policy knows it    */ \
	X(DROP_GATE,      19, DROPS,  "gate")        /* to a container, and nothing let it in   */ \
	X(DROP_SPOOFED,   20, DROPS,  "spoofed")     /* would pass, but for an inside source   */

#define REASON_ENUM(id, number, drops, name) id = (number),
enum reason {
	REASON_NONE = 0,
	REASON_LIST(REASON_ENUM)
	REASON_MAX
};
#undef REASON_ENUM
/* clang-format on */

/* A bit for each reason that drops. */
#define REASON_PASSES                        0u
#define REASON_DROPS                         1u
#define REASON_MASK(id, number, drops, name) | REASON_##drops << (number)
#define REASONS_DROP                         (0u REASON_LIST(REASON_MASK))

#ifndef __bpf__
/* Never NULL. */
static inline const char *reason_name(enum reason reason)
{
	/* clang-format off */
#define REASON_NAME(id, number, drops, name) [number] = (name),
	static const char *const names[REASON_MAX] = {
		[REASON_NONE] = "none",
		REASON_LIST(REASON_NAME)
	};
#undef REASON_NAME
	/* clang-format on */

	return reason < REASON_MAX && names[reason] ? names[reason] : "unknown";
}

static inline _Bool reason_is_drop(enum reason reason)
{
	return reason < REASON_MAX && (REASONS_DROP & (1u << reason));
}
#endif

#endif
