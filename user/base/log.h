/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h: talk, on stderr.  One line each, lower case, no full stop; the journal's level
 * prefix when stderr is the journal.  Only cmd_*.c, cli/main.c and the daemon's loop log above
 * debug: everything else returns an error, so that a failure is said once.
 */
#ifndef TIDEGATE_LOG_H
#define TIDEGATE_LOG_H

#include <stddef.h>

struct error;

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Messages above this level are not printed.  Default LOG_INFO. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* From now on messages are kept, and not printed, but for those of debugging. */
void log_keep(void);
/* The one of that level and number, counted from 0 in each; NULL = there are no more. */
const char *log_kept(enum log_level level, size_t number);

/*
 * Prints the message; with err < 0, ": " and the text of -err follow.
 * Returns err, so that a function can end with `return log_error(err, …)`.
 */
int log_error(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An error that was filled, or the text of -err.  Returns err. */
int log_failure(int err, const struct error *error);
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
