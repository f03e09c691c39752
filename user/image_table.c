/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_table.c: writes what include/classify.h reads.  Lists are written from the leaves
 * up, each as full as the numbers below say, so that a table is as deep as its logarithm
 * whatever its addresses look like: a root of equal parts makes the common case short, and
 * a list of lists bounds the case where all of them fall into one part.
 */
#include <errno.h>

#include "classify.h"
#include "image_table.h"
#include "image_writer.h"
#include "ranges.h"
#include "util.h"

/* So few need no root. */
#define ROOTLESS 64
#define ROOT_BITS_MAX 16

/* Entries of a list at the bottom, and of one above. */
#define LEAF_ENTRIES 64
#define LIST_ENTRIES (IMAGE_LIST_KEYS + 1)

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

/* One list.  The first key is not written: whoever gets here is at or behind it. */
static int write_one(const struct table *table, const struct place *places, size_t count,
		     __u32 *ret_ref)
{
	size_t keys = count - 1, wide = is_wide(places, count), entry_size = wide ? 4 : 2;
	size_t size = sizeof(struct image_list) + keys * table->key_size + count * entry_size;
	struct image_list *list;
	__u8 *at;
	__u32 offset;
	int err;

	err = writer_reserve_within_chunk(table->writer, size, 8, &offset);
	if (err)
		return err;
	list = writer_at(table->writer, offset);
	list->keys = keys;
	list->is_wide = wide;
	at = (__u8 *)(list + 1);
	for (size_t i = 1; i < count; i++, at += table->key_size)
		memcpy(at, &places[i].key, table->key_size); /* little endian, or see below */
	for (size_t i = 0; i < count; i++, at += entry_size)
		memcpy(at, &places[i].ref, entry_size);
	*ret_ref = IMAGE_REF_LIST | offset / 8;
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

/* A reference to what holds in these places; one place is its own. */
static int write_list(const struct table *table, const struct place *places, size_t count,
		      __u32 *ret_ref)
{
	_cleanup_free_ struct place *level = NULL;
	int err;

	if (count == 1) {
		*ret_ref = places->ref;
		return 0;
	}
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

/* ---- root ------------------------------------------------------------------------- */

/*
 * The root's parts cover the places only, when the value in front of the first is the one
 * behind the last; then one reference serves all addresses outside.  Otherwise they cover
 * the address space.
 */
static void choose_root(const struct place *places, size_t count, __u32 key_size,
			struct image_table *ret)
{
	__u64 span = key_size == 4 ? 0xffffffffu : ~0ull;

	*ret = (struct image_table){};
	if (count <= ROOTLESS)
		return;
	while (ret->bits < ROOT_BITS_MAX && 1ul << ret->bits < count)
		ret->bits++;
	if (places[0].ref == places[count - 1].ref) {
		ret->base = places[1].key;
		span = places[count - 1].key - ret->base;
	}
	while (span >> ret->shift >> ret->bits)
		ret->shift++;
}

static int write_parts(const struct table *table, const struct place *places, size_t count,
		       const struct image_table *shape)
{
	size_t parts = (size_t)1 << shape->bits, first = 0, next = 1;

	for (size_t part = 0; part <= parts; part++) {
		__u64 start = (__u64)part << shape->shift;
		__u32 ref;
		int err;

		if (next < count && places[next].key - shape->base == start)
			first = next++;
		while (next < count && (places[next].key - shape->base) >> shape->shift == part)
			next++;
		err = write_list(table, &places[first], next - first, &ref);
		if (err)
			return err;
		*(__u32 *)writer_at(table->writer, shape->root + part * sizeof(ref)) = ref;
		first = next - 1;
	}
	return 0;
}

static int write_root(const struct table *table, const struct place *places, size_t count,
		      struct image_table *ret)
{
	struct image_table shape;
	int err;

	choose_root(places, count, table->key_size, &shape);
	if (!shape.bits) {
		err = write_list(table, places, count, &shape.root);
	} else {
		err = writer_reserve(table->writer, (((size_t)1 << shape.bits) + 1) * 4, 4,
				     &shape.root);
		if (!err)
			err = write_parts(table, places, count, &shape);
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
	return write_root(&table, places, ranges->count, ret);
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
	err = write_list(table, places, used, ret_ref);
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
	return write_root(&table, places, used, ret);
}

int table_write(struct image_writer *writer, const struct ranges *ranges, __u8 family,
		struct image_table *ret)
{
	if (family == 4)
		return write_table4(writer, ranges, ret);
	return write_table6(writer, ranges, ret);
}
