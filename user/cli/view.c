/* SPDX-License-Identifier: GPL-2.0-only */
/* view.c: rows out of endpoints, and who may enter by the rules that apply to each. */
#include "cli/view.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "base/proto.h"

const char *view_proto(const struct view_row *row)
{
	return proto_name(row->port->proto);
}

void view_port_text(const struct view_row *row, char *buf, size_t size)
{
	const struct policy_port *port = row->port;

	if (port->lo == port->hi)
		snprintf(buf, size, "%u/%s", port->lo, view_proto(row));
	else
		snprintf(buf, size, "%u-%u/%s", port->lo, port->hi, view_proto(row));
}

const char *view_address_text(const struct view_row *row, char buf[static PREFIX_STRLEN])
{
	if (row->is_both)
		return "any";
	if (row->port->addr.length == 0)
		return row->port->addr.family == 4 ? "0.0.0.0" : "::";
	return prefix_format(&row->port->addr, buf);
}

static const char *const docker_words[] = {
	[DOCKER_OFF] = "off",
	[DOCKER_FRESH] = "in sync",
	[DOCKER_REMEMBERED] = "does not answer",
	[DOCKER_UNKNOWN] = "unknown",
};

const char *view_docker_word(const struct desired *desired)
{
	return docker_words[desired ? desired->docker_source : DOCKER_UNKNOWN];
}

/* ---- who may enter -------------------------------------------------------------------- */

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

struct view_sources view_sources_of(const struct policy_rule *rule, const struct view_row *row)
{
	size_t ipv4_count = first_ipv6(rule);

	if (row->is_both)
		return (struct view_sources){ rule->sources, rule->sources_count };
	if (row->port->addr.family == 4)
		return (struct view_sources){ rule->sources, ipv4_count };
	return (struct view_sources){ rule->sources + ipv4_count,
				      rule->sources_count - ipv4_count };
}

/* The shortest prefix of a family is its first. */
static bool is_anyone(const struct policy_rule *rule, const struct view_row *row)
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

static void put_sources(FILE *out, const struct view_sources *sources)
{
	char buf[PREFIX_STRLEN];

	for (size_t i = 0; i < sources->count && i < SHOWN_SOURCES; i++)
		fprintf(out, "%s%s", i ? ", " : "", source_text(&sources->prefixes[i], buf));
	if (sources->count > SHOWN_SOURCES)
		fprintf(out, " and %zu more", sources->count - SHOWN_SOURCES);
}

static bool put_rule(FILE *out, const struct policy_rule *rule, const struct view_row *row,
		     bool is_first)
{
	struct view_sources sources = view_sources_of(rule, row);
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

static char *who_may_enter(const struct policy *policy, const struct view_row *row)
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

/* ---- rows ------------------------------------------------------------------------------ */

static void add(struct counter *to, const struct counter *more)
{
	to->packets += more->packets;
	to->bytes += more->bytes;
}

static void add_counters(const struct counted *counted, const struct policy_port *port,
			 struct view_row *row)
{
	__u32 id = cmd_counter_id(counted, "port", port->identity);

	if (!id)
		return;
	add(&row->passed, &counted->totals->of[id]);
	add(&row->dropped, &counted->totals->of[id + 1]);
}

static void add_port(const struct counted *counted, const struct policy_port *port,
		     struct view *view)
{
	struct view_row *row = view->count ? &view->rows[view->count - 1] : NULL;

	if (row && !row->is_both && policy_is_pair(row->port, port)) {
		row->is_both = true;
	} else {
		row = &view->rows[view->count++];
		row->port = port;
	}
	add_counters(counted, port, row);
}

int view_make(const struct counted *counted, const struct policy *policy, struct view *ret)
{
	size_t ports_count = policy ? policy->ports_count : 0;
	struct view view = { .rows = calloc(ports_count + 1, sizeof(*view.rows)) };

	if (!view.rows)
		return -ENOMEM;
	for (size_t i = 0; i < ports_count; i++)
		add_port(counted, &policy->ports[i], &view);
	for (size_t i = 0; i < view.count; i++)
		view.rows[i].who = who_may_enter(policy, &view.rows[i]);
	*ret = view;
	return 0;
}

void view_clear(struct view *view)
{
	for (size_t i = 0; i < view->count; i++)
		free(view->rows[i].who);
	free(view->rows);
}
