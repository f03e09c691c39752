/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cells.h: columns -> rows of cells, in blocks of which equal ones are written once.
 * Pure.
 */
#ifndef TIDEGATE_IMAGE_CELLS_H
#define TIDEGATE_IMAGE_CELLS_H

#include <stddef.h>
#include <linux/types.h>

struct classes;
struct image_header;
struct image_writer;
struct ranges;

/* Numbers the classes that the ranges use from 0, in the ranges too.  ret_used (allocated):
 * the old numbers.  0 or -ENOMEM. */
int cells_number_classes(const struct classes *classes, struct ranges *ranges[2], __u32 **ret_used,
			 __u32 *ret_count);

/*
 * Fills blocks, row_blocks, cells and classes of the header.  ret_uniform (allocated): for
 * each row the only rule in it + 1, or 0 when there are several.
 */
int cells_write(struct image_writer *writer, const struct classes *classes, const __u32 *used,
		__u32 count, struct image_header *header, __u32 **ret_uniform);

/* Fills `unbanned` of the header.  0 or -ENOMEM. */
int cells_write_unbanned(struct image_writer *writer, const struct classes *classes,
			 const __u32 *used, __u32 count, struct image_header *header);

#endif
