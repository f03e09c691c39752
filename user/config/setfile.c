/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * setfile.c: the text of a set's file -> prefixes.  Pure.  Written for a million lines: IPv4
 * is read in place, everything else goes through prefix_parse.
 */
#include "config/setfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "limit.h"
#include "base/cleanup.h"

#define ADDR_BITS(family) ((family) == 4 ? 32u : 128u)

struct reader {
	const char *at, *end; /* of what is left of the text */
	const char *line_start;
	unsigned int line;
	struct prefix *prefixes;
	size_t count;
	bool is_none;
	struct error *error;
};

static int fail(const struct reader *reader, const char *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_vset_at(reader->error, -EINVAL, reader->line, at - reader->line_start + 1, format,
		      args);
	va_end(args);
	return -EINVAL;
}

static int add(struct reader *reader, const struct prefix *prefix)
{
	struct prefix *added;

	if (reader->count == LIMIT_PREFIXES)
		return error_set_at(reader->error, -E2BIG, reader->line, 1, "more than %u prefixes",
				    LIMIT_PREFIXES);
	added = util_append(&reader->prefixes, reader->count, sizeof(*added));
	if (!added)
		return -ENOMEM;
	reader->count++;
	*added = *prefix;
	return 0;
}

/* ---- one prefix ---------------------------------------------------------------- */

/* A decimal number up to `most`, without leading zeros.  Returns what follows, or NULL. */
static const char *read_number(const char *at, const char *end, unsigned int most,
			       unsigned int *ret)
{
	const char *start = at;
	unsigned int value = 0;

	while (at < end && *at >= '0' && *at <= '9' && value <= most)
		value = value * 10 + (unsigned int)(*at++ - '0');
	if (at == start || value > most || (*start == '0' && at - start > 1))
		return NULL;
	*ret = value;
	return at;
}

/* Dotted quad with or without a length, that ends there, without host bits; false when somebody
 * else should look. */
static bool read_ipv4(const char *at, const char *end, struct prefix *prefix)
{
	unsigned int part, addr = 0, length = 32;

	for (unsigned int i = 0; i < 4; i++) {
		if (i && (at == end || *at != '.'))
			return false;
		at = read_number(i ? at + 1 : at, end, 255, &part);
		if (!at)
			return false;
		addr = addr << 8 | part;
	}
	if (at < end && *at == '/')
		at = read_number(at + 1, end, 32, &length);
	if (at != end)
		return false;
	if (length < 32 && addr << length)
		return false;
	*prefix = (struct prefix){ .family = 4,
				   .length = (__u8)length,
				   .addr = { addr >> 24, addr >> 16, addr >> 8, addr } };
	return true;
}

/* What a file contains must not steer the terminal that shows the message. */
static int fail_word(const struct reader *reader, const char *at, size_t length, const char *fault)
{
	char word[60];

	if (length > sizeof(word))
		length = sizeof(word);
	for (size_t i = 0; i < length; i++)
		word[i] = at[i] >= ' ' && at[i] < 0x7f ? at[i] : '?';
	return fail(reader, at, "'%.*s' %s", (int)length, word, fault);
}

static int read_prefix(const struct reader *reader, const char *at, const char *end,
		       struct prefix *prefix)
{
	char word[PREFIX_STRLEN] = "", fault[PREFIX_FAULT_STRLEN];
	size_t length = (size_t)(end - at);
	int err;

	if (read_ipv4(at, end, prefix))
		return 0;
	if (length < sizeof(word) && !memchr(at, '\0', length)) {
		memcpy(word, at, length);
		err = prefix_parse(word, prefix, fault);
		if (err != -EINVAL)
			return err ? fail_word(reader, at, length, fault) : 0;
	}
	return fail_word(reader, at, length, "is not an address, a prefix or a range");
}

/* ---- ranges -------------------------------------------------------------------- */

/* Sets or clears the bits from `from` on. */
static void fill_bits(struct prefix *addr, unsigned int from, __u8 byte)
{
	for (unsigned int i = from; i < ADDR_BITS(addr->family);) {
		if (i % 8 == 0) {
			addr->addr[i / 8] = byte;
			i += 8;
			continue;
		}
		addr->addr[i / 8] &= (__u8) ~(0x80u >> i % 8);
		addr->addr[i / 8] |= byte & 0x80u >> i % 8;
		i++;
	}
}

static struct prefix last_of(const struct prefix *prefix)
{
	struct prefix last = *prefix;

	fill_bits(&last, prefix->length, 0xff);
	last.length = (__u8)ADDR_BITS(prefix->family);
	return last;
}

/* The address behind this one; false behind the very last. */
static bool increment(struct prefix *addr)
{
	for (unsigned int i = ADDR_BITS(addr->family) / 8; i--;)
		if (++addr->addr[i])
			return true;
	return false;
}

/* The widest prefix that begins at `from` and does not reach past `to`. */
static struct prefix widest(const struct prefix *from, const struct prefix *to)
{
	struct prefix prefix = *from, wider, last;

