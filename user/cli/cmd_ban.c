/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_ban.c: ban, unban and bans: one, a list on standard input, or a feed that never ends.  What
 * is read is applied in batches, because a policy is compiled for each.
 */
#include "cli/cmd.h"
#include "cli/cmd_json.h"

#include <errno.h>
#include <poll.h>

#include "bans/bans.h"
#include "bans/feed.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "config/config.h"
#include "engine/reconcile.h"

/* ---- one ----------------------------------------------------------------------------------- */

static bool names_set(const struct statement *statement)
{
	for (size_t i = 0; i < statement->sources_count; i++)
		if (statement->sources[i].set)
			return true;
	return false;
}

static int too_many(int err)
{
	return err == -E2BIG ? log_error(0, "nothing was changed: there are as many bans as there "
					    "can be"),
	       err           : err;
}

/* A set is the configuration's, and so is a ban of it. */
static int ban(struct edit *edit)
{
	const struct statement *statement = &edit->added;
	int changed = 0, err = cmd_parse_statement(edit->argc, edit->argv, &edit->added);

	if (err < 0)
		return err;
	if (names_set(statement) || !statement->sources_count)
		return cmd_add_statement(edit);
	for (size_t i = 0; i < statement->sources_count && err >= 0; i++) {
		err = bans_add(edit->bans, &statement->sources[i].prefix, statement->comment ?: "",
			       statement->until);
		changed += err > 0;
	}
	if (err < 0)
		return too_many(err);
	if (!changed)
		log_info("the ban exists already");
	return 0;
}

/* Of the configuration as well: somebody wrote it there by hand. */
static int unban_statement(struct edit *edit, const struct statement *statement)
{
	int lifted = 0, err;

	for (size_t i = 0; i < statement->sources_count; i++) {
		if (statement->sources[i].set)
			continue;
		err = bans_lift(edit->bans, &statement->sources[i].prefix, statement->comment);
		if (err < 0)
			return err;
		lifted += err;
	}
	err = config_delete(edit->old_text, statement, &edit->new_text);
	/* Where the text has an error, nobody knows what else it bans. */
	if ((err == -ENOENT || err == -EINVAL) && lifted)
		return 0;
	if (err == -ENOENT)
		log_error(0,
			  "no ban names '%s'%s%s%s (`tidegate bans` and `tidegate list` show them)",
			  edit->argv[1], statement->comment ? " with the comment '" : "",
			  statement->comment ?: "", statement->comment ? "'" : "");
	return err;
}

/* argv[0] is "unban". */
static int unban(struct edit *edit)
{
	_cleanup_(config_clear_statement) struct statement statement = {};
	int err;

	edit->argv[0] = "ban";
	err = cmd_parse_statement(edit->argc, edit->argv, &statement);
	return err < 0 ? err : unban_statement(edit, &statement);
}

static int unban_all(struct edit *edit)
{
	int lifted = bans_lift_all(edit->bans, edit->arg);

	if (lifted > 0)
		log_info("%d ban%s lifted", lifted, lifted == 1 ? "" : "s");
	if (lifted == 0)
		log_info("there was none with the comment '%s'", (const char *)edit->arg);
	return lifted < 0 ? lifted : 0;
}

static int edit_bans(const struct options *options, int argc, char **argv,
		     int (*change)(struct edit *edit), const void *arg)
{
	_cleanup_(cmd_edit_clear) struct edit edit = {
		.change = change, .arg = (void *)arg, .argc = argc, .argv = argv, .has_bans = true
	};

	return cmd_edit(options, &edit) < 0 ? CMD_FAILED : CMD_DONE;
}

/* ---- lines --------------------------------------------------------------------------------- */

#define BATCH_LINES 10000
#define BATCH_MS    200

/* After a batch that failed. */
#define PAUSE_S 1

/* Of lines that are none, so many are told a second. */
#define TOLD_MAX 5

