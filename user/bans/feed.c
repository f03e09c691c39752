/* SPDX-License-Identifier: GPL-2.0-only */
/* feed.c: see feed.h. */
#include "bans/feed.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "base/cleanup.h"
#include "config/config.h"

void feed_line_clear(struct feed_line *line)
{
	free(line->prefixes);
	free(line->comment);
	*line = (struct feed_line){};
}

/* What is sent must not steer the terminal that shows the message. */
static const char *printable(const char *text, char ret[static 80])
{
	snprintf(ret, 80, "%s", text);
	for (char *at = ret; *at; at++)
		if (!isprint((unsigned char)*at))
			*at = '?';
	return ret;
}
#define PRINTABLE(text) printable(text, (char[80]){ 0 })

static int check_width(const struct prefix *prefix, struct error *error)
{
	char text[PREFIX_STRLEN];

	if (prefix->length >= (prefix->family == 4 ? FEED_SHORTEST4 : FEED_SHORTEST6))
		return 0;
	return error_set(error, -EINVAL,
			 "'%s' is more than a list should ban: write it into the "
			 "configuration if it is meant",
			 prefix_format(prefix, text));
}

/* ---- words --------------------------------------------------------------------------------- */

static bool begins_with(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && (line[length] == ' ' || line[length] == '\t');
}

static int take_statement(const struct statement *statement, struct feed_line *line,
			  struct error *error)
{
	line->prefixes = calloc(statement->sources_count + 1, sizeof(*line->prefixes));
	if (!line->prefixes ||
	    (statement->comment && !(line->comment = strdup(statement->comment))))
		return -ENOMEM;
	line->until = statement->until;
	for (size_t i = 0; i < statement->sources_count; i++) {
		const struct source *source = &statement->sources[i];

		if (source->set)
			return error_set(error, -EINVAL, "'%s' is no address and no prefix",
					 PRINTABLE(source->set));
		if (check_width(&source->prefix, error) < 0)
			return -EINVAL;
		line->prefixes[line->count++] = source->prefix;
	}
	return 0;
}

static int parse_words(const char *text, enum feed_action plain, time_t now, struct feed_line *line,
		       struct error *error)
{
	_cleanup_(config_clear_statement) struct statement statement = {};
	_cleanup_free_ char *ban = NULL;
	int err;

	line->action = begins_with(text, "ban")     ? FEED_BAN
		       : begins_with(text, "unban") ? FEED_UNBAN
						    : plain;
	if (begins_with(text, "ban") || begins_with(text, "unban"))
		text += strcspn(text, " \t");
	if (asprintf(&ban, "ban %s", text) < 0)
		return -ENOMEM;
	err = config_parse_statement(ban, now, &statement, error);
	if (err < 0)
		return err;
	/* One that is past bans nobody. */
	if (statement.until && statement.until <= now)
		line->action = FEED_NOTHING;
	return take_statement(&statement, line, error);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static double seconds_of(const char *unit, size_t length)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = { { "h", 3600 },  { "m", 60 },           { "s", 1 },     { "ms", 1e-3 },
		      { "us", 1e-6 }, { "\xc2\xb5s", 1e-6 }, { "ns", 1e-9 }, { "d", 86400 } };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i].name) == length && memcmp(units[i].name, unit, length) == 0)
			return units[i].seconds;
	return 0;
}

int feed_parse_duration(const char *text, double *ret)
{
	bool is_negative = *text == '-';
	double sum = 0;

	text += is_negative || *text == '+';
	if (!*text)
		return -EINVAL;
	while (*text) {
		char *unit;
		double number = isdigit((unsigned char)*text) ? strtod(text, &unit) : -1, seconds;
		size_t length;

		if (number < 0 || !isfinite(number))
			return -EINVAL;
		length = strcspn(unit, "0123456789.+-");
		seconds = seconds_of(unit, length);
		if (seconds == 0 && !(number == 0 && !*unit))
			return -EINVAL;
		sum += number * seconds;
		text = unit + length;
	}
	if (sum > 1e10)
		return -EINVAL;
	*ret = is_negative ? -sum : ceil(sum);
	return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; text && *words; words++)
		if (strcasecmp(text, *words) == 0)
			return true;
	return false;
}

static int take_duration(const json_t *object, time_t now, struct feed_line *line,
			 struct error *error)
{
	const char *duration = text_of(object, "duration");
	double seconds;

	if (!duration || line->action != FEED_BAN)
		return 0;
	if (feed_parse_duration(duration, &seconds) < 0)
		return error_set(error, -EINVAL, "\"duration\": '%s' is no duration like 3h59m10s",
				 PRINTABLE(duration));
	line->until = now + (time_t)seconds;
	if (seconds <= 0)
		line->action = FEED_NOTHING;
	return 0;
}

static int take_object(const json_t *object, time_t now, struct feed_line *line,
		       struct error *error)
{
	static const char *const bans[] = { "add", "ban", NULL };
	static const char *const unbans[] = { "del", "delete", "remove", "unban", NULL };
	static const char *const scopes[] = { "ip", "range", NULL };
	const char *action = text_of(object, "action"), *value = text_of(object, "value");
	const char *scope = text_of(object, "scope"), *type = text_of(object, "type");

	/* Of countries, or with a question to a human. */
	if ((scope && !is_one_of(scope, scopes)) || (type && strcasecmp(type, "ban") != 0))
		return 0;
	if (!is_one_of(action, bans) && !is_one_of(action, unbans))
		return error_set(error, -EINVAL, "\"action\": '%s' is neither \"add\" nor \"del\"",
				 action ? PRINTABLE(action) : "");
	line->action = is_one_of(action, bans) ? FEED_BAN : FEED_UNBAN;
	line->prefixes = calloc(1, sizeof(*line->prefixes));
	if (!line->prefixes)
		return -ENOMEM;
	if (!value || prefix_parse_network(value, line->prefixes) < 0)
		return error_set(error, -EINVAL, "\"value\": '%s' is no address and no prefix",
				 value ? PRINTABLE(value) : "");
	line->count = 1;
	return check_width(line->prefixes, error) ?: take_duration(object, now, line, error);
}

static int parse_json(const char *text, time_t now, struct feed_line *line, struct error *error)
{
	json_error_t at;
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &at);
	int err;

	if (!json_is_object(object))
		err = error_set(error, -EINVAL, "no JSON object: column %d: %s", at.column,
				PRINTABLE(at.text));
	else
		err = take_object(object, now, line, error);
	json_decref(object);
	return err;
}

/* -------------------------------------------------------------------------------------------- */

int feed_parse(const char *text, enum feed_action plain, time_t now, struct feed_line *ret,
	       struct error *ret_error)
{
	struct feed_line line = {};
	int err = 0;

	text += strspn(text, " \t\r");
	if (*text == '{')
		err = parse_json(text, now, &line, ret_error);
	else if (*text && *text != '#' && *text != ';')
		err = parse_words(text, plain, now, &line, ret_error);
	if (err < 0)
		feed_line_clear(&line);
	else
		*ret = line;
	return err;
}
