/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ranges.c: one walk over the sorted prefixes with a stack of those that are open.  Prefixes
 * nest or are disjoint, so the stack is never deeper than an address has bits, and each
 * prefix adds at most two borders.
 */
#include <errno.h>

#include "addr/prefix.h"
#include "addr/ranges.h"
#include "base/cleanup.h"
#include "base/order.h"

/* One open prefix for each length, and what is around all of them. */
#define DEPTH 130

struct open {
	struct address end; /* its last address */
	__u32 value;
};

struct walk {
	struct ranges ranges; /* room for every border there can be */
	struct open open[DEPTH];
	size_t depth;
};

static __u64 word(const __u8 *bytes, int count)
{
	__u64 value = 0;

	for (int i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

struct claim ranges_claim(const struct prefix *prefix, __u32 owner)
{
	struct claim claim = { .owner = owner, .length = prefix->length };

	if (prefix->family == 4) {
		claim.start.lo = word(prefix->addr, 4);
		claim.length += 96;
	} else {
		claim.start.hi = word(prefix->addr, 8);
		claim.start.lo = word(prefix->addr + 8, 8);
	}
	return claim;
}

static int compare_address(struct address a, struct address b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	if (a.lo != b.lo)
		return a.lo < b.lo ? -1 : 1;
	return 0;
}

/* Outer before inner, so that the walk opens them in this order. */
static int compare_claim(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	int order = compare_address(a->start, b->start);

	if (order)
		return order;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return a->owner < b->owner ? -1 : a->owner > b->owner;
}

static bool is_same_prefix(const struct claim *a, const struct claim *b)
{
	return a->length == b->length && !compare_address(a->start, b->start);
}

#define RADIX_MIN 256 /* below, comparing is faster */

/* Bytes of a number as this machine has it, the least significant first. */
static size_t put_number(size_t *offsets, size_t offset, size_t size)
{
	for (size_t i = 0; i < size; i++)
		offsets[i] =
			offset + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : size - 1 - i);
	return size;
}

static int radix_sort(struct claim *claims, size_t count, bool is_by_owner)
{
	size_t offsets[ORDER_BYTES_MAX], bytes = 0;

	if (!is_by_owner)
		bytes += put_number(offsets, offsetof(struct claim, owner), sizeof(claims->owner));
	offsets[bytes++] = offsetof(struct claim, length);
	bytes += put_number(offsets + bytes, offsetof(struct claim, start.lo), sizeof(__u64));
	bytes += put_number(offsets + bytes, offsetof(struct claim, start.hi), sizeof(__u64));
	return order_by_bytes(claims, count, sizeof(*claims), offsets, bytes);
}

/* Rules keep their sources sorted, so one big set needs no sorting at all; and mostly they come one
 * after the other. */
static int sort(struct claim *claims, size_t count)
{
	bool is_sorted = true, is_by_owner = true;

	for (size_t i = 1; i < count; i++) {
		is_sorted = is_sorted && compare_claim(&claims[i - 1], &claims[i]) <= 0;
		is_by_owner = is_by_owner && claims[i - 1].owner <= claims[i].owner;
	}
	if (is_sorted)
		return 0;
	if (count >= RADIX_MIN)
		return radix_sort(claims, count, is_by_owner);
	qsort(claims, count, sizeof(*claims), compare_claim);
	return 0;
}

static struct address last_address(struct address start, __u8 length)
{
	__u64 hi = length >= 64 ? 0 : ~0ull >> length;
	__u64 lo = length <= 64 ? ~0ull : length >= 128 ? 0 : ~0ull >> (length - 64);

	return (struct address){ start.hi | hi, start.lo | lo };
}

/* From here on the value holds; a range that turns out empty is overwritten, and one that
 * turns out equal to its neighbour is not begun. */
static void cut(struct walk *walk, struct address start, __u32 value)
{
	struct ranges *ranges = &walk->ranges;

	if (ranges->count && !compare_address(ranges->items[ranges->count - 1].start, start))
		ranges->count--;
	if (ranges->count && ranges->items[ranges->count - 1].value == value)
		return;
	ranges->items[ranges->count++] = (struct range){ start, value };
}

/* Closes what ends before this address. */
static void close_before(struct walk *walk, struct address start)
{
	while (walk->depth > 1) {
		struct address end = walk->open[walk->depth - 1].end;

		if (compare_address(end, start) >= 0)
			return;
		walk->depth--;
		end.lo++;
		end.hi += !end.lo;
		cut(walk, end, walk->open[walk->depth - 1].value);
	}
}

static void close_all(struct walk *walk)
{
	struct address family_end = walk->open[0].end;

	close_before(walk, family_end);
	/* Those still open reach to the end, where no border follows. */
}

static int open_claims(struct walk *walk, const struct claim *claims, size_t count,
		       ranges_combine *combine, void *context)
{
	__u32 value;
	int err;

	close_before(walk, claims->start);
	err = combine(context, walk->open[walk->depth - 1].value, claims, count, &value);
	if (err)
		return err;
	cut(walk, claims->start, value);
	walk->open[walk->depth++] =
		(struct open){ last_address(claims->start, claims->length), value };
	return 0;
}

int ranges_build(struct claim *claims, size_t count, __u8 family, __u32 outside,
		 ranges_combine *combine, void *context, struct ranges *ret)
{
	_cleanup_(ranges_clear) struct ranges kept = {};
	struct walk walk = { .depth = 1 };
	size_t same;

	if (sort(claims, count) < 0)
		return -ENOMEM;
	walk.ranges.items = reallocarray(NULL, 2 * count + 1, sizeof(*walk.ranges.items));
	if (!walk.ranges.items)
		return -ENOMEM;
	kept.items = walk.ranges.items;
	walk.open[0].end = last_address((struct address){}, family == 4 ? 96 : 0);
	walk.open[0].value = outside;
	cut(&walk, (struct address){}, outside);
	for (size_t i = 0; i < count; i += same) {
		int err;

		for (same = 1; i + same < count; same++) {
			if (!is_same_prefix(&claims[i], &claims[i + same]))
				break;
		}
		err = open_claims(&walk, &claims[i], same, combine, context);
		if (err)
			return err;
	}
	close_all(&walk);
	*ret = walk.ranges;
	kept.items = NULL;
	return 0;
}

void ranges_clear(struct ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct ranges){};
}
