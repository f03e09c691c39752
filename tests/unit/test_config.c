// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_config.c: the language.  The golden files in tests/unit/config (or $CONFIG_GOLDEN):
 * NAME.conf with NAME.ok, what it prints as, or NAME.err, the one line it is refused with.
 * What needs a look into the struct is below; test_config_size.c has what is large.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "config/config.h"
#include "base/file.h"
#include "base/cleanup.h"

#define NOW 1790000000 /* 2026-09-21T14:13:20Z */

static struct error last_error;

static struct config *parse(const char *text)
{
	struct config *config = NULL;

	if (config_parse(text, strlen(text), NOW, &config, &last_error) < 0)
		fail_msg("%u:%u: %s", last_error.line, last_error.column, last_error.text);
	return config;
}

static struct statement parse_one(const char *text)
{
	struct statement statement;

	if (config_parse_statement(text, NOW, &statement, &last_error) < 0)
		fail_msg("%s: %u: %s", text, last_error.column, last_error.text);
	return statement;
}

/* ---- golden files ---------------------------------------------------------------- */

static const char *golden_directory(void)
{
	const char *dir = getenv("CONFIG_GOLDEN");

	return dir ? dir : "tests/unit/config";
}

/* NAME.conf -> the text of NAME.suffix, or NULL if there is none. */
static char *read_golden(const char *name, const char *suffix, size_t *ret_length)
{
	char path[512];
	char *text;

	snprintf(path, sizeof(path), "%s/%.*s%s", golden_directory(),
		 (int)(strlen(name) - strlen(".conf")), name, suffix);
	return conffile_read(path, 1 << 20, &text, ret_length) == 0 ? text : NULL;
}

static void assert_prints_as(const char *name, struct config *config, const char *expected)
{
	_cleanup_free_ char *printed = config_print(config);
	_cleanup_free_ char *again = NULL;
	_cleanup_(config_freep) struct config *second = NULL;

	if (!streq(printed, expected))
		fail_msg("%s prints\n%s", name, printed);
	second = parse(expected);
	again = config_print(second);
	assert_string_equal(again, expected);
}

static void check_golden(const char *name)
{
	size_t length, ignored;
	_cleanup_free_ char *text = read_golden(name, ".conf", &length);
	_cleanup_free_ char *ok = read_golden(name, ".ok", &ignored);
	_cleanup_free_ char *err = read_golden(name, ".err", &ignored);
	_cleanup_(config_freep) struct config *config = NULL;
	char message[512];

	assert_non_null(text);
	if (!ok == !err)
		fail_msg("%s: one of .ok and .err", name);
	if (config_parse(text, length, NOW, &config, &last_error) < 0) {
		snprintf(message, sizeof(message), "%u:%u: %s\n", last_error.line,
			 last_error.column, last_error.text);
		if (!err || !streq(message, err))
			fail_msg("%s is refused: %s", name, message);
	} else {
		if (!ok)
			fail_msg("%s is accepted", name);
		assert_prints_as(name, config, ok);
	}
}

static void golden_files_parse_and_print_as_they_say(void **state)
{
	_cleanup_closedir_ DIR *dir = opendir(golden_directory());
	struct dirent *entry;
	size_t count = 0;

	if (!dir)
		fail_msg("%s: run from the root of the repository", golden_directory());
	while ((entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || !streq(dot, ".conf"))
			continue;
		check_golden(entry->d_name);
		count++;
	}
	assert_true(count > 150);
}

static void example_configuration_parses_with_and_without_its_comments(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(config_freep) struct config *config = NULL;
	size_t length, count = 0;

	assert_int_equal(conffile_read("dist/tidegate.conf", 1 << 20, &text, &length), 0);
	config = parse(text);
	assert_int_equal(config->count, 2);
	assert_int_equal(config_default(config), DEFAULT_DENY_PUBLISHED);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		struct statement statement;

		if (line[0] != '#' || line[1] == ' ' || !line[1])
			continue;
		statement = parse_one(line + 1);
		config_clear_statement(&statement);
		count++;
	}
	assert_true(count > 15);
}

/* ---- what is in the struct ------------------------------------------------------- */

