/* SPDX-License-Identifier: GPL-2.0-only */
/* rule_lists.h: lists of rule indexes, each stored once.  Private to this folder. */
#ifndef TIDEGATE_POLICY_RULE_LISTS_H
#define TIDEGATE_POLICY_RULE_LISTS_H

#include <stddef.h>

#include "base/buffer.h"
#include "policy/intern.h"

/*
 * Interned lists of rule indexes, ascending: the same content has the same number, so that
 * two endpoints with equal rules are found by one comparison.  Number 0 is the empty list.
 */
struct rule_lists {
	struct intern intern;
	struct buffer scratch; /* where the next list is written */
};

/* Valid until the next commit. */
struct rule_view {
	const unsigned int *rules;
	unsigned int count;
};

int rule_lists_init(struct rule_lists *lists);
void rule_lists_clear(struct rule_lists *lists);
/* Room for `count` indexes: write them there, then commit how many there are. */
int rule_lists_reserve(struct rule_lists *lists, size_t count, unsigned int **ret_rules);
/* 0, -ENOMEM, or -E2BIG past POLICY_LIMIT_POOL. */
int rule_lists_commit(struct rule_lists *lists, unsigned int count, unsigned int *ret_list);
int rule_lists_union(struct rule_lists *lists, unsigned int a, unsigned int b, unsigned int *ret);

static inline struct rule_view rule_lists_get(const struct rule_lists *lists, unsigned int list)
{
	return (struct rule_view){
		.rules = intern_get(&lists->intern, list),
		.count = (unsigned int)(lists->intern.items[list].length / sizeof(unsigned int)),
	};
}

#endif
