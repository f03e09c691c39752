/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_sets.c: any bytes as a set's file.  What parses is sorted, canonical, and prints as
 * a file that parses to the same; a single line without a range agrees with prefix_parse,
 * but for one that may have been cut off; ranges cover what they say, at both ends and not one
 * address beyond.
 */
#include <errno.h>
#include <stdint.h>

#include "config/setfile.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static bool covers(const struct prefix *prefixes, size_t count, const struct prefix *addr)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_contains(&prefixes[i], addr))
			return true;
	return false;
}

static void check_error(const struct error *error)
{
	require(error->line >= 1 && error->column >= 1 && error->text[0]);
	for (const char *c = error->text; *c; c++)
		require(*c >= ' ' && *c < 0x7f);
}

/* Canonical: formats to a text that parses back to the same, nothing cleared. */
static void check_members(const struct prefix *prefixes, size_t count)
{
	_cleanup_(sets_members_clear) struct sets_members again = {};
	_cleanup_free_ char *text = NULL;
	struct error error;
	size_t size;
	char buf[PREFIX_STRLEN];
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < count; i++) {
		require(!i || prefix_compare(&prefixes[i - 1], &prefixes[i]) < 0);
		fprintf(out, "%s\n", prefix_format(&prefixes[i], buf));
	}
	fclose(out);
	/* A range of IPv6 may pass through ::ffff:0:0/96, whose prefixes nobody may write. */
	if (sets_parse(text, size, &again, &error)) {
		require(strstr(text, "::ffff:") || strstr(text, "::/"));
		return;
	}
	require(again.count == count);
	for (size_t i = 0; i < count; i++)
		require(prefix_equal(&again.prefixes[i], &prefixes[i]));
}

/* A text that is one word is what prefix_parse says of it. */
static void check_word(const char *text, int err, const struct prefix *prefixes, size_t count)
{
	struct prefix prefix;

	if (!*text || strpbrk(text, " \t\r\n#;-") || streq(text, SETS_NONE))
		return;
	if (prefix_parse(text, &prefix, NULL) < 0)
		require(err != 0);
	else if (err) /* without a newline behind it a digit may be missing */
		require(prefix.length && prefix.length <= 12 && strchr(text, '/'));
	else
		require(count == 1 && prefix_equal(&prefix, &prefixes[0]));
}

static bool step(struct prefix *addr, int by)
{
	for (unsigned int i = addr->family == 4 ? 4 : 16; i--;) {
		addr->addr[i] = (uint8_t)(addr->addr[i] + by);
		if (addr->addr[i] != (by > 0 ? 0 : 0xff))
			return true;
	}
	return false;
}

static void check_range(const char *text, int err, const struct prefix *prefixes, size_t count)
{
	_cleanup_free_ char *from_text = strdup(text);
	char *dash = strchr(from_text, '-');
	struct prefix from, to;

	if (err || !dash || strpbrk(text, " \t\r\n#;"))
		return;
	*dash = '\0';
	require(prefix_parse(from_text, &from, NULL) == 0);
	require(prefix_parse(dash + 1, &to, NULL) == 0);
	require(covers(prefixes, count, &from) && covers(prefixes, count, &to));
	require(!step(&from, -1) || !covers(prefixes, count, &from));
	require(!step(&to, 1) || !covers(prefixes, count, &to));
	for (size_t i = 1; i < count; i++)
		require(!prefix_contains(&prefixes[i - 1], &prefixes[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(sets_members_clear) struct sets_members members = {};
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct error error;
	int err = sets_parse((const char *)data, size, &members, &error);

	require(err == 0 || err == -EINVAL);
	if (err)
		check_error(&error);
	else
		check_members(members.prefixes, members.count);
	require(!members.is_none || !members.count);
	if (strlen(text) == size) {
		check_word(text, err, members.prefixes, members.count);
		check_range(text, err, members.prefixes, members.count);
	}
	return 0;
}