static void rule_holds_what_was_written(void **state)
{
	_cleanup_(config_clear_statement) struct statement rule =
		parse_one("allow 80,8000-8100/tcp on 192.0.2.5 from office 10.0.0.0/8 for 2h "
			  "comment \"a b\"");

	assert_int_equal(rule.kind, STATEMENT_ALLOW);
	assert_int_equal(rule.line, 0);
	assert_int_equal(rule.target.kind, TARGET_PORTS);
	assert_int_equal(rule.target.protos, PROTO_BIT_TCP);
	assert_int_equal(rule.target.ports_count, 2);
	assert_int_equal(rule.target.ports[0].hi, 80);
	assert_int_equal(rule.target.ports[1].lo, 8000);
	assert_int_equal(rule.target.ports[1].hi, 8100);
	assert_int_equal(rule.target.on.family, 4);
	assert_int_equal(rule.sources_count, 2);
	assert_string_equal(rule.sources[0].set, "office");
	assert_int_equal(rule.sources[0].prefix.family, 0);
	assert_null(rule.sources[1].set);
	assert_int_equal(rule.sources[1].prefix.length, 8);
	assert_int_equal(rule.until, NOW + 7200);
	assert_string_equal(rule.comment, "a b");
}

static void compose_has_project_and_service(void **state)
{
	_cleanup_(config_clear_statement) struct statement one = parse_one("deny compose shop/db");
	_cleanup_(config_clear_statement) struct statement all = parse_one("deny compose shop");

	assert_int_equal(one.target.kind, TARGET_COMPOSE);
	assert_string_equal(one.target.name, "shop");
	assert_string_equal(one.target.service, "db");
	assert_int_equal(one.target.protos, PROTO_BITS_ALL);
	assert_null(all.target.service);
}

static void ban_and_failsafe_without_a_port_have_no_target(void **state)
{
	_cleanup_(config_clear_statement) struct statement ban = parse_one("ban 192.0.2.1");
	_cleanup_(config_clear_statement) struct statement safe = parse_one("failsafe 22/tcp");

	assert_int_equal(ban.target.kind, TARGET_NONE);
	assert_int_equal(ban.target.protos, PROTO_BITS_ALL);
	assert_int_equal(safe.target.kind, TARGET_PORTS);
	assert_int_equal(safe.sources_count, 0);
}

static void lines_are_counted_and_settings_found(void **state)
{
	_cleanup_(config_freep) struct config *config =
		parse("\n# x\nset a 192.0.2.1\n\ndefault deny all\ndocker off\nallow 80 from a");

	assert_int_equal(config->count, 4);
	assert_int_equal(config->statements[0].line, 3);
	assert_int_equal(config->statements[3].line, 7);
	assert_int_equal(config_default(config), DEFAULT_DENY_ALL);
	assert_string_equal(config_docker_url(config), "off");
	assert_ptr_equal(config_find_set(config, "a"), &config->statements[0]);
	assert_null(config_find_set(config, "b"));
	assert_false(config_is_rule(&config->statements[0]));
	assert_true(config_is_rule(&config->statements[3]));
}

static void nothing_given_means_the_safe_default(void **state)
{
	_cleanup_(config_freep) struct config *config = parse("");

	assert_int_equal(config->count, 0);
	assert_int_equal(config_default(config), DEFAULT_DENY_PUBLISHED);
	assert_null(config_docker_url(config));
}

static void durations_count_from_now(void **state)
{
	static const struct {
		const char *text;
		long seconds;
	} durations[] = {
		{ "90s", 90 },     { "30m", 1800 },   { "2h", 7200 },      { "7d", 604800 },
		{ "2w", 1209600 }, { "1h30m", 5400 }, { "1d12h", 129600 }, { "007s", 7 },
	};
	static const char *const bad[] = { "0s",     "2",    "h",
					   "-1h",    "1.5h", "1y",
					   "2h30",   "2 h",  "99999999999999999999999999s",
					   "999999w" };
	struct statement statement;
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		snprintf(text, sizeof(text), "allow 80 for %s", durations[i].text);
		statement = parse_one(text);
		assert_int_equal(statement.until, NOW + durations[i].seconds);
		config_clear_statement(&statement);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "allow 80 for %s", bad[i]);
		assert_int_equal(config_parse_statement(text, NOW, &statement, &last_error),
				 -EINVAL);
	}
}

