// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_options.c: what of a command line is an option and what is not, and which word was meant.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/options.h"
#include "config/suggest.h"
#include "base/cleanup.h"

/* Splits at blanks, parses, and joins again what is left. */
static int parse(const char *line, struct options *ret, char *rest)
{
	static char text[256];
	char *argv[32] = { "tidegate" };
	struct error error;
	int argc = 1, err;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	*ret = (struct options){};
	err = options_parse(ret, &argc, argv, &error);
	assert_null(argv[argc]);
	if (err < 0) {
		strcpy(rest, error.text);
		return err;
	}
	rest[0] = '\0';
	for (int i = 1; i < argc; i++)
		sprintf(rest + strlen(rest), "%s%s", i > 1 ? " " : "", argv[i]);
	return 0;
}

static void assert_words(const char *line, const char *expected, struct options *ret)
{
	char rest[256];

	assert_int_equal(parse(line, ret, rest), 0);
	assert_string_equal(rest, expected);
}

static void assert_wrong(const char *line, const char *expected)
{
	struct options options;
	char error[ERROR_TEXT];

	assert_int_equal(parse(line, &options, error), -EINVAL);
	assert_string_equal(error, expected);
}

static void options_stand_anywhere(void **state)
{
	struct options options;

	assert_words("--json status --config a.conf", "status", &options);
	assert_true(options.json);
	assert_string_equal(options.config, "a.conf");
	assert_false(options.is_default_config);
	assert_words("up --confirm=120s eth0 --audit eth1", "up eth0 eth1", &options);
	assert_string_equal(options.confirm, "120s");
	assert_true(options.audit);
	assert_true(options.is_default_config);
	assert_string_equal(options.config, CONFIG_PATH);
}

static void text_of_a_comment_is_no_option(void **state)
{
	struct options options;

	assert_words("allow 80/tcp comment --force", "allow 80/tcp comment --force", &options);
	assert_false(options.force);
	assert_words("allow 80/tcp comment -h --force", "allow 80/tcp comment -h", &options);
	assert_true(options.force);
	assert_false(options.help);
	assert_words("delete allow 80 comment --config --json", "delete allow 80 comment --config",
		     &options);
	assert_true(options.json);
	assert_true(options.is_default_config);
	assert_words("ban 192.0.2.1 comment", "ban 192.0.2.1 comment", &options);
}

static void nothing_behind_two_dashes_is_an_option(void **state)
{
	struct options options;

	assert_words("--json check -- --force", "check --force", &options);
	assert_true(options.json);
	assert_false(options.force);
	assert_words("check -- -h --", "check -h --", &options);
	assert_false(options.help);
}

static void letters_are_for_help_and_version(void **state)
{
	struct options options;

	assert_words("ban -h", "ban", &options);
	assert_true(options.help);
	assert_words("-V", "", &options);
	assert_true(options.version);
	assert_wrong("list -x", "'-x': no such option");
}

static void mistakes_are_named(void **state)
{
	struct options options;
	char error[ERROR_TEXT];

	assert_wrong("status --jsno", "'--jsno': no such option, did you mean '--json'?");
	assert_wrong("status --confg=a", "'--confg=a': no such option, did you mean '--config'?");
	assert_wrong("check --config", "'--config': FILE is missing");
	assert_wrong("status --nosuchthing --config", "'--nosuchthing': no such option");
	/* Said in the form that was asked for. */
	assert_int_equal(parse("status --nosuchthing --json", &options, error), -EINVAL);
	assert_true(options.json);
}

static void options_of_one_command_are_strange_to_another(void **state)
{
	struct options options;

	assert_words("reload --confirm 9s", "reload", &options);
	assert_null(options_stranger(&options, "reload"));
	assert_string_equal(options_stranger(&options, "list")->name, "confirm");
	assert_words("up --audit --json", "up", &options);
	assert_null(options_stranger(&options, "up"));
	assert_string_equal(options_stranger(&options, "reload")->name, "audit");
	assert_string_equal(options_stranger(&options, "u")->name, "audit");
}

/* ---- which word was meant ------------------------------------------------------------ */

static const char *suggest(const char *word)
{
	static const char *const known[] = {
		"allow", "deny", "ban", "unban", "status", "list", "up"
	};
	struct suggestion suggestion = { .word = word, .length = strlen(word) };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		suggest_offer(&suggestion, known[i]);
	return suggestion.best;
}

static void slips_of_the_finger_are_understood(void **state)
{
	assert_string_equal(suggest("alow"), "allow");    /* missing */
	assert_string_equal(suggest("alloww"), "allow");  /* too many */
	assert_string_equal(suggest("ellow"), "allow");   /* wrong */
	assert_string_equal(suggest("statsu"), "status"); /* exchanged */
	assert_string_equal(suggest("STATUS"), "status");
	assert_string_equal(suggest("bann"), "ban");
}

static void other_words_are_not(void **state)
{
	assert_null(suggest("nosuchcommand"));
	assert_null(suggest("xy"));
	assert_null(suggest("x"));
	assert_null(suggest(""));
	assert_null(suggest("port"));
	assert_null(suggest("a-word-longer-than-any-that-is-known-to-anybody"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(text_of_a_comment_is_no_option),
		cmocka_unit_test(nothing_behind_two_dashes_is_an_option),
		cmocka_unit_test(letters_are_for_help_and_version),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(options_of_one_command_are_strange_to_another),
		cmocka_unit_test(slips_of_the_finger_are_understood),
		cmocka_unit_test(other_words_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
