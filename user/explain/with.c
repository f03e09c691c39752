/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * with.c: rules that are not in the configuration yet: its text with them, as an edit would have
 * it, and the image of that, which nobody but a copy of the program sees.  See explain.h.
 */
#include <errno.h>

#include "bans/bans.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "docker/inventory.h"
#include "explain/private.h"
#include "image/snapshot.h"
#include "policy/hint.h"

/* ---- one rule ----------------------------------------------------------------------------- */

int explain_read_rule(const char *text, struct statement *ret, struct error *error)
{
	_cleanup_(config_clear_statement) struct statement statement = {};
	struct error at = {};
	int err = config_parse_statement(text, clock_s(CLOCK_REALTIME), &statement, &at);

	if (err == -EINVAL)
		return error_set(error, -EUCLEAN, "'--with %s': column %u: %s", text, at.column,
				 at.text);
	if (err < 0)
		return error_complete(error, err);
	if (!config_is_rule(&statement))
		return error_set(error, -EUCLEAN,
				 "'--with %s': not a rule, which begins with allow, deny, ban or "
				 "failsafe",
				 text);
	*ret = statement;
	statement = (struct statement){};
	return 0;
}

/* As for an edit, which refuses `allow ssh` where no container has that name. */
static int check_name(const struct explain_with *with, const struct statement *statement,
		      struct error *error)
{
	_cleanup_free_ char *text = NULL;

	if (!statement->target.is_bare ||
	    hint_is_container(with->inventory, statement->target.name))
		return 0;
	text = hint_unknown(statement, with->inventory);
	return text ? error_set(error, -EUCLEAN, "%s", text) : -ENOMEM;
}

static int why_not_added(const struct explain_with *with, const struct statement *statement,
			 struct error *error)
{
	_cleanup_(config_freep) struct config *config = NULL;
	const char *set = NULL;

	if (config_parse(with->text, strlen(with->text), clock_s(CLOCK_REALTIME), &config, NULL) ==
	    0)
		set = config_missing_set(config, statement);
	if (!set)
		return error_set(error, -EUCLEAN, "the policy has no room for the rule");
	return error_set(error, -EUCLEAN, "there is no set '%s' in the policy", set);
}

/* ---- where the others are ----------------------------------------------------------------- */

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text += *text == '\n') {
		count++;
		text = strchrnul(text, '\n');
	}
	return count;
}

/* The first line, from 0, in which they differ. */
static size_t first_change(const char *before, const char *after)
{
	size_t number = 0;

	for (; *before && *before == *after; before++, after++)
		number += *before == '\n';
	/* A line that had no end has one now. */
	return number + (!*before && *after == '\n');
}

/* The text becomes one with a line more, or another line. */
static int take_text(struct explain_with *with, char *text)
{
	size_t before = count_lines(with->text), after = count_lines(text),
	       change = first_change(with->text, text);
	unsigned int *lines = calloc(after + 1, sizeof(*lines));

	if (!lines) {
		free(text);
		return -ENOMEM;
	}
	for (size_t i = 0; i < after; i++)
		lines[i] = i < change                      ? with->lines[i]
			   : i == change                   ? 0
			   : i - (after - before) < before ? with->lines[i - (after - before)]
							   : 0;
	free(with->lines);
	free(with->text);
	with->lines = lines;
	with->lines_count = after;
	with->text = text;
	with->count++;
	return 0;
}

int explain_with_begin(const struct image *running, struct explain_with *ret, struct error *error)
{
	_cleanup_(explain_with_clear) struct explain_with with = {};
	int err = snapshot_unpack(running, &with.text, &with.inventory);

	if (err < 0)
		return error_set_errno(error, err, "cannot read back the active policy");
	with.lines_count = count_lines(with.text);
	with.lines = calloc(with.lines_count + 1, sizeof(*with.lines));
	if (!with.lines)
		return -ENOMEM;
	for (size_t i = 0; i < with.lines_count; i++)
		with.lines[i] = i + 1;
	*ret = with;
	with = (struct explain_with){};
	return 0;
}

int explain_with_add(struct explain_with *with, const char *rule, struct error *error)
{
	_cleanup_(config_clear_statement) struct statement statement = {};
	char *text = NULL;
	int err = explain_read_rule(rule, &statement, error);

	if (err == 0)
		err = check_name(with, &statement, error);
	if (err < 0)
		return err;
	err = config_add(with->text, &statement, &text);
	if (err == 0)
		return take_text(with, text);
	if (err == -EINVAL)
		err = why_not_added(with, &statement, error);
	else if (err == -EEXIST)
		err = error_set(error, -EUCLEAN, "it is in the policy already");
	return error_prefix(error, err, "'--with %s'", rule);
}

void explain_with_clear(struct explain_with *with)
{
	free(with->text);
	free(with->lines);
	inventory_free(with->inventory);
	*with = (struct explain_with){};
}

unsigned int explain_line(const struct explain_input *input, unsigned int line)
{
	const struct explain_with *with = input->with;

	if (!with)
		return line;
	return line && line <= with->lines_count ? with->lines[line - 1] : 0;
}

char *explain_place(const struct explain_input *input, unsigned int line)
{
	unsigned int there = explain_line(input, line);
	char *text = NULL;

	if (!there)
		return strdup("not there yet");
	return asprintf(&text, "%s:%u", input->config_path, there) < 0 ? NULL : text;
}

char *explain_place_of(const struct explain_input *input, const struct policy_rule *rule)
{
	return rule->number ? explain_place(input, rule->line) : strdup(BANS_PATH);
}

/* ---- the image ------------------------------------------------------------------------------ */

/* The rules have the first counters, in their order: nobody else counts into these. */
int explain_with_compile(const struct desired *desired, struct image *ret, struct error *error)
{
	const struct policy *policy = desired->policy;
	_cleanup_free_ __u32 *rules = calloc(policy->rules_count + 1, sizeof(*rules)),
			     *ports = calloc(policy->ports_count + 1, sizeof(*ports));
	struct image_input input = { .policy = policy,
				     .rule_counters = rules,
				     .port_counters = ports,
				     .now_epoch = clock_s(CLOCK_REALTIME),
				     .now_monotonic_ns = clock_ns(CLOCK_MONOTONIC) };
	int err;

	if (!rules || !ports)
		return -ENOMEM;
	for (size_t i = 0; i < policy->rules_count && i < LIMIT_RULES; i++)
		rules[i] = COUNTER_FIRST + i;
	err = image_build(&input, ret, error);
	return err < 0 ? error_prefix(error, err, "cannot compile the policy with the rule") : 0;
}

const struct policy_rule *explain_with_counted(const struct policy *policy, __u32 id)
{
	return id >= COUNTER_FIRST && id - COUNTER_FIRST < policy->rules_count
		       ? &policy->rules[id - COUNTER_FIRST]
		       : NULL;
}
