/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prefilter.c: which class most addresses have, and where others are.  A flood from spoofed
 * sources, and most of what comes from strangers, comes from addresses that no list names:
 * those are told by one bit instead of by a search.
 */
#include <errno.h>

#include "policy_image.h"
#include "image/inside.h"
#include "image/prefilter.h"
#include "image/writer.h"
#include "addr/ranges.h"
#include "base/cleanup.h"

/* Of IPv6: so many buckets for each border that hardly an address shares one with a border, because
 * the search that follows costs more than everything else; but no more bits than leave the smallest
 * image room for the rest. */
#define BUCKETS_BITS 10
#define BITS_MAX     20

/* The half of the address that is cut into buckets. */
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
static int find_default_class(const struct ranges *ranges, __u8 family, __u32 classes, __u32 *ret)
{
	_cleanup_free_ __u64 *spans = calloc(classes, sizeof(*spans));
	__u32 default_class = ranges->items[0].value;

	if (!spans)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *range = &ranges->items[i];

		spans[range->value] += (last_key(ranges, i, family) - key_of(range, family)) / 2;
		if (spans[range->value] > spans[default_class])
			default_class = range->value;
	}
	*ret = default_class;
	return 0;
}

static int bits_for(size_t borders)
{
	int bits = 1;

	while (bits < BITS_MAX && 1ul << bits < borders << BUCKETS_BITS)
		bits++;
	return bits;
}

/* First and last key of a prefix. */
static __u64 prefix_key(const struct prefix *prefix, __u8 family)
{
	__u64 key = 0;

	for (int i = 0; i < (family == 4 ? 4 : 8); i++)
		key = key << 8 | prefix->addr[i];
	return key;
}

static __u64 prefix_last_key(const struct prefix *prefix, __u8 family)
{
	unsigned int bits = family == 4 ? 32 : 64;
	unsigned int rest = prefix->length < bits ? bits - prefix->length : 0;

	return prefix_key(prefix, family) | (rest == 64 ? ~0ull : (1ull << rest) - 1);
}

/* All IPv4 addresses, always the same: so a bucket is found without asking where they begin. */
static const struct image_bitmap shape4 = {
	.root = IMAGE_PREFILTER4,
	.last = IMAGE_PREFILTER4_SIZE * 8 - 1,
	.shift = IMAGE_PREFILTER4_SHIFT,
};

/* From the first border to the last: IPv6 addresses are far between.  As table.c does it,
 * and finer: the first bucket and what lies behind the last one have no border in them; what lies
 * in front of the first one is mostly told as what lies behind. */
struct borders {
	__u64 first, last;
	size_t count;
};

static void add_border(struct borders *borders, __u64 key)
{
	if (!borders->count || key < borders->first)
		borders->first = key;
	if (!borders->count || key > borders->last)
		borders->last = key;
	borders->count++;
}

static struct borders find_borders(const struct prefilter_input *input)
{
	struct borders borders = {};

	for (size_t i = 1; i < input->ranges->count; i++)
		add_border(&borders, key_of(&input->ranges->items[i], 6));
	for (size_t i = 0; i < input->inside->count; i++) {
		const struct prefix *prefix = &input->inside->marks[i];

		if (prefix->family == 4 || prefix->addr[0] >= 0xfe)
			continue;
		add_border(&borders, prefix_key(prefix, 6));
		add_border(&borders, prefix_last_key(prefix, 6) + 1);
	}
	return borders;
}

static struct image_bitmap cut_ipv6(const struct prefilter_input *input)
{
	struct image_bitmap shape = { .last = 2, .shift = 63 };
	struct borders borders = find_borders(input);
	__u64 first = borders.first, span = borders.last - first;

	if (!borders.count)
		return shape;
	shape.last = 1u << bits_for(borders.count + 1);
	shape.shift = 0;
	while (span >> shape.shift >= shape.last - 2)
		shape.shift++;
	if (first >> shape.shift)
		shape.base = ((first >> shape.shift) - 1) << shape.shift;
	return shape;
}

/* As in image_is_clear6(). */
static size_t bucket_of(const struct image_bitmap *shape, __u64 key)
{
	__u64 bucket = (key - shape->base) >> shape->shift;

	return bucket < shape->last ? bucket : shape->last;
}

struct marks {
	const struct image_bitmap *shape;
	__u8 *bytes;
	size_t count;
};

/* The buckets of the keys from first to last, which are on one side of the base. */
static void mark_keys(struct marks *marks, __u64 first, __u64 last)
{
	for (size_t i = bucket_of(marks->shape, first); i <= bucket_of(marks->shape, last); i++) {
		marks->count += !(marks->bytes[i / 8] >> i % 8 & 1);
		marks->bytes[i / 8] |= 1u << i % 8;
	}
}

/* The keys from first to last. */
static void mark_span(struct marks *marks, __u64 first, __u64 last)
{
	__u64 base = marks->shape->base;

	if (first < base)
		mark_keys(marks, first, last < base ? last : base - 1);
	if (last >= base)
		mark_keys(marks, first < base ? base : first, last);
}

/* The buckets that have an address of another class. */
static void mark_other_classes(struct marks *marks, const struct ranges *ranges, __u8 family,
			       __u32 default_class)
{
	for (size_t i = 0; i < ranges->count; i++)
		if (ranges->items[i].value != default_class)
			mark_span(marks, key_of(&ranges->items[i], family),
				  last_key(ranges, i, family));
}

static void mark_inside(struct marks *marks, const struct inside *inside, __u8 family)
{
	for (size_t i = 0; i < inside->count; i++) {
		const struct prefix *prefix = &inside->marks[i];

		if (prefix->family == family)
			mark_span(marks, prefix_key(prefix, family),
				  prefix_last_key(prefix, family));
	}
}

int prefilter_write4(struct image_writer *writer, const struct prefilter_input *input,
		     __u32 *ret_default)
{
	struct marks marks = { .shape = &shape4, .bytes = writer_at(writer, IMAGE_PREFILTER4) };
	int err = find_default_class(input->ranges, 4, input->classes, ret_default);

	if (err)
		return err;
	mark_other_classes(&marks, input->ranges, 4, *ret_default);
	mark_inside(&marks, input->inside, 4);
	return 0;
}

int prefilter_write6(struct image_writer *writer, const struct prefilter_input *input,
		     struct image_bitmap *ret_prefilter, __u32 *ret_default)
{
	struct image_bitmap shape = cut_ipv6(input);
	size_t size = shape.last / 8 + 1;
	_cleanup_free_ __u8 *bytes = calloc(1, size);
	struct marks marks = { .shape = &shape, .bytes = bytes };
	int err;

	if (!bytes)
		return -ENOMEM;
	err = find_default_class(input->ranges, 6, input->classes, ret_default);
	if (err)
		return err;
	mark_other_classes(&marks, input->ranges, 6, *ret_default);
	mark_inside(&marks, input->inside, 6);
	/* Not worth asking where most answers would be that it has to be looked up; nor may it
	 * be where the programs do not look. */
	*ret_prefilter =
		(struct image_bitmap){ .root = offsetof(struct image_header, prefilter_full),
				       .shift = 63 };
	if (marks.count > shape.last / 2 || writer->buffer.size + 64 + size > IMAGE_SMALL)
		return 0;
	err = writer_append(writer, bytes, size, 64, &shape.root);
	if (!err)
		*ret_prefilter = shape;
	return err;
}
