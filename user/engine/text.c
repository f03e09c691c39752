/* SPDX-License-Identifier: GPL-2.0-only */
/* text.c: the text of the configuration as a file.  See desired.h. */
#include "engine/desired.h"

#include <errno.h>
#include <stdarg.h>

#include "base/file.h"
#include "image/image.h"
#include "kernel/kernel.h"
#include "engine/notes.h"
#include "engine/running.h"
#include "base/cleanup.h"

#define CONFIG_BYTES (64u << 20)

static int __attribute__((format(printf, 3, 4))) fail(int err, char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, ERROR_TEXT, format, args);
	va_end(args);
	return err;
}

bool text_is_enforced(struct kernel *kernel)
{
	_cleanup_(image_clear) struct image image = {};
	_cleanup_free_ char *text = NULL;

	return kernel && running_read(kernel, SLOT_ACTIVE, &image) == 0 &&
	       notes_unpack(&image, &text, NULL) == 0 && text[0];
}

/*
 * A file that was never there is an empty configuration.  One that has gone is not: editors
 * rename it away for a moment, and an empty one would lift every ban and, where interfaces were
 * named, take the filter off them.
 */
static int read_missing(const struct text_file *file, struct kernel *kernel, char **ret_text,
			char *error)
{
	if (text_is_enforced(kernel))
		return fail(-ENOENT, error,
			    "'%s' is missing, but the active policy was made from it: put it back, "
			    "or create an empty file",
			    file->path);
	*ret_text = strdup("");
	return *ret_text ? 0 : fail(-ENOMEM, error, "out of memory");
}

int text_load(const struct text_file *file, struct kernel *kernel, char **ret_text,
	      char error[static ERROR_TEXT])
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int err = conffile_read_given(file->path, CONFIG_BYTES, &text, &length);

	if (err == -ENOENT && file->is_default)
		return read_missing(file, kernel, ret_text, error);
	if (err < 0)
		return fail(err, error, "cannot read the configuration '%s': %s", file->path,
			    conffile_error(err));
	if (strlen(text) != length)
		return fail(-EINVAL, error,
			    "'%s' contains a zero byte, so it is not a configuration", file->path);
	*ret_text = TAKE_PTR(text);
	return 0;
}
