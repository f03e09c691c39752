/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hint.h: a rule that is right and may yet not be what was meant: what Docker runs says so.
 * Pure, but for hint_unknown(), which asks the machine's list of services.
 */
#ifndef TIDEGATE_HINT_H
#define TIDEGATE_HINT_H

#include <stdbool.h>
#include <stddef.h>

struct inventory;
struct listener;
struct statement;

/* What is known of the host; inventory may be NULL: nothing of Docker. */
struct hint_world {
	const struct inventory *inventory;
	const struct listener *listeners;
	size_t listeners_count;
};

/* Whether a container has that name, or an id that begins so. */
bool hint_is_container(const struct inventory *inventory, const char *name);

/* To a word that stood alone and is no container: the spellings that may be meant.  Allocated;
 * NULL = no memory. */
char *hint_unknown(const struct statement *statement, const struct inventory *inventory);

/* Why a rule on containers applies to nothing now.  Allocated; NULL = no memory. */
char *hint_useless(const struct statement *statement, const struct inventory *inventory);

/* To a rule on ports that are no published ones, but the container's own side of published ones.
 * Allocated; NULL = nothing to say, or no memory. */
char *hint_inside(const struct statement *statement, const struct hint_world *world);

#endif
