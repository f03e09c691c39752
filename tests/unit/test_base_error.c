// SPDX-License-Identifier: GPL-2.0-only
/* test_base_error.c: what people read when something fails, and where it is cut. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void the_errno_is_handed_through(void **state)
{
	struct error error = { .file = "a.conf", .line = 3, .column = 4 };

	assert_int_equal(error_set(&error, -ENOENT, "no '%s'", "eth0"), -ENOENT);
	assert_string_equal(error.text, "no 'eth0'");
	assert_string_equal(error.file, "");
	assert_int_equal(error.line, 0);
	assert_int_equal(error.column, 0);
	assert_int_equal(error_set_errno(&error, -EACCES, "cannot read '%s'", "x"), -EACCES);
	assert_string_equal(error.text, "cannot read 'x': Permission denied");
}

static void what_has_no_text_gets_that_of_its_errno(void **state)
{
	struct error error = {};

	assert_int_equal(error_complete(&error, 0), 0);
	assert_string_equal(error.text, "");
	assert_int_equal(error_complete(&error, -ENOMEM), -ENOMEM);
	assert_string_equal(error.text, "Cannot allocate memory");
	assert_int_equal(error_complete(&error, -ENOENT), -ENOENT);
	assert_string_equal(error.text, "Cannot allocate memory");
}

static void what_was_attempted_is_put_in_front(void **state)
{
	struct error error = {};

	assert_int_equal(error_prefix(&error, -ENOMEM, "cannot do %d", 7), -ENOMEM);
	assert_string_equal(ERROR(&error), "cannot do 7: Cannot allocate memory");
	error_set_at(&error, -EINVAL, 3, 4, "words");
	error_in_file(&error, "a.conf");
	error_prefix(&error, -EINVAL, "again");
	assert_string_equal(ERROR(&error), "again: a.conf:3:4: words");
	assert_int_equal(error_prefix(NULL, -EIO, "again"), -EIO);
}

static void nobody_has_to_want_the_text(void **state)
{
	assert_int_equal(error_set(NULL, -EINVAL, "words"), -EINVAL);
	assert_int_equal(error_set_errno(NULL, -EINVAL, "words"), -EINVAL);
	assert_int_equal(error_set_at(NULL, -EINVAL, 1, 2, "words"), -EINVAL);
	error_in_file(NULL, "a.conf");
}

static void an_error_may_be_part_of_its_own_text(void **state)
{
	struct error error;

	error_set(&error, -EIO, "disk");
	error_set(&error, -EIO, "inner, %s, outer", error.text);
	assert_string_equal(error.text, "inner, disk, outer");
}

static void a_place_is_printed_as_far_as_there_is_one(void **state)
{
	struct error error;

	error_set(&error, -EINVAL, "words");
	assert_string_equal(ERROR(&error), "words");
	error_in_file(&error, "a.conf");
	assert_string_equal(ERROR(&error), "a.conf: words");
	error_set_at(&error, -EINVAL, 12, 0, "words");
	assert_string_equal(ERROR(&error), "12: words");
	error_in_file(&error, "a.conf");
	assert_string_equal(ERROR(&error), "a.conf:12: words");
	error_set_at(&error, -EINVAL, 12, 3, "words");
	assert_string_equal(ERROR(&error), "12:3: words");
	error_in_file(&error, "a.conf");
	assert_string_equal(ERROR(&error), "a.conf:12:3: words");
	error_set_at(&error, -EINVAL, 0, 3, "words");
	assert_string_equal(ERROR(&error), "words");
}

/* So many letters, then a euro sign of three bytes. */
static void assert_cut(size_t letters, const char *expected_end)
{
	struct error error;
	char text[2 * ERROR_TEXT] = { 0 };

	memset(text, 'x', letters);
	strcat(text, "€");
	error_set(&error, -EINVAL, "%s", text);
	assert_int_equal(strlen(error.text), letters + strlen(expected_end));
	assert_string_equal(error.text + letters, expected_end);
}

static void no_character_is_cut_in_two(void **state)
{
	struct error error;
	char text[2 * ERROR_TEXT] = { 0 };

	assert_cut(ERROR_TEXT - 4, "€");
	assert_cut(ERROR_TEXT - 3, "");
	assert_cut(ERROR_TEXT - 2, "");
	assert_cut(ERROR_TEXT - 1, "");
	memset(text, 'x', sizeof(text) - 1);
	error_set(&error, -EINVAL, "%s", text);
	assert_int_equal(strlen(error.text), ERROR_TEXT - 1);
}

static void of_a_long_path_the_end_is_kept(void **state)
{
	struct error error;
	char path[2 * ERROR_FILE] = { 0 };

	memset(path, 'd', ERROR_FILE - 1);
	error_set_at(&error, -EINVAL, 1, 2, "words");
	error_in_file(&error, path);
	assert_string_equal(error.file, path);
	memset(path, 'd', sizeof(path) - 1);
	memcpy(path + sizeof(path) - 7, "a.conf", 6);
	error_in_file(&error, path);
	assert_int_equal(strlen(error.file), ERROR_FILE - 1);
	assert_memory_equal(error.file, "...ddd", 6);
	assert_string_equal(error.file + ERROR_FILE - 1 - 8, "dda.conf");
	assert_non_null(strstr(ERROR(&error), "a.conf:1:2: words"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_errno_is_handed_through),
		cmocka_unit_test(what_has_no_text_gets_that_of_its_errno),
		cmocka_unit_test(what_was_attempted_is_put_in_front),
		cmocka_unit_test(nobody_has_to_want_the_text),
		cmocka_unit_test(an_error_may_be_part_of_its_own_text),
		cmocka_unit_test(a_place_is_printed_as_far_as_there_is_one),
		cmocka_unit_test(no_character_is_cut_in_two),
		cmocka_unit_test(of_a_long_path_the_end_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
