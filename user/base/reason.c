/* SPDX-License-Identifier: GPL-2.0-only */
/* reason.c: enum <-> name in one table, which the compiler counts. */
#include "base/reason.h"

#include "base/cleanup.h"

/* clang-format off */
static const char *const names[] = {
	[REASON_NONE] = "none",
	[PASS_NOT_IP] = "not-ip",
	[PASS_CONTROL] = "control",
	[PASS_FAILSAFE] = "failsafe",
	[PASS_REPLY] = "reply",
	[PASS_FRAGMENT] = "fragment",
	[PASS_NO_PORTS] = "no-ports",
	[PASS_UNGUARDED] = "unguarded",
	[PASS_FORWARDED] = "forwarded",
	[PASS_ALLOWED] = "allowed",
	[PASS_DEFAULT] = "default-allow",
	[DROP_MALFORMED] = "malformed",
	[DROP_BANNED] = "banned",
	[DROP_MARTIAN] = "martian",
	[DROP_DIRECT] = "direct",
	[DROP_DENIED] = "denied",
	[DROP_CLOSED] = "closed",
	[DROP_NO_POLICY] = "no-policy",
	[DROP_LEARNED] = "learned",
	[DROP_GATE] = "gate",
	[DROP_SPOOFED] = "spoofed",
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(names) == REASON_MAX, "a reason has no name");

const char *reason_name(enum reason reason)
{
	return reason < REASON_MAX && names[reason] ? names[reason] : "unknown";
}

bool reason_is_drop(enum reason reason)
{
	return reason < REASON_MAX && (REASONS_DROP & (1u << reason));
}
