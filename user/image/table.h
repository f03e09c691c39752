/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h: disjoint ranges -> the lists that include/classify.h searches.  Pure.
 */
#ifndef TIDEGATE_IMAGE_TABLE_H
#define TIDEGATE_IMAGE_TABLE_H

#include <linux/types.h>

struct image_table;
struct image_writer;
struct ranges;

/* 0, -E2BIG or -ENOMEM. */
int table_write(struct image_writer *writer, const struct ranges *ranges, __u8 family,
		struct image_table *ret);

#endif
