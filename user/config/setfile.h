/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * setfile.h: the file behind `set NAME file PATH`: one prefix or range a line.
 *
 *   # office                     comments begin with # or ;
 *   203.0.113.0/24
 *   2001:db8:1::/48  # behind a prefix as well
 *   198.51.100.7-198.51.100.20   a range, ends included: becomes the prefixes that cover
 *                                exactly it
 *   none                         alone: the set is empty, and meant to be
 *
 * setfile.c is pure; setfile_read.c is the one that reads.
 */
#ifndef TIDEGATE_SETS_H
#define TIDEGATE_SETS_H

#include <stddef.h>
#include <time.h>

#include "addr/prefix.h"
#include "base/error.h"

/* Far above LIMIT_PREFIXES lines of ordinary length; a bound on what a wrong path can cost. */
#define SETS_LIMIT_BYTES (128u << 20)

#define SETS_NONE "none"

struct sets_members {
	struct prefix *prefixes; /* sorted, without duplicates; prefixes inside others stay, they
				    may decide.  NULL when there are none */
	size_t count;
	bool is_none; /* the file says that there are none */
};
void sets_members_clear(struct sets_members *members);

/*
 * Reads the text of such a file.
 * 0, -EINVAL (a bad line), -E2BIG (more than LIMIT_PREFIXES) or -ENOMEM; *ret untouched on
 * failure.  The error's line is 0 when the file as a whole is meant.
 */
int sets_parse(const char *text, size_t length, struct sets_members *ret, struct error *ret_error);

/* The same from a regular file, of at most SETS_LIMIT_BYTES; errors of conffile_read() as well. */
int sets_read(const char *path, struct sets_members *ret, struct error *ret_error);

/* When that was last written, in seconds since the epoch; 0 = it cannot be told. */
time_t sets_modified(const char *path);

/* Sorts by prefix_compare and drops duplicates.  Returns 0 or -ENOMEM (order undefined then). */
int sets_sort(struct prefix *prefixes, size_t *count);

#endif
