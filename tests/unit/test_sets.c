/* SPDX-License-Identifier: GPL-2.0-only */
/* test_sets.c: the file behind a set. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

#include "limit.h"
#include "config/setfile_kept.h"
#include "base/cleanup.h"

static char *print(const struct prefix *prefixes, size_t count)
{
	char *text = NULL, buf[PREFIX_STRLEN];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? " " : "", prefix_format(&prefixes[i], buf));
	fclose(out);
	return text;
}

static void assert_members(const char *text, const char *expected)
{
	_cleanup_(sets_members_clear) struct sets_members members = {};
	_cleanup_free_ char *printed = NULL;
	struct error error;
	int err = sets_parse(text, strlen(text), &members, &error);

	if (err)
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
	printed = print(members.prefixes, members.count);
	assert_string_equal(printed, expected);
}

static void assert_fault(const char *text, const char *expected)
{
	struct sets_members members = { .count = 7 };
	struct error error;
	char got[320];

	assert_int_equal(sets_parse(text, strlen(text), &members, &error), -EINVAL);
	assert_null(members.prefixes);
	assert_int_equal(members.count, 7);
	snprintf(got, sizeof(got), "%u:%u: %s", error.line, error.column, error.text);
	assert_string_equal(got, expected);
}

static void prefixes_are_sorted_without_duplicates(void **state)
{
	assert_members("2001:db8::/32\n203.0.113.0/24\n10.0.0.0/8\n203.0.113.0/24\n10.1.2.3\n",
		       "10.0.0.0/8 10.1.2.3 203.0.113.0/24 2001:db8::/32");
}

static void comments_and_blanks_are_skipped(void **state)
{
	assert_members("# office\n\n  \t\n10.0.0.1 # gate\r\n\t10.0.0.2;SBL1\n; spamhaus\n10.0.0.3",
		       "10.0.0.1 10.0.0.2 10.0.0.3");
}

static void an_empty_file_is_an_empty_set(void **state)
{
	assert_members("", "");
	assert_members("# nobody\n", "");
}

static void none_alone_is_an_empty_set_that_is_meant(void **state)
{
	struct sets_members members = {};
	struct error error;

	assert_int_equal(sets_parse("# bans\n none # today\n", 21, &members, &error), 0);
	assert_int_equal(members.count, 0);
	assert_true(members.is_none);
	assert_int_equal(sets_parse("# bans\n", 7, &members, &error), 0);
	assert_false(members.is_none);
	assert_fault("10.0.0.1\nnone\n", "2:1: 'none' stands alone, without prefixes");
	assert_fault("none\n10.0.0.1\n", "2:1: 'none' stands alone, without prefixes");
	assert_fault("nones\n", "1:1: 'nones' is not an address, a prefix or a range");
}

static void host_bits_are_refused(void **state)
{
	assert_fault("10.0.0.0/8\n10.1.2.3/8\n",
		     "2:1: '10.1.2.3/8' has host bits set, use 10.0.0.0/8 or 10.1.2.3");
	assert_fault("203.0.113.5/0\n",
		     "1:1: '203.0.113.5/0' has host bits set, use 0.0.0.0/0 or 203.0.113.5");
	assert_fault(" 198.51.100.3/3 # x\n",
		     "1:2: '198.51.100.3/3' has host bits set, use 192.0.0.0/3 or 198.51.100.3");
	assert_fault("2001:db8::1/32\n",
		     "1:1: '2001:db8::1/32' has host bits set, use 2001:db8::/32 or 2001:db8::1");
}

/* Each is a longer list, cut off somewhere in its last line. */
static void a_list_that_was_cut_off_never_widens(void **state)
{
	assert_members("10.0.0.0/8\n203.0.113.0/24", "10.0.0.0/8 203.0.113.0/24");
	assert_fault("203.0.113.0/2",
		     "1:1: '203.0.113.0/2' has host bits set, use 192.0.0.0/2 or 203.0.113.0");
	assert_fault("10.0.0.0/8\n128.0.0.0/1", "2:1: the file may have been cut off behind /1: "
						"end the last line with a newline");
	assert_fault("192.0.0.0/2", "1:1: the file may have been cut off behind /2: "
				    "end the last line with a newline");
	assert_fault("2000::/12", "1:1: the file may have been cut off behind /12: "
				  "end the last line with a newline");
	assert_members("192.0.0.0/2\n", "192.0.0.0/2");
	assert_members("192.0.0.0/2\n# x", "192.0.0.0/2");
	assert_members("0.0.0.0/0", "0.0.0.0/0");
	assert_members("64.0.0.0/4", "64.0.0.0/4");
	assert_members("2001:d00::/24", "2001:d00::/24");
	assert_members("128.0.0.0-255.255.255.255", "128.0.0.0/1");
}

