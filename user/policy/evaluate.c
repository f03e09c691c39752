/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evaluate.c: what a policy says about one packet, worked out the slow way: walk all
 * of it, believe nothing precomputed.  The compiled image is tested against this, so it
 * must stay simple enough to be read as the specification.
 */
#include "policy/policy.h"
#include "policy/resolve.h"

/* Length of the longest of these prefixes around the address, or -1. */
static int longest_of(const struct prefix *prefixes, size_t count, const struct prefix *addr)
{
	int best = -1;

	for (size_t i = 0; i < count; i++)
		if (prefixes[i].length > best && prefix_contains(&prefixes[i], addr))
			best = prefixes[i].length;
	return best;
}

static bool is_within(const struct prefix *prefixes, size_t count, const struct prefix *addr)
{
	return longest_of(prefixes, count, addr) >= 0;
}

/* ---- destination and port -------------------------------------------------------- */

/* Of this host's own addresses, those of its bridges lie in subnets of containers. */
static bool is_container(const struct policy *policy, const struct prefix *daddr)
{
	if (is_within(policy->local, policy->local_count, daddr))
		return false;
	return is_within(policy->natted, policy->natted_count, daddr) ||
	       is_within(policy->routed, policy->routed_count, daddr);
}

/* A container's own address outside of every subnet behind this host (macvlan). */
static bool is_direct(const struct policy *policy, const struct prefix *daddr)
{
	if (is_within(policy->local, policy->local_count, daddr))
		return false;
	for (size_t i = 0; i < policy->ports_count; i++)
		if (policy->ports[i].origin == PORT_DIRECT &&
		    prefix_equal(&policy->ports[i].addr, daddr))
			return true;
	return false;
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
		if (!port->addr.length && port->addr.family == daddr->family)
			found = port;
	}
	if (!found || place_is_martian(daddr) || is_container(policy, daddr) ||
	    is_direct(policy, daddr))
		return NULL;
	return found;
}

/* ---- rule -------------------------------------------------------------------------- */

/* The most specific rule so far. */
struct best {
	const struct policy_rule *rule;
	int length;
};

/* At equal length deny wins, and the first in the file among those that agree. */
static bool is_better(const struct best *best, const struct policy_rule *rule, int length)
{
	if (length >= 0 && best->rule && rule->kind == STATEMENT_BAN &&
	    policy_end_of(rule) != policy_end_of(best->rule))
		return policy_end_of(rule) > policy_end_of(best->rule);
	if (length < 0 || !best->rule || length != best->length)
		return length >= 0 && (!best->rule || length > best->length);
	if ((rule->kind == STATEMENT_DENY) != (best->rule->kind == STATEMENT_DENY))
		return rule->kind == STATEMENT_DENY;
	return rule < best->rule;
}

/* A source, and what was measured of it for each rule; NULL = nothing was. */
struct asked {
	const struct policy *policy;
	const struct prefix *saddr;
	const int *lengths;
};

static void consider(struct best *best, const struct policy_rule *rule, const struct asked *asked)
{
	int length = asked->lengths ? asked->lengths[rule - asked->policy->rules]
				    : longest_of(rule->sources, rule->sources_count, asked->saddr);

	if (is_better(best, rule, length))
		*best = (struct best){ rule, length };
}

/* The best of these kinds (bits) for the port, or for packets without one. */
static const struct policy_rule *find_rule(const struct asked *asked,
					   const struct policy_port *port, unsigned int kinds)
{
	const struct policy *policy = asked->policy;
	struct best best = { 0 };

	for (size_t i = 0; i < policy->rules_count; i++)
		if (policy->rules[i].is_everywhere && kinds & 1u << policy->rules[i].kind)
			consider(&best, &policy->rules[i], asked);
	for (size_t i = 0; port && i < port->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[port->rules[i]];

		if (kinds & 1u << rule->kind)
			consider(&best, rule, asked);
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

static struct policy_answer evaluate(const struct asked *asked, const struct policy_port *port,
				     const struct prefix *daddr)
{
	struct policy_answer answer = { .verdict = POLICY_ALLOW, .port = port };

	answer.rule = find_rule(asked, port, 1u << STATEMENT_FAILSAFE);
	if (answer.rule)
		return answer;
	answer.verdict = POLICY_DENY;
	answer.rule = find_rule(asked, port, 1u << STATEMENT_BAN);
	if (answer.rule || place_is_martian(daddr))
		return answer;
	answer.rule = find_rule(asked, port, 1u << STATEMENT_ALLOW | 1u << STATEMENT_DENY);
	if (answer.rule)
		answer.verdict = answer.rule->kind == STATEMENT_DENY ? POLICY_DENY : POLICY_ALLOW;
	else
		answer.verdict = fall_back(asked->policy, port, daddr);
	return answer;
}

struct policy_answer policy_evaluate(const struct policy *policy, const struct prefix *saddr,
				     const struct prefix *daddr, __u8 proto, unsigned short dport)
{
	const struct asked asked = { policy, saddr, NULL };

	return evaluate(&asked, find_port(policy, daddr, proto, dport), daddr);
}

/* ---- one source, each port --------------------------------------------------------- */

void policy_measure(const struct policy *policy, const struct prefix *saddr, int *ret)
{
	for (size_t i = 0; i < policy->rules_count; i++)
		ret[i] =
			longest_of(policy->rules[i].sources, policy->rules[i].sources_count, saddr);
}

struct policy_answer policy_evaluate_port(const struct policy *policy, const int *lengths,
					  const struct policy_port *port,
					  const struct prefix *daddr)
{
	const struct asked asked = { policy, NULL, lengths };

	return evaluate(&asked, port, daddr);
}

const struct prefix *policy_own_address(const struct policy *policy, __u8 family)
{
	const struct prefix *any = NULL;

	for (size_t i = 0; i < policy->local_count; i++) {
		const struct prefix *addr = &policy->local[i];

		if (addr->family != family || place_is_martian(addr))
			continue;
		any = any ?: addr;
		if ((family == 4 || addr->addr[0] != 0xfe) &&
		    !is_within(policy->natted, policy->natted_count, addr) &&
		    !is_within(policy->routed, policy->routed_count, addr))
			return addr;
	}
	return any;
}