/* The C library's calendar, asked about every day of a century and then some. */
static void calendar_agrees_with_the_library(void **state)
{
	for (time_t day = 946684800; day < 946684800 + 86400L * 366 * 120; day += 86400 + 3601) {
		char text[128], expected[64];
		struct tm tm;
		struct statement statement;
		_cleanup_free_ char *printed = NULL;

		gmtime_r(&day, &tm);
		strftime(expected, sizeof(expected),
			 tm.tm_sec ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%dT%H:%MZ", &tm);
		snprintf(text, sizeof(text), "allow 80 until %s", expected);
		statement = parse_one(text);
		assert_int_equal(statement.until, day);
		printed = config_print_statement(&statement);
		assert_string_equal(printed, text);
		config_clear_statement(&statement);
	}
}

/* ---- identity -------------------------------------------------------------------- */

static void assert_same_rule(const char *a, const char *b, int is_same)
{
	_cleanup_(config_clear_statement) struct statement left = parse_one(a);
	_cleanup_(config_clear_statement) struct statement right = parse_one(b);
	_cleanup_free_ char *one = config_rule_identity(&left);
	_cleanup_free_ char *two = config_rule_identity(&right);

	if (streq(one, two) != !!is_same)
		fail_msg("'%s' and '%s': '%s' and '%s'", a, b, one, two);
}

static void identity_ignores_end_comment_order_and_spelling(void **state)
{
	assert_same_rule("allow 80", "allow 80 until 2026-12-01T00:00Z comment x", true);
	assert_same_rule("allow 80 from a b", "allow 80 from b a", true);
	assert_same_rule("allow 80 from 10.0.0.0/8 a 10.0.0.0/8", "allow 80 from a 10.0.0.0/8",
			 true);
	assert_same_rule("allow 80,443/tcp", "allow proto tcp from any port 443,80", true);
	assert_same_rule("allow redis", "allow container redis", true);
	assert_same_rule("ban 10.0.0.1 10.0.0.2", "ban from 10.0.0.2 10.0.0.1", true);
}

static void identity_tells_different_rules_apart(void **state)
{
	assert_same_rule("allow 80", "deny 80", false);
	assert_same_rule("allow 80", "allow 80/tcp", false);
	assert_same_rule("allow 80", "allow 80 from 0.0.0.0/0 ::/0", false);
	assert_same_rule("allow 80", "allow 80 on 192.0.2.1", false);
	assert_same_rule("allow container a", "allow service a", false);
	assert_same_rule("allow compose a", "allow compose a/b", false);
	assert_same_rule("allow 80 from a", "allow 80 from b", false);
}

/* ---- the command line ------------------------------------------------------------ */

static void words_of_the_shell_survive_the_join(void **state)
{
	static const char *const words[] = { "allow", "80/tcp", "comment", "a \"b\" \\ c # d" };
	static const char *const odd[] = { "allow", "80", "comment", "" };
	_cleanup_free_ char *text = config_join_words(words, ARRAY_SIZE(words));
	_cleanup_free_ char *text_odd = config_join_words(odd, ARRAY_SIZE(odd));
	_cleanup_(config_clear_statement) struct statement statement = parse_one(text);
	_cleanup_(config_clear_statement) struct statement bare = parse_one(text_odd);

	assert_string_equal(statement.comment, words[3]);
	assert_null(bare.comment);
}

static void statement_is_one_line_and_one_statement(void **state)
{
	struct statement statement = { .line = 7 };

	assert_int_equal(config_parse_statement("", NOW, &statement, &last_error), -EINVAL);
	assert_int_equal(config_parse_statement("# x", NOW, &statement, &last_error), -EINVAL);
	assert_int_equal(config_parse_statement("allow 80\nallow 81", NOW, &statement, &last_error),
			 -EINVAL);
	assert_int_equal(last_error.line, 0);
	assert_int_equal(last_error.column, 9);
	assert_int_equal(statement.line, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_files_parse_and_print_as_they_say),
		cmocka_unit_test(example_configuration_parses_with_and_without_its_comments),
		cmocka_unit_test(rule_holds_what_was_written),
		cmocka_unit_test(compose_has_project_and_service),
		cmocka_unit_test(ban_and_failsafe_without_a_port_have_no_target),
		cmocka_unit_test(lines_are_counted_and_settings_found),
		cmocka_unit_test(nothing_given_means_the_safe_default),
		cmocka_unit_test(durations_count_from_now),
		cmocka_unit_test(calendar_agrees_with_the_library),
		cmocka_unit_test(identity_ignores_end_comment_order_and_spelling),
		cmocka_unit_test(identity_tells_different_rules_apart),
		cmocka_unit_test(words_of_the_shell_survive_the_join),
		cmocka_unit_test(statement_is_one_line_and_one_statement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