struct feed {
	const char *owner; /* NULL: each line's comment */
	enum feed_action plain;
	bool is_endless; /* what fails is tried again, and nobody waits for the exit status */
	struct buffer input;
	struct bans *bans; /* as they are in the file; NULL = to be read */
	bool is_too_long;  /* the line that is being read was told, and is none */
	bool has_ended;
	bool is_not_up;          /* that nothing enforces was said */
	unsigned long long line; /* number of the last one that was taken */
	struct feed_line *lines; /* of this batch */
	size_t count;
	unsigned long long wrong, told;
	int64_t told_since_ms;
};

static void feed_drop_lines(struct feed *feed)
{
	for (size_t i = 0; i < feed->count; i++)
		feed_line_clear(&feed->lines[i]);
	free(feed->lines);
	feed->lines = NULL;
	feed->count = 0;
}

static void feed_clear(struct feed *feed)
{
	feed_drop_lines(feed);
	buffer_clear(&feed->input);
	bans_free(feed->bans);
}

/* A feed that sends nothing but rubbish must not fill the journal. */
static void tell(struct feed *feed, const struct error *error)
{
	int64_t now_ms = clock_ns(CLOCK_MONOTONIC) / 1000000;

	feed->wrong++;
	if (now_ms - feed->told_since_ms >= 1000) {
		if (feed->told > TOLD_MAX)
			log_warning("%llu more lines were left out", feed->told - TOLD_MAX);
		feed->told_since_ms = now_ms;
		feed->told = 0;
	}
	if (feed->told++ < TOLD_MAX)
		log_error(0, "line %llu was left out: %s", feed->line, error->text);
}

static void tell_too_long(struct feed *feed)
{
	const struct error error = { .text = "it is too long" };

	if (!feed->is_too_long)
		tell(feed, &error);
	feed->is_too_long = true;
}

static int take_line(struct feed *feed, const char *text, size_t length)
{
	struct feed_line parsed = {}, *line;
	struct error error = {};
	int err;

	feed->line++;
	if (length > FEED_LINE_MAX)
		tell_too_long(feed);
	/* What is behind its first part is no line by itself. */
	if (feed->is_too_long) {
		feed->is_too_long = false;
		return 0;
	}
	err = feed_parse(text, feed->plain, clock_s(CLOCK_REALTIME), &parsed, &error);
	if (err == -EINVAL)
		tell(feed, &error);
	if (err < 0 || parsed.action == FEED_NOTHING) {
		feed_line_clear(&parsed);
		return err == -ENOMEM ? err : 0;
	}
	line = util_append(&feed->lines, feed->count, sizeof(*line));
	if (!line)
		return feed_line_clear(&parsed), -ENOMEM;
	*line = parsed;
	feed->count++;
	return 0;
}

/* The lines that are whole; a last one without an end is one as well, unless it was cut off. */
static int take_lines(struct feed *feed)
{
	struct buffer *input = &feed->input;
	size_t at = 0;
	int err = 0;

	while (err == 0 && at < input->size && feed->count < BATCH_LINES) {
		char *end = memchr(input->bytes + at, '\n', input->size - at);

		if (!end)
			break;
		*end = '\0';
		err = take_line(feed, input->bytes + at, end - (input->bytes + at));
		at = end + 1 - input->bytes;
	}
	buffer_consume(input, at);
	if (err == 0 && !memchr(input->bytes ?: "", '\n', input->size) &&
	    input->size > FEED_LINE_MAX) {
		tell_too_long(feed);
		buffer_consume(input, input->size);
	}
	return err;
}

