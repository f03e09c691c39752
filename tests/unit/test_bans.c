/* SPDX-License-Identifier: GPL-2.0-only */
/* test_bans.c: the bans that commands and feeds make: list, groups, file, and lines of a feed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>

#include "bans/bans.h"
#include "bans/feed.h"
#include "base/cleanup.h"
#include "../random.h"

#define NOW        1700000000
#define TEST(name) cmocka_unit_test(name)

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix = {};

	assert_int_equal(prefix_parse(text, &prefix, NULL), 0);
	return prefix;
}

static int add(struct bans *bans, const char *text, const char *owner, time_t until)
{
	struct prefix prefix = prefix_of(text);

	return bans_add(bans, &prefix, owner, until);
}

static int lift(struct bans *bans, const char *text, const char *owner)
{
	struct prefix prefix = prefix_of(text);

	return bans_lift(bans, &prefix, owner);
}

/* "192.0.2.1 sshd 1700000060; …" */
static char *print(const struct bans *bans)
{
	char *text = NULL, prefix[PREFIX_STRLEN];
	const struct ban *ban;
	size_t size, at = 0;
	FILE *out = open_memstream(&text, &size);

	while ((ban = bans_next(bans, &at)))
		fprintf(out, "%s %s %lld; ", prefix_format(&ban->prefix, prefix),
			bans_owner(bans, ban->owner), (long long)ban->until);
	fclose(out);
	return text;
}

static void assert_bans(const struct bans *bans, const char *expected)
{
	_cleanup_free_ char *text = print(bans);

	assert_string_equal(text, expected);
}

static struct bans *parse(const char *text, struct error *error)
{
	struct bans *bans = NULL;

	*error = (struct error){};
	assert_int_equal(bans_parse(text, strlen(text), &bans, error), 0);
	return bans;
}

/* ---- the list ------------------------------------------------------------------------------ */

static void each_owner_lifts_his_own(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = bans_new();

	assert_int_equal(add(bans, "192.0.2.1", "sshd", 0), 1);
	assert_int_equal(add(bans, "192.0.2.1", "nginx", NOW), 1);
	assert_int_equal(add(bans, "192.0.2.1", "nginx", NOW), 0);
	assert_int_equal(add(bans, "192.0.2.1", "nginx", NOW + 1), 1);
	assert_int_equal(bans_count(bans), 2);
	assert_int_equal(lift(bans, "192.0.2.1", "sshd"), 1);
	assert_int_equal(lift(bans, "192.0.2.1", "sshd"), 0);
	assert_int_equal(lift(bans, "192.0.2.0/24", NULL), 0);
	assert_bans(bans, "192.0.2.1 nginx 1700000001; ");
	assert_int_equal(add(bans, "192.0.2.1", "sshd", 0), 1);
	assert_int_equal(lift(bans, "192.0.2.1", NULL), 2);
	assert_int_equal(bans_count(bans), 0);
}

static void all_of_an_owner_are_lifted_at_once(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = bans_new();

	add(bans, "192.0.2.1", "sshd", 0);
	add(bans, "2001:db8::/48", "sshd", 0);
	add(bans, "192.0.2.2", "", 0);
	assert_int_equal(bans_lift_all(bans, "nobody"), 0);
	assert_int_equal(bans_lift_all(bans, "sshd"), 2);
	assert_bans(bans, "192.0.2.2  0; ");
	assert_int_equal(bans_lift_all(bans, ""), 1);
}

