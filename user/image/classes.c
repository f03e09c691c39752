/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * classes.c: precedence, worked out once for each class instead of once a packet.
 *
 * Walking from a prefix into one nested in it, a column changes only in the rows that the
 * inner prefix's rules apply to, and there the new rule is the more specific one.  So the
 * next column follows from the column around it and the rules, whatever led there.
 *
 * A ban can end while nobody makes a new policy.  What its sources are then is another class, which
 * follows from the same steps without the bans that end.
 */
#include <errno.h>

#include "limit.h"
#include "image/classes.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/* Columns are built whole: this many cells of two bytes at most. */
#define CELLS_MAX ((size_t)1 << 27)

#define RANK_BAN 3

/* What wins among rules whose sources are the same prefix.  A ban or a failsafe wins against
 * any allow or deny, however specific. */
static int rank(const struct policy_rule *rule)
{
	switch (rule->kind) {
	case STATEMENT_FAILSAFE:
		return 4;
	case STATEMENT_BAN:
		return RANK_BAN;
	case STATEMENT_DENY:
		return 2;
	default:
		return 1;
	}
}

/* Against a rule with a less specific source, allow and deny are on a par. */
static bool is_stronger(const struct classes *classes, __u32 rule, __u16 cell)
{
	const struct policy_rule *rules = classes->policy->rules;
	int mine = rank(&rules[rule]), theirs;

	if (cell < CELL_FIRST_RULE)
		return true;
	theirs = rank(&rules[cell - CELL_FIRST_RULE]);
	if (mine == RANK_BAN && theirs == RANK_BAN)
		return policy_end_of(&rules[rule]) >= policy_end_of(&rules[cell - CELL_FIRST_RULE]);
	return mine >= theirs || (mine == 1 && theirs == 2);
}

static void apply(struct classes *classes, __u32 rule, __u16 *column)
{
	for (size_t i = classes->rule_first[rule]; i < classes->rule_first[rule + 1]; i++) {
		__u16 *cell = &column[classes->rule_rows[i]];

		if (is_stronger(classes, rule, *cell))
			*cell = CELL_FIRST_RULE + rule;
	}
}

/* Weakest first; of equals the one that stands first in the configuration comes last. */
static int compare_strength(const void *left, const void *right, void *context)
{
	const struct policy_rule *rules = context;
	__u32 a = *(const __u32 *)left, b = *(const __u32 *)right;
	int order = rank(&rules[a]) - rank(&rules[b]);

	return order ? order : a < b ? 1 : a > b ? -1 : 0;
}

static size_t column_size(const struct classes *classes)
{
	return classes->rows * sizeof(__u16) + sizeof(__u32);
}

__u32 classes_unbanned(const struct classes *classes, __u32 class)
{
	const __u16 *column = intern_get(&classes->columns, class);
	__u32 unbanned;

	memcpy(&unbanned, column + classes->rows, sizeof(unbanned));
	return unbanned == CLASS_ITSELF ? class : unbanned;
}

static bool is_ban_that_ends(const struct classes *classes, __u32 rule)
{
	const struct policy_rule *rules = classes->policy->rules;

	return rules[rule].kind == STATEMENT_BAN && rules[rule].until;
}

static int step_into(struct classes *classes, __u32 around, __u32 set, __u32 *ret);

/* What the class inside becomes when its bans have ended; CLASS_ITSELF where none ends. */
static int find_unbanned(struct classes *classes, __u32 around, __u32 set, __u32 *ret)
{
	size_t count = classes->sets.items[set].length / sizeof(__u32), kept = 0;
	_cleanup_free_ __u32 *rules = reallocarray(NULL, count + 1, sizeof(*rules));
	__u32 unbanned = classes_unbanned(classes, around), number;
	int err;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const __u32 *all = intern_get(&classes->sets, set);

		if (!is_ban_that_ends(classes, all[i]))
			rules[kept++] = all[i];
	}
	*ret = CLASS_ITSELF;
	if (kept == count && unbanned == around)
		return 0;
	*ret = unbanned;
	if (!kept)
		return 0;
	err = intern_add(&classes->sets, rules, kept * sizeof(*rules), &number);
	return err ?: step_into(classes, unbanned, number, ret);
}

