/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verdict_entry.h: what port, rule and flags of an image come to, for a packet with ports to one of
 * this host's own addresses.  One text for user space, which says it beforehand at each entry, and
 * for the programs, which say it of a source that they look up.  Like classify.h it writes nothing
 * and knows no packets.
 */
#ifndef TIDEGATE_VERDICT_ENTRY_H
#define TIDEGATE_VERDICT_ENTRY_H

#include "classify.h"
#include "policy_image.h"
#include "reason.h"

/* What the action of the rule that wins at the port says of a packet with ports for this host's
 * own address; port 0 = nobody named it. */
static __always_inline enum reason image_reason(const struct image_header *header, __u32 port,
						enum action action)
{
	if (action == ACTION_FAILSAFE)
		return PASS_FAILSAFE;
	if (action == ACTION_BAN)
		return DROP_BANNED;
	if (!port)
		return header->flags & IMAGE_DENY_ALL ? DROP_CLOSED : PASS_UNGUARDED;
	if (action == ACTION_ALLOW)
		return PASS_ALLOWED;
	if (action == ACTION_DEFAULT_ALLOW)
		return PASS_DEFAULT;
	return action == ACTION_DENY ? DROP_DENIED : DROP_CLOSED;
}

/* In what cases the reason is all there is to say. */
static __always_inline __u16 entry_flags(const struct image_header *header, enum reason reason)
{
	__u16 flags = ENTRY_VALID;

	if (REASONS_DROP & (1u << reason) && reason != DROP_BANNED)
		flags |= ENTRY_SYN_ONLY;
	if ((reason == PASS_UNGUARDED || reason == PASS_DEFAULT) &&
	    !(header->flags & IMAGE_ALLOW_ALL))
		flags |= ENTRY_CHECK_BOUND;
	return flags;
}

/* What port and rule say of a packet for this host's own address.  Nothing where the rule expires:
 * that depends on the time. */
static __always_inline struct verdict_entry
make_verdict_entry(const struct image_header *header, __u32 number,
		   const struct image_endpoint *endpoint, const struct image_rule *rule)
{
	enum reason reason = image_reason(header, number, rule->action);
	int drops = (REASONS_DROP & (1u << reason)) != 0;
	struct verdict_entry entry = { .rule_counter = rule->counter,
				       .reason = reason,
				       .verdict = VERDICT_PASS,
				       .flags = entry_flags(header, reason) };

	if (drops && !(header->flags & IMAGE_AUDIT))
		entry.verdict = VERDICT_DROP;
	if (rule->expires_ns)
		entry.flags = 0;
	if (endpoint->counter)
		entry.port_counter = endpoint->counter + drops;
	return entry;
}

#endif