static int read_more(struct feed *feed, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t size;

	if (poll(&poll_fd, 1, timeout_ms) <= 0)
		return 0;
	if (buffer_reserve(&feed->input, 65536) < 0)
		return -ENOMEM;
	size = read(STDIN_FILENO, feed->input.bytes + feed->input.size, 65536);
	if (size < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	feed->input.size += size;
	if (size)
		return 0;
	feed->has_ended = true;
	return feed->input.size && !feed->is_endless ? buffer_append(&feed->input, "\n", 1) : 0;
}

/* Waits for the first line as long as it takes, for the others for BATCH_MS. */
static int collect(struct feed *feed)
{
	int64_t until_ms = 0;
	int err = take_lines(feed);

	while (err == 0 && feed->count < BATCH_LINES && !feed->has_ended) {
		int64_t now_ms = clock_ns(CLOCK_MONOTONIC) / 1000000;

		if (feed->count && !until_ms)
			until_ms = now_ms + BATCH_MS;
		if (until_ms && now_ms >= until_ms)
			break;
		err = read_more(feed, until_ms ? (int)(until_ms - now_ms) : -1);
		if (err == 0)
			err = take_lines(feed);
	}
	return err;
}

static int apply_line(const struct feed *feed, const struct feed_line *line, struct bans *bans)
{
	const char *owner = feed->owner ?: line->comment ?: "";
	time_t until = bans_round(clock_s(CLOCK_REALTIME), line->until);
	int err = 0;

	for (size_t i = 0; i < line->count && err >= 0; i++)
		err = line->action == FEED_BAN
			      ? bans_add(bans, &line->prefixes[i], owner, until)
			      : bans_lift(bans, &line->prefixes[i],
					  feed->owner ? feed->owner : line->comment);
	return err < 0 ? err : 0;
}

static int apply_lines(struct edit *edit)
{
	const struct feed *feed = edit->arg;
	int err = 0;

	for (size_t i = 0; i < feed->count && err == 0; i++)
		err = apply_line(feed, &feed->lines[i], edit->bans);
	return too_many(err);
}

static bool spare_client(struct edit *edit, const struct lockout *lockout)
{
	const struct prefix *client = &lockout->ssh.client;
	struct feed *feed = edit->arg;
	char text[PREFIX_STRLEN];
	bool is_spared = false;

	for (size_t i = 0; i < feed->count; i++)
		for (size_t j = 0; j < feed->lines[i].count; j++) {
			const struct feed_line *line = &feed->lines[i];

			if (line->action != FEED_BAN ||
			    !prefix_contains(&line->prefixes[j], client))
				continue;
			is_spared |= bans_lift(edit->bans, &line->prefixes[j],
					       feed->owner ?: line->comment ?: "") > 0;
		}
	if (is_spared)
		log_warning("%s is logged in by SSH, and is not banned (--force bans it)",
			    prefix_format(client, text));
	return is_spared;
}

static int apply(const struct options *options, struct feed *feed)
{
	const struct timespec pause = { .tv_sec = PAUSE_S };
	int err;

	do {
		_cleanup_(cmd_edit_clear) struct edit edit = {
			.change = apply_lines,
			.spare = spare_client,
			.arg = feed,
			.has_bans = true,
			.is_feed = feed->is_endless,
		};

		edit.bans = TAKE_PTR(feed->bans);
		err = feed->count ? cmd_edit(options, &edit) : 0;
		/* What failed has changed them here, and not in the file. */
		if (err == 0)
			feed->bans = TAKE_PTR(edit.bans);
		if (edit.is_not_up && !feed->is_not_up && feed->is_endless)
			log_warning(
				"the filter is not up: bans are saved, and `tidegate up` enforces "
				"them");
		feed->is_not_up = edit.is_not_up;
		if (err == -E2BIG)
			log_error(0, "%zu lines up to line %llu were left out", feed->count,
				  feed->line);
		if (err < 0 && feed->is_endless && err != -E2BIG)
			nanosleep(&pause, NULL);
	} while (err < 0 && feed->is_endless && err != -E2BIG);
	feed_drop_lines(feed);
	return feed->is_endless ? 0 : err;
}

static int read_feed(const struct options *options, struct feed *feed)
{
	int err = 0;

	while (err == 0 && !(feed->has_ended && !feed->input.size)) {
		err = collect(feed);
		if (err < 0)
			log_error(err, "cannot read standard input");
		if (err == 0)
			err = apply(options, feed);
		if (feed->has_ended && feed->is_endless &&
		    !memchr(feed->input.bytes ?: "", '\n', feed->input.size))
			break;
	}
	if (feed->told > TOLD_MAX)
		log_warning("%llu more lines were left out", feed->told - TOLD_MAX);
	return err;
}

static int from_stdin(const struct options *options, enum feed_action plain)
{
	_cleanup_(feed_clear) struct feed feed = { .plain = plain };

	if (read_feed(options, &feed) < 0)
		return CMD_FAILED;
	return feed.wrong ? CMD_FAILED : CMD_DONE;
}

/* ---- the commands -------------------------------------------------------------------------- */

int cmd_ban(const struct options *options, int argc, char **argv)
{
	if (options->is_stdin && argc > 1)
		return cmd_usage(argv[0], "'%s': with --stdin the sources are read from there",
				 argv[1]);
	if (options->is_stdin)
		return from_stdin(options, FEED_BAN);
	if (argc < 2)
		return cmd_usage(argv[0], "name a source");
	return edit_bans(options, argc, argv, ban, NULL);
}

int cmd_unban(const struct options *options, int argc, char **argv)
{
	if (options->is_stdin && (argc > 1 || options->comment))
		return cmd_usage(argv[0], "'%s': with --stdin the sources are read from there",
				 argc > 1 ? argv[1] : "--comment");
	if (options->is_stdin)
		return from_stdin(options, FEED_UNBAN);
	if (options->comment && argc > 1)
		return cmd_usage(argv[0],
				 "'%s': --comment is for all bans with that comment; for "
				 "one write `unban SOURCE comment TEXT`",
				 argv[1]);
	if (options->comment)
		return edit_bans(options, argc, argv, unban_all, options->comment);
	if (argc < 2)
		return cmd_usage(argv[0], "name a source");
	return edit_bans(options, argc, argv, unban, NULL);
}

/* ---- showing them -------------------------------------------------------------------------- */

static bool is_shown(const struct bans *bans, const struct ban *ban, const char *owner, time_t now)
{
	if (ban->until && ban->until <= now)
		return false;
	return !owner || streq(bans_owner(bans, ban->owner), owner);
}

static void print_json(const struct bans *bans, const char *owner, time_t now)
{
	json_t *list = json_array();
	char prefix[PREFIX_STRLEN];
	const struct ban *ban;
	size_t at = 0;

	while ((ban = bans_next(bans, &at)))
		if (is_shown(bans, ban, owner, now))
			json_array_append_new(list,
					      json_pack("{ss sI ss}", "source",
							prefix_format(&ban->prefix, prefix),
							"until", (json_int_t)ban->until, "comment",
							bans_owner(bans, ban->owner)));
	cmd_json_set_array(list);
}

static void print_text(const struct bans *bans, const char *owner, time_t now)
{
	const struct ban *ban;
	size_t at = 0;

	while ((ban = bans_next(bans, &at))) {
		_cleanup_free_ char *text = NULL;

		if (!is_shown(bans, ban, owner, now))
			continue;
		text = bans_print(bans, ban);
		printf("%s\n", text ?: "");
	}
}

static int show(const struct options *options)
{
	_cleanup_(bans_freep) struct bans *bans = NULL;
	struct error error = {};
	int err = bans_read(BANS_PATH, &bans, &error);

	if (err < 0)
		return log_failure(CMD_FAILED, &error);
	if (error.line)
		log_warning("%s", ERROR(&error));
	if (options->json)
		print_json(bans, options->comment, clock_s(CLOCK_REALTIME));
	else
		print_text(bans, options->comment, clock_s(CLOCK_REALTIME));
	return CMD_DONE;
}

int cmd_bans(const struct options *options, int argc, char **argv)
{
	_cleanup_(feed_clear) struct feed feed = { .plain = FEED_BAN, .is_endless = true };

	if (argc == 1)
		return show(options);
	if (!streq(argv[1], "follow"))
		return cmd_usage(argv[0], "'%s': write `bans`, or `bans follow NAME`", argv[1]);
	if (argc != 3 || !argv[2][0] || options->comment)
		return cmd_usage(argv[0], "give the feed one name");
	feed.owner = argv[2];
	return read_feed(options, &feed) < 0 ? CMD_FAILED : CMD_DONE;
}
