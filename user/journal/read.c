/* SPDX-License-Identifier: GPL-2.0-only */
/* read.c: see read.h. */
#include "journal/read.h"

#include <errno.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/run.h"
#include "journal/entry.h"

/* Of the journal's answer; more entries than that nobody reads. */
#define ANSWER_MAX (256u << 20)

static bool is_wanted(const struct journal_query *query, const struct export_entry *entry)
{
	const char *event = export_find(entry, "TIDEGATE_EVENT");

	return event && entry->time_us >= query->since_us &&
	       (!query->event || streq(query->event, event));
}

static int add_all(const struct journal_query *query, const struct buffer *text,
		   struct journal_entries *entries)
{
	struct export_entry entry, *added;
	size_t at = 0, length;

	for (; (length = export_parse(text->bytes + at, text->size - at, &entry)); at += length) {
		added = is_wanted(query, &entry)
				? util_append(&entries->of, entries->count, sizeof(*added))
				: NULL;
		if (!added) {
			export_clear(&entry);
			continue;
		}
		*added = entry;
		entries->count++;
	}
	return 0;
}

static int add_file(const struct journal_query *query, const char *path,
		    struct journal_entries *entries)
{
	struct buffer text = {};
	int err = conffile_read(path, 2 * JOURNAL_FILE_MAX, &text.bytes, &text.size);

	if (err == 0)
		err = add_all(query, &text, entries);
	buffer_clear(&text);
	return err == -ENOENT ? 0 : err;
}

/* ---- journalctl --------------------------------------------------------------------------- */

#define ANSWER_MS 60000

static int add_journal(const struct journal_query *query, struct journal_entries *entries,
		       struct error *error)
{
	_cleanup_(buffer_clear) struct buffer text = {};
	char since[40];
	const char *const argv[] = { "journalctl",
				     "--quiet",
				     "--no-pager",
				     "--output=export",
				     since,
				     "_UID=0",
				     query->event && streq(query->event, "drop")
					     ? "TIDEGATE_EVENT=drop"
					     : "TIDEGATE_EVENT=change",
				     query->event ? NULL : "TIDEGATE_EVENT=drop",
				     NULL };
	const struct run run = { argv, ANSWER_MS, ANSWER_MAX };
	int err;

	snprintf(since, sizeof(since), "--since=@%llu", query->since_us / 1000000);
	err = run_read(&run, &text, error);
	if (err == -ENOENT) {
		if (error)
			*error = (struct error){};
		return 0;
	}
	if (err < 0)
		return error_prefix(error, err, "cannot read the journal, but only '%s'",
				    JOURNAL_FILE);
	return text.size ? add_all(query, &text, entries) : 0;
}

/* ---- both --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct export_entry *one = a, *other = b;

	return (one->time_us > other->time_us) - (one->time_us < other->time_us);
}

int journal_read(const struct journal_query *query, struct journal_entries *ret,
		 struct error *error)
{
	struct journal_entries entries = {};
	int err = add_file(query, JOURNAL_FILE_OLD, &entries);

	if (err == 0)
		err = add_file(query, JOURNAL_FILE, &entries);
	if (err < 0)
		error_set_errno(error, err, "cannot read '%s'", JOURNAL_FILE);
	else
		err = add_journal(query, &entries, error);
	if (err < 0) {
		journal_entries_clear(&entries);
		return err;
	}
	if (entries.count)
		qsort(entries.of, entries.count, sizeof(*entries.of), compare);
	*ret = entries;
	return 0;
}

void journal_entries_clear(struct journal_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		export_clear(&entries->of[i]);
	free(entries->of);
	*entries = (struct journal_entries){};
}