/* Against a plain array, where most things happen more than once. */
static void many_changes_are_what_a_plain_array_says(void **state)
{
	static time_t model[256][4];
	static const char *const owners[] = { "", "a", "b", "fail2ban sshd" };
	_cleanup_(bans_freep) struct bans *bans = bans_new(), *again = NULL;
	_cleanup_free_ char *text = NULL, *other = NULL;
	const char *changes;
	size_t length, live = 0;

	for (int i = 0; i < 100000; i++) {
		unsigned int host = below(256), owner = below(4);
		struct prefix prefix = { .family = 4, .length = 32, .addr = { 10, 0, 0, host } };

		if (below(3)) {
			model[host][owner] = 1 + below(100);
			bans_add(bans, &prefix, owners[owner], model[host][owner]);
		} else {
			assert_int_equal(bans_lift(bans, &prefix, owners[owner]),
					 model[host][owner] != 0);
			model[host][owner] = 0;
		}
	}
	for (int i = 0; i < 1024; i++)
		live += model[i / 4][i % 4] != 0;
	assert_int_equal(bans_count(bans), live);
	changes = bans_changes(bans, &length);
	assert_int_equal(bans_parse(changes, length, &again, NULL), 0);
	text = print(bans);
	other = print(again);
	assert_string_equal(text, other);
}

/* ---- the text ------------------------------------------------------------------------------ */

static void what_stands_further_below_holds(void **state)
{
	struct error error;
	_cleanup_(bans_freep) struct bans *bans = parse("192.0.2.1 - one\n"
							"192.0.2.2 1700000060\n"
							"# a comment\n"
							"192.0.2.1 x one\n"
							"192.0.2.2 1700000090\n"
							"2001:db8::/48 - two words\n",
							&error);

	assert_string_equal(error.text, "");
	assert_bans(bans, "192.0.2.2  1700000090; 2001:db8::/48 two words 0; ");
}

static void a_line_that_was_cut_off_is_none(void **state)
{
	static const char text[] = "192.0.2.1 -\n192.0.2.0/24 1700000";
	struct error error;

	for (size_t length = 12; length < sizeof(text); length++) {
		_cleanup_free_ char *part = strndup(text, length);
		_cleanup_(bans_freep) struct bans *bans = parse(part, &error);

		assert_string_equal(error.text, "");
		assert_bans(bans, "192.0.2.1  0; ");
	}
}

static void a_bad_line_harms_only_itself(void **state)
{
	static const char *const bad[] = { "",           "192.0.2.9",      "192.0.2.9 ",
					   "x -",        "192.0.2.9 soon", "192.0.2.9 -5",
					   " 1.2.3.4 -", "192.0.2.9/33 -", "192.0.2.1/24 -" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *text = NULL;
		_cleanup_(bans_freep) struct bans *bans = NULL;
		struct error error;

		assert_true(asprintf(&text, "192.0.2.1 -\n%s\n192.0.2.2 -\n", bad[i]) > 0);
		bans = parse(text, &error);
		assert_int_equal(error.line, 2);
		assert_bans(bans, "192.0.2.1  0; 192.0.2.2  0; ");
	}
}

static void an_owner_cannot_forge_a_line(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = bans_new(), *again = NULL;
	const char *changes;
	size_t length;

	add(bans, "192.0.2.1", "a\n192.0.2.2 - b\x1b[2J", 0);
	changes = bans_changes(bans, &length);
	assert_int_equal(bans_parse(changes, length, &again, NULL), 0);
	assert_bans(again, "192.0.2.1 a?192.0.2.2 - b?[2J 0; ");
}

/* ---- groups -------------------------------------------------------------------------------- */

static void those_that_end_together_are_one(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = bans_new();
	_cleanup_(bans_groups_clear) struct ban_groups groups = {};

	add(bans, "192.0.2.1", "b", NOW + 1);
	add(bans, "192.0.2.2", "a", NOW + 1);
	add(bans, "192.0.2.3", "b", 0);
	add(bans, "192.0.2.4", "b", NOW + 1);
	add(bans, "192.0.2.5", "b", NOW);
	assert_int_equal(bans_group(bans, NOW, &groups), 0);
	assert_int_equal(groups.count, 3);
	assert_string_equal(groups.list[0].owner, "a");
	assert_int_equal(groups.list[0].count, 1);
	assert_int_equal(groups.list[1].until, 0);
	assert_int_equal(groups.list[1].count, 1);
	assert_int_equal(groups.list[2].until, NOW + 1);
	assert_int_equal(groups.list[2].count, 2);
}

