/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * classes.h: which rule decides, for each row (ports with the same rules) and each
 * class (sources that every row decides alike).  A class is a column of this table and is
 * made when a source prefix needs it.  Pure.
 */
#ifndef TIDEGATE_IMAGE_CLASSES_H
#define TIDEGATE_IMAGE_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "policy/intern.h"
#include "addr/ranges.h"

struct policy;

/* Entries of image_header.rules in front of the policy's. */
enum { CELL_NONE, CELL_DEFAULT_ALLOW, CELL_DEFAULT_DENY, CELL_FIRST_RULE };

struct classes {
	const struct policy *policy;
	__u32 rows;
	__u32 *port_rows; /* row of each policy port */
	__u32 *rule_rows; /* rows that rule i applies to: [rule_first[i], rule_first[i + 1]) */
	size_t *rule_first;
	struct intern columns; /* number = class: __u16[rows], the rule that decides; and which
				  class it is once its bans have ended, or CLASS_ITSELF */
	struct intern sets;    /* __u32[]: rules that name the same prefix */
	struct intern steps;   /* (class around, set) ... */
	__u32 *step_class;     /* ... -> class inside */
	__u16 *scratch;        /* one column */
};

#define CLASS_ITSELF (~0u)

/* The class that its sources are of once all bans have ended that end; mostly itself. */
__u32 classes_unbanned(const struct classes *classes, __u32 class);

/* Finds the rows, and makes class 0: sources that no rule names.  0 or -ENOMEM. */
int classes_init(struct classes *classes, const struct policy *policy);

/* ranges_combine, with struct classes as context; owners are indexes of policy rules.
 * -E2BIG: more classes than fit. */
int classes_combine(void *context, __u32 around, const struct claim *claims, size_t count,
		    __u32 *ret);

void classes_clear(struct classes *classes);

#endif
