/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prefilter.h: a short cut for the sources that most addresses are like.  Pure.
 */
#ifndef TIDEGATE_IMAGE_PREFILTER_H
#define TIDEGATE_IMAGE_PREFILTER_H

#include <linux/types.h>

struct image_bitmap;
struct inside;
struct image_writer;
struct ranges;

/*
 * Find the class of the most addresses of the family, and write where others are, or inside
 * addresses that no packet from outside can have for its source.  The values of the ranges are
 * classes below `classes`.  0, -E2BIG or -ENOMEM.
 */
struct prefilter_input {
	const struct ranges *ranges;
	__u32 classes;
	const struct inside *inside;
};
int prefilter_write4(struct image_writer *writer, const struct prefilter_input *input,
		     __u32 *ret_default);
int prefilter_write6(struct image_writer *writer, const struct prefilter_input *input,
		     struct image_bitmap *ret_prefilter, __u32 *ret_default);

#endif
