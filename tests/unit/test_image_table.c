/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image_table.c: tables written by user/image/table.c and searched by
 * include/classify.h against a walk over the ranges, at every border and beside it.
 * Borders crowd around both ends of the address space and around powers of two, where
 * the arithmetic of parts is most easily wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../random.h"
#include "classify.h"
#include "image/table.h"
#include "image/writer.h"
#include "addr/ranges.h"
#include "base/cleanup.h"

#define BORDERS_MAX 600

/* Of any magnitude, counted from either end. */
static __u64 random_word(void)
{
	__u64 word = random64() >> random64() % 64;

	return random64() % 2 ? word : ~word;
}

static struct address random_address(__u8 family)
{
	if (family == 4)
		return (struct address){ 0, (__u32)random_word() };
	switch (random64() % 4) {
	case 0:
		return (struct address){ random_word(), random_word() };
	case 1:
		return (struct address){ random64() % 8 << 32, random_word() };
	case 2:
		return (struct address){ random_word(), ~0ull };
	default:
		return (struct address){ random_word(), 0 };
	}
}

static int compare(const void *left, const void *right)
{
	const struct address *a = left, *b = right;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return a->lo < b->lo ? -1 : a->lo > b->lo;
}

/* Values below `spread`. */
static size_t random_ranges(__u8 family, __u32 spread, struct range *items)
{
	struct address borders[BORDERS_MAX] = {};
	size_t count = 1 + random64() % (random64() % 2 ? 12 : BORDERS_MAX - 1), used = 0;

	for (size_t i = 1; i < count; i++)
		borders[i] = random_address(family);
	qsort(borders, count, sizeof(*borders), compare);
	for (size_t i = 0; i < count; i++) {
		if (i && !compare(&borders[i - 1], &borders[i]))
			continue;
		items[used++] = (struct range){ borders[i], random64() % spread };
	}
	return used;
}

static __u32 walk(const struct ranges *ranges, struct address address)
{
	__u32 value = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		if (compare(&ranges->items[i].start, &address) <= 0)
			value = ranges->items[i].value;
	}
	return value;
}

/* By -1, 0 or 1, around the end of the space. */
static struct address beside(struct address address, int step, __u8 family)
{
	__u64 lo = address.lo + step;

	if (family == 4)
		return (struct address){ 0, (__u32)lo };
	address.hi += (step > 0 && !lo) - (step < 0 && !address.lo);
	address.lo = lo;
	return address;
}

static void assert_same(const struct ranges *ranges, __u8 family)
{
	_cleanup_free_ __u8 *bytes = NULL;
	struct image_writer writer = {};
	struct image_table table;
	struct image_ref image;
	__u32 offset;

	assert_int_equal(writer_reserve(&writer, sizeof(struct image_header), 8, &offset), 0);
	assert_int_equal(table_write(&writer, ranges, family, &table), 0);
	assert_int_equal(writer_reserve(&writer, 0, IMAGE_CHUNK, &offset), 0);
	image.bytes = bytes = writer_at(&writer, 0);
	((struct image_header *)bytes)->size = writer.buffer.size;
	for (size_t i = 0; i < ranges->count; i++) {
		for (int step = -1; step <= 1; step++) {
			struct address address = beside(ranges->items[i].start, step, family);
			__u32 value = family == 4
					      ? classify4(image, &table, address.lo)
					      : classify6(image, &table, address.hi, address.lo);

			assert_int_equal(value, walk(ranges, address));
		}
	}
}

static void tables_of_any_shape_agree(__u8 family, __u32 spread)
{
	struct range items[BORDERS_MAX];

	for (int i = 0; i < 2000; i++) {
		struct ranges ranges = { items, random_ranges(family, spread, items) };

		assert_same(&ranges, family);
	}
}

static void ipv4_tables_of_any_shape_agree(void **state)
{
	tables_of_any_shape_agree(4, 3);
	tables_of_any_shape_agree(4, 60000);
}

static void ipv6_tables_of_any_shape_agree(void **state)
{
	tables_of_any_shape_agree(6, 3);
	tables_of_any_shape_agree(6, 60000);
}

/* The first border beside the start and the last one at the end: the span is all there is. */
static void widest_span_agrees(void **state)
{
	struct range items[100];
	struct ranges ranges = { items, ARRAY_SIZE(items) };

	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct range){ { i < 50 ? i : ~0ull - 99 + i, 0 }, i };
	assert_same(&ranges, 6);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct range){ { 0, i < 50 ? i : 0xffffffffull - 99 + i }, i };
	assert_same(&ranges, 4);
}

/* Each border twice as far as the one before: equal parts never part them. */
static void borders_at_powers_of_two_agree(void **state)
{
	struct range items[129] = {};
	struct ranges ranges = { items, ARRAY_SIZE(items) };

	for (int i = 0; i < 128; i++) {
		struct address address = { i < 64 ? 0 : 1ull << (i - 64), i < 64 ? 1ull << i : 0 };

		items[i + 1] = (struct range){ address, i + 1 };
	}
	assert_same(&ranges, 6);
	ranges.count = 33;
	assert_same(&ranges, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_tables_of_any_shape_agree),
		cmocka_unit_test(ipv6_tables_of_any_shape_agree),
		cmocka_unit_test(widest_span_agrees),
		cmocka_unit_test(borders_at_powers_of_two_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
