/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_config.c: the text of the configuration, and what its absence means. */
#include <errno.h>
#include <stdarg.h>

#include "cli/cmd.h"
#include "base/file.h"
#include "image/image.h"
#include "base/log.h"
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

bool cmd_enforces_text(struct kernel *kernel)
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
static int read_missing(const struct options *options, struct kernel *kernel, char **ret_text,
			char *error)
{
	if (cmd_enforces_text(kernel))
		return fail(-ENOENT, error,
			    "'%s' is missing, but the active policy was made from it: put it back, "
			    "or create an empty file",
			    options->config);
	*ret_text = strdup("");
	return *ret_text ? 0 : fail(-ENOMEM, error, "out of memory");
}

int cmd_load_config(const struct options *options, struct kernel *kernel, char **ret_text,
		    char error[static ERROR_TEXT])
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int err = conffile_read_given(options->config, CONFIG_BYTES, &text, &length);

	if (err == -ENOENT && options->is_default_config)
		return read_missing(options, kernel, ret_text, error);
	if (err < 0)
		return fail(err, error, "cannot read the configuration '%s': %s", options->config,
			    conffile_error(err));
	if (strlen(text) != length)
		return fail(-EINVAL, error,
			    "'%s' contains a zero byte, so it is not a configuration",
			    options->config);
	*ret_text = TAKE_PTR(text);
	return 0;
}

int cmd_read_config(const struct options *options, struct kernel *kernel, char **ret_text)
{
	char error[ERROR_TEXT];
	int err = cmd_load_config(options, kernel, ret_text, error);

	return err < 0 ? log_error(0, "%s", error), err : 0;
}