static void a_range_becomes_exactly_its_prefixes(void **state)
{
	assert_members("10.0.0.0-10.0.0.255\n", "10.0.0.0/24");
	assert_members("10.0.0.7 - 10.0.0.20\n", "10.0.0.7 10.0.0.8/29 10.0.0.16/30 10.0.0.20");
	assert_members("10.0.0.5-10.0.0.5\n", "10.0.0.5");
	assert_members("0.0.0.0-255.255.255.255\n", "0.0.0.0/0");
	assert_members("255.255.255.254-255.255.255.255\n", "255.255.255.254/31");
	assert_members("2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\n", "2001:db8::/32");
	assert_members("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n", "::/0");
	assert_members("2001:db8::ffff-2001:db8::1:0\n", "2001:db8::ffff 2001:db8::1:0");
}

static void a_bad_line_is_named_with_its_place(void **state)
{
	assert_fault("10.0.0.1\n\n  10.0.0\n",
		     "3:3: '10.0.0' is not an address, a prefix or a range");
	assert_fault("10.0.0.256\n", "1:1: '10.0.0.256' is not an address, a prefix or a range");
	assert_fault("10.0.0.01\n", "1:1: '10.0.0.01' is not an address, a prefix or a range");
	assert_fault("10.0.0.0/33\n", "1:1: '10.0.0.0/33' is not an address, a prefix or a range");
	assert_fault("10.0.0.1 10.0.0.2\n",
		     "1:1: '10.0.0.1 10.0.0.2' is not an address, a prefix or a range");
	assert_fault("\033[2J\n", "1:1: '?[2J' is not an address, a prefix or a range");
	assert_fault("-10.0.0.1\n", "1:1: '' is not an address, a prefix or a range");
	assert_fault("10.0.0.1 -\n", "1:11: '' is not an address, a prefix or a range");
}

static void a_bad_range_is_named_with_its_place(void **state)
{
	assert_fault("10.0.0.9-10.0.0.1\n", "1:10: the range ends before it begins");
	assert_fault("10.0.0.0/8-11.0.0.0\n", "1:1: a range is from an address, not from a prefix");
	assert_fault("10.0.0.0-11.0.0.0/8\n", "1:10: a range is to an address, not to a prefix");
	assert_fault("10.0.0.0-2001:db8::1\n",
		     "1:10: a range has both ends in IPv4 or both in IPv6");
}

static void a_nul_byte_is_a_bad_line(void **state)
{
	struct sets_members members = {};
	struct error error;

	assert_int_equal(sets_parse("2001:db8::1\0x\n", 14, &members, &error), -EINVAL);
	assert_int_equal(error.line, 1);
}

/* ---- size ----------------------------------------------------------------------- */

static char *many_lines(unsigned int count, size_t *ret_length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_length);
	unsigned int state = 1;

	for (unsigned int i = 0; i < count; i++) {
		state = state * 1664525 + 1013904223; /* full period: no address twice */
		fprintf(out, "%u.%u.%u.%u\n", state >> 24, state >> 16 & 255, state >> 8 & 255,
			state & 255);
	}
	fclose(out);
	return text;
}

