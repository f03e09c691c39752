// SPDX-License-Identifier: GPL-2.0-only
/* test_config_edit.c: adding and deleting statements leaves the rest of a text as it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "base/cleanup.h"

typedef int edit_fn(const char *text, const struct statement *statement, char **ret);

static int edit(edit_fn *function, const char *text, const char *typed, char **ret)
{
	_cleanup_(config_clear_statement) struct statement statement = { 0 };
	struct error error;

	if (config_parse_statement(typed, 0, &statement, &error) < 0)
		fail_msg("'%s': %s", typed, error.text);
	return function(text, &statement, ret);
}

static void assert_edit(edit_fn *function, const char *before, const char *typed, const char *after)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(edit(function, before, typed, &text), 0);
	assert_string_equal(text, after);
}

static void assert_no_edit(edit_fn *function, const char *before, const char *typed, int err)
{
	char *text = "untouched";

	assert_int_equal(edit(function, before, typed, &text), err);
	assert_string_equal(text, "untouched");
}

static void assert_number(const char *before, unsigned int number, const char *after)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(config_delete_number(before, number, &text), 0);
	assert_string_equal(text, after);
}

/* ---- adding ---------------------------------------------------------------------- */

static void first_statement_makes_a_file(void **state)
{
	assert_edit(config_add, "", "allow 80", "allow 80\n");
	assert_edit(config_add, "# x", "allow 80", "# x\nallow 80\n");
	assert_edit(config_add, "\xef\xbb\xbf", "allow 80", "\xef\xbb\xbf\nallow 80\n");
}

static void goes_behind_the_last_of_its_kind(void **state)
{
	assert_edit(config_add, "allow 1\n# end\n\ndeny 2\nban 10.0.0.1\n", "allow 3",
		    "allow 1\nallow 3\n# end\n\ndeny 2\nban 10.0.0.1\n");
	assert_edit(config_add, "deny 2 # x\n\n# y\n", "allow 3", "deny 2 # x\n\n# y\nallow 3\n");
	assert_edit(config_add, "deny 1\nallow 2", "allow 3", "deny 1\nallow 2\nallow 3\n");
}

static void goes_behind_the_sets_it_uses(void **state)
{
	assert_edit(config_add, "allow 1\nset a 10.0.0.1\nset b 10.0.0.2\n", "allow 2 from a",
		    "allow 1\nset a 10.0.0.1\nallow 2 from a\nset b 10.0.0.2\n");
	assert_edit(config_add, "set a 10.0.0.1\nallow 1\ndeny 1\n", "allow 2 from a",
		    "set a 10.0.0.1\nallow 1\nallow 2 from a\ndeny 1\n");
	assert_edit(config_add, "set a 10.0.0.1\n", "allow 2 from a",
		    "set a 10.0.0.1\nallow 2 from a\n");
}

static void undefined_set_is_refused(void **state)
{
	static const char text[] = "set b 10.0.0.1\nallow 1\n";
	_cleanup_(config_clear_statement) struct statement statement = { 0 };
	_cleanup_(config_freep) struct config *config = NULL;
	struct error error;

	assert_no_edit(config_add, text, "allow 2 from 10.0.0.1 b a", -EINVAL);
	assert_int_equal(config_parse(text, strlen(text), 0, &config, &error), 0);
	assert_int_equal(config_parse_statement("deny 2 from 10.0.0.1 b a", 0, &statement, &error),
			 0);
	assert_string_equal(config_missing_set(config, &statement), "a");
	statement.sources_count--;
	assert_null(config_missing_set(config, &statement));
	statement.sources_count++;
}

static void same_statement_exists(void **state)
{
	assert_no_edit(config_add, "allow 80\n", "allow 80", -EEXIST);
	assert_no_edit(config_add, "  allow   80 # x\n", "allow 80 from any", -EEXIST);
	assert_no_edit(config_add, "allow 80 comment \"x\"\n", "allow 80 comment x", -EEXIST);
	assert_no_edit(config_add, "allow 80\nallow 80\n", "allow 80", -EEXIST);
	assert_no_edit(config_add, "set a 10.0.0.1\n", "set a 10.0.0.1", -EEXIST);
	assert_no_edit(config_add, "default allow\n", "default allow", -EEXIST);
}

