// SPDX-License-Identifier: GPL-2.0-only
/* test_config_size.c: large texts: time that grows with them, limits that are named. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "config/config.h"
#include "limit.h"
#include "base/cleanup.h"

static struct error last_error;

static struct config *parse(const char *text)
{
	struct config *config = NULL;

	if (config_parse(text, strlen(text), 0, &config, &last_error) < 0)
		fail_msg("%u:%u: %s", last_error.line, last_error.column, last_error.text);
	return config;
}

static void assert_refused(const char *text, size_t length, const char *part)
{
	struct config *config = (struct config *)&last_error;

	assert_int_equal(config_parse(text, length, 0, &config, &last_error), -EINVAL);
	assert_ptr_equal(config, &last_error);
	if (!strstr(last_error.text, part))
		fail_msg("'%s' says nothing of '%s'", last_error.text, part);
}

/* `count` times the same format with a growing number, behind `start`. */
static char *repeat(const char *start, size_t count, const char *format)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(start, out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, format, (int)(i >> 16 & 255), (int)(i >> 8 & 255), (int)(i & 255));
	fclose(out);
	return text;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Processor time to parse, print and identify. */
static double time_of(const char *text)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_free_ char *printed = NULL, *identity = NULL;
	double start = seconds();

	config = parse(text);
	printed = config_print(config);
	identity = config_rule_identity(&config->statements[0]);
	assert_true(printed && identity);
	return seconds() - start;
}

/* Ten times as much takes ten times as long, on a slow machine and under valgrind too; a
 * hundred times would be quadratic.  The least of three, because others compute here. */
static void assert_linear(const char *start, const char *format)
{
	_cleanup_free_ char *small = repeat(start, 10000, format);
	_cleanup_free_ char *large = repeat(start, 100000, format);
	double least_small = 1e9, least_large = 1e9;

	for (int i = 0; i < 3; i++) {
		double time_small = time_of(small), time_large = time_of(large);

		least_small = time_small < least_small ? time_small : least_small;
		least_large = time_large < least_large ? time_large : least_large;
	}
	print_message("10 000: %.3f s, 100 000: %.3f s\n", least_small, least_large);
	assert_true(least_large < 30 * least_small + 0.01);
}

static void time_grows_with_the_prefixes_of_a_set_not_their_square(void **state)
{
	assert_linear("set big", " 10.%d.%d.%d");
}

static void time_grows_with_the_sets_not_their_square(void **state)
{
	assert_linear("", "set s%d-%d-%d 10.0.0.1\n");
}

static void time_grows_with_the_sources_of_a_rule_not_their_square(void **state)
{
	assert_linear("set s 10.0.0.1\nallow 80 from 10.0.0.1", " s");
	assert_linear("ban 10.0.0.1", " 10.%d.%d.%d");
}

static void large_set_prints_as_it_was_written(void **state)
{
	_cleanup_free_ char *text = repeat("set big", 100000, " 10.%d.%d.%d");
	_cleanup_(config_freep) struct config *config = parse(text);
	_cleanup_free_ char *printed = config_print(config);

	assert_int_equal(config->statements[0].sources_count, 100000);
	printed[strlen(printed) - 1] = 0;
	assert_string_equal(printed, text);
}

static void enormous_tokens_are_refused_shortly(void **state)
{
	size_t length = 10 << 20;
	_cleanup_free_ char *text = malloc(length + 1);

	for (const char *c = "a1:./,-\"#\\\xc3"; *c; c++) {
		memset(text, *c, length);
		memcpy(text, "allow ", 6);
		text[length] = 0;
		assert_refused(text, length, *c == '\xc3' ? "UTF-8" : "'");
		assert_true(strlen(last_error.text) < 250);
	}
}

static void limits_are_named(void **state)
{
	_cleanup_free_ char *rules = repeat("", LIMIT_RULES, "allow 80 from 10.%d.%d.%d\n");
	_cleanup_free_ char *more_rules = repeat("", LIMIT_RULES + 1, "ban 10.%d.%d.%d\n");
	_cleanup_free_ char *ports = repeat("allow 1", LIMIT_PORTS, ",1");
	_cleanup_free_ char *prefixes = repeat("set a", LIMIT_PREFIXES + 1, " 10.%d.%d.%d");
	char comment[400] = "allow 80 comment ";

	config_free(parse(rules));
	assert_refused(more_rules, strlen(more_rules), "8192 rules (LIMIT_RULES)");
	assert_int_equal(last_error.line, LIMIT_RULES + 1);
	assert_refused(ports, strlen(ports), "16384 ports in a list (LIMIT_PORTS)");
	assert_refused(prefixes, strlen(prefixes), "2000000 prefixes (LIMIT_PREFIXES)");
	memset(comment + strlen(comment), 'x', 256);
	assert_refused(comment, strlen(comment), "longer than 255 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_grows_with_the_prefixes_of_a_set_not_their_square),
		cmocka_unit_test(time_grows_with_the_sets_not_their_square),
		cmocka_unit_test(time_grows_with_the_sources_of_a_rule_not_their_square),
		cmocka_unit_test(large_set_prints_as_it_was_written),
		cmocka_unit_test(enormous_tokens_are_refused_shortly),
		cmocka_unit_test(limits_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
