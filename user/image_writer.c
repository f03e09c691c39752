/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_writer.c: see image_writer.h.
 */
#include <errno.h>

#include "datapath.h"
#include "image_writer.h"
#include "util.h"

/* Far above what LIMIT_PREFIXES can need, far below what an offset can hold. */
#define IMAGE_SIZE_MAX ((size_t)1 << 30)

int writer_refuse(struct image_writer *writer, const char *what, size_t count, size_t limit)
{
	if (writer->error)
		snprintf(writer->error->text, sizeof(writer->error->text),
			 "the policy needs %zu %s, the limit is %zu", count, what, limit);
	return -E2BIG;
}

static int grow(struct image_writer *writer, size_t size)
{
	size_t room = writer->room ? writer->room : IMAGE_CHUNK;
	__u8 *bytes;

	if (size > IMAGE_SIZE_MAX)
		return writer_refuse(writer, "bytes of image", size, IMAGE_SIZE_MAX);
	while (room < size)
		room *= 2;
	if (room == writer->room)
		return 0;
	bytes = realloc(writer->bytes, room);
	if (!bytes)
		return -ENOMEM;
	writer->bytes = bytes;
	writer->room = room;
	return 0;
}

int writer_reserve(struct image_writer *writer, size_t size, size_t align, __u32 *ret_offset)
{
	size_t offset = (writer->size + align - 1) & ~(align - 1);
	int err = grow(writer, offset + size);

	if (err)
		return err;
	memset(writer->bytes + writer->size, 0, offset + size - writer->size);
	writer->size = offset + size;
	*ret_offset = offset;
	return 0;
}

int writer_reserve_within_chunk(struct image_writer *writer, size_t size, size_t align,
				__u32 *ret_offset)
{
	size_t offset = (writer->size + align - 1) & ~(align - 1);

	if (offset / IMAGE_CHUNK != (offset + size - 1) / IMAGE_CHUNK)
		align = IMAGE_CHUNK;
	return writer_reserve(writer, size, align, ret_offset);
}

int writer_append(struct image_writer *writer, const void *bytes, size_t size, size_t align,
		  __u32 *ret_offset)
{
	int err = writer_reserve(writer, size, align, ret_offset);

	if (!err && size)
		memcpy(writer_at(writer, *ret_offset), bytes, size);
	return err;
}
