/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * writer.h: the growing block of bytes that becomes the image.  Places are offsets,
 * because the block moves as it grows.  Pure.
 */
#ifndef TIDEGATE_IMAGE_WRITER_H
#define TIDEGATE_IMAGE_WRITER_H

#include <stddef.h>
#include <linux/types.h>

#include "base/buffer.h"
#include "image/image.h"

struct image_writer {
	struct buffer buffer;
	struct error *error; /* filled with -E2BIG */
};

/* Zeroed room at the end, aligned to a power of two.  0, -E2BIG or -ENOMEM. */
int writer_reserve(struct image_writer *writer, size_t size, size_t align, __u32 *ret_offset);

/* An array copied as it is. */
int writer_append(struct image_writer *writer, const void *bytes, size_t size, size_t align,
		  __u32 *ret_offset);

/* -E2BIG, with the limit and the number named. */
int writer_refuse(struct image_writer *writer, const char *what, size_t count, size_t limit);

static inline void *writer_at(const struct image_writer *writer, __u32 offset)
{
	return writer->buffer.bytes + offset;
}

#endif
