/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_bans.c: any bytes as the file of bans, and as lines of a feed.  What is read prints as a
 * file that reads alike, each ban is in one group unless it has ended, and a line of a feed is
 * nothing, an error with a text that no terminal is steered by, or prefixes that are narrow enough.
 */
#include <errno.h>
#include <stdint.h>

#include "bans/bans.h"
#include "bans/feed.h"
#include "base/cleanup.h"

#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void check_text(const char *text)
{
	require(text[0]);
	for (; *text; text++)
		require((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* ---- the file ------------------------------------------------------------------------------ */

static size_t count_that_hold(const struct bans *bans)
{
	const struct ban *ban;
	size_t at = 0, count = 0, all = 0;

	for (; (ban = bans_next(bans, &at)); all++)
		count += !ban->until || ban->until > NOW;
	require(all == bans_count(bans));
	return count;
}

static void check_groups(const struct bans *bans)
{
	_cleanup_(bans_groups_clear) struct ban_groups groups = {};
	size_t count = 0;

	require(bans_group(bans, NOW, &groups) == 0 && groups.count <= BANS_GROUPS);
	for (size_t i = 0; i < groups.count; i++) {
		require(groups.list[i].count &&
			(!groups.list[i].until || groups.list[i].until > NOW));
		count += groups.list[i].count;
	}
	require(count >= count_that_hold(bans));
}

/* Added one by one to none, they make a file with the same. */
static void check_print(const struct bans *bans)
{
	_cleanup_(bans_freep) struct bans *copy = bans_new(), *again = NULL;
	const struct ban *ban, *other;
	const char *changes;
	size_t at = 0, length;

	while ((ban = bans_next(bans, &at)))
		require(bans_add(copy, &ban->prefix, bans_owner(bans, ban->owner), ban->until) ==
			1);
	changes = bans_changes(copy, &length);
	require(bans_parse(changes ?: "", length, &again, NULL) == 0 &&
		bans_count(again) == bans_count(bans));
	for (size_t i = 0, j = 0; (ban = bans_next(bans, &i));) {
		other = bans_next(again, &j);
		require(other && prefix_equal(&ban->prefix, &other->prefix) &&
			ban->until == other->until &&
			streq(bans_owner(bans, ban->owner), bans_owner(again, other->owner)));
	}
}

static void check_file(const uint8_t *data, size_t size)
{
	_cleanup_(bans_freep) struct bans *bans = NULL;
	struct error error = {};

	require(bans_parse((const char *)data, size, &bans, &error) == 0);
	if (error.line)
		check_text(error.text);
	check_groups(bans);
	check_print(bans);
	require(bans_lift_all(bans, NULL) >= 0 && bans_count(bans) == 0);
}

/* ---- a feed -------------------------------------------------------------------------------- */

static void check_line(const char *text)
{
	_cleanup_(feed_line_clear) struct feed_line line = {};
	struct error error = {};
	int err = feed_parse(text, FEED_BAN, NOW, &line, &error);

	require(err == 0 || err == -EINVAL);
	if (err < 0)
		check_text(error.text);
	for (size_t i = 0; i < line.count && line.action != FEED_NOTHING; i++)
		require(line.prefixes[i].length >=
			(line.prefixes[i].family == 4 ? FEED_SHORTEST4 : FEED_SHORTEST6));
	require(line.action != FEED_BAN || !line.until || line.until > NOW);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = calloc(size + 1, 1);
	char *save = NULL;

	check_file(data, size);
	memcpy(text, data, size);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		check_line(line);
	return 0;
}