static void other_end_or_comment_replaces_in_place(void **state)
{
	assert_edit(config_add, "deny 1\n\tallow  80 # why\n# end\n", "allow 80 comment x",
		    "deny 1\n\tallow 80 comment \"x\" # why\n# end\n");
	assert_edit(config_add, "allow 80 until 2030-01-01T00:00Z", "allow 80", "allow 80");
	assert_edit(config_add,
		    "\xef\xbb\xbf"
		    "allow 80 comment x\r\n",
		    "allow 80",
		    "\xef\xbb\xbf"
		    "allow 80\r\n");
}

static void of_several_the_first_is_replaced_and_the_others_go(void **state)
{
	assert_edit(config_add, "allow 80 # a\nallow 81\nallow 80 comment x # b\n# end\n",
		    "allow 80 comment y", "allow 80 comment \"y\" # a\nallow 81\n# end\n");
	assert_edit(config_add, "allow 80\nallow 80 until 2030-01-01T00:00Z\n", "allow 80",
		    "allow 80\n");
}

static void sets_and_settings_are_replaced(void **state)
{
	assert_edit(config_add, "set a 10.0.0.1\nallow 1 from a\n", "set a file x",
		    "set a file x\nallow 1 from a\n");
	assert_edit(config_add, "default allow # x\nallow 1\n", "default deny all",
		    "default deny all # x\nallow 1\n");
	assert_edit(config_add, "interface auto\n", "interface eth0", "interface eth0\n");
	assert_edit(config_add, "docker off\n", "docker tcp://h", "docker tcp://h\n");
}

static void line_ends_are_those_of_the_file(void **state)
{
	assert_edit(config_add, "allow 1\r\n# x\r\n", "allow 2", "allow 1\r\nallow 2\r\n# x\r\n");
	assert_edit(config_add, "# x\r\n", "allow 2", "# x\r\nallow 2\r\n");
}

static void broken_text_is_left_alone(void **state)
{
	char *text = "untouched";

	assert_no_edit(config_add, "alow 1\n", "allow 2", -EINVAL);
	assert_no_edit(config_delete, "allow 1\nalow 1\n", "allow 1", -EINVAL);
	assert_int_equal(config_delete_number("allow 1\nalow 1\n", 1, &text), -EINVAL);
	assert_string_equal(text, "untouched");
}

/* ---- deleting -------------------------------------------------------------------- */

static void goes_with_the_comment_on_its_line(void **state)
{
	assert_edit(config_delete, "# a\nallow 80 # b\n\n# c\nallow 81\n", "allow 80",
		    "# a\n\n# c\nallow 81\n");
	assert_edit(config_delete, "allow 80", "allow 80", "");
	assert_edit(config_delete, "allow 81\nallow 80", "allow 80", "allow 81\n");
}

static void all_that_say_the_same_go(void **state)
{
	assert_edit(config_delete,
		    "allow 80\nallow 81\nallow 80 comment x\nallow 80 until 2030-01-01T00:00Z\n",
		    "allow 80", "allow 81\n");
	assert_edit(config_delete, "allow from 10.0.0.2 10.0.0.1 to any port 80 proto tcp\n",
		    "allow 80/tcp from 10.0.0.1 10.0.0.2", "");
}

static void what_is_not_there_is_not_found(void **state)
{
	assert_no_edit(config_delete, "allow 80\n", "allow 81", -ENOENT);
	assert_no_edit(config_delete, "allow 80\n", "deny 80", -ENOENT);
	assert_no_edit(config_delete, "allow 80\n", "allow 80/tcp", -ENOENT);
	assert_no_edit(config_delete, "", "allow 80", -ENOENT);
	assert_no_edit(config_delete, "ban 10.0.0.0/8\n", "ban 10.0.0.1", -ENOENT);
}

static void source_is_taken_out_of_every_ban(void **state)
{
	assert_edit(config_delete, "ban 10.0.0.1 10.0.0.2 comment x # y\nban 10.0.0.1\nallow 1\n",
		    "ban 10.0.0.1", "ban 10.0.0.2 comment \"x\" # y\nallow 1\n");
	assert_edit(config_delete, "ban 10.0.0.1 10.0.0.2 until 2030-01-01T00:00Z\n",
		    "ban 10.0.0.2 10.0.0.1 10.0.0.3", "");
	assert_edit(config_delete, "set a 10.0.0.1\nban a 10.0.0.1\n", "ban a",
		    "set a 10.0.0.1\nban 10.0.0.1\n");
}