static int make_class(struct classes *classes, __u32 around, __u32 set, __u32 *ret)
{
	size_t size = column_size(classes);
	__u32 before, unbanned;
	const __u32 *rules;
	int err = find_unbanned(classes, around, set, &unbanned);

	if (err)
		return err;
	before = classes->columns.count;
	rules = intern_get(&classes->sets, set);
	memcpy(classes->scratch, intern_get(&classes->columns, around), size);
	for (size_t i = 0; i < classes->sets.items[set].length / sizeof(*rules); i++)
		apply(classes, rules[i], classes->scratch);
	memcpy(classes->scratch + classes->rows, &unbanned, sizeof(unbanned));
	err = intern_add(&classes->columns, classes->scratch, size, ret);
	if (err)
		return err;
	if (*ret == before &&
	    (before >= LIMIT_CLASSES || before * (size_t)classes->rows >= CELLS_MAX))
		return -E2BIG;
	return 0;
}

/* The rules of a group of claims, weakest first, as a set with a number. */
static int find_set(struct classes *classes, const struct claim *claims, size_t count,
		    __u32 *ret_set)
{
	_cleanup_free_ __u32 *many = NULL;
	__u32 one, *rules = &one;

	if (count > 1) {
		many = reallocarray(NULL, count, sizeof(*many));
		if (!many)
			return -ENOMEM;
		rules = many;
	}
	for (size_t i = 0; i < count; i++)
		rules[i] = claims[i].owner;
	if (count > 1)
		qsort_r(rules, count, sizeof(*rules), compare_strength, classes->policy->rules);
	return intern_add(&classes->sets, rules, count * sizeof(*rules), ret_set);
}

