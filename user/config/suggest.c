/* SPDX-License-Identifier: GPL-2.0-only */
/* suggest.c: optimal string alignment distance over short words.  See suggest.h. */
#include "config/suggest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 32

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int letter(const char *word, size_t i)
{
	return tolower((unsigned char)word[i]);
}

/* One cell: a[0..i] against b[0..j], from the three rows above and beside it. */
static size_t cell(size_t rows[][WORD_MAX + 1], const char *a, const char *b, size_t i, size_t j)
{
	size_t is_other = letter(a, i - 1) != letter(b, j - 1);
	size_t best = smaller(rows[i - 1][j] + 1, rows[i][j - 1] + 1);

	best = smaller(best, rows[i - 1][j - 1] + is_other);
	if (i > 1 && j > 1 && letter(a, i - 1) == letter(b, j - 2) &&
	    letter(a, i - 2) == letter(b, j - 1))
		best = smaller(best, rows[i - 2][j - 2] + 1);
	return best;
}

static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a_length; i++)
		for (size_t j = 0; j <= b_length; j++)
			rows[i][j] = i && j ? cell(rows, a, b, i, j) : i + j;
	return rows[a_length][b_length];
}

/* A third of the word may be wrong, so that short words are not near everything. */
static size_t tolerance(size_t length)
{
	return length < 3 ? 0 : length < 6 ? 1 : 2;
}

void suggest_offer(struct suggestion *suggestion, const char *known)
{
	size_t length = strlen(known), found;

	if (length > WORD_MAX || suggestion->length > WORD_MAX)
		return;
	found = distance(suggestion->word, suggestion->length, known, length);
	if (found > tolerance(suggestion->length) ||
	    (suggestion->best && found >= suggestion->distance))
		return;
	suggestion->best = known;
	suggestion->distance = found;
}