	while (prefix.length) {
		wider = prefix;
		wider.length--;
		if (wider.addr[wider.length / 8] & 0x80u >> wider.length % 8)
			break;
		last = last_of(&wider);
		if (memcmp(last.addr, to->addr, sizeof(to->addr)) > 0)
			break;
		prefix = wider;
	}
	return prefix;
}

static int add_range(struct reader *reader, const struct prefix *from, const struct prefix *to)
{
	struct prefix at = *from;
	int err;

	for (;;) {
		struct prefix prefix = widest(&at, to);

		err = add(reader, &prefix);
		if (err)
			return err;
		at = last_of(&prefix);
		if (memcmp(at.addr, to->addr, sizeof(at.addr)) == 0 || !increment(&at))
			return 0;
	}
}

/* ---- lines --------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static const char *trim_end(const char *at, const char *end)
{
	while (end > at && is_blank(end[-1]))
		end--;
	return end;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

static int read_range(struct reader *reader, const char *at, const char *dash, const char *end)
{
	const char *second = skip_blanks(dash + 1, end);
	struct prefix from, to;
	int err = read_prefix(reader, at, trim_end(at, dash), &from);

	if (err)
		return err;
	if (!prefix_is_address(&from))
		return fail(reader, at, "a range is from an address, not from a prefix");
	err = read_prefix(reader, second, end, &to);
	if (err)
		return err;
	if (!prefix_is_address(&to))
		return fail(reader, second, "a range is to an address, not to a prefix");
	if (from.family != to.family)
		return fail(reader, second, "a range has both ends in IPv4 or both in IPv6");
	if (memcmp(from.addr, to.addr, sizeof(from.addr)) > 0)
		return fail(reader, second, "the range ends before it begins");
	return add_range(reader, &from, &to);
}

/* Without its comment; up to the end of the line. */
static const char *find_end(const struct reader *reader, const char *line_end)
{
	const char *end = reader->at;

	while (end < line_end && *end != '#' && *end != ';')
		end++;
	return trim_end(reader->at, end);
}

/* "none" among prefixes was written by somebody who meant something else. */
static int check_none(const struct reader *reader)
{
	if (!reader->is_none || !reader->count)
		return 0;
	return fail(reader, reader->line_start, "'" SETS_NONE "' stands alone, without prefixes");
}

static int read_line(struct reader *reader, const char *line_end)
{
	const char *end, *at, *dash;
	struct prefix prefix;
	int err;

	if (read_ipv4(reader->at, line_end, &prefix))
		return add(reader, &prefix);
	end = find_end(reader, line_end);
	at = skip_blanks(reader->at, end);
	if (at == end)
		return 0;
	if (end - at == sizeof(SETS_NONE) - 1 && memcmp(at, SETS_NONE, end - at) == 0) {
		reader->is_none = true;
		return 0;
	}
	dash = memchr(at, '-', (size_t)(end - at));
	if (dash)
		return read_range(reader, at, dash, end);
	err = read_prefix(reader, at, end, &prefix);
	return err ?: add(reader, &prefix);
}

/*
 * Many lists end without a newline, and so does a file that was cut off while it was written.
 * What is cut off an address leaves another address, but what is cut off a length makes it
 * wider; host bits give that away, except where a digit may be missing behind so short a length.
 */
static int check_last_line(const struct reader *reader)
{
	size_t length = (size_t)(reader->end - reader->line_start);
	const struct prefix *last;

	if (!reader->count || !memchr(reader->line_start, '/', length))
		return 0;
	last = &reader->prefixes[reader->count - 1];
	if (!last->length || last->length > (last->family == 4 ? 3 : 12))
		return 0;
	return fail(reader, reader->line_start,
		    "the file may have been cut off behind /%u: end "
		    "the last line with a newline",
		    last->length);
}

static int read_lines(struct reader *reader)
{
	while (reader->at < reader->end) {
		const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
		const char *line_end = newline ?: reader->end;
		int err;

		reader->line++;
		reader->line_start = reader->at;
		err = read_line(reader, line_end) ?: check_none(reader);
		if (err == 0 && !newline)
			err = check_last_line(reader);
		if (err)
			return err;
		reader->at = line_end + (line_end < reader->end);
	}
	return sets_sort(reader->prefixes, &reader->count);
}

void sets_members_clear(struct sets_members *members)
{
	free(members->prefixes);
	*members = (struct sets_members){ 0 };
}

static void reader_clear(struct reader *reader)
{
	free(reader->prefixes);
}

int sets_parse(const char *text, size_t length, struct sets_members *ret, struct error *ret_error)
{
	_cleanup_(reader_clear) struct reader reader = {
		.at = text,
		.end = text + length,
		.line_start = text,
		.error = ret_error,
	};
	int err = read_lines(&reader);

	if (err)
		return err;
	*ret = (struct sets_members){
		.prefixes = reader.count ? TAKE_PTR(reader.prefixes) : NULL,
		.count = reader.count,
		.is_none = reader.is_none,
	};
	return 0;
}
