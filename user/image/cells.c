/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cells.c: the table of rules has a column for each class and is read by rows, where
 * most blocks are alike: a rule with a few sources changes a few classes.
 */
#include <errno.h>

#include "policy_image.h"
#include "image/cells.h"
#include "image/classes.h"
#include "image/writer.h"
#include "base/cleanup.h"

#define UNUSED (~0u)

int cells_number_classes(const struct classes *classes, struct ranges *ranges[2], __u32 **ret_used,
			 __u32 *ret_count)
{
	_cleanup_free_ __u32 *numbers = NULL, *used = NULL;
	__u32 count = 0;

	numbers = reallocarray(NULL, classes->columns.count, sizeof(*numbers));
	used = reallocarray(NULL, classes->columns.count, sizeof(*used));
	if (!numbers || !used)
		return -ENOMEM;
	memset(numbers, 0xff, classes->columns.count * sizeof(*numbers));
	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < ranges[i]->count; j++) {
			__u32 *value = &ranges[i]->items[j].value;

			if (numbers[*value] == UNUSED) {
				used[count] = *value;
				numbers[*value] = count++;
			}
			*value = numbers[*value];
		}
	}
	for (__u32 i = 0; i < count; i++) {
		__u32 class = classes_unbanned(classes, used[i]);

		if (numbers[class] == UNUSED) {
			used[count] = class;
			numbers[class] = count++;
		}
	}
	*ret_used = TAKE_PTR(used);
	*ret_count = count;
	return 0;
}

/* CELL_BLOCK columns side by side. */
struct tile {
	const __u16 *columns[CELL_BLOCK];
};

/* Classes that fill up the last block repeat its first, so that it has a chance to be
 * equal to another. */
static void open_tile(struct tile *tile, const struct classes *classes, const __u32 *used,
		      __u32 count)
{
	for (__u32 i = 0; i < CELL_BLOCK; i++)
		tile->columns[i] = intern_get(&classes->columns, used[i < count ? i : 0]);
}

/* Whether the block holds one rule only. */
static bool read_block(const struct tile *tile, __u32 row, __u16 *block)
{
	bool is_uniform = true;

	for (__u32 i = 0; i < CELL_BLOCK; i++) {
		block[i] = tile->columns[i][row];
		is_uniform &= block[i] == block[0];
	}
	return is_uniform;
}

/* Rules are numbered from 0, so a uniform row has rule + 1. */
static void note_uniform(__u32 *uniform, bool is_uniform, __u32 rule)
{
	if (*uniform == UNUSED)
		*uniform = rule + 1;
	if (!is_uniform || *uniform != rule + 1)
		*uniform = 0;
}

static int write_tile(const struct tile *tile, struct intern *blocks, __u32 rows, __u32 *numbers,
		      __u32 row_blocks, __u32 *uniform)
{
	__u16 block[CELL_BLOCK];

	for (__u32 row = 0; row < rows; row++) {
		bool is_uniform = read_block(tile, row, block);
		int err = intern_add(blocks, block, sizeof(block),
				     &numbers[(size_t)row * row_blocks]);

		if (err)
			return err;
		note_uniform(&uniform[row], is_uniform, block[0]);
	}
	return 0;
}

int cells_write(struct image_writer *writer, const struct classes *classes, const __u32 *used,
		__u32 count, struct image_header *header, __u32 **ret_uniform)
{
	_cleanup_free_ __u32 *uniform = reallocarray(NULL, classes->rows, sizeof(*uniform));
	__u32 row_blocks = (count + CELL_BLOCK - 1) / CELL_BLOCK;
	_cleanup_(intern_clear) struct intern blocks = {};
	struct tile tile;
	int err;

	if (!uniform)
		return -ENOMEM;
	memset(uniform, 0xff, classes->rows * sizeof(*uniform));
	err = writer_reserve(writer, (size_t)classes->rows * row_blocks * sizeof(__u32), 4,
			     &header->blocks);
	for (__u32 i = 0; i < row_blocks && !err; i++) {
		__u32 *numbers = writer_at(writer, header->blocks);

		open_tile(&tile, classes, used + i * CELL_BLOCK, count - i * CELL_BLOCK);
		err = write_tile(&tile, &blocks, classes->rows, numbers + i, row_blocks, uniform);
	}
	if (!err)
		err = writer_append(writer, blocks.strings.bytes, blocks.strings.size,
				    CELL_BLOCK * sizeof(__u16), &header->cells);
	header->row_blocks = row_blocks;
	header->classes = count;
	*ret_uniform = TAKE_PTR(uniform);
	return err;
}

int cells_write_unbanned(struct image_writer *writer, const struct classes *classes,
			 const __u32 *used, __u32 count, struct image_header *header)
{
	_cleanup_free_ __u32 *numbers = calloc(classes->columns.count, sizeof(*numbers));
	_cleanup_free_ __u16 *unbanned = calloc(count, sizeof(*unbanned));
	bool does_one_end = false;

	if (!numbers || !unbanned)
		return -ENOMEM;
	for (__u32 i = 0; i < count; i++)
		numbers[used[i]] = i;
	for (__u32 i = 0; i < count; i++) {
		unbanned[i] = numbers[classes_unbanned(classes, used[i])];
		does_one_end |= unbanned[i] != i;
	}
	if (!does_one_end)
		return 0;
	return writer_append(writer, unbanned, count * sizeof(*unbanned), sizeof(*unbanned),
			     &header->unbanned);
}
