/* SPDX-License-Identifier: GPL-2.0-only */
/* table.c: see table.h. */
#include "table.h"

#include <errno.h>

#include "util.h"

int table_add(struct table *table, const char *const *texts)
{
	char *(*row)[TABLE_COLUMNS] = util_append(&table->rows, table->count, sizeof(*table->rows));

	if (!row)
		return -ENOMEM;
	table->count++;
	for (size_t i = 0; i < table->columns; i++) {
		(*row)[i] = strdup(texts[i]);
		if (!(*row)[i])
			return -ENOMEM;
	}
	return 0;
}

static int width_of(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = 0; i < table->count; i++) {
		size_t length = table->rows[i][column] ? strlen(table->rows[i][column]) : 0;

		width = length > width ? length : width;
	}
	return width;
}

void table_print(const struct table *table, FILE *out)
{
	for (size_t i = 0; i < table->count; i++)
		for (size_t j = 0; j < table->columns; j++) {
			const char *text = table->rows[i][j] ?: "";
			int width = width_of(table, j);

			if (table->right & (1u << j))
				fprintf(out, "%*s", width, text);
			else if (j + 1 < table->columns)
				fprintf(out, "%-*s", width, text);
			else
				fputs(text, out);
			fputs(j + 1 < table->columns ? "  " : "\n", out);
		}
}

void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		for (size_t j = 0; j < table->columns; j++)
			free(table->rows[i][j]);
	free(table->rows);
	table->rows = NULL;
	table->count = 0;
}