static void assert_few_groups(const struct bans *bans, size_t expected)
{
	_cleanup_(bans_groups_clear) struct ban_groups groups = {}, later = {};
	size_t count = 0;

	assert_int_equal(bans_group(bans, NOW, &groups), 0);
	assert_int_equal(bans_group(bans, NOW + 1, &later), 0);
	assert_in_range(groups.count, 1, BANS_GROUPS);
	for (size_t i = 0; i < groups.count; i++)
		count += groups.list[i].count;
	assert_int_equal(count, expected);
	/* The time of day changes nothing but what has ended. */
	assert_int_equal(later.count, groups.count);
	for (size_t i = 0; i < groups.count; i++)
		assert_int_equal(later.list[i].until, groups.list[i].until);
}

static void however_many_there_are_the_groups_are_few(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = bans_new();
	char owner[16];

	for (unsigned int i = 0; i < 50000; i++) {
		struct prefix prefix = { .family = 4,
					 .length = 32,
					 .addr = { 10, i >> 16, i >> 8, i } };

		bans_add(bans, &prefix, "feed", NOW + 1000 + i);
	}
	assert_few_groups(bans, 50000);
	for (unsigned int i = 0; i < 50000; i++) {
		struct prefix prefix = { .family = 4,
					 .length = 32,
					 .addr = { 11, i >> 16, i >> 8, i } };

		snprintf(owner, sizeof(owner), "%u", i);
		bans_add(bans, &prefix, owner, 0);
	}
	assert_few_groups(bans, 100000);
}

/* Ends of last month must not make those of today coarser. */
static void what_is_past_costs_nobody_his_end(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = bans_new();
	_cleanup_(bans_groups_clear) struct ban_groups groups = {};

	for (unsigned int i = 0; i < 50000; i++) {
		struct prefix prefix = { .family = 4,
					 .length = 32,
					 .addr = { 10, i >> 16, i >> 8, i } };

		bans_add(bans, &prefix, "", NOW - 1000000 + i);
	}
	add(bans, "192.0.2.1", "", NOW + 7);
	assert_int_equal(bans_group(bans, NOW, &groups), 0);
	assert_int_equal(groups.count, 1);
	assert_int_equal(groups.list[0].until, NOW + 7);
	assert_int_equal(groups.list[0].count, 1);
}

static void a_rounded_end_is_a_little_later_and_never_earlier(void **state)
{
	for (int i = 0; i < 100000; i++) {
		time_t duration = below(1ull << below(30)), until = NOW + duration,
		       rounded = bans_round(NOW, until);

		assert_true(rounded >= until && rounded - until <= duration / 64);
	}
	assert_int_equal(bans_round(NOW, 0), 0);
}

/* ---- the file ------------------------------------------------------------------------------ */

static char path[64];

static int make_path(void **state)
{
	snprintf(path, sizeof(path), "/tmp/test_bans.XXXXXX");
	return mkdtemp(path) ? (strcat(path, "/bans"), 0) : -1;
}

static int remove_path(void **state)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

static off_t size_of_file(void)
{
	struct stat file = {};

	return stat(path, &file) == 0 ? file.st_size : -1;
}

static struct bans *read_file(void)
{
	struct bans *bans = NULL;
	struct error error = {};

	assert_int_equal(bans_read(path, &bans, &error), 0);
	return bans;
}

static void a_change_is_a_line_more(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = read_file(), *again = NULL;
	struct error error;
	off_t before;

	add(bans, "192.0.2.1", "one", 0);
	assert_int_equal(bans_save(bans, path, &error), 0);
	before = size_of_file();
	add(bans, "192.0.2.2", "", NOW);
	assert_int_equal(bans_save(bans, path, &error), 0);
	assert_int_equal(size_of_file(), before + strlen("192.0.2.2 1700000000\n"));
	again = read_file();
	assert_bans(again, "192.0.2.1 one 0; 192.0.2.2  1700000000; ");
	assert_int_equal(bans_unsave(bans, path), 0);
	assert_int_equal(size_of_file(), before);
}

