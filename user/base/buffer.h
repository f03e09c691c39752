/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * buffer.h: bytes that become more.  For an array of structs see util_append() in cleanup.h.
 */
#ifndef TIDEGATE_BUFFER_H
#define TIDEGATE_BUFFER_H

#include <stddef.h>

struct buffer {
	char *bytes; /* moves when it grows; NULL = none yet */
	size_t size, room;
};

/* Room for so many bytes behind `size`, which stays.  Doubles, so that appending byte by byte
 * copies each at most twice.  0 or -ENOMEM, and the buffer as it was. */
int buffer_reserve(struct buffer *buffer, size_t more);

/* The bytes are none of the buffer's own.  0 or -ENOMEM, as above. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t size);

/* Takes so many bytes off the front; their room stays. */
void buffer_consume(struct buffer *buffer, size_t size);

void buffer_clear(struct buffer *buffer);

#endif
