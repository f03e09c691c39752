/* SPDX-License-Identifier: GPL-2.0-only */
/* read.c: see read.h. */
#include "journal/read.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
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

#define JOURNALCTL "/usr/bin/journalctl"

/* No shell, and not what PATH says.  -ENOENT: there is none. */
static int start(const struct journal_query *query, int out_fd, pid_t *ret)
{
	extern char **environ;
	char since[40];
	char *argv[] = { "journalctl",
			 "--quiet",
			 "--no-pager",
			 "--output=export",
			 since,
			 "_UID=0",
			 "TIDEGATE_EVENT=change",
			 "TIDEGATE_EVENT=drop",
			 NULL };
	posix_spawn_file_actions_t actions;
	int err;

	snprintf(since, sizeof(since), "--since=@%llu", query->since_us / 1000000);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawn(ret, JOURNALCTL, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static int read_answer(int fd, struct buffer *text)
{
	ssize_t got = 1;

	while (got != 0 && text->size < ANSWER_MAX) {
		if (buffer_reserve(text, 65536) < 0)
			return -ENOMEM;
		got = read(fd, text->bytes + text->size, 65536);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			text->size += got;
	}
	return 0;
}

static int ask_journal(const struct journal_query *query, struct buffer *text)
{
	_cleanup_close_ int out_fd = -1, in_fd = -1;
	int fds[2], err, status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	in_fd = fds[0];
	out_fd = fds[1];
	err = start(query, out_fd, &pid);
	if (err < 0)
		return err;
	close(TAKE_FD(out_fd));
	err = read_answer(in_fd, text);
	close(TAKE_FD(in_fd));
	(void)waitpid(pid, &status, 0);
	return err;
}

static int add_journal(const struct journal_query *query, struct journal_entries *entries)
{
	struct buffer text = {};
	int err = ask_journal(query, &text);

	if (err == 0 && text.size)
		err = add_all(query, &text, entries);
	buffer_clear(&text);
	return err == -ENOENT ? 0 : err;
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
	else if ((err = add_journal(query, &entries)) < 0)
		error_set_errno(error, err, "cannot ask journalctl");
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
