/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sets_memory.h: what the files of sets held when they could last be read, so that one that turns
 * bad keeps its content.  For who reads them more than once.
 */
#ifndef TIDEGATE_SETS_MEMORY_H
#define TIDEGATE_SETS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "sets.h"

struct sets_kept {
	char *path;
	struct prefix *prefixes;
	size_t count;
	bool is_used; /* since the last sets_memory_trim() */
};

/* Zero to begin with. */
struct sets_memory {
	struct sets_kept *items;
	size_t count;
};

/*
 * As sets_read(), and remembers what came.  1 when the file cannot be used now and could be
 * before: then it is the content of that time, and *ret_error says what is wrong.
 */
int sets_memory_read(struct sets_memory *memory, const char *path, struct prefix **ret_prefixes,
		     size_t *ret_count, struct sets_error *ret_error);

/* Forgets what was not asked for since the last time. */
void sets_memory_trim(struct sets_memory *memory);
void sets_memory_clear(struct sets_memory *memory);

#endif
