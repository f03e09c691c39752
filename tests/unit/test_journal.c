// SPDX-License-Identifier: GPL-2.0-only
/* test_journal.c: entries of the journal's export format, which come from a file or a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "journal/export.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

static void an_entry_ends_at_an_empty_line(void **state)
{
	static const char text[] = "__REALTIME_TIMESTAMP=1500000\nMESSAGE=a=b\n\nMESSAGE=c\n\n";
	struct export_entry entry;
	size_t length = export_parse(text, sizeof(text) - 1, &entry);

	assert_int_equal(length, strlen("__REALTIME_TIMESTAMP=1500000\nMESSAGE=a=b\n\n"));
	assert_int_equal(entry.time_us, 1500000);
	assert_string_equal(export_find(&entry, "MESSAGE"), "a=b");
	assert_null(export_find(&entry, "MESS"));
	export_clear(&entry);
	assert_int_equal(export_parse(text + length, sizeof(text) - 1 - length, &entry),
			 strlen("MESSAGE=c\n\n"));
	assert_string_equal(export_find(&entry, "MESSAGE"), "c");
	assert_int_equal(entry.time_us, 0);
	export_clear(&entry);
}

static void a_value_may_have_lines(void **state)
{
	struct export_entry entry;

	assert_int_not_equal(export_parse(TEXT("A\n\4\0\0\0\0\0\0\0b\n\nc\nD=e\n\n"), &entry), 0);
	assert_string_equal(export_find(&entry, "A"), "b\n\nc");
	assert_string_equal(export_find(&entry, "D"), "e");
	export_clear(&entry);
}

static void what_is_not_whole_is_no_entry(void **state)
{
	struct export_entry entry = {};

	assert_int_equal(export_parse(TEXT(""), &entry), 0);
	assert_int_equal(export_parse(TEXT("A=b"), &entry), 0);
	assert_int_equal(export_parse(TEXT("A=b\n"), &entry), 0);
	assert_int_equal(export_parse(TEXT("A\n\4\0\0"), &entry), 0);
	assert_int_equal(export_parse(TEXT("A\n\4\0\0\0\0\0\0\0bcd\n"), &entry), 0);
	assert_int_equal(export_parse(TEXT("A\n\xff\xff\xff\xff\xff\xff\xff\xff"
					   "bcd\n\n"),
				      &entry),
			 0);
	assert_int_equal(entry.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_ends_at_an_empty_line),
		cmocka_unit_test(a_value_may_have_lines),
		cmocka_unit_test(what_is_not_whole_is_no_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
