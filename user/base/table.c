/* SPDX-License-Identifier: GPL-2.0-only */
/* table.c: aligns texts, and breaks one column where the terminal ends.  See table.h. */
#include "base/table.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"

/* Narrower than this, words are torn and nothing is gained. */
#define WRAPPED_MIN 20
#define GAP         2

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

/* In UTF-8 the bytes behind a character's first are 10xxxxxx.  Each character counts as one
 * column. */
static bool is_first_byte(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += is_first_byte(*text);
	return width;
}

static void measure(const struct table *table, size_t widths[static TABLE_COLUMNS])
{
	memset(widths, 0, TABLE_COLUMNS * sizeof(*widths));
	for (size_t i = 0; i < table->count; i++)
		for (size_t j = 0; j < table->columns; j++) {
			size_t width = width_of(table->rows[i][j] ?: "");

			widths[j] = width > widths[j] ? width : widths[j];
		}
}

/* Makes the wrapped column so narrow that a line ends in time. */
static void narrow(const struct table *table, size_t line, size_t widths[static TABLE_COLUMNS])
{
	size_t total = 0, wrapped = widths[table->wrapped];

	for (size_t i = 0; i < table->columns; i++)
		total += widths[i] ? widths[i] + GAP : 0;
	total -= GAP;
	if (!line || !table->wrapped || total <= line)
		return;
	wrapped = total - line < wrapped ? wrapped - (total - line) : 0;
	widths[table->wrapped] = wrapped > WRAPPED_MIN ? wrapped : WRAPPED_MIN;
}

/* How many bytes of the text go into that width: whole words, or a part of one that is too
 * long. */
static size_t take(const char *text, size_t width)
{
	size_t columns = 0, blank = 0, i;

	for (i = 0; text[i]; i++) {
		columns += is_first_byte(text[i]);
		if (columns > width)
			return blank ?: i;
		if (text[i] == ' ')
			blank = i;
	}
	return i;
}

static bool is_last(const struct table *table, const char *const *texts, size_t column)
{
	for (size_t i = column + 1; i < table->columns; i++)
		if (texts[i][0])
			return false;
	return true;
}

static void print_line(const struct table *table, const char *const *texts, const size_t *widths,
		       FILE *out)
{
	for (size_t i = 0; i < table->columns; i++) {
		size_t width = width_of(texts[i]);
		int padding = width < widths[i] ? widths[i] - width : 0;

		if (table->right & (1u << i))
			fprintf(out, "%*s%s", padding, "", texts[i]);
		else
			fputs(texts[i], out);
		if (is_last(table, texts, i))
			break;
		if (!widths[i])
			continue;
		if (!(table->right & (1u << i)))
			fprintf(out, "%*s", padding, "");
		fprintf(out, "%*s", GAP, "");
	}
	putc('\n', out);
}

/* The first line of a row has all its texts, the others the rest of one. */
static void print_row(const struct table *table, size_t row, const size_t *widths, FILE *out)
{
	size_t width = table->wrapped ? widths[table->wrapped] : 0;
	const char *rest = table->rows[row][table->wrapped] ?: "";
	const char *texts[TABLE_COLUMNS];

	for (size_t i = 0; i < table->columns; i++)
		texts[i] = table->rows[row][i] ?: "";
	do {
		_cleanup_free_ char *piece = NULL;
		size_t length = width ? take(rest, width) : 0;

		piece = width ? strndup(rest, length) : NULL;
		if (piece)
			texts[table->wrapped] = piece;
		print_line(table, texts, widths, out);
		for (size_t i = 0; i < table->columns; i++)
			texts[i] = "";
		rest += length;
		rest += strspn(rest, " ");
	} while (width && *rest);
}

void table_print_within(const struct table *table, FILE *out, size_t line)
{
	size_t widths[TABLE_COLUMNS];

	measure(table, widths);
	narrow(table, line, widths);
	for (size_t i = 0; i < table->count; i++)
		print_row(table, i, widths, out);
}

void table_print(const struct table *table, FILE *out)
{
	struct winsize size = {};

	/* Of anything else the question is an error. */
	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0)
		size.ws_col = 0;
	table_print_within(table, out, size.ws_col);
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
