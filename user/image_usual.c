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
 * border in them; what lies in front of the first one is mostly told as what lies behind. */
static void choose_parts(const struct ranges *ranges, __u8 family, struct image_bitmap *ret)
{
	__u64 first, span;
	int bits = 1;

	*ret = (struct image_bitmap){ .last = 2, .shift = 63 };
	if (ranges->count == 1)
		return;
	first = key_of(&ranges->items[1], family);
	span = key_of(&ranges->items[ranges->count - 1], family) - first;
	while (bits < BITS_MAX && 1ul << bits < ranges->count << PARTS_BITS)
		bits++;
	ret->last = 1u << bits;
	ret->shift = 0;
	while (span >> ret->shift >= ret->last - 2)
		ret->shift++;
	if (first >> ret->shift)
		ret->base = ((first >> ret->shift) - 1) << ret->shift;
}

/* As in image_is_usual(). */
static size_t part_of(const struct image_bitmap *shape, __u64 key)
{
	__u64 part = (key - shape->base) >> shape->shift;

	return part < shape->last ? part : shape->last;
}

struct marks {
	const struct image_bitmap *shape;
	__u8 *bytes;
	size_t count;
};

/* The parts of the keys from first to last, which are on one side of the base. */
static void mark_keys(struct marks *marks, __u64 first, __u64 last)
{
	for (size_t i = part_of(marks->shape, first); i <= part_of(marks->shape, last); i++) {
		marks->count += !(marks->bytes[i / 8] >> i % 8 & 1);
		marks->bytes[i / 8] |= 1u << i % 8;
	}
}

/* The parts that have an address of another class. */
static void mark_unusual(struct marks *marks, const struct ranges *ranges, __u8 family, __u32 usual)
{
	__u64 base = marks->shape->base;

	for (size_t i = 0; i < ranges->count; i++) {
		__u64 first = key_of(&ranges->items[i], family);
		__u64 last = last_key(ranges, i, family);

		if (ranges->items[i].value == usual)
			continue;
		if (first < base)
			mark_keys(marks, first, last < base ? last : base - 1);
		if (last >= base)
			mark_keys(marks, first < base ? base : first, last);
	}
}

int usual_write(struct image_writer *writer, const struct ranges *ranges, __u8 family,
		__u32 classes, struct image_bitmap *ret_unusual, __u32 *ret_usual)
{
	_cleanup_free_ __u8 *bytes = NULL;
	struct image_bitmap shape;
	struct marks marks = { .shape = &shape };
	size_t size;
	int err;

	err = find_usual(ranges, family, classes, ret_usual);
	if (err)
		return err;
	choose_parts(ranges, family, &shape);
	size = shape.last / 8 + 1;
	marks.bytes = bytes = calloc(1, size);
	if (!bytes)
		return -ENOMEM;
	mark_unusual(&marks, ranges, family, *ret_usual);
	/* Not worth asking where most answers would be that it has to be looked up. */
	if (marks.count > shape.last / 2)
		return 0;
	err = writer_append(writer, bytes, size, 64, &shape.root);
	if (!err && shape.root + size <= IMAGE_SMALL)
		*ret_unusual = shape;
	return err;
}
