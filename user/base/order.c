/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * order.c: a binary search.
 */
#include "base/order.h"

size_t order_first(const void *key, const void *array, size_t count, size_t size,
		   int (*compare)(const void *a, const void *b))
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare((const char *)array + middle * size, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
