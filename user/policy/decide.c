/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decide.c: what a policy says about one packet, worked out the slow way: walk all
 * of it, believe nothing precomputed.  The compiled image is tested against this, so it
 * must stay simple enough to be read as the specification.
 */
#include "policy/policy.h"
#include "policy/resolve.h"

/* Bits of the most specific source that contains the address; -1 = none. */
static int match_source(const struct policy_rule *rule, const struct prefix *saddr)
{
	int best = -1;

	for (size_t i = 0; i < rule->sources_count; i++)
		if (rule->sources[i].length > best && prefix_contains(&rule->sources[i], saddr))
			best = rule->sources[i].length;
	return best;
}

/* The most specific rule so far. */
struct best {
	const struct policy_rule *rule;
	int length;
};

static void consider(struct best *best, const struct policy_rule *rule, const struct prefix *saddr)
{
	int length = match_source(rule, saddr);

	if (length < 0 || (best->rule && length < best->length))
		return;
	/* At equal length deny wins, and the first in the file among those that agree. */
	if (best->rule && length == best->length &&
	    (best->rule->kind == STATEMENT_DENY || rule->kind != STATEMENT_DENY))
		return;
	*best = (struct best){ rule, length };
}

static const struct policy_rule *
find_everywhere(const struct policy *policy, enum statement_kind kind, const struct prefix *saddr)
{
	struct best best = { 0 };

	for (size_t i = 0; i < policy->rules_count; i++)
		if (policy->rules[i].kind == kind && policy->rules[i].is_everywhere)
			consider(&best, &policy->rules[i], saddr);
	return best.rule;
}

static bool is_within(const struct prefix *prefixes, size_t count, const struct prefix *addr)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_contains(&prefixes[i], addr))
			return true;
	return false;
}

static bool is_container(const struct policy *policy, const struct prefix *daddr)
{
	return is_within(policy->natted, policy->natted_count, daddr) ||
	       is_within(policy->routed, policy->routed_count, daddr);
}

/* The port of exactly this address, else the one of every address of the host. */
static const struct policy_port *find_port(const struct policy *policy, const struct prefix *daddr,
					   __u8 proto, unsigned short dport)
{
	const struct policy_port *found = NULL;

	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		if (port->proto != proto || dport < port->lo || dport > port->hi)
			continue;
		if (prefix_equal(&port->addr, daddr))
			return port;
		if (!port->addr.length && port->addr.family == daddr->family &&
		    !is_container(policy, daddr))
			found = port;
	}
	return found;
}

static const struct policy_rule *find_rule(const struct policy *policy,
					   const struct policy_port *port,
					   const struct prefix *saddr, unsigned int kinds)
{
	struct best best = { 0 };

	for (size_t i = 0; port && i < port->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[port->rules[i]];

		if (kinds & 1u << rule->kind)
			consider(&best, rule, saddr);
	}
	return best.rule;
}

/* No rule's source contains the address. */
static enum policy_verdict fall_back(const struct policy *policy, const struct policy_port *port,
				     const struct prefix *daddr)
{
	if (port)
		return port->is_closed ? POLICY_DENY : POLICY_ALLOW;
	if (is_container(policy, daddr) || policy->mode == DEFAULT_DENY_ALL)
		return POLICY_DENY;
	return POLICY_UNGUARDED;
}

struct policy_answer policy_decide(const struct policy *policy, const struct prefix *saddr,
				   const struct prefix *daddr, __u8 proto, unsigned short dport)
{
	struct policy_answer answer = { .port = find_port(policy, daddr, proto, dport) };

	answer.verdict = POLICY_ALLOW;
	answer.rule = find_everywhere(policy, STATEMENT_FAILSAFE, saddr);
	if (!answer.rule)
		answer.rule = find_rule(policy, answer.port, saddr, 1u << STATEMENT_FAILSAFE);
	if (answer.rule)
		return answer;
	answer.verdict = POLICY_DENY;
	answer.rule = find_everywhere(policy, STATEMENT_BAN, saddr);
	if (answer.rule || place_is_martian(daddr))
		return answer;
	answer.rule =
		find_rule(policy, answer.port, saddr, 1u << STATEMENT_ALLOW | 1u << STATEMENT_DENY);
	if (answer.rule)
		answer.verdict = answer.rule->kind == STATEMENT_DENY ? POLICY_DENY : POLICY_ALLOW;
	else
		answer.verdict = fall_back(policy, answer.port, daddr);
	return answer;
}
