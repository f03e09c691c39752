/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_log.c: what was written down: who changed the policy and how, and what was dropped. */
#include "cli/cmd.h"
#include "cli/cmd_json.h"

#include <ctype.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "journal/read.h"

static const char *find(const struct export_entry *entry, const char *name)
{
	return export_find(entry, name) ?: "";
}

/* ---- for people ------------------------------------------------------------------------- */

/* What somebody typed must do nothing to the terminal.  A value of several lines: each with the
 * mark in front. */
static void put_lines(const char *mark, const char *value)
{
	if (*value)
		fputs(mark, stdout);
	for (; *value; value++) {
		putchar(iscntrl((unsigned char)*value) ? *value == '\n' ? '\n' : '?' : *value);
		if (*value == '\n')
			fputs(mark, stdout);
	}
}

static void put_field(const char *mark, const char *value)
{
	put_lines(mark, value);
	if (*value)
		putchar('\n');
}

static void print_text(const struct export_entry *entry)
{
	const char *before = find(entry, "TIDEGATE_DIGEST_BEFORE");
	const char *after = find(entry, "TIDEGATE_DIGEST_AFTER");
	time_t seconds = entry->time_us / 1000000;
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s  %s  ", when, find(entry, "TIDEGATE_EVENT"));
	put_field("", find(entry, "MESSAGE"));
	put_field("    - ", find(entry, "TIDEGATE_REMOVED"));
	put_field("    + ", find(entry, "TIDEGATE_ADDED"));
	if (!streq(before, after))
		printf("    policy %.8s → %.8s\n", *before ? before : "none",
		       *after ? after : "none");
}

/* ---- --json ----------------------------------------------------------------------------- */

static json_t *text_json(const char *value)
{
	return json_string(value) ?: json_string("(not UTF-8)");
}

/* TIDEGATE_DIGEST_BEFORE becomes digest_before, SRC src. */
static void add_field(json_t *object, const struct export_field *field)
{
	static const char prefix[] = "TIDEGATE_";
	static const char *const others[] = { "MESSAGE", "SRC",   "SPT",       "DST",
					      "DPT",     "PROTO", "CONTAINER", "IN" };
	bool is_ours = strncmp(field->name, prefix, strlen(prefix)) == 0, is_shown = is_ours;
	char key[64];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		is_shown |= streq(field->name, others[i]);
	if (!is_shown)
		return;
	snprintf(key, sizeof(key), "%s", field->name + (is_ours ? strlen(prefix) : 0));
	for (char *c = key; *c; c++)
		*c = tolower((unsigned char)*c);
	json_object_set_new(object, key, text_json(field->value));
}

static json_t *lines_json(const char *value)
{
	json_t *lines = json_array();

	for (; *value; value += strcspn(value, "\n"), value += *value == '\n') {
		_cleanup_free_ char *line = strndup(value, strcspn(value, "\n"));

		if (line)
			json_array_append_new(lines, text_json(line));
	}
	return lines;
}

static json_t *entry_json(const struct export_entry *entry)
{
	json_t *object = json_object();
	time_t seconds = entry->time_us / 1000000;
	char when[40] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	for (size_t i = 0; i < entry->count; i++)
		add_field(object, &entry->fields[i]);
	json_object_set_new(object, "time", json_string(when));
	if (streq(find(entry, "TIDEGATE_EVENT"), "change")) {
		json_object_set_new(object, "added", lines_json(find(entry, "TIDEGATE_ADDED")));
		json_object_set_new(object, "removed", lines_json(find(entry, "TIDEGATE_REMOVED")));
	}
	return object;
}

static void print_json(const struct journal_entries *entries)
{
	json_t *array = json_array();

	for (size_t i = 0; i < entries->count; i++)
		json_array_append_new(array, entry_json(&entries->of[i]));
	cmd_json_add("schema", json_integer(1));
	cmd_json_add("entries", array);
}

/* ---- the verb --------------------------------------------------------------------------- */

/* "90", "90s", "30m", "12h", "7d"; 0 = none of these. */
static unsigned long long parse_seconds(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	unsigned long long unit = streq(end, "") || streq(end, "s") ? 1
				  : streq(end, "m")                 ? 60
				  : streq(end, "h")                 ? 3600
				  : streq(end, "d")                 ? 86400
								    : 0;

	return end == text || !isdigit((unsigned char)*text) || value > 10000000 ? 0 : value * unit;
}

static int parse(const struct options *options, int argc, char **argv, struct journal_query *ret)
{
	unsigned long long now = clock_s(CLOCK_REALTIME), seconds;

	if (argc == 2 && streq(argv[1], "changes"))
		ret->event = "change";
	else if (argc == 2 && streq(argv[1], "drops"))
		ret->event = "drop";
	else if (argc > 1)
		return cmd_usage(argv[0], "'%s': use changes or drops, or nothing for both",
				 argv[1]);
	if (!options->since)
		return CMD_DONE;
	seconds = parse_seconds(options->since);
	if (!seconds || seconds > now)
		return cmd_usage(argv[0], "--since takes how long ago: 30m, 12h, 7d");
	ret->since_us = (now - seconds) * 1000000;
	return CMD_DONE;
}

int cmd_log(const struct options *options, int argc, char **argv)
{
	struct journal_query query = {};
	struct journal_entries entries = {};
	struct error error = {};
	int err;

	if (parse(options, argc, argv, &query) != CMD_DONE)
		return CMD_USAGE;
	err = journal_read(&query, &entries, &error);
	if (err < 0)
		return log_failure(err, &error), CMD_FAILED;
	if (options->json)
		print_json(&entries);
	for (size_t i = 0; !options->json && i < entries.count; i++)
		print_text(&entries.of[i]);
	journal_entries_clear(&entries);
	return CMD_DONE;
}