static void bans_of_two_owners_are_two_bans(void **state)
{
	static const char both[] = "ban 10.0.0.1 comment \"a\"\nban 10.0.0.1 comment \"b\"\n";

	assert_edit(config_add, "ban 10.0.0.1 comment a\n", "ban 10.0.0.1 comment b",
		    "ban 10.0.0.1 comment a\nban 10.0.0.1 comment \"b\"\n");
	assert_edit(config_add, "ban 10.0.0.1\n", "ban 10.0.0.1 comment b",
		    "ban 10.0.0.1\nban 10.0.0.1 comment \"b\"\n");
	assert_edit(config_add, both, "ban 10.0.0.1 until 2030-01-01T00:00Z comment b",
		    "ban 10.0.0.1 comment \"a\"\n"
		    "ban 10.0.0.1 until 2030-01-01T00:00Z comment \"b\"\n");
	assert_no_edit(config_add, both, "ban 10.0.0.1 comment a", -EEXIST);
}

static void owner_takes_back_only_its_own_ban(void **state)
{
	static const char both[] = "ban 10.0.0.1 comment \"a\"\nban 10.0.0.1 comment \"b\"\n";

	assert_edit(config_delete, both, "ban 10.0.0.1 comment a", "ban 10.0.0.1 comment \"b\"\n");
	assert_edit(config_delete, "ban 10.0.0.1 10.0.0.2 comment a\nban 10.0.0.1\n",
		    "ban 10.0.0.1 comment a", "ban 10.0.0.2 comment \"a\"\nban 10.0.0.1\n");
	assert_no_edit(config_delete, both, "ban 10.0.0.1 comment c", -ENOENT);
	assert_no_edit(config_delete, "ban 10.0.0.1\n", "ban 10.0.0.1 comment c", -ENOENT);
	assert_edit(config_delete, both, "ban 10.0.0.1", "");
}

static void set_in_use_stays(void **state)
{
	assert_no_edit(config_delete, "set a 10.0.0.1\nallow 1 from a\n", "set a 10.0.0.9",
		       -EINVAL);
	assert_edit(config_delete, "set a 10.0.0.1\nallow 1\n", "set a 10.0.0.9", "allow 1\n");
}

static void numbers_count_rules_only(void **state)
{
	const char *text = "interface auto\nset a 10.0.0.1\nallow 1\n# x\ndeny 2\nban a\n"
			   "failsafe 22\ndefault allow\n";
	char *none = NULL;

	assert_number(text, 1,
		      "interface auto\nset a 10.0.0.1\n# x\ndeny 2\nban a\n"
		      "failsafe 22\ndefault allow\n");
	assert_number(text, 4,
		      "interface auto\nset a 10.0.0.1\nallow 1\n# x\ndeny 2\nban a\n"
		      "default allow\n");
	assert_int_equal(config_delete_number(text, 0, &none), -ENOENT);
	assert_int_equal(config_delete_number(text, 5, &none), -ENOENT);
	assert_int_equal(config_delete_number(text, ~0u, &none), -ENOENT);
	assert_null(none);
}

static void number_removes_one_of_equal_rules(void **state)
{
	assert_number("allow 1 # a\nallow 1 # b\nallow 1 # c\n", 2, "allow 1 # a\nallow 1 # c\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_statement_makes_a_file),
		cmocka_unit_test(goes_behind_the_last_of_its_kind),
		cmocka_unit_test(goes_behind_the_sets_it_uses),
		cmocka_unit_test(undefined_set_is_refused),
		cmocka_unit_test(same_statement_exists),
		cmocka_unit_test(other_end_or_comment_replaces_in_place),
		cmocka_unit_test(of_several_the_first_is_replaced_and_the_others_go),
		cmocka_unit_test(sets_and_settings_are_replaced),
		cmocka_unit_test(line_ends_are_those_of_the_file),
		cmocka_unit_test(broken_text_is_left_alone),
		cmocka_unit_test(goes_with_the_comment_on_its_line),
		cmocka_unit_test(all_that_say_the_same_go),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(source_is_taken_out_of_every_ban),
		cmocka_unit_test(bans_of_two_owners_are_two_bans),
		cmocka_unit_test(owner_takes_back_only_its_own_ban),
		cmocka_unit_test(set_in_use_stays),
		cmocka_unit_test(numbers_count_rules_only),
		cmocka_unit_test(number_removes_one_of_equal_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
