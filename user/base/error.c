/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * error.c: filling a struct error, and printing one.
 */
#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_inside_character(char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* snprintf(3) without half a character where it had to cut. */
static void __attribute__((format(printf, 3, 0))) write_text(char *text, size_t size,
							     const char *format, va_list args)
{
	char whole[ERROR_TEXT + 4] = { 0 };
	size_t end = size - 1;

	vsnprintf(whole, sizeof(whole), format, args);
	while (end > size - 4 && is_inside_character(whole[end]))
		end--;
	whole[end] = '\0';
	memcpy(text, whole, end + 1);
}

int error_vset_at(struct error *error, int err, unsigned int line, unsigned int column,
		  const char *format, va_list args)
{
	char text[ERROR_TEXT];

	if (!error)
		return err;
	write_text(text, sizeof(text), format, args);
	*error = (struct error){ .line = line, .column = column };
	strcpy(error->text, text);
	return err;
}

int error_set(struct error *error, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_vset_at(error, err, 0, 0, format, args);
	va_end(args);
	return err;
}

int error_set_errno(struct error *error, int err, const char *format, ...)
{
	struct error attempt;
	va_list args;

	va_start(args, format);
	error_vset_at(&attempt, err, 0, 0, format, args);
	va_end(args);
	return error_set(error, err, "%s: %s", attempt.text, strerror(-err));
}

int error_set_at(struct error *error, int err, unsigned int line, unsigned int column,
		 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_vset_at(error, err, line, column, format, args);
	va_end(args);
	return err;
}

void error_in_file(struct error *error, const char *file)
{
	size_t length = strlen(file);

	if (!error)
		return;
	if (length < sizeof(error->file))
		strcpy(error->file, file);
	else
		snprintf(error->file, sizeof(error->file), "...%s",
			 file + length - (sizeof(error->file) - 4));
}

int error_complete(struct error *error, int err)
{
	if (err < 0 && error && !error->text[0])
		error_set(error, err, "%s", strerror(-err));
	return err;
}

int error_prefix(struct error *error, int err, const char *format, ...)
{
	char text[ERROR_TEXT];
	va_list args;

	if (!error)
		return err;
	error_complete(error, err);
	va_start(args, format);
	write_text(text, sizeof(text), format, args);
	va_end(args);
	return error_set(error, err, "%s: %s", text, ERROR(error));
}

const char *error_format(const struct error *error, char buf[static ERROR_STRLEN])
{
	int length = 0;

	buf[0] = '\0';
	if (error->file[0])
		length += sprintf(buf + length, "%s:", error->file);
	if (error->line)
		length += sprintf(buf + length, "%u:", error->line);
	if (error->line && error->column)
		length += sprintf(buf + length, "%u:", error->column);
	sprintf(buf + length, "%s%s", length ? " " : "", error->text);
	return buf;
}
