/* SPDX-License-Identifier: GPL-2.0-only */
/* trail.c: see trail.h. */
#include "journal/trail.h"

#include <inttypes.h>

#include "bans/bans.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "engine/running.h"
#include "image/image.h"
#include "image/snapshot.h"
#include "journal/entry.h"
#include "journal/who.h"
#include "kernel/kernel.h"

/* Of what came and of what went. */
#define STATEMENTS_MAX 64

static void read_digest(struct kernel *kernel, char ret[static TRAIL_DIGEST])
{
	struct image_header header;

	ret[0] = '\0';
	if (kernel && kernel_read_header(kernel, SLOT_ACTIVE, &header, NULL) == 0)
		snprintf(ret, TRAIL_DIGEST, "%016" PRIx64 "%016" PRIx64, (uint64_t)header.digest[0],
			 (uint64_t)header.digest[1]);
}

static char *read_text(struct kernel *kernel)
{
	_cleanup_(image_clear) struct image image = {};
	char *text = NULL;

	if (kernel && running_read(kernel, SLOT_ACTIVE, &image, NULL) == 0)
		(void)snapshot_unpack(&image, &text, NULL);
	return text;
}

void trail_begin(struct trail *trail, struct kernel *kernel, const char *text)
{
	read_digest(kernel, trail->digest);
	trail->text = text ? strdup(text) : read_text(kernel);
}

void trail_clear(struct trail *trail)
{
	free(trail->text);
	free(trail->added);
	free(trail->removed);
	*trail = (struct trail){};
}

/* ---- statements that came and went -------------------------------------------------------- */

struct lines {
	char **of; /* canonical, sorted */
	size_t count;
};

static void lines_clear(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->of[i]);
	free(lines->of);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A text that cannot be parsed has none. */
static void read_lines(const char *text, struct lines *ret)
{
	_cleanup_(config_freep) struct config *config = NULL;

	if (!text || config_parse(text, strlen(text), clock_s(CLOCK_REALTIME), &config, NULL) < 0)
		return;
	ret->of = calloc(config->count + 1, sizeof(*ret->of));
	for (size_t i = 0; ret->of && i < config->count; i++) {
		ret->of[ret->count] = config_print_statement(&config->statements[i]);
		ret->count += ret->of[ret->count] != NULL;
	}
	if (ret->of)
		qsort(ret->of, ret->count, sizeof(*ret->of), compare);
}

/* What is in `all` and not in `others`, a line each. */
static void add_missing(struct journal_entry *entry, const char *name, const struct lines *all,
			const struct lines *others)
{
	_cleanup_free_ char *text = NULL;
	size_t count = 0, size, at = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	for (size_t i = 0; i < all->count; i++) {
		while (at < others->count && strcmp(others->of[at], all->of[i]) < 0)
			at++;
		if (at < others->count && streq(others->of[at], all->of[i]))
			at++;
		else if (++count <= STATEMENTS_MAX)
			fprintf(out, "%s%s", count > 1 ? "\n" : "", all->of[i]);
	}
	if (count > STATEMENTS_MAX)
		fprintf(out, "\n(%zu more)", count - STATEMENTS_MAX);
	fclose(out);
	if (count && text)
		journal_add(entry, name, "%s", text);
}

/* ---- bans that came and went ------------------------------------------------------------- */

/* A line of the bans' file as a statement; allocated, NULL = it is none. */
static char *print_ban(const char *line, size_t length)
{
	_cleanup_(bans_freep) struct bans *bans = NULL;
	const struct ban *ban;
	size_t at = 0;

	if (bans_parse(line, length, &bans, NULL) < 0)
		return NULL;
	ban = bans_next(bans, &at);
	return ban ? bans_print(bans, ban) : NULL;
}

/* What was lifted has an x in the place of its end: it is printed as if it had none. */
static char *print_change(const char *line, size_t length, bool is_lifted)
{
	_cleanup_free_ char *copy = strndup(line, length);
	char *blank = copy ? strchr(copy, ' ') : NULL;

	if (!blank)
		return NULL;
	if (is_lifted)
		blank[1] = '-';
	return print_ban(copy, length);
}

static char *list_bans(const char *changes, size_t length, bool are_lifted)
{
	const char *at = changes, *end = changes + length, *newline;
	char *text = NULL;
	size_t count = 0, size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (; at < end && (newline = memchr(at, '\n', end - at)); at = newline + 1) {
		const char *blank = memchr(at, ' ', newline - at);
		_cleanup_free_ char *change = NULL;

		if (!blank || (blank[1] == 'x') != are_lifted || ++count > STATEMENTS_MAX)
			continue;
		change = print_change(at, newline + 1 - at, are_lifted);
		fprintf(out, "%s%s", count > 1 ? "\n" : "", change ?: "?");
	}
	if (count > STATEMENTS_MAX)
		fprintf(out, "\n(%zu more)", count - STATEMENTS_MAX);
	fclose(out);
	if (!count)
		free(TAKE_PTR(text));
	return text;
}

void trail_note_bans(struct trail *trail, const struct bans *bans)
{
	size_t length;
	const char *changes = bans_changes(bans, &length);

	trail->added = changes ? list_bans(changes, length, false) : NULL;
	trail->removed = changes ? list_bans(changes, length, true) : NULL;
}

/* ---- the entry ---------------------------------------------------------------------------- */

static void add_statements(struct journal_entry *entry, const char *before, const char *after)
{
	_cleanup_(lines_clear) struct lines old = {}, new = {};

	read_lines(before, &old);
	read_lines(after, &new);
	add_missing(entry, "TIDEGATE_ADDED", &new, &old);
	add_missing(entry, "TIDEGATE_REMOVED", &old, &new);
}

void trail_end(const struct trail *trail, struct kernel *kernel, const struct trail_change *change)
{
	struct journal_entry entry;
	char digest[TRAIL_DIGEST], who[WHO_TEXT];

	journal_begin(&entry, "change", JOURNAL_NOTICE);
	read_digest(kernel, digest);
	journal_add(&entry, "TIDEGATE_FILE", "%s", change->file);
	journal_add(&entry, "TIDEGATE_DIGEST_BEFORE", "%s", trail->digest);
	journal_add(&entry, "TIDEGATE_DIGEST_AFTER", "%s", digest);
	if (trail->added)
		journal_add(&entry, "TIDEGATE_ADDED", "%s", trail->added);
	if (trail->removed)
		journal_add(&entry, "TIDEGATE_REMOVED", "%s", trail->removed);
	if (!trail->added && !trail->removed)
		add_statements(&entry, trail->text, change->text);
	if (change->command) {
		who_describe(&entry, who);
		journal_add(&entry, "TIDEGATE_COMMAND", "%s", change->command);
		journal_add(&entry, "MESSAGE", "%s, by %s", change->command, who);
	} else {
		journal_add(&entry, "MESSAGE", "%s, as it was saved", change->file);
	}
	journal_send(&entry);
}
