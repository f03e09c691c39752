/* SPDX-License-Identifier: GPL-2.0-only */
/* log.c: the one sink for talk.  See log.h. */
#include "base/error.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static enum log_level threshold = LOG_INFO;

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_get_level(void)
{
	return threshold;
}

/*
 * systemd.exec(5): JOURNAL_STREAM is "device:inode" of the journal's socket.  Children inherit the
 * variable wherever their stderr goes, so the file itself has to be that one.
 */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

/* sd-daemon(3): "<N>" in front of a line is its syslog priority. */
static const char *prefix(enum log_level level)
{
	static const char *const journal[] = { "<3>", "<4>", "<6>", "<7>" };
	static const char *const terminal[] = { "tidegate: ", "tidegate: warning: ", "tidegate: ",
						"tidegate: debug: " };

	return is_journal() ? journal[level] : terminal[level];
}

struct message {
	enum log_level level;
	char *text;
};
static struct message *kept;
static size_t kept_count;
static bool is_keeping;

void log_keep(void)
{
	is_keeping = true;
}

const char *log_kept(enum log_level level, size_t number)
{
	for (size_t i = 0; i < kept_count; i++)
		if (kept[i].level == level && number-- == 0)
			return kept[i].text;
	return NULL;
}

static void keep(enum log_level level, int err, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;
	struct message *added;

	if (vasprintf(&text, format, args) < 0)
		return;
	added = util_append(&kept, kept_count, sizeof(*kept));
	if (!added)
		return;
	added->level = level;
	if (err < 0 && asprintf(&added->text, "%s: %s", text, strerror(-err)) < 0)
		return;
	if (err >= 0)
		added->text = TAKE_PTR(text);
	kept_count++;
}

static void print(enum log_level level, int err, const char *format, va_list args)
{
	if (level > threshold)
		return;
	if (is_keeping && level != LOG_DEBUG) {
		keep(level, err, format, args);
		return;
	}
	flockfile(stderr);
	fputs(prefix(level), stderr);
	vfprintf(stderr, format, args);
	if (err < 0)
		fprintf(stderr, ": %s", strerror(-err));
	fputc('\n', stderr);
	funlockfile(stderr);
}

int log_error(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(LOG_ERROR, err, format, args);
	va_end(args);
	return err;
}

int log_failure(int err, const struct error *error)
{
	struct error whole = *error;

	error_complete(&whole, err);
	log_error(0, "%s", ERROR(&whole));
	return err;
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(LOG_WARNING, 0, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(LOG_INFO, 0, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(LOG_DEBUG, 0, format, args);
	va_end(args);
}