/* Room for the class of one more step. */
static int grow_steps(struct classes *classes, __u32 count)
{
	__u32 *grown;

	if (count & (count - 1))
		return 0;
	grown = reallocarray(classes->step_class, count ? count * 2 : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	classes->step_class = grown;
	return 0;
}

/* From a class into one nested in it, where these rules apply as well. */
static int step_into(struct classes *classes, __u32 around, __u32 set, __u32 *ret)
{
	__u32 before = classes->steps.count, step[2] = { around, set };
	__u32 number;
	int err;

	err = intern_add(&classes->steps, step, sizeof(step), &number);
	if (err)
		return err;
	if (number < before) {
		*ret = classes->step_class[number];
		return 0;
	}
	err = grow_steps(classes, number);
	if (!err)
		err = make_class(classes, around, set, ret);
	if (!err)
		classes->step_class[number] = *ret;
	return err;
}

int classes_combine(void *context, __u32 around, const struct claim *claims, size_t count,
		    __u32 *ret)
{
	struct classes *classes = context;
	__u32 set;
	int err = find_set(classes, claims, count, &set);

	return err ?: step_into(classes, around, set, ret);
}

/* ---- rows ------------------------------------------------------------------------ */

/* The default and the rules of a port; is_everywhere rules apply anyway. */
static int find_row(struct intern *rows, const struct policy *policy,
		    const struct policy_port *port, __u32 *ret_row)
{
	_cleanup_free_ __u32 *key = reallocarray(NULL, port->rules_count + 1, sizeof(*key));
	size_t count = 0;

	if (!key)
		return -ENOMEM;
	key[count++] = port->is_closed ? CELL_DEFAULT_DENY : CELL_DEFAULT_ALLOW;
	for (size_t i = 0; i < port->rules_count; i++) {
		if (!policy->rules[port->rules[i]].is_everywhere)
			key[count++] = port->rules[i];
	}
	return intern_add(rows, key, count * sizeof(*key), ret_row);
}

/* Row 0 stands for packets that no port guards. */
static int find_rows(struct classes *classes, struct intern *rows)
{
	const struct policy *policy = classes->policy;
	const __u32 none = CELL_NONE;
	__u32 row;
	int err;

	err = intern_add(rows, &none, sizeof(none), &row);
	for (size_t i = 0; i < policy->ports_count && !err; i++)
		err = find_row(rows, policy, &policy->ports[i], &classes->port_rows[i]);
	classes->rows = rows->count;
	return err;
}

/* Turns "rules of each row" into "rows of each rule". */
static int turn_rows(struct classes *classes, const struct intern *rows)
{
	const struct policy *policy = classes->policy;
	size_t *first = classes->rule_first, total = 0;

	for (__u32 row = 0; row < rows->count; row++) {
		const __u32 *key = intern_get(rows, row);

		for (size_t i = 1; i < rows->items[row].length / sizeof(*key); i++)
			first[key[i] + 1]++;
	}
	for (size_t i = 0; i < policy->rules_count; i++) {
		if (policy->rules[i].is_everywhere)
			first[i + 1] = rows->count;
		total += first[i + 1];
		first[i + 1] = total;
	}
	classes->rule_rows = reallocarray(NULL, total + 1, sizeof(*classes->rule_rows));
	return classes->rule_rows ? 0 : -ENOMEM;
}

static int fill_rows(struct classes *classes, const struct intern *rows)
{
	const struct policy *policy = classes->policy;
	_cleanup_free_ size_t *next = NULL;

	next = reallocarray(NULL, policy->rules_count + 1, sizeof(*next));
	if (!next)
		return -ENOMEM;
	memcpy(next, classes->rule_first, (policy->rules_count + 1) * sizeof(*next));
	for (__u32 row = 0; row < rows->count; row++) {
		const __u32 *key = intern_get(rows, row);

		for (size_t i = 1; i < rows->items[row].length / sizeof(*key); i++)
			classes->rule_rows[next[key[i]]++] = row;
	}
	for (size_t i = 0; i < policy->rules_count; i++) {
		for (__u32 row = 0; policy->rules[i].is_everywhere && row < rows->count; row++)
			classes->rule_rows[next[i]++] = row;
	}
	return 0;
}

static int make_first_class(struct classes *classes, const struct intern *rows)
{
	const __u32 unbanned = CLASS_ITSELF;
	__u32 class;

	classes->scratch = reallocarray(NULL, rows->count + 2, sizeof(*classes->scratch));
	if (!classes->scratch)
		return -ENOMEM;
	for (__u32 row = 0; row < rows->count; row++)
		classes->scratch[row] = *(const __u32 *)intern_get(rows, row);
	memcpy(classes->scratch + rows->count, &unbanned, sizeof(unbanned));
	return intern_add(&classes->columns, classes->scratch, column_size(classes), &class);
}

int classes_init(struct classes *classes, const struct policy *policy)
{
	_cleanup_(intern_clear) struct intern rows = {};
	int err;

	classes->policy = policy;
	classes->port_rows = reallocarray(NULL, policy->ports_count + 1, sizeof(__u32));
	classes->rule_first = calloc(policy->rules_count + 1, sizeof(*classes->rule_first));
	if (!classes->port_rows || !classes->rule_first)
		return -ENOMEM;
	err = find_rows(classes, &rows);
	if (!err)
		err = turn_rows(classes, &rows);
	if (!err)
		err = fill_rows(classes, &rows);
	if (!err)
		err = make_first_class(classes, &rows);
	return err;
}

void classes_clear(struct classes *classes)
{
	free(classes->port_rows);
	free(classes->rule_rows);
	free(classes->rule_first);
	free(classes->step_class);
	free(classes->scratch);
	intern_clear(&classes->columns);
	intern_clear(&classes->sets);
	intern_clear(&classes->steps);
	*classes = (struct classes){};
}
