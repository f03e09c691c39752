/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * counts.c: see counts.h.  The programs count each packet by its reason, and by its port and rule
 * if it has them.  A port has an address family, so its counters have one, and a reason has two
 * counters.  Nothing is counted by interface: that would be a second counter for every packet.
 */
#include "metrics/counts.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/proto.h"
#include "config/config.h"
#include "engine/desired.h"
#include "kernel/kernel.h"
#include "metrics/exposition.h"
#include "policy/policy.h"
#include "reason.h"

enum unit { UNIT_PACKETS, UNIT_BYTES, UNIT_MAX };

static unsigned long long in_unit(const struct counter *counter, enum unit unit)
{
	return unit == UNIT_PACKETS ? counter->packets : counter->bytes;
}

/* kind: "rule" or "port", as the engine names them.  0 = not counted. */
static __u32 id_of(const struct metrics *metrics, const char *kind, const char *identity)
{
	_cleanup_free_ char *name = NULL;

	if (asprintf(&name, "%s %s", kind, identity) < 0)
		return 0;
	return counter_ids_find(metrics->ids, name);
}

/* ---- reasons ---------------------------------------------------------------------------- */

/* Frames that are not IP have no family, and of one that cannot be read it may be unknown. */
static const char *family_name(enum reason reason, bool is_ipv6)
{
	bool is_unknown = reason == PASS_NOT_IP || reason == DROP_MALFORMED;

	return is_ipv6 ? "ipv6" : is_unknown ? "other" : "ipv4";
}

static void put_reason(FILE *out, const struct metrics *metrics, const char *name,
		       enum reason reason, enum unit unit)
{
	const struct counter *of = metrics->totals->of;
	unsigned long long both = in_unit(&of[reason], unit);
	unsigned long long ipv6 = in_unit(&of[COUNTER_OF_REASON(reason, true)], unit);

	for (int is_ipv6 = 0; is_ipv6 <= (reason != PASS_NOT_IP); is_ipv6++) {
		const struct exposition_label labels[] = {
			{ "verdict", reason_is_drop(reason) ? "drop" : "pass" },
			{ "reason", reason_name(reason) },
			{ "family", family_name(reason, is_ipv6) },
			{}
		};

		exposition_put(out, name, labels, is_ipv6 ? ipv6 : both - ipv6);
	}
}

static void put_reasons(FILE *out, const struct metrics *metrics, enum unit unit)
{
	static const char *const names[UNIT_MAX] = { "tidegate_packets_total",
						     "tidegate_bytes_total" };

	exposition_describe(
		out, names[unit], "counter",
		unit == UNIT_PACKETS
			? "Packets by verdict, reason and family, which is 'other' of what "
			  "cannot be read for sure; in audit mode by the verdict they "
			  "would have had."
			: "Likewise the bytes of their frames.");
	for (enum reason reason = 1; reason < REASON_MAX; reason++)
		put_reason(out, metrics, names[unit], reason, unit);
}

/* ---- ports ------------------------------------------------------------------------------ */

struct port_text {
	char range[16], address[PREFIX_STRLEN], inside[8];
};

static void describe_port(const struct policy_port *port, struct port_text *ret)
{
	char buf[PREFIX_STRLEN];

	if (port->lo == port->hi)
		snprintf(ret->range, sizeof(ret->range), "%u", port->lo);
	else
		snprintf(ret->range, sizeof(ret->range), "%u-%u", port->lo, port->hi);
	snprintf(ret->address, sizeof(ret->address), "%s",
		 port->addr.length ? prefix_format(&port->addr, buf) : "any");
	snprintf(ret->inside, sizeof(ret->inside), "%u", port->container_port);
}

static void put_port(FILE *out, const struct metrics *metrics, const struct policy_port *port,
		     enum unit unit)
{
	static const char *const names[UNIT_MAX] = { "tidegate_port_packets_total",
						     "tidegate_port_bytes_total" };
	__u32 id = id_of(metrics, "port", port->identity);
	struct port_text text;

