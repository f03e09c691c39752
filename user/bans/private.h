/* SPDX-License-Identifier: GPL-2.0-only */
/* private.h: what bans.c, group.c and file.c share behind bans.h. */
#ifndef TIDEGATE_BANS_PRIVATE_H
#define TIDEGATE_BANS_PRIVATE_H

#include <sys/types.h>

#include "bans/bans.h"
#include "base/buffer.h"

/* Numbers of elements of an array, found by hash: open addressing, no element ever goes. */
struct bans_index {
	__u32 *places; /* number + 1; 0 = free */
	size_t size;   /* a power of two, at least twice as many as there are; 0 = none yet */
};

struct bans {
	struct ban *list;
	size_t count;      /* with those that are lifted */
	size_t live_count; /* without */
	struct bans_index by_prefix;
	char **owners; /* [0] is "" */
	size_t owners_count;
	struct bans_index by_owner;
	struct buffer changes; /* lines that the file does not have yet */
	/* Of the file, when it was read or saved last: */
	size_t lines;
	off_t size; /* up to its last whole line */
	dev_t dev;
	ino_t ino;        /* 0 = there was none */
	off_t saved_from; /* before the last bans_save() */
};

/* More lines of the same file.  As bans_parse(). */
int bans_parse_more(struct bans *bans, const char *text, size_t length, struct error *ret_error);

/* A line of the file.  0 or -ENOMEM. */
int bans_put_line(struct buffer *buffer, const struct bans *bans, const struct ban *ban);

#endif
