/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reach.c: who reaches a row.  Where a policy enforces it says so, by the words of `status`; where
 * none does, Docker's bindings and the address.
 */
#include <errno.h>
#include <netinet/in.h>

#include "audit/firewall.h"
#include "audit/judge.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/* An allow for so much of the Internet is one for everybody. */
#define WIDE4 8
#define WIDE6 16

#define API_GUARDS_LOOPBACK 48 /* Engine 28 drops what comes to 127.0.0.0/8 from outside */

/* ---- by a policy ------------------------------------------------------------------------ */

static bool is_at(const struct policy_port *port, const struct audit_row *row)
{
	if (port->proto != row->proto || port->lo > row->lo || port->hi < row->lo ||
	    port->addr.family != row->addr.family)
		return false;
	return prefix_equal(&port->addr, &row->addr);
}

const struct policy_port *judge_port(const struct policy *policy, const struct audit_row *row)
{
	const struct policy_port *everywhere = NULL;
	struct audit_row any = *row;

	any.addr = (struct prefix){ .family = row->addr.family };
	for (size_t i = 0; policy && row->lo && i < policy->ports_count; i++) {
		if (is_at(&policy->ports[i], row))
			return &policy->ports[i];
		if (is_at(&policy->ports[i], &any))
			everywhere = &policy->ports[i];
	}
	/* What one address says nothing of, all addresses decide; not so a container's own. */
	return row->kind == AUDIT_DIRECT ? NULL : everywhere;
}

static bool has_wide(const struct policy_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		if (sources->prefixes[i].length <
		    (sources->prefixes[i].family == 4 ? WIDE4 : WIDE6))
			return true;
	return false;
}

static bool has_whole(const struct policy_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		if (!sources->prefixes[i].length)
			return true;
	return false;
}

/* At equal length deny wins, so an allow for all is nothing beside a deny of all. */
static bool has_part(const struct policy_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		if (sources->prefixes[i].length)
			return true;
	return false;
}

/* Of whoever no rule names: the rules for everybody, deny first, then the default. */
static enum audit_level level_by(const struct policy *policy, const struct policy_port *port)
{
	const struct policy_row row = { port, false };
	bool is_open = !port->is_closed, is_denied = false, is_some = false;

	for (size_t i = 0; i < port->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[port->rules[i]];
		struct policy_sources sources = policy_sources_of(rule, &row);

		if (rule->kind == STATEMENT_DENY) {
			is_denied |= has_whole(&sources);
			continue;
		}
		is_some |= has_part(&sources);
		is_open |= has_wide(&sources);
	}
	if (is_open && !is_denied)
		return AUDIT_OPEN;
	return is_some ? AUDIT_LIMITED : AUDIT_CLOSED;
}

static int by_policy(const struct policy *policy, const struct policy_port *port,
		     struct audit_row *row)
{
	const struct policy_row policy_row = { port, false };

	row->level = level_by(policy, port);
	row->reached_by =
		row->level == AUDIT_CLOSED ? strdup("nobody") : policy_who(policy, &policy_row);
	return row->reached_by ? 0 : -ENOMEM;
}

static bool is_natted(const struct policy *policy, const struct prefix *addr)
{
	for (size_t i = 0; i < policy->natted_count; i++)
		if (prefix_contains(&policy->natted[i], addr))
			return true;
	return false;
}

/* ---- the rest ----------------------------------------------------------------------------- */

static int say(struct audit_row *row, enum audit_level level, const char *text)
{
	row->level = level;
	row->reached_by = strdup(text);
	return row->reached_by ? 0 : -ENOMEM;
}

static const char *anyone(const struct audit_row *row)
{
	if (row->is_both || row->addr.length || !row->addr.family)
		return "anyone";
	return row->addr.family == 4 ? "anyone by IPv4" : "anyone by IPv6";
}

/* By the firewall of the host, which packets to its own processes do meet. */
static bool is_filtered(const struct firewall *firewall, const struct audit_row *row)
{
	struct firewall_question question = { row->proto, row->lo, row->addr };
	const char *word = firewall_says(firewall, &question);

	return word && firewall_is_closed(word);
}

static bool is_of_host(const struct audit_row *row)
{
	return row->kind == AUDIT_SHARED || row->kind == AUDIT_ENGINE || row->kind == AUDIT_HOST;
}

