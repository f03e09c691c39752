/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_usual.c: which class most addresses have, and where others are.  A flood from spoofed
 * sources, and most of what comes from strangers, comes from addresses that no list names:
 * those are told by one bit instead of by a search.
 */
#include <errno.h>

#include "datapath.h"
#include "image_usual.h"
#include "image_writer.h"
#include "ranges.h"
#include "util.h"

/* So many parts for each border that few addresses share one with a border, but no more bits
 * than the nearest caches hold. */
#define PARTS_BITS 5
#define BITS_MAX 18

/* The half of the address that is cut into parts. */
static __u64 key_of(const struct range *range, __u8 family)
{
	return family == 4 ? range->start.lo : range->start.hi;
}

/* The last key in which the range has an address. */
static __u64 last_key(const struct ranges *ranges, size_t i, __u8 family)
{
	const struct range *next = &ranges->items[i + 1];

	if (i + 1 == ranges->count)
		return family == 4 ? 0xffffffff : ~0ull;
	if (family == 4)
		return next->start.lo - 1;
	return next->start.lo ? next->start.hi : next->start.hi - 1;
}

/* The class of the most addresses.  Halved, so that all IPv6 addresses fit. */
static int find_usual(const struct ranges *ranges, __u8 family, __u32 classes, __u32 *ret)
{
	_cleanup_free_ __u64 *spans = calloc(classes, sizeof(*spans));
	__u32 usual = ranges->items[0].value;

	if (!spans)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *range = &ranges->items[i];

		spans[range->value] += (last_key(ranges, i, family) - key_of(range, family)) / 2;
		if (spans[range->value] > spans[usual])
			usual = range->value;
	}
	*ret = usual;
	return 0;
}

/* As image_table.c does it, and finer: the first part and what lies behind the last one have no
 * border in them. */
static void choose_parts(const struct ranges *ranges, __u8 family, struct image_table *ret)
{
	__u64 first, span;

	*ret = (struct image_table){ .bits = 1, .shift = 63 };
	if (ranges->count == 1)
		return;
	first = key_of(&ranges->items[1], family);
	span = key_of(&ranges->items[ranges->count - 1], family) - first;
	while (ret->bits < BITS_MAX && 1ul << ret->bits < ranges->count << PARTS_BITS)
		ret->bits++;
	ret->shift = 0;
	while (span >> ret->shift >= (1ull << ret->bits) - 2)
		ret->shift++;
	if (first >> ret->shift)
		ret->base = ((first >> ret->shift) - 1) << ret->shift;
}

static size_t part_of(const struct image_table *shape, __u64 key)
{
	__u64 part = key < shape->base ? 0 : (key - shape->base) >> shape->shift;

	return part < 1ull << shape->bits ? part : 1ull << shape->bits;
}

/* Marks the parts that have an address of another class; returns how many. */
static size_t mark(const struct ranges *ranges, __u8 family, __u32 usual,
		   const struct image_table *shape, __u32 *words)
{
	size_t marked = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		size_t part = part_of(shape, key_of(&ranges->items[i], family));
		size_t last = part_of(shape, last_key(ranges, i, family));

		for (; ranges->items[i].value != usual && part <= last; part++) {
			marked += !(words[part / 32] >> part % 32 & 1);
			words[part / 32] |= 1u << part % 32;
		}
	}
	return marked;
}

int usual_write(struct image_writer *writer, const struct ranges *ranges, __u8 family,
		__u32 classes, struct image_table *ret_unusual, __u32 *ret_usual)
{
	_cleanup_free_ __u32 *words = NULL;
	struct image_table shape;
	size_t size;
	int err;

	err = find_usual(ranges, family, classes, ret_usual);
	if (err)
		return err;
	choose_parts(ranges, family, &shape);
	size = ((1ul << shape.bits) / 32 + 1) * sizeof(*words);
	words = calloc(1, size);
	if (!words)
		return -ENOMEM;
	/* Not worth asking where most answers would be that it has to be looked up. */
	if (mark(ranges, family, *ret_usual, &shape, words) > 1ul << (shape.bits - 1))
		return 0;
	err = writer_append(writer, words, size, 64, &shape.root);
	if (!err)
		*ret_unusual = shape;
	return err;
}
