/* SPDX-License-Identifier: GPL-2.0-only */
/* misses.c: rules that have to do with the packet and did not decide, and why.  See private.h. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/proto.h"
#include "explain/private.h"

#define MISSES_MAX 5

/* What is known of a rule and the packet. */
struct near {
	const struct statement *statement;
	const struct policy_rule *rule; /* NULL: its time is up */
	bool has_port;                  /* it names the port there */
	bool has_source, has_family;    /* and the source; and any of its family */
};

static const struct policy_rule *find_rule(const struct policy *policy, unsigned int line)
{
	for (size_t i = 0; i < policy->rules_count; i++)
		if (policy->rules[i].line == line)
			return &policy->rules[i];
	return NULL;
}

static bool applies(const struct policy *policy, const struct policy_rule *rule,
		    const struct policy_port *port)
{
	for (size_t i = 0; rule && port && i < port->rules_count; i++)
		if (&policy->rules[port->rules[i]] == rule)
			return true;
	return rule && rule->is_everywhere;
}

/* By number alone: whatever protocol, address or container. */
static bool names_number(const struct statement *statement, unsigned short number)
{
	const struct target *target = &statement->target;

	for (size_t i = 0; i < target->ports_count; i++)
		if (number >= target->ports[i].lo && number <= target->ports[i].hi)
			return true;
	return false;
}

static bool names_protocol(const struct statement *statement, __u8 proto)
{
	return statement->target.protos & 1u << proto_index(proto);
}

static bool names_port(const struct statement *statement, const struct explain_question *question)
{
	return statement->target.kind == TARGET_PORTS && names_number(statement, question->dport) &&
	       names_protocol(statement, question->proto) &&
	       (!statement->target.on.family ||
		prefix_equal(&statement->target.on, &question->daddr));
}

static void look_at_sources(const struct prefix *prefixes, size_t count, const struct prefix *saddr,
			    struct near *near)
{
	for (size_t i = 0; i < count; i++) {
		near->has_family = near->has_family || prefixes[i].family == saddr->family;
		near->has_source = near->has_source || prefix_contains(&prefixes[i], saddr);
	}
}

/* Of a rule past its time the policy has nothing: what its statement names, without files. */
static void look_at_statement(const struct config *config, const struct prefix *saddr,
			      struct near *near)
{
	const struct statement *statement = near->statement;

	near->has_source = near->has_family = !statement->sources_count;
	for (size_t i = 0; i < statement->sources_count; i++) {
		const struct source *source = &statement->sources[i];
		const struct statement *set =
			source->set ? config_find_set(config, source->set) : NULL;

		if (!source->set)
			look_at_sources(&source->prefix, 1, saddr, near);
		for (size_t j = 0; set && j < set->sources_count; j++)
			look_at_sources(&set->sources[j].prefix, 1, saddr, near);
	}
}

/* NULL = it has nothing to do with the packet. */
static char *why_not(const struct near *near, const struct explain_answer *answer)
{
	const struct statement *statement = near->statement;
	const struct target *target = &statement->target;
	char addr[PREFIX_STRLEN], *text = NULL;
	int written = 0;

	prefix_format(&answer->question.saddr, addr);
	if (!near->rule && near->has_source && near->has_port)
		return strdup("its time (until) is past");
	if (near->has_port && !near->has_family)
		written = asprintf(&text, "its sources are all IPv%d, %s is IPv%d",
				   answer->question.saddr.family == 4 ? 6 : 4, addr,
				   answer->question.saddr.family);
	else if (near->has_port && !near->has_source && statement->sources_count == 1 &&
		 statement->sources[0].set)
		written = asprintf(&text, "the set '%s' does not contain %s",
				   statement->sources[0].set, addr);
	else if (near->has_port && !near->has_source)
		written = asprintf(&text, "its sources do not contain %s", addr);
	else if (near->has_port && answer->rule)
		written = asprintf(&text, "`%s` decides: %s", answer->rule->text,
				   answer->rule->kind == STATEMENT_DENY ||
						   answer->rule->kind == STATEMENT_ALLOW
					   ? "its source is more specific, or as specific and a "
					     "deny"
					   : "it comes before all rules");
	else if (near->has_source && target->kind == TARGET_PORTS &&
		 names_number(statement, answer->question.dport) &&
		 !names_protocol(statement, answer->question.proto))
		written = asprintf(&text, "it names another protocol than %s",
				   proto_name(answer->question.proto));
	else if (near->has_source && target->kind == TARGET_PORTS && target->on.family)
		written = asprintf(&text, "it is for %s only", prefix_format(&target->on, addr));
	else if (near->has_source && statement->sources_count)
		written = asprintf(&text, "it does not name %u/%s", answer->question.dport,
				   proto_name(answer->question.proto));
	return written < 0 ? NULL : text;
}

static int add_miss(const struct explain_input *input, const struct statement *statement,
		    struct explain_answer *answer)
{
	const struct policy *policy = input->desired->policy;
	const struct prefix *saddr = &answer->question.saddr;
	struct near near = { .statement = statement, .rule = find_rule(policy, statement->line) };
	_cleanup_free_ char *why = NULL, *text = config_print_statement(statement),
			    *place = explain_place(input, statement->line);

	if (!text || !place)
		return -ENOMEM;
	if (near.rule && near.rule == answer->rule)
		return 0;
	near.has_port = near.rule ? applies(policy, near.rule, answer->port)
				  : names_port(statement, &answer->question);
	if (near.rule)
		look_at_sources(near.rule->sources, near.rule->sources_count, saddr, &near);
	else
		look_at_statement(input->desired->config, saddr, &near);
	why = why_not(&near, answer);
	return why ? problems_add(&answer->misses, "%s: %s\t%s", place, text, why) : 0;
}

int explain_add_misses(const struct explain_input *input, struct explain_answer *answer)
{
	const struct config *config = input->desired->config;
	int err = 0;

	for (size_t i = 0; err == 0 && i < config->count; i++) {
		const struct statement *statement = &config->statements[i];
		bool is_near = answer->is_dropped ? statement->kind == STATEMENT_ALLOW
						  : statement->kind == STATEMENT_DENY;

		if (is_near && answer->misses.count < MISSES_MAX)
			err = add_miss(input, statement, answer);
	}
	return err;
}
