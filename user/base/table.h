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
	size_t wrapped;     /* the column that goes on in the next line where a line is too long;
			       0 = none */
	unsigned int right; /* bit per column: numbers, aligned to the right */
};

/* Appends a row of table->columns texts in UTF-8, copied.  0 or -ENOMEM. */
int table_add(struct table *table, const char *const *texts);

/* Lines of at most so many columns, if the wrapped one leaves room for it; 0 = of any length. */
void table_print_within(const struct table *table, FILE *out, size_t line);

/* As wide as the terminal, if it is one. */
void table_print(const struct table *table, FILE *out);
void table_clear(struct table *table);

#endif
