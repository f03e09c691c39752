/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * error.h: what went wrong, for people: `file:line:column: text`, as far as there is a place.
 *
 * The caller owns a struct error, mostly on its stack, and hands it down; who fails fills it and
 * returns a negative errno with it.  It holds no pointers, so it may be copied and outlives what
 * it tells of.  It is untouched on success.  NULL in its place: nobody wants to know.
 */
#ifndef TIDEGATE_ERROR_H
#define TIDEGATE_ERROR_H

#include <stdarg.h>

#define ERROR_FILE   256
#define ERROR_TEXT   512
#define ERROR_STRLEN (ERROR_FILE + ERROR_TEXT + 24)

struct error {
	char file[ERROR_FILE];     /* "" = none; of a path that is too long its end, behind "..." */
	unsigned int line, column; /* from 1; 0 = the whole file, or the whole line */
	char text[ERROR_TEXT];     /* lower case, no full stop.  What is too long is cut, between
				      two characters of UTF-8. */
};

/* Fills the whole error, without a place.  What is formatted may be in the error itself.  Returns
 * err, as those below do, so that a function can end with `return error_set(error, -EINVAL, …)`. */
int error_set(struct error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, and ": " and the text of -err follow. */
int error_set_errno(struct error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with a place in a file that the caller names. */
int error_set_at(struct error *error, int err, unsigned int line, unsigned int column,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));
int error_vset_at(struct error *error, int err, unsigned int line, unsigned int column,
		  const char *format, va_list args) __attribute__((format(printf, 5, 0)));
void error_in_file(struct error *error, const char *file);

/* Gives it the text of -err if there is none and err is negative: who fails for want of memory
 * does not say so.  Returns err. */
int error_complete(struct error *error, int err);

/* Completes it, and puts what was attempted in front, and ": "; its place becomes text. */
int error_prefix(struct error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* `file:line:column: text`, without what there is none of. */
const char *error_format(const struct error *error, char buf[static ERROR_STRLEN]);
#define ERROR(error) error_format(error, (char[ERROR_STRLEN]){ 0 })

#endif
