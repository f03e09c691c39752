/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * buffer.c: bytes that become more.
 */
#include "base/buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 256

int buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t room = buffer->room ?: ROOM_MIN;
	char *grown;

	if (more <= buffer->room - buffer->size)
		return 0;
	if (more > PTRDIFF_MAX - buffer->size)
		return -ENOMEM;
	while (room < buffer->size + more)
		room *= 2;
	grown = realloc(buffer->bytes, room);
	if (!grown)
		return -ENOMEM;
	buffer->bytes = grown;
	buffer->room = room;
	return 0;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
	int err = buffer_reserve(buffer, size);

	if (err < 0 || !size)
		return err;
	memcpy(buffer->bytes + buffer->size, bytes, size);
	buffer->size += size;
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
	buffer->size -= size;
	if (buffer->size && size)
		memmove(buffer->bytes, buffer->bytes + size, buffer->size);
}

void buffer_clear(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){ 0 };
}