	describe_port(port, &text);
	for (int is_drop = 0; id && is_drop <= 1; is_drop++) {
		const struct exposition_label labels[] = {
			{ "port", text.range },
			{ "protocol", proto_name(port->proto) },
			{ "address", text.address },
			{ "family", port->addr.family == 4 ? "ipv4" : "ipv6" },
			{ "container", port->container ?: "" },
			{ "container_port", port->container_port ? text.inside : NULL },
			{ "verdict", is_drop ? "drop" : "pass" },
			{}
		};

		exposition_put(out, names[unit], labels,
			       in_unit(&metrics->totals->of[id + is_drop], unit));
	}
}

static void put_ports(FILE *out, const struct metrics *metrics, enum unit unit)
{
	const struct policy *policy = metrics->active->policy;

	if (unit == UNIT_PACKETS)
		exposition_describe(out, "tidegate_port_packets_total", "counter",
				    "Packets to a guarded port.");
	else
		exposition_describe(out, "tidegate_port_bytes_total", "counter",
				    "Bytes to a guarded port.");
	for (size_t i = 0; i < policy->ports_count; i++)
		put_port(out, metrics, &policy->ports[i], unit);
}

/* ---- rules ------------------------------------------------------------------------------ */

/* Names of sets, "addresses" or "anywhere"; allocated, NULL = only addresses are banned. */
static char *describe_sources(const struct statement *statement)
{
	char *text = NULL;
	const char *separator = "";
	bool has_addresses = false;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < statement->sources_count; i++) {
		has_addresses |= !statement->sources[i].set;
		if (!statement->sources[i].set)
			continue;
		fprintf(out, "%s%s", separator, statement->sources[i].set);
		separator = " ";
	}
	if (!statement->sources_count)
		fputs("anywhere", out);
	else if (has_addresses)
		fprintf(out, "%saddresses", separator);
	fclose(out);
	if (text && statement->kind == STATEMENT_BAN && streq(text, "addresses"))
		free(TAKE_PTR(text));
	return text;
}

/* The rule without its sources, which have a label of their own, and without what may be changed
 * and leaves its counter as it is. */
static char *describe_target(const struct statement *statement)
{
	struct statement bare = *statement;

	bare.sources_count = 0;
	bare.until = 0;
	bare.comment = NULL;
	return bare.kind == STATEMENT_BAN ? strdup("ban") : config_print_statement(&bare);
}

static void put_rule(FILE *out, const struct metrics *metrics, const struct policy_rule *rule,
		     const struct counter *counter)
{
	const struct statement *statement = config_find_line(metrics->active->config, rule->line);
	_cleanup_free_ char *from = statement ? describe_sources(statement) : NULL;
	_cleanup_free_ char *target = from ? describe_target(statement) : NULL;
	__u64 hash[2];
	char id[17];
	const struct exposition_label labels[] = { { "rule", target },
						   { "from", from },
						   { "comment", rule->comment ?: "" },
						   { "id", id },
						   {} };

	if (!target)
		return;
	hash_text(rule->identity, hash);
	snprintf(id, sizeof(id), "%016llx", hash[0]);
	exposition_put(out, "tidegate_rule_packets_total", labels, counter->packets);
}

/* The same rule twice has one counter. */
static void put_rules(FILE *out, const struct metrics *metrics)
{
	const struct policy *policy = metrics->active->policy;
	_cleanup_free_ bool *seen = calloc(LIMIT_COUNTERS, sizeof(*seen));

	exposition_describe(out, "tidegate_rule_packets_total", "counter",
			    "Packets that the rule decided.");
	for (size_t i = 0; seen && i < policy->rules_count; i++) {
		__u32 id = id_of(metrics, "rule", policy->rules[i].identity);

		if (id && !seen[id])
			put_rule(out, metrics, &policy->rules[i], &metrics->totals->of[id]);
		seen[id] = true;
	}
}

void counts_put(FILE *out, const struct metrics *metrics)
{
	for (enum unit unit = 0; unit < UNIT_MAX; unit++)
		put_reasons(out, metrics, unit);
	for (enum unit unit = 0; metrics->active && unit < UNIT_MAX; unit++)
		put_ports(out, metrics, unit);
	if (metrics->active)
		put_rules(out, metrics);
}