/* In disorder, the worst case.  The figure is printed; the bound leaves room for sanitizers. */
static void a_million_lines_parse_in_time(void **state)
{
	_cleanup_(sets_members_clear) struct sets_members members = {};
	_cleanup_free_ char *text = NULL;
	struct timespec before, after;
	struct error error;
	size_t length;
	double took;

	text = many_lines(1000000, &length);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	assert_int_equal(sets_parse(text, length, &members, &error), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	took = (after.tv_sec - before.tv_sec) * 1e3 + (after.tv_nsec - before.tv_nsec) / 1e6;
	print_message("1000000 lines: %.0f ms\n", took);
	assert_int_equal(members.count, 1000000);
	for (size_t i = 1; i < members.count; i++)
		assert_true(prefix_compare(&members.prefixes[i - 1], &members.prefixes[i]) < 0);
	assert_true(took < 5000);
}

static void too_many_lines_are_named_with_the_limit(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct sets_members members = {};
	struct error error;
	size_t length;

	text = many_lines(LIMIT_PREFIXES + 1, &length);
	assert_int_equal(sets_parse(text, length, &members, &error), -E2BIG);
	assert_int_equal(error.line, LIMIT_PREFIXES + 1);
	assert_string_equal(error.text, "more than 2000000 prefixes");
}

static void radix_and_comparison_sort_alike(void **state)
{
	static struct prefix large[1000], small[1000];
	unsigned int seed = 1;
	size_t count = ARRAY_SIZE(large), ten = 10;

	for (size_t i = 0; i < count; i++) {
		large[i] = (struct prefix){ .family = i % 3 ? 6 : 4 };
		for (size_t j = 0; j < (large[i].family == 4 ? 4 : 16); j++)
			large[i].addr[j] = (seed = seed * 1103515245 + 12345) >> 16 & 3;
		large[i].length = large[i].family == 4 ? 31 + i % 2 : 127 + i % 2;
	}
	memcpy(small, large, sizeof(small));
	assert_int_equal(sets_sort(large, &count), 0);
	for (size_t i = 1; i < count; i++)
		assert_true(prefix_compare(&large[i - 1], &large[i]) < 0);
	assert_int_equal(sets_sort(small, &ten), 0);
	for (size_t i = 1; i < ten; i++)
		assert_true(prefix_compare(&small[i - 1], &small[i]) < 0);
}

static int compare(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static void ipv4_alone_sorts_as_qsort_does(void **state)
{
	static struct prefix sorted[1000], expected[1000];
	size_t count = ARRAY_SIZE(sorted);
	unsigned int seed = 1;

	for (size_t i = 0; i < count; i++) {
		sorted[i] = (struct prefix){ .family = 4, .length = 25 + i % 8 };
		for (size_t j = 0; j < 4; j++)
			sorted[i].addr[j] = (seed = seed * 1103515245 + 12345) >> 16;
		sorted[i].addr[3] &= 0x80;
	}
	sorted[7] = sorted[8] = sorted[900];
	memcpy(expected, sorted, sizeof(sorted));
	qsort(expected, count, sizeof(*expected), compare);
	assert_int_equal(sets_sort(sorted, &count), 0);
	assert_int_equal(count, ARRAY_SIZE(sorted) - 2);
	for (size_t i = 0, j = 0; i < count; i++, j++) {
		while (j && prefix_equal(&expected[j], &expected[j - 1]))
			j++;
		assert_memory_equal(&sorted[i], &expected[j], sizeof(*sorted));
	}
}

/* ---- the file ------------------------------------------------------------------- */

static char directory[64];

static int make_directory(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/test_sets.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static int read_file(const char *name, size_t *count, struct error *error)
{
	_cleanup_(sets_members_clear) struct sets_members members = {};
	char path[96];
	int err;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	err = sets_read(path, &members, error);
	*count = members.count;
	return err;
}

static void write_file(const char *name, const char *text)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void a_file_is_read(void **state)
{
	struct error error;
	size_t count = 0;

	write_file("good", "10.0.0.1\n2001:db8::/32\n");
	assert_int_equal(read_file("good", &count, &error), 0);
	assert_int_equal(count, 2);
	write_file("bad", "10.0.0.1\nx\n");
	assert_int_equal(read_file("bad", &count, &error), -EINVAL);
	assert_int_equal(error.line, 2);
}

static void what_is_no_file_is_refused(void **state)
{
	struct error error;
	char path[96];
	size_t count;

	assert_int_equal(read_file("missing", &count, &error), -ENOENT);
	assert_int_equal(error.line, 0);
	assert_string_equal(error.text, "No such file or directory");
	assert_int_equal(read_file("", &count, &error), -EISDIR);
	assert_string_equal(error.text, "Is a directory");
	snprintf(path, sizeof(path), "%s/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_file("fifo", &count, &error), -EINVAL);
	assert_string_equal(error.text, "it is not a regular file");
}

static void a_huge_file_is_refused(void **state)
{
	struct error error;
	char path[96];
	size_t count;

	write_file("huge", "");
	snprintf(path, sizeof(path), "%s/huge", directory);
	assert_int_equal(truncate(path, (off_t)SETS_LIMIT_BYTES + 1), 0);
	assert_int_equal(read_file("huge", &count, &error), -E2BIG);
	assert_string_equal(error.text, "the file is larger than 128 MiB");
}

/* ---- what is kept ------------------------------------------------------------------ */

static void keep_of(const char *path, const char *text, time_t modified)
{
	_cleanup_(sets_members_clear) struct sets_members members = {};
	struct error error;
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/lib/sets", directory);
	assert_int_equal(sets_parse(text, strlen(text), &members, &error), 0);
	assert_int_equal(sets_kept_write(dir, path, &members, modified), 0);
}

static void keep(const char *path, const char *text)
{
	keep_of(path, text, 0);
}

static void assert_kept(const char *path, int expected_err, const char *expected)
{
	_cleanup_(sets_members_clear) struct sets_members members = {};
	_cleanup_free_ char *printed = NULL;
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/lib/sets", directory);
	assert_int_equal(sets_kept_read(dir, path, &members), expected_err);
	printed = print(members.prefixes, members.count);
	assert_string_equal(printed, expected);
}

/* Runs a command in the directory of what is kept. */
static void run(const char *command)
{
	char text[256];

	snprintf(text, sizeof(text), "cd '%s/lib/sets' && %s", directory, command);
	assert_int_equal(system(text), 0);
}

static void content_is_kept_for_each_path(void **state)
{
	assert_kept("/etc/a", -ENOENT, "");
	keep("/etc/a", "10.0.0.1\n2001:db8::/32\n");
	keep("/etc/b", "10.0.0.2\n");
	assert_kept("/etc/a", 0, "10.0.0.1 2001:db8::/32");
	assert_kept("/etc/b", 0, "10.0.0.2");
	assert_kept("/etc/c", -ENOENT, "");
	keep("/etc/a", "10.0.0.3\n");
	assert_kept("/etc/a", 0, "10.0.0.3");
	keep("/etc/a", "none\n");
	assert_kept("/etc/a", 0, "");
	run("test $(ls -A | wc -l) = 2 && rm -r ../../lib");
}

static void the_same_is_not_written_again(void **state)
{
	keep("/etc/a", "10.0.0.1\n");
	run("touch -d 2001-01-01 *");
	keep("/etc/a", "10.0.0.1 # in other words\n10.0.0.1\n");
	run("test -n \"$(find . -type f ! -newermt 2002-01-01)\"");
	keep("/etc/a", "10.0.0.2\n");
	run("test -z \"$(find . -type f ! -newermt 2002-01-01)\" && rm -r ../../lib");
}

static void a_copy_is_as_old_as_the_file_it_was_last_read_from(void **state)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/lib/sets", directory);
	assert_int_equal(sets_kept_modified(dir, "/etc/a"), 0);
	keep_of("/etc/a", "10.0.0.1\n", 1000000000);
	assert_int_equal(sets_kept_modified(dir, "/etc/a"), 1000000000);
	keep_of("/etc/a", "10.0.0.1\n", 1100000000);
	assert_int_equal(sets_kept_modified(dir, "/etc/a"), 1100000000);
	keep_of("/etc/a", "10.0.0.2\n", 1200000000);
	assert_int_equal(sets_kept_modified(dir, "/etc/a"), 1200000000);
	keep("/etc/a", "10.0.0.2\n");
	assert_int_equal(sets_kept_modified(dir, "/etc/a"), 1200000000);
	run("rm -r ../../lib");
}

static void what_is_not_whole_is_not_used(void **state)
{
	keep("/etc/a", "10.0.0.1\n10.0.0.2\n");
	run("sed -i '$d' *");
	assert_kept("/etc/a", -EBADMSG, "");
	keep("/etc/a", "10.0.0.1\n");
	assert_kept("/etc/a", 0, "10.0.0.1");
	run("sed -i 's/ .etc.a$/ \\/etc\\/b/' *");
	assert_kept("/etc/a", -EBADMSG, "");
	run(": >$(ls)");
	assert_kept("/etc/a", -EBADMSG, "");
	run("echo x >$(ls)");
	assert_kept("/etc/a", -EINVAL, "");
	run("rm -r ../../lib");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_sorted_without_duplicates),
		cmocka_unit_test(comments_and_blanks_are_skipped),
		cmocka_unit_test(an_empty_file_is_an_empty_set),
		cmocka_unit_test(none_alone_is_an_empty_set_that_is_meant),
		cmocka_unit_test(host_bits_are_refused),
		cmocka_unit_test(a_list_that_was_cut_off_never_widens),
		cmocka_unit_test(a_range_becomes_exactly_its_prefixes),
		cmocka_unit_test(a_bad_line_is_named_with_its_place),
		cmocka_unit_test(a_bad_range_is_named_with_its_place),
		cmocka_unit_test(a_nul_byte_is_a_bad_line),
		cmocka_unit_test(a_million_lines_parse_in_time),
		cmocka_unit_test(too_many_lines_are_named_with_the_limit),
		cmocka_unit_test(radix_and_comparison_sort_alike),
		cmocka_unit_test(ipv4_alone_sorts_as_qsort_does),
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_huge_file_is_refused),
		cmocka_unit_test(content_is_kept_for_each_path),
		cmocka_unit_test(the_same_is_not_written_again),
		cmocka_unit_test(a_copy_is_as_old_as_the_file_it_was_last_read_from),
		cmocka_unit_test(what_is_not_whole_is_not_used),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
