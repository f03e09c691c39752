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

struct policy_row view_policy_row(const struct view_row *row)
{
	return (struct policy_row){ row->port, row->is_both };
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

static char *who_may_enter(const struct policy *policy, const struct view_row *row)
{
	struct policy_row policy_row = view_policy_row(row);

	return policy_who(policy, &policy_row);
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
