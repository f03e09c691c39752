/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * order.h: comparing for qsort(3), and finding a place in what it sorted.
 */
#ifndef TIDEGATE_ORDER_H
#define TIDEGATE_ORDER_H

#include <stddef.h>

static inline int order_numbers(unsigned long a, unsigned long b)
{
	return (a > b) - (a < b);
}

/* Index of the first element that is not before `key`, which is like an element; `count` when all
 * are.  bsearch(3) finds any of several that are equal, and none that is behind. */
size_t order_first(const void *key, const void *array, size_t count, size_t size,
		   int (*compare)(const void *a, const void *b));

#endif