/* A command that changes only the configuration, and fails. */
static void taking_back_nothing_takes_nothing(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = read_file(), *again = NULL, *third = NULL;
	struct error error;

	add(bans, "192.0.2.1", "one", 0);
	assert_int_equal(bans_save(bans, path, &error), 0);
	again = read_file();
	assert_int_equal(bans_save(again, path, &error), 0);
	assert_int_equal(bans_unsave(again, path), 0);
	/* Nor does it take the one before that. */
	assert_int_equal(bans_save(bans, path, &error), 0);
	assert_int_equal(bans_unsave(bans, path), 0);
	third = read_file();
	assert_bans(third, "192.0.2.1 one 0; ");
}

static void what_was_cut_off_is_written_over(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = NULL, *again = NULL;
	struct error error;
	FILE *file = fopen(path, "w");

	fputs("192.0.2.1 -\n192.0.2.2 17", file);
	fclose(file);
	bans = read_file();
	add(bans, "192.0.2.3", "", 0);
	assert_int_equal(bans_save(bans, path, &error), 0);
	again = read_file();
	assert_bans(again, "192.0.2.1  0; 192.0.2.3  0; ");
}

static void lines_that_no_longer_hold_go(void **state)
{
	_cleanup_(bans_freep) struct bans *bans = read_file(), *again = NULL;
	struct error error;

	add(bans, "192.0.2.1", "stays", 0);
	for (int i = 0; i < 6000; i++) {
		add(bans, "192.0.2.2", "", NOW + i);
		lift(bans, "192.0.2.2", "");
	}
	add(bans, "192.0.2.4", "is past", NOW);
	assert_int_equal(bans_save(bans, path, &error), 0);
	assert_int_equal(bans_tidy(bans, path, NOW), 1);
	assert_int_equal(size_of_file(), strlen("192.0.2.1 - stays\n"));
	assert_int_equal(bans_read_again(path, &bans, &error), 0);
	assert_int_equal(bans_tidy(bans, path, NOW), 0);
	add(bans, "192.0.2.3", "", 0);
	assert_int_equal(bans_save(bans, path, &error), 0);
	again = read_file();
	assert_bans(again, "192.0.2.1 stays 0; 192.0.2.3  0; ");
}

/* ---- feeds --------------------------------------------------------------------------------- */

/* "ban 192.0.2.1 until +60", "unban …", "nothing", or the error. */
static void assert_line(const char *line, const char *expected)
{
	_cleanup_(feed_line_clear) struct feed_line parsed = {};
	_cleanup_free_ char *text = NULL;
	char prefix[PREFIX_STRLEN];
	struct error error = {};
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (feed_parse(line, FEED_BAN, NOW, &parsed, &error) < 0)
		fprintf(out, "%s", error.text);
	else
		fputs(parsed.action == FEED_BAN     ? "ban"
		      : parsed.action == FEED_UNBAN ? "unban"
						    : "nothing",
		      out);
	for (size_t i = 0; i < parsed.count && parsed.action != FEED_NOTHING; i++)
		fprintf(out, " %s", prefix_format(&parsed.prefixes[i], prefix));
	if (parsed.until && parsed.action == FEED_BAN)
		fprintf(out, " +%lld", (long long)parsed.until - NOW);
	if (parsed.comment)
		fprintf(out, " (%s)", parsed.comment);
	fclose(out);
	assert_string_equal(text, expected);
}

