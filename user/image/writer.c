/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * writer.c: see writer.h.
 */
#include <errno.h>

#include "policy_image.h"
#include "image/writer.h"
#include "base/cleanup.h"
#include "base/error.h"

int writer_refuse(struct image_writer *writer, const char *what, size_t count, size_t limit)
{
	return error_set(writer->error, -E2BIG, "the policy needs %zu %s, the limit is %zu", count,
			 what, limit);
}

static int refuse_size(struct image_writer *writer)
{
	return error_set(writer->error, -E2BIG,
			 "the policy needs more than %u MiB of kernel memory, which is the limit: "
			 "name networks in place of single addresses",
			 IMAGE_LARGE >> 20);
}

int writer_reserve(struct image_writer *writer, size_t size, size_t align, __u32 *ret_offset)
{
	struct buffer *buffer = &writer->buffer;
	size_t offset = (buffer->size + align - 1) & ~(align - 1);
	size_t more = offset + size - buffer->size;
	int err;

	if (offset + size > IMAGE_LARGE)
		return refuse_size(writer);
	err = buffer_reserve(buffer, more);
	if (err)
		return err;
	memset(buffer->bytes + buffer->size, 0, more);
	buffer->size += more;
	*ret_offset = offset;
	return 0;
}

int writer_append(struct image_writer *writer, const void *bytes, size_t size, size_t align,
		  __u32 *ret_offset)
{
	int err = writer_reserve(writer, size, align, ret_offset);

	if (!err && size)
		memcpy(writer_at(writer, *ret_offset), bytes, size);
	return err;
}
