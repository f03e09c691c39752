/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rule_lists.c: interned lists of rules.  Thousands of ports share a handful of lists;
 * a list exists once, and comparing two is comparing two numbers.
 */
#include <errno.h>

#include "policy/policy.h"
#include "policy/rule_lists.h"

int rule_lists_init(struct rule_lists *lists)
{
	unsigned int empty;

	return intern_add(&lists->intern, "", 0, &empty);
}

void rule_lists_clear(struct rule_lists *lists)
{
	intern_clear(&lists->intern);
	buffer_clear(&lists->scratch);
	*lists = (struct rule_lists){ 0 };
}

int rule_lists_reserve(struct rule_lists *lists, size_t count, unsigned int **ret_rules)
{
	int err = buffer_reserve(&lists->scratch, (count + 1) * sizeof(**ret_rules));

	*ret_rules = (unsigned int *)lists->scratch.bytes;
	return err;
}

int rule_lists_commit(struct rule_lists *lists, unsigned int count, unsigned int *ret_list)
{
	size_t size = count * sizeof(unsigned int);

	if (lists->intern.strings.size + size > POLICY_LIMIT_POOL * sizeof(unsigned int))
		return -E2BIG;
	return intern_add(&lists->intern, lists->scratch.bytes, size, ret_list);
}

static unsigned int merge(const struct rule_view *a, const struct rule_view *b, unsigned int *out)
{
	unsigned int i = 0, j = 0, count = 0;

	while (i < a->count && j < b->count) {
		unsigned int x = a->rules[i], y = b->rules[j];

		i += x <= y;
		j += y <= x;
		out[count++] = x < y ? x : y;
	}
	while (i < a->count)
		out[count++] = a->rules[i++];
	while (j < b->count)
		out[count++] = b->rules[j++];
	return count;
}

int rule_lists_union(struct rule_lists *lists, unsigned int a, unsigned int b, unsigned int *ret)
{
	struct rule_view first = rule_lists_get(lists, a), second = rule_lists_get(lists, b);
	unsigned int *out;
	int err;

	if (!a || !b || a == b) {
		*ret = a ?: b;
		return 0;
	}
	err = rule_lists_reserve(lists, (size_t)first.count + second.count, &out);
	return err ?: rule_lists_commit(lists, merge(&first, &second, out), ret);
}
