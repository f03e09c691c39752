/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rules.c: statements -> rules with their sources written out.  Which ports they
 * apply to is not decided here.
 */
#include <errno.h>

#include "limit.h"
#include "bans/bans.h"
#include "policy/resolve.h"
#include "config/setfile.h"

/* The prefixes behind one source, wherever they are kept. */
struct members {
	const struct prefix *prefixes; /* of a set's file, */
	const struct source *sources;  /* of an inline set, */
	const struct prefix *one;      /* or just one */
	size_t count;
	bool is_unknown;
};

static int find_members(struct resolver *resolver, const struct statement *statement,
			const struct source *source, struct members *ret)
{
	const struct policy_input *input = resolver->input;
	const struct statement *set;

	if (!source->set) {
		*ret = (struct members){ .one = &source->prefix, .count = 1 };
		return 0;
	}
	set = config_find_set(input->config, source->set);
	if (!set) {
		return error_set_at(&resolver->error, -EINVAL, statement->line, 0,
				    "set '%s' is not defined", source->set);
	}
	if (!set->set_file) {
		*ret = (struct members){ .sources = set->sources, .count = set->sources_count };
		return 0;
	}
	for (size_t i = 0; i < input->sets_count; i++) {
		if (!streq(input->sets[i].name, source->set))
			continue;
		*ret = (struct members){ .prefixes = input->sets[i].members,
					 .count = input->sets[i].count,
					 .is_unknown = input->sets[i].is_unknown };
		return 0;
	}
	return error_set_at(&resolver->error, -EINVAL, set->line, 0,
			    "set '%s': the members in '%s' were not read", source->set,
			    set->set_file);
}

static void copy_members(const struct members *members, struct prefix *out)
{
	for (size_t i = 0; i < members->count; i++) {
		if (members->prefixes)
			out[i] = members->prefixes[i];
		else if (members->sources)
			out[i] = members->sources[i].prefix;
		else if (members->one)
			out[i] = *members->one;
	}
}

static int add_everywhere(struct policy_rule *rule)
{
	rule->sources = calloc(2, sizeof(*rule->sources));
	if (!rule->sources)
		return -ENOMEM;
	rule->sources[0].family = 4;
	rule->sources[1].family = 6;
	rule->sources_count = 2;
	return 0;
}

/*
 * A statement without sources is about everybody; one whose sets are empty is about
 * nobody.  The two must not be mixed up: an emptied file would open the port.
 */
static int add_sources(struct resolver *resolver, const struct statement *statement,
		       struct policy_rule *rule)
{
	struct members members = {};
	int err;

	if (!statement->sources_count)
		return add_everywhere(rule);
	for (size_t i = 0; i < statement->sources_count; i++) {
		err = find_members(resolver, statement, &statement->sources[i], &members);
		if (err)
			return err;
		rule->sources_count += members.count;
		if (members.is_unknown && rule->kind == STATEMENT_DENY)
			rule->is_unknown = true;
	}
	if (rule->is_unknown)
		return add_everywhere(rule);
	rule->sources = calloc(rule->sources_count ?: 1, sizeof(*rule->sources));
	if (!rule->sources)
		return -ENOMEM;
	rule->sources_count = 0;
	for (size_t i = 0; i < statement->sources_count; i++) {
		err = find_members(resolver, statement, &statement->sources[i], &members);
		if (err)
			return err;
		copy_members(&members, rule->sources + rule->sources_count);
		rule->sources_count += members.count;
	}
	return sets_sort(rule->sources, &rule->sources_count);
}

static bool is_everywhere(const struct statement *statement)
{
	return statement->kind == STATEMENT_BAN || statement->target.kind == TARGET_NONE;
}

static int fill_rule(struct resolver *resolver, const struct statement *statement,
		     struct policy_rule *rule)
{
	rule->kind = statement->kind;
	rule->line = statement->line;
	rule->until = statement->until;
	rule->is_everywhere = is_everywhere(statement);
	rule->identity = config_rule_identity(statement);
	rule->text = config_print_statement(statement);
	if (statement->comment)
		rule->comment = strdup(statement->comment);
	if (!rule->identity || !rule->text || (statement->comment && !rule->comment))
		return -ENOMEM;
	if (rule->is_everywhere &&
	    (rule->kind == STATEMENT_ALLOW || rule->kind == STATEMENT_DENY)) {
		return error_set_at(&resolver->error, -EINVAL, statement->line, 0,
				    "'%s' names neither a port nor a container", rule->text);
	}
	return add_sources(resolver, statement, rule);
}