static void words_are_as_at_the_command_line(void **state)
{
	assert_line("192.0.2.1", "ban 192.0.2.1");
	assert_line("  ban 192.0.2.1 2001:db8::/32 for 4h comment \"a b\"",
		    "ban 192.0.2.1 2001:db8::/32 +14400 (a b)");
	assert_line("unban 192.0.2.1", "unban 192.0.2.1");
	assert_line("# nothing", "nothing");
	assert_line("", "nothing");
	assert_line("office", "'office' is no address and no prefix");
	assert_line("0.0.0.0/0", "'0.0.0.0/0' is more than a list should ban: write it into the "
				 "configuration if it is meant");
}

static void json_is_as_crowdsec_writes_it(void **state)
{
	assert_line("{\"duration\":\"3h59m57.9s\",\"origin\":\"cscli\",\"scenario\":\"x\","
		    "\"scope\":\"Ip\",\"type\":\"ban\",\"value\":\"192.0.2.1\",\"id\":5,"
		    "\"action\":\"add\"}",
		    "ban 192.0.2.1 +14398");
	assert_line("{\"action\":\"del\",\"value\":\"2001:db8::/48\",\"duration\":\"-5s\"}",
		    "unban 2001:db8::/48");
	assert_line("{\"action\":\"add\",\"value\":\"192.0.2.1\",\"duration\":\"-5s\"}", "nothing");
	assert_line("{\"action\":\"add\",\"value\":\"DE\",\"scope\":\"Country\"}", "nothing");
	assert_line("{\"action\":\"add\",\"value\":\"192.0.2.1\",\"type\":\"captcha\"}", "nothing");
	assert_line("{\"action\":\"add\",\"value\":\"192.0.2.77/24\"}", "ban 192.0.2.0/24");
	assert_line("{\"action\":\"add\",\"value\":\"\\u001b[2J\"}",
		    "\"value\": '?[2J' is no address and no prefix");
	assert_line("{\"value\":\"192.0.2.1\"}", "\"action\": '' is neither \"add\" nor \"del\"");
	assert_line("{\"action\":\"add\",\"value\":\"192.0.2.1\",\"duration\":\"soon\"}",
		    "\"duration\": 'soon' is no duration like 3h59m10s");
}

static void durations_are_as_go_prints_them(void **state)
{
	static const struct {
		const char *text;
		double seconds;
	} good[] = {
		{ "4h", 14400 }, { "1h0m0s", 3600 }, { "1.5s", 2 },          { "100ms", 1 },
		{ "-3m", -180 }, { "0s", 0 },        { "2h45m30.5s", 9931 }, { "7d", 604800 }
	};
	static const char *const bad[] = {
		"", "-", "4", "h", "4x", "4h-3m", "nan", "1e400h", "4 h"
	};
	double seconds;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(feed_parse_duration(good[i].text, &seconds), 0);
		assert_true(seconds == good[i].seconds);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(feed_parse_duration(bad[i], &seconds), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_owner_lifts_his_own),
		TEST(all_of_an_owner_are_lifted_at_once),
		TEST(many_changes_are_what_a_plain_array_says),
		TEST(what_stands_further_below_holds),
		TEST(a_line_that_was_cut_off_is_none),
		TEST(a_bad_line_harms_only_itself),
		TEST(an_owner_cannot_forge_a_line),
		TEST(those_that_end_together_are_one),
		TEST(however_many_there_are_the_groups_are_few),
		TEST(what_is_past_costs_nobody_his_end),
		TEST(a_rounded_end_is_a_little_later_and_never_earlier),
		cmocka_unit_test_setup_teardown(a_change_is_a_line_more, make_path, remove_path),
		cmocka_unit_test_setup_teardown(taking_back_nothing_takes_nothing, make_path,
						remove_path),
		cmocka_unit_test_setup_teardown(what_was_cut_off_is_written_over, make_path,
						remove_path),
		cmocka_unit_test_setup_teardown(lines_that_no_longer_hold_go, make_path,
						remove_path),
		TEST(words_are_as_at_the_command_line),
		TEST(json_is_as_crowdsec_writes_it),
		TEST(durations_are_as_go_prints_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
