/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.c: writes what include/classify.h reads.  Tables of equal parts make the
 * common case short; lists of lists bound the case where the borders crowd so that equal
 * parts do not part them.
 */
#include <errno.h>

#include "classify.h"
#include "image/table.h"
#include "image/writer.h"
#include "addr/ranges.h"
#include "base/cleanup.h"

/* So few need no table above them. */
#define TABLELESS      8
#define TABLE_BITS_MAX 18

/* A part with more than that in it has a table of its own. */
#define CROWD 32

/* Entries of a list at the bottom, and of one above. */
#define LEAF_ENTRIES 64
#define LIST_ENTRIES (IMAGE_LIST_KEYS + 1)

#define CACHE_LINE 64

/* From this address on, in one word of it. */
struct place {
	__u64 key;
	__u32 ref;
};

struct table {
	struct image_writer *writer;
	__u32 key_size;
};

static bool is_wide(const struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (places[i].ref > 0xffff)
			return true;
	}
	return false;
}

/* Room for a list that touches no more cache lines than it must. */
static int reserve_list(struct image_writer *writer, size_t size, __u32 *ret_offset)
{
	size_t offset = (writer->buffer.size + 7) & ~(size_t)7;
	size_t lines = (size + CACHE_LINE - 1) / CACHE_LINE;
	bool is_split = offset % CACHE_LINE + size > lines * CACHE_LINE;

	return writer_reserve(writer, size, is_split ? CACHE_LINE : 8, ret_offset);
}

/* One list.  The first key is not written: whoever gets here is at or behind it. */
static int write_one(const struct table *table, const struct place *places, size_t count,
		     __u32 *ret_ref)
{
	size_t keys = count - 1, wide = is_wide(places, count), entry_size = wide ? 4 : 2;
	size_t size = table->key_size + keys * table->key_size + count * entry_size;
	struct image_list *list;
	__u8 *at;
	__u32 offset;
	int err;

	err = reserve_list(table->writer, size, &offset);
	if (err)
		return err;
	list = writer_at(table->writer, offset);
	list->keys = keys;
	list->is_wide = wide;
	at = (__u8 *)list + table->key_size;
	for (size_t i = 1; i < count; i++, at += table->key_size)
		memcpy(at, &places[i].key, table->key_size); /* little endian, or see below */
	for (size_t i = 0; i < count; i++, at += entry_size)
		memcpy(at, &places[i].ref, entry_size);
	*ret_ref = IMAGE_REF_NODE | offset / 8;
	return 0;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "write_one() copies low bytes");

/* Cuts the places into lists of `entries` and leaves one place for each of them. */
static int write_level(const struct table *table, struct place *places, size_t *count,
		       size_t entries)
{
	size_t lists = (*count + entries - 1) / entries, begin = 0;

	for (size_t i = 0; i < lists; i++) {
		size_t end = *count * (i + 1) / lists;
		struct place place = { .key = places[begin].key };
		int err = write_one(table, &places[begin], end - begin, &place.ref);

		if (err)
			return err;
		places[i] = place;
		begin = end;
	}
	*count = lists;
	return 0;
}

/* A reference to what holds in these places, as a list, or as lists of lists. */
static int write_lists(const struct table *table, const struct place *places, size_t count,
		       __u32 *ret_ref)
{
	_cleanup_free_ struct place *level = NULL;
	int err;

	if (count <= LIST_ENTRIES)
		return write_one(table, places, count, ret_ref);
	level = reallocarray(NULL, count, sizeof(*level));
	if (!level)
		return -ENOMEM;
	memcpy(level, places, count * sizeof(*level));
	err = write_level(table, level, &count, LEAF_ENTRIES);
	while (!err && count > 1)
		err = write_level(table, level, &count, LIST_ENTRIES);
	*ret_ref = level->ref;
	return err;
}

/* ---- tables ------------------------------------------------------------------------- */

static int write_table(const struct table *table, const struct place *places, size_t count,
		       bool is_nested, struct image_table *ret);

/* A table where a reference is wanted. */
static int write_nested(const struct table *table, const struct place *places, size_t count,
			__u32 *ret_ref)
{
	struct image_table nested;
	__u32 offset;
	int err;

	err = writer_reserve(table->writer, sizeof(nested), sizeof(nested), &offset);
	if (!err)
		err = write_table(table, places, count, true, &nested);
	if (err)
		return err;
	memcpy(writer_at(table->writer, offset), &nested, sizeof(nested));
	*ret_ref = IMAGE_REF_NODE | IMAGE_REF_TABLE | offset / 8;
	return 0;
}

static int write_part(const struct table *table, const struct place *places, size_t count,
		      bool is_nested, __u32 *ret_ref)
{
	if (count == 1) {
		*ret_ref = places->ref;
		return 0;
	}
	if (count > CROWD && !is_nested)
		return write_nested(table, places, count, ret_ref);
	return write_lists(table, places, count, ret_ref);
}