/* To be filled; NULL = there are too many, or no memory. */
static struct policy_rule *append_rule(struct resolver *resolver, const struct statement *statement,
				       int *err)
{
	struct policy *policy = resolver->policy;
	const struct statement **origin;
	struct policy_rule *rule;

	*err = -ENOMEM;
	if (policy->rules_count == LIMIT_RULES) {
		*err = error_set_at(&resolver->error, -E2BIG, statement->line, 0,
				    "more than %u rules", LIMIT_RULES);
		return NULL;
	}
	rule = util_append(&policy->rules, policy->rules_count, sizeof(*rule));
	if (!rule)
		return NULL;
	policy->rules_count++;
	origin = util_append(&resolver->statements, policy->rules_count - 1, sizeof(*origin));
	if (!origin)
		return NULL;
	*origin = statement;
	return rule;
}

static int add_rule(struct resolver *resolver, const struct statement *statement,
		    unsigned int number)
{
	int err;
	struct policy_rule *rule = append_rule(resolver, statement, &err);

	if (!rule)
		return err;
	rule->number = number;
	return fill_rule(resolver, statement, rule);
}

/* What an owner has banned is one rule to people, and has one counter, however many ends it has. */
static int add_group(struct resolver *resolver, const struct ban_group *group)
{
	static const struct statement ban = { .kind = STATEMENT_BAN };
	const char *quote = group->owner[0] ? "'" : "";
	int err;
	struct policy_rule *rule = append_rule(resolver, &ban, &err);

	if (!rule)
		return err;
	rule->kind = STATEMENT_BAN;
	rule->until = group->until;
	rule->is_everywhere = true;
	if (asprintf(&rule->identity, "bans %s", group->owner) < 0)
		rule->identity = NULL;
	if (asprintf(&rule->text, "ban%s%s%s%s", *quote ? " of " : "", quote, group->owner, quote) <
	    0)
		rule->text = NULL;
	rule->comment = strdup(group->owner);
	rule->sources = calloc(group->count, sizeof(*rule->sources));
	if (!rule->identity || !rule->text || !rule->comment || !rule->sources)
		return -ENOMEM;
	memcpy(rule->sources, group->prefixes, group->count * sizeof(*rule->sources));
	rule->sources_count = group->count;
	return sets_sort(rule->sources, &rule->sources_count);
}

static void note_expiry(struct policy *policy, time_t until)
{
	if (until && (!policy->next_expiry || until < policy->next_expiry))
		policy->next_expiry = until;
}

static int check_prefixes(struct resolver *resolver, unsigned int line)
{
	const struct policy *policy = resolver->policy;

	resolver->prefixes += policy->rules[policy->rules_count - 1].sources_count;
	if (resolver->prefixes <= LIMIT_PREFIXES)
		return 0;
	return error_set_at(&resolver->error, -E2BIG, line, 0,
			    "%zu source prefixes over all rules, the limit is %u",
			    resolver->prefixes, LIMIT_PREFIXES);
}

static int resolve_bans(struct resolver *resolver)
{
	const struct ban_groups *bans = resolver->input->bans;
	int err = 0;

	for (size_t i = 0; bans && i < bans->count && err == 0; i++) {
		err = add_group(resolver, &bans->list[i]);
		if (err == 0)
			err = check_prefixes(resolver, 0);
		note_expiry(resolver->policy, bans->list[i].until);
	}
	return err;
}

/* A rule that is past keeps its number: `delete 3` means the third rule of the file. */
int policy_resolve_rules(struct resolver *resolver)
{
	const struct config *config = resolver->input->config;
	unsigned int number = 0;
	int err;

	for (size_t i = 0; i < config->count; i++) {
		const struct statement *statement = &config->statements[i];

		if (!config_is_rule(statement))
			continue;
		number++;
		if (statement_is_past(statement, resolver->input->now))
			continue;
		err = add_rule(resolver, statement, number);
		if (err == 0)
			err = check_prefixes(resolver, statement->line);
		if (err)
			return err;
		note_expiry(resolver->policy, statement->until);
	}
	return resolve_bans(resolver);
}
