/* SPDX-License-Identifier: GPL-2.0-only */
/* table.h: columns for people, as wide as what is in them. */
#ifndef TIDEGATE_TABLE_H
#define TIDEGATE_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS 10

struct table {
	char *(*rows)[TABLE_COLUMNS]; /* the first is the heading */
	size_t count;
	size_t columns;
	unsigned int right; /* bit per column: numbers, aligned to the right */
};

/* Appends a row of table->columns texts, copied.  0 or -ENOMEM. */
int table_add(struct table *table, const char *const *texts);
void table_print(const struct table *table, FILE *out);
void table_clear(struct table *table);

#endif
