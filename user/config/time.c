// SPDX-License-Identifier: GPL-2.0-only
/*
 * time.c: "2026-12-01T00:00Z" and "2h" to seconds since the epoch and back.
 *
 * Done by hand: the C library's calendar reads the zone file and accepts the 31st of
 * February.  Times are UTC when printed; a zone must be given, because a firewall rule that
 * ends an hour late is a hole.
 */
#include <errno.h>
#include <stdio.h>

#include "config/parse.h"
#include "base/cleanup.h"

#define TIME_FIRST 946684800LL    /* 2000-01-01T00:00:00Z; 0 is "for ever" */
#define TIME_LAST  253402300799LL /* 9999-12-31T23:59:59Z */

#define HINT_UNTIL "write it as 2026-12-01T00:00Z"
#define HINT_FOR   "write it as 90s, 30m, 2h or 7d"

struct civil {
	int year, month, day, hour, minute, second;
	int offset; /* minutes east of UTC */
};

/* Days since the epoch of a day in the Gregorian calendar; March is the first month, so that
 * the leap day is the last of its year. */
static long long days_from_civil(const struct civil *civil)
{
	int shifted = (civil->month + 9) % 12;
	long long year = civil->year - (civil->month < 3);
	long long day = (153 * shifted + 2) / 5 + civil->day - 1;

	return year * 365 + year / 4 - year / 100 + year / 400 + day - 719468;
}

static void civil_from_days(long long days, struct civil *ret)
{
	long long since = days + 719468; /* 0000-03-01 */
	long long era = since / 146097, day = since % 146097;
	long long year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	long long month;

	day -= year * 365 + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	ret->day = day - (153 * month + 2) / 5 + 1;
	ret->month = month < 10 ? month + 3 : month - 9;
	ret->year = era * 400 + year + (ret->month < 3);
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

/* Exactly `digits` digits, then `separator` unless it is 0. */
static bool read_field(const char **at, int digits, char separator, int *ret)
{
	const char *c = *at;

	for (*ret = 0; digits > 0; digits--, c++) {
		if (*c < '0' || *c > '9')
			return false;
		*ret = *ret * 10 + (*c - '0');
	}
	if (separator && *c++ != separator)
		return false;
	*at = c;
	return true;
}

static bool read_zone(const char *at, int *ret_offset)
{
	int hours, minutes;
	char sign = *at++;

	*ret_offset = 0;
	if (sign == 'Z' || sign == 'z')
		return *at == 0;
	if ((sign != '+' && sign != '-') || !read_field(&at, 2, ':', &hours) ||
	    !read_field(&at, 2, 0, &minutes) || *at || hours > 23 || minutes > 59)
		return false;
	*ret_offset = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
	return true;
}

static bool read_civil(const char *at, struct civil *ret)
{
	if (!read_field(&at, 4, '-', &ret->year) || !read_field(&at, 2, '-', &ret->month) ||
	    !read_field(&at, 2, 0, &ret->day) || (*at != 'T' && *at != 't'))
		return false;
	at++;
	if (!read_field(&at, 2, ':', &ret->hour) || !read_field(&at, 2, 0, &ret->minute))
		return false;
	if (*at == ':') {
		at++;
		if (!read_field(&at, 2, 0, &ret->second))
			return false;
	}
	return read_zone(at, &ret->offset);
}

static bool is_on_calendar(const struct civil *civil)
{
	return civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
	       civil->day <= month_days(civil->year, civil->month) && civil->hour <= 23 &&
	       civil->minute <= 59 && civil->second <= 59;
}

int time_parse_until(struct parser *parser, time_t *ret)
{
	struct token token = parser->lex.token;
	_cleanup_free_ char *text = NULL;
	struct civil civil = { 0 };
	long long time;

	text = lex_dup(&token);
	if (!text)
		return -ENOMEM;
	if (!read_civil(text, &civil))
		return lex_fail(&parser->lex, &token, "%s: no time with its zone, " HINT_UNTIL,
				QUOTE(&token));
	if (!is_on_calendar(&civil))
		return lex_fail(&parser->lex, &token, "%s: no such day or hour, " HINT_UNTIL,
				QUOTE(&token));
	time = days_from_civil(&civil) * 86400 + civil.hour * 3600 + civil.minute * 60 +
	       civil.second - civil.offset * 60;
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
	struct civil civil;
	int second = time % 86400;

	civil_from_days(time / 86400, &civil);
	if (second % 60)
		snprintf(buf, TIME_STRLEN, "%04d-%02d-%02dT%02d:%02d:%02dZ", civil.year,
			 civil.month, civil.day, second / 3600, second / 60 % 60, second % 60);
	else
		snprintf(buf, TIME_STRLEN, "%04d-%02d-%02dT%02d:%02dZ", civil.year, civil.month,
			 civil.day, second / 3600, second / 60 % 60);
	return buf;
}
