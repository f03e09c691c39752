/* SPDX-License-Identifier: GPL-2.0-only */
/* fix.c: a command to paste against a row. */
#include "audit/judge.h"
#include "host/netdev.h"
#include "kernel/kernel.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/* The allow that lets everybody in; NULL = the default does, or several together. */
static const struct policy_rule *opening_rule(const struct policy *policy,
					      const struct policy_port *port)
{
	const struct policy_row row = { port, false };
	const struct policy_rule *found = NULL;

	for (size_t i = 0; i < port->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[port->rules[i]];
		struct policy_sources sources = policy_sources_of(rule, &row);

		if (rule->kind == STATEMENT_DENY || !sources.count || sources.prefixes[0].length)
			continue;
		if (found)
			return NULL;
		found = rule;
	}
	return found;
}

static bool has_rule(const struct policy_port *port, unsigned int index)
{
	for (size_t i = 0; i < port->rules_count; i++)
		if (port->rules[i] == index)
			return true;
	return false;
}

/* Without the rule nothing else is closed: one of several ports is left, and this one denied. */
static bool is_just(const struct policy *policy, const struct policy_rule *rule,
		    const struct policy_port *port)
{
	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *other = &policy->ports[i];

		if (has_rule(other, rule - policy->rules) &&
		    (other->proto != port->proto || other->lo != port->lo || other->hi != port->hi))
			return false;
	}
	return true;
}

static void deny(const struct audit_row *row, const char *then, char *ret, size_t size)
{
	char port[AUDIT_TEXT], addr[PREFIX_STRLEN];

	audit_port_text(row, port);
	if (!row->lo)
		snprintf(port, sizeof(port), "1-65535");
	if (row->addr.length)
		snprintf(ret, size, "tidegate deny %s on %s%s", port,
			 prefix_format(&row->addr, addr), then);
	else
		snprintf(ret, size, "tidegate deny %s%s", port, then);
}

/* `up` with names guards just these: those that are guarded go on. */
static void guard(const struct judging *judging, struct audit_row *row)
{
	const struct audit_input *input = judging->input;
	size_t used = snprintf(row->fix, sizeof(row->fix), "tidegate up");

	if (!input->policy &&
	    netdev_is_outside(input->netdevs, netdev_find(input->netdevs, row->interface)))
		return;
	for (size_t i = 0; i < input->netdevs->devices_count && used < sizeof(row->fix); i++) {
		const struct netdev *device = &input->netdevs->devices[i];
		bool is_named = streq(device->name, row->interface) ||
				(!input->policy && netdev_is_outside(input->netdevs, device));

		for (size_t j = 0; input->policy && j < input->attachments_count; j++)
			is_named |= input->attachments[j].ifindex == device->ifindex;
		if (is_named)
			used += snprintf(row->fix + used, sizeof(row->fix) - used, " %s",
					 device->name);
	}
}

static void fix_guarded(const struct judging *judging, struct audit_row *row)
{
	const struct policy *policy = judging->input->policy;
	const struct policy_port *port = judge_port(policy, row);
	const struct policy_rule *rule = port ? opening_rule(policy, port) : NULL;

	if (rule && rule->kind == STATEMENT_ALLOW && is_just(policy, rule, port))
		snprintf(row->fix, sizeof(row->fix), "tidegate delete %u", rule->number);
	else if (!port && (row->kind == AUDIT_PUBLISHED || row->kind == AUDIT_INGRESS))
		snprintf(row->fix, sizeof(row->fix), "tidegate reload");
	else
		deny(row, "", row->fix, sizeof(row->fix));
}

void judge_fix(const struct judging *judging, struct audit_row *row)
{
	static const char up[] = "tidegate up";
	bool is_bridged = row->kind == AUDIT_PUBLISHED || row->kind == AUDIT_LOOPBACK ||
			  row->kind == AUDIT_INGRESS;

	if (row->kind == AUDIT_INTERFACE)
		guard(judging, row);
	else if (row->level < AUDIT_OPEN)
		row->fix[0] = '\0';
	else if (judging->input->policy)
		fix_guarded(judging, row);
	else if (is_bridged || (row->kind == AUDIT_DIRECT && !row->is_beside))
		snprintf(row->fix, sizeof(row->fix), up);
	else
		deny(row, "; tidegate up", row->fix, sizeof(row->fix));
}