static int without_policy(const struct judging *judging, struct audit_row *row)
{
	if (row->kind == AUDIT_LOOPBACK && judging->input->api_minor >= API_GUARDS_LOOPBACK)
		return say(row, AUDIT_CLOSED, "this host only");
	if (row->kind == AUDIT_LOOPBACK && row->addr.family == 4)
		return say(row, AUDIT_OPEN, "neighbours, by a route to it");
	if (row->kind == AUDIT_LOOPBACK)
		return say(row, AUDIT_CLOSED, "this host only");
	if ((row->is_relayed || is_of_host(row)) && is_filtered(judging->input->firewall, row))
		return say(row, AUDIT_CLOSED, "nobody");
	return say(row, AUDIT_OPEN, anyone(row));
}

/* No port of the policy is it: a port of the host that nothing names, or one that Docker has bound
 * since, which the programs in the kernel keep closed until a policy knows it. */
static int without_port(const struct judging *judging, struct audit_row *row)
{
	const struct policy *policy = judging->input->policy;

	if (row->kind == AUDIT_LOOPBACK)
		return say(row, AUDIT_CLOSED, "this host only");
	if (row->kind == AUDIT_DIRECT && is_natted(policy, &row->addr))
		return say(row, AUDIT_CLOSED, "nobody");
	if (row->kind == AUDIT_DIRECT && !row->lo)
		return say(row, AUDIT_OPEN, "anyone, where no rule names the port");
	if (policy->mode == DEFAULT_DENY_ALL && row->kind != AUDIT_DIRECT)
		return say(row, AUDIT_CLOSED, "nobody");
	if (is_of_host(row) && is_filtered(judging->input->firewall, row))
		return say(row, AUDIT_CLOSED, "nobody");
	return say(row, AUDIT_OPEN, anyone(row));
}

int judge_reach(const struct judging *judging, struct audit_row *row)
{
	const struct policy *policy = judging->input->policy;
	const struct policy_port *port = judge_port(policy, row);

	if (!policy)
		return without_policy(judging, row);
	/* Nothing that comes from a wire with this destination passes, whatever rules say. */
	if (row->kind == AUDIT_LOOPBACK)
		return say(row, AUDIT_CLOSED, "this host only");
	return port ? by_policy(policy, port, row) : without_port(judging, row);
}

/* ---- from one source ------------------------------------------------------------------------ */

static bool overlaps(const struct prefix *a, const struct prefix *b)
{
	return prefix_contains(a, b) || prefix_contains(b, a);
}

/* Some address of the prefix is one of an allow. */
static bool allows_some(const struct policy *policy, const struct policy_port *port,
			const struct prefix *from)
{
	for (size_t i = 0; i < port->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[port->rules[i]];

		for (size_t j = 0; rule->kind != STATEMENT_DENY && j < rule->sources_count; j++)
			if (overlaps(&rule->sources[j], from))
				return true;
	}
	return false;
}

/* Of this family, and bound where it comes to. */
static bool has_family(const struct audit_row *row, const struct prefix *from)
{
	return row->is_both || !row->addr.family || row->addr.family == from->family;
}

static bool is_banned(const struct policy *policy, const struct prefix *from)
{
	for (size_t i = 0; i < policy->rules_count; i++)
		for (size_t j = 0;
		     policy->rules[i].kind == STATEMENT_BAN && j < policy->rules[i].sources_count;
		     j++)
			if (prefix_contains(&policy->rules[i].sources[j], from))
				return true;
	return false;
}

/* For one address as a packet of it is decided. */
static bool passes(const struct policy *policy, const struct audit_row *row,
		   const struct prefix *from)
{
	struct audit_row asked = *row;
	const struct policy_port *port;
	struct policy_answer answer;
	struct prefix to = row->addr;

	if (is_banned(policy, from))
		return false;
	asked.addr.family = from->family;
	port = judge_port(policy, &asked);
	if (!port)
		return row->level != AUDIT_CLOSED;
	if (!prefix_is_address(from))
		return !port->is_closed || allows_some(policy, port, from);
	for (size_t i = 0; !to.length && i < policy->local_count; i++)
		if (policy->local[i].family == from->family)
			to = policy->local[i];
	/* Nothing here has an address of its family. */
	if (!to.length)
		return false;
	answer = policy_evaluate(policy, from, &to, row->proto, row->lo);
	return answer.verdict != POLICY_DENY;
}

static bool is_reached_by(const struct audit_input *input, const struct audit_row *row,
			  const struct prefix *from)
{
	if (!has_family(row, from) || row->level == AUDIT_CLOSED)
		return false;
	return !input->policy || row->kind == AUDIT_INTERFACE || passes(input->policy, row, from);
}

bool judge_is_reached(const struct judging *judging, const struct audit_row *row)
{
	const struct audit_from *from = judging->input->from;

	for (size_t i = 0; from && i < from->count; i++)
		if (is_reached_by(judging->input, row, &from->prefixes[i]))
			return true;
	return !from;
}