/*
 * About as many parts as places, from the first border to the last.  They begin at multiples of
 * their size, as prefixes do, and the one in front has no border in it: most addresses are
 * far from all of them.
 */
static void choose_parts(const struct place *places, size_t count, struct image_table *ret)
{
	__u64 first = places[1].key, span = places[count - 1].key - first;

	*ret = (struct image_table){};
	while (ret->bits < TABLE_BITS_MAX && 1ul << ret->bits < count)
		ret->bits++;
	while (span >> ret->shift >= (1ull << ret->bits) - 2)
		ret->shift++;
	if (first >> ret->shift)
		ret->base = ((first >> ret->shift) - 1) << ret->shift;
}

static int write_parts(const struct table *table, const struct place *places, size_t count,
		       bool is_nested, const struct image_table *shape)
{
	size_t parts = (size_t)1 << shape->bits, first = 0, next = 1;

	for (size_t part = 0; part <= parts; part++) {
		__u32 ref;
		int err;

		if (next < count && places[next].key - shape->base == (__u64)part << shape->shift)
			first = next++;
		while (next < count && (places[next].key - shape->base) >> shape->shift == part)
			next++;
		err = write_part(table, &places[first], next - first, is_nested, &ref);
		if (err)
			return err;
		*(__u32 *)writer_at(table->writer, shape->root + part * sizeof(ref)) = ref;
		first = next - 1;
	}
	return 0;
}

static int write_table(const struct table *table, const struct place *places, size_t count,
		       bool is_nested, struct image_table *ret)
{
	struct image_table shape = {};
	int err;

	if (count <= TABLELESS) {
		err = write_part(table, places, count, is_nested, &shape.root);
	} else {
		choose_parts(places, count, &shape);
		err = writer_reserve(table->writer, (((size_t)1 << shape.bits) + 1) * 4, 4,
				     &shape.root);
		if (!err)
			err = write_parts(table, places, count, is_nested, &shape);
	}
	if (!err)
		*ret = shape;
	return err;
}

/* ---- ranges -> places --------------------------------------------------------------- */

static int write_table4(struct image_writer *writer, const struct ranges *ranges,
			struct image_table *ret)
{
	const struct table table = { writer, sizeof(__u32) };
	_cleanup_free_ struct place *places = NULL;

	places = reallocarray(NULL, ranges->count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->count; i++)
		places[i] = (struct place){ ranges->items[i].start.lo, ranges->items[i].value };
	return write_table(&table, places, ranges->count, false, ret);
}

/* Ranges that begin within one address of the upper half; `around` holds before them. */
static int write_low(const struct table *table, const struct range *items, size_t count,
		     __u32 around, __u32 *ret_ref)
{
	_cleanup_free_ struct place *places = reallocarray(NULL, count + 1, sizeof(*places));
	size_t used = 0;
	int err;

	if (!places)
		return -ENOMEM;
	if (items->start.lo)
		places[used++] = (struct place){ 0, around };
	for (size_t i = 0; i < count; i++)
		places[used++] = (struct place){ items[i].start.lo, items[i].value };
	if (used > CROWD)
		err = write_nested(table, places, used, ret_ref);
	else
		err = write_lists(table, places, used, ret_ref);
	*ret_ref |= IMAGE_REF_LOW;
	return err;
}

/* Adds the places that ranges[i] and those with the same upper half make; returns how many
 * ranges that were, or -errno. */
static ssize_t add_places6(const struct table *table, const struct ranges *ranges, size_t i,
			   struct place *places, size_t *used)
{
	const struct range *items = &ranges->items[i];
	__u64 hi = items->start.hi;
	size_t same = 1;
	__u32 ref;
	int err;

	while (i + same < ranges->count && items[same].start.hi == hi)
		same++;
	if (same == 1 && !items->start.lo) {
		places[(*used)++] = (struct place){ hi, items->value };
		return 1;
	}
	err = write_low(table, items, same, i ? items[-1].value : 0, &ref);
	if (err)
		return err;
	places[(*used)++] = (struct place){ hi, ref };
	if (hi != ~0ull && (i + same == ranges->count || items[same].start.hi != hi + 1))
		places[(*used)++] = (struct place){ hi + 1, items[same - 1].value };
	return same;
}

static int write_table6(struct image_writer *writer, const struct ranges *ranges,
			struct image_table *ret)
{
	const struct table table = { writer, sizeof(__u64) };
	_cleanup_free_ struct place *places = NULL;
	size_t used = 0;

	places = reallocarray(NULL, 2 * ranges->count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->count;) {
		ssize_t same = add_places6(&table, ranges, i, places, &used);

		if (same < 0)
			return same;
		i += same;
	}
	return write_table(&table, places, used, false, ret);
}

int table_write(struct image_writer *writer, const struct ranges *ranges, __u8 family,
		struct image_table *ret)
{
	if (family == 4)
		return write_table4(writer, ranges, ret);
	return write_table6(writer, ranges, ret);
}
