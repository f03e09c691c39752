// SPDX-License-Identifier: GPL-2.0-only
/*
 * time.c: "2026-12-01T00:00Z" and "2h" to seconds since the epoch and back.
 *
 * Times are UTC when printed; a zone must be given, because a firewall rule that ends an hour late
 * is a hole.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "config/parse.h"
#include "base/cleanup.h"

#define TIME_FIRST 946684800LL    /* 2000-01-01T00:00:00Z; 0 is "for ever" */
#define TIME_LAST  253402300799LL /* 9999-12-31T23:59:59Z */

#define HINT_UNTIL "write it as 2026-12-01T00:00Z"
#define HINT_FOR   "write it as 90s, 30m, 2h or 7d"

/* Moves behind what has that shape, in which a 0 stands for any digit. */
static bool skip(const char **at, const char *shape)
{
	const char *c = *at;

	for (; *shape; shape++, c++)
		if (*shape == '0' ? !isdigit((unsigned char)*c) : toupper(*c) != *shape)
			return false;
	*at = c;
	return true;
}

/* Seconds east of UTC. */
static bool read_zone(const char *zone, int *ret_offset)
{
	const char *at = zone;
	int hours = 0, minutes = 0;

	if (!skip(&at, "Z") && !skip(&at, "+00:00") && !skip(&at, "-00:00"))
		return false;
	(void)sscanf(zone + 1, "%d:%d", &hours, &minutes);
	*ret_offset = (hours * 3600 + minutes * 60) * (*zone == '-' ? -1 : 1);
	return !*at && hours <= 23 && minutes <= 59;
}

/* strptime() reads less strictly, and does not tell a wrong shape from a wrong day. */
static bool read_civil(const char *text, struct tm *ret, int *ret_offset)
{
	const char *at = text;

	if (!skip(&at, "0000-00-00T00:00"))
		return false;
	(void)skip(&at, ":00");
	*ret = (struct tm){ 0 };
	(void)sscanf(text, "%d-%d-%d%*c%d:%d:%d", &ret->tm_year, &ret->tm_mon, &ret->tm_mday,
		     &ret->tm_hour, &ret->tm_min, &ret->tm_sec);
	ret->tm_year -= 1900;
	ret->tm_mon -= 1;
	return read_zone(at, ret_offset);
}

/* The 31st of February would become the 3rd of March. */
static bool is_on_calendar(const struct tm *civil, time_t *ret)
{
	struct tm normal = *civil;

	*ret = timegm(&normal);
	return normal.tm_mon == civil->tm_mon && normal.tm_mday == civil->tm_mday &&
	       normal.tm_hour == civil->tm_hour && normal.tm_min == civil->tm_min &&
	       normal.tm_sec == civil->tm_sec;
}

int time_parse_until(struct parser *parser, time_t *ret)
{
	struct token token = parser->lex.token;
	_cleanup_free_ char *text = NULL;
	struct tm civil;
	time_t time;
	int offset;

	text = lex_dup(&token);
	if (!text)
		return -ENOMEM;
	if (!read_civil(text, &civil, &offset))
		return lex_fail(&parser->lex, &token, "%s: no time with its zone, " HINT_UNTIL,
				QUOTE(&token));
	if (!is_on_calendar(&civil, &time))
		return lex_fail(&parser->lex, &token, "%s: no such day or hour, " HINT_UNTIL,
				QUOTE(&token));
	time -= offset;
	if (time < TIME_FIRST || time > TIME_LAST)
		return lex_fail(&parser->lex, &token, "%s: the year must be 2000 to 9999",
				QUOTE(&token));
	lex_advance(&parser->lex);
	*ret = time;
	return 0;
}

static int unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	default:
		return 0;
	}
}

/* "2h" or "1h30m"; 0 if it is neither.  Stops growing where no time is left. */
static long long read_duration(const char *at)
{
	long long total = 0;

	while (*at) {
		long long number = 0;
		const char *first = at;

		for (; *at >= '0' && *at <= '9'; at++)
			number = number > TIME_LAST ? number : number * 10 + (*at - '0');
		if (at == first || !unit_seconds(*at))
			return 0;
		if (number > TIME_LAST / unit_seconds(*at))
			number = TIME_LAST / unit_seconds(*at);
		total += number * unit_seconds(*at++);
		if (total > TIME_LAST)
			total = TIME_LAST;
	}
	return total;
}

int time_parse_for(struct parser *parser, time_t *ret)
{
	struct token token = parser->lex.token;
	_cleanup_free_ char *text = NULL;
	char until[TIME_STRLEN];
	long long duration;

	text = lex_dup(&token);
	if (!text)
		return -ENOMEM;
	duration = read_duration(text);
	if (duration == 0)
		return lex_fail(&parser->lex, &token, "%s: no duration, " HINT_FOR, QUOTE(&token));
	if (parser->now > TIME_LAST - duration || parser->now + duration < TIME_FIRST)
		return lex_fail(&parser->lex, &token,
				"%s: too long, leave it out for a rule "
				"without an end",
				QUOTE(&token));
	/* Counted anew at every reading of the file, the rule would never end. */
	if (parser->is_file)
		return lex_fail(&parser->lex, &token,
				"'for %s' counts from when it is typed, in "
				"the file write 'until %s'",
				text, time_format(parser->now + duration, until));
	lex_advance(&parser->lex);
	*ret = parser->now + duration;
	return 0;
}

const char *time_format(time_t time, char buf[static TIME_STRLEN])
{
	struct tm civil = { 0 };

	(void)gmtime_r(&time, &civil);
	(void)strftime(buf, TIME_STRLEN, civil.tm_sec ? "%FT%TZ" : "%FT%RZ", &civil);
	return buf;
}
