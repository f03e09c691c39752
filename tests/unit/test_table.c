/* SPDX-License-Identifier: GPL-2.0-only */
/* test_table.c: columns as people see them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <time.h>
#include <cmocka.h>

#include "base/table.h"
#include "base/cleanup.h"

static void fill(struct table *table)
{
	static const char *const rows[][4] = {
		{ "NR", "RULE", "", "WHO" },
		{ "1", "allow 8080/tcp from 203.0.113.10", "", "office" },
		{ "12", "ban 198.51.100.0/24", "", "" },
	};

	*table = (struct table){ .columns = 4, .wrapped = 1, .right = 1 };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(table_add(table, rows[i]), 0);
}

static void assert_within(size_t line, const char *expected)
{
	_cleanup_(table_clear) struct table table;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fill(&table);
	table_print_within(&table, out, line);
	fclose(out);
	assert_string_equal(text, expected);
}

static void columns_are_aligned_and_no_line_ends_in_blanks(void **state)
{
	static const char wide[] = "NR  RULE                              WHO\n"
				   " 1  allow 8080/tcp from 203.0.113.10  office\n"
				   "12  ban 198.51.100.0/24\n";

	assert_within(0, wide);
	assert_within(44, wide);
}

static void a_line_that_is_too_long_goes_on_in_the_next(void **state)
{
	assert_within(43, "NR  RULE                             WHO\n"
			  " 1  allow 8080/tcp from              office\n"
			  "    203.0.113.10\n"
			  "12  ban 198.51.100.0/24\n");
}

static void no_terminal_is_so_narrow_that_words_are_torn(void **state)
{
	assert_within(5, "NR  RULE                  WHO\n"
			 " 1  allow 8080/tcp from   office\n"
			 "    203.0.113.10\n"
			 "12  ban 198.51.100.0/24\n");
}

static void a_word_without_blanks_is_broken_where_the_line_ends(void **state)
{
	_cleanup_(table_clear) struct table table = { .columns = 2, .wrapped = 1 };
	static const char *const row[] = { "a", "0123456789012345678901234567890123456789" };
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(table_add(&table, row), 0);
	table_print_within(&table, out, 28);
	fclose(out);
	assert_string_equal(text, "a  0123456789012345678901234\n   567890123456789\n");
}

static void a_character_is_one_column_however_many_bytes_it_has(void **state)
{
	_cleanup_(table_clear) struct table table = { .columns = 2 };
	static const char *const rows[][2] = { { "größe", "x" }, { "12345", "y" } };
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(table_add(&table, rows[i]), 0);
	table_print_within(&table, out, 0);
	fclose(out);
	assert_string_equal(text, "größe  x\n12345  y\n");
}

static void a_terminal_is_asked_how_wide_it_is(void **state)
{
	_cleanup_(table_clear) struct table table;
	_cleanup_close_ int fd = posix_openpt(O_RDWR | O_NOCTTY);
	struct winsize size = { .ws_row = 24, .ws_col = 43 };
	char text[256] = "";
	ssize_t length = 0;
	FILE *out;

	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	out = fopen(ptsname(fd), "w");
	assert_non_null(out);
	assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
	fill(&table);
	table_print(&table, out);
	fflush(out);
	/* Its lines arrive one by one. */
	while (length >= 0 && !strstr(text, "ban")) {
		ssize_t more = read(fd, text + length, sizeof(text) - 1 - length);

		length = more > 0 ? length + more : -1;
	}
	fclose(out);
	assert_non_null(strstr(text, "\n    203.0.113.10"));
}

/* Each width was once measured anew for each cell. */
static void many_rows_are_printed_at_once(void **state)
{
	_cleanup_(table_clear) struct table table = { .columns = 2 };
	static const char *const row[] = { "allow 8080/tcp from 203.0.113.10", "x" };
	_cleanup_fclose_ FILE *out = fopen("/dev/null", "w");
	clock_t start = clock();

	for (int i = 0; i < 100000; i++)
		assert_int_equal(table_add(&table, row), 0);
	table_print_within(&table, out, 0);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_and_no_line_ends_in_blanks),
		cmocka_unit_test(a_line_that_is_too_long_goes_on_in_the_next),
		cmocka_unit_test(no_terminal_is_so_narrow_that_words_are_torn),
		cmocka_unit_test(a_word_without_blanks_is_broken_where_the_line_ends),
		cmocka_unit_test(a_character_is_one_column_however_many_bytes_it_has),
		cmocka_unit_test(a_terminal_is_asked_how_wide_it_is),
		cmocka_unit_test(many_rows_are_printed_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
