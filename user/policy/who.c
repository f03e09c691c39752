/* SPDX-License-Identifier: GPL-2.0-only */
/* who.c: who may enter by the rules that apply to a port, in words. */
#include "policy/policy.h"

#include "base/cleanup.h"

#define SHOWN_SOURCES 3

/* There may be a million. */
static size_t first_ipv6(const struct policy_rule *rule)
{
	size_t low = 0, high = rule->sources_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rule->sources[middle].family == 4)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct policy_sources policy_sources_of(const struct policy_rule *rule,
					const struct policy_row *row)
{
	size_t ipv4_count = first_ipv6(rule);

	if (row->is_both)
		return (struct policy_sources){ rule->sources, rule->sources_count };
	if (row->port->addr.family == 4)
		return (struct policy_sources){ rule->sources, ipv4_count };
	return (struct policy_sources){ rule->sources + ipv4_count,
					rule->sources_count - ipv4_count };
}

/* The shortest prefix of a family is its first. */
static bool is_anyone(const struct policy_rule *rule, const struct policy_row *row)
{
	size_t ipv4_count = first_ipv6(rule);
	bool is_all4 = ipv4_count && rule->sources[0].length == 0;
	bool is_all6 = ipv4_count < rule->sources_count && rule->sources[ipv4_count].length == 0;

	if (row->is_both)
		return is_all4 && is_all6;
	return row->port->addr.family == 4 ? is_all4 : is_all6;
}

static const char *source_text(const struct prefix *source, char buf[static PREFIX_STRLEN])
{
	if (source->length == 0)
		return source->family == 4 ? "anyone by IPv4" : "anyone by IPv6";
	return prefix_format(source, buf);
}

static void put_sources(FILE *out, const struct policy_sources *sources)
{
	char buf[PREFIX_STRLEN];

	for (size_t i = 0; i < sources->count && i < SHOWN_SOURCES; i++)
		fprintf(out, "%s%s", i ? ", " : "", source_text(&sources->prefixes[i], buf));
	if (sources->count > SHOWN_SOURCES)
		fprintf(out, " and %zu more", sources->count - SHOWN_SOURCES);
}

static bool put_rule(FILE *out, const struct policy_rule *rule, const struct policy_row *row,
		     bool is_first)
{
	struct policy_sources sources = policy_sources_of(rule, row);
	bool is_deny = rule->kind == STATEMENT_DENY;

	if (!sources.count)
		return is_first;
	fprintf(out, "%s%s", is_first ? "" : is_deny ? "; " : ", ", is_deny ? "not " : "");
	if (is_anyone(rule, row))
		fputs("anyone", out);
	else
		put_sources(out, &sources);
	return false;
}

char *policy_who(const struct policy *policy, const struct policy_row *row)
{
	const struct policy_port *port = row->port;
	bool is_first = true;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (!port->is_closed)
		is_first = (fputs("anyone", out), false);
	for (size_t i = 0; i < port->rules_count; i++)
		is_first = put_rule(out, &policy->rules[port->rules[i]], row, is_first);
	if (is_first)
		fputs("nobody", out);
	fclose(out);
	return text;
}
