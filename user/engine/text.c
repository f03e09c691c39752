/* SPDX-License-Identifier: GPL-2.0-only */
/* text.c: the text of the configuration as a file.  See desired.h. */
#include "engine/desired.h"

#include <errno.h>
#include <stdarg.h>

#include "base/file.h"
#include "image/image.h"
#include "kernel/kernel.h"
#include "image/snapshot.h"
#include "engine/running.h"
#include "base/cleanup.h"

#define CONFIG_BYTES (64u << 20)

bool text_is_enforced(struct kernel *kernel)
{
	_cleanup_(image_clear) struct image image = {};
	_cleanup_free_ char *text = NULL;

	return kernel && running_read(kernel, SLOT_ACTIVE, &image, NULL) == 0 &&
	       snapshot_unpack(&image, &text, NULL) == 0 && text[0];
}

/*
 * A file that was never there is an empty configuration.  One that has gone is not: editors
 * rename it away for a moment, and an empty one would lift every ban and, where interfaces were
 * named, take the filter off them.
 */
static int read_missing(const struct text_file *file, struct kernel *kernel, char **ret_text,
			struct error *error)
{
	if (text_is_enforced(kernel))
		return error_set(
			error, -ENOENT,
			"'%s' is missing, but the active policy was made from it: put it back, "
			"or create an empty file",
			file->path);
	*ret_text = strdup("");
	return *ret_text ? 0 : error_set(error, -ENOMEM, "out of memory");
}

int text_load(const struct text_file *file, struct kernel *kernel, char **ret_text,
	      struct error *error)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int err = conffile_read_given(file->path, CONFIG_BYTES, &text, &length);

	if (err == -ENOENT && file->is_default)
		return read_missing(file, kernel, ret_text, error);
	if (err < 0)
		return error_set(error, err, "cannot read the configuration '%s': %s", file->path,
				 conffile_error(err));
	if (strlen(text) != length)
		return error_set(error, -EINVAL,
				 "'%s' contains a zero byte, so it is not a configuration",
				 file->path);
	*ret_text = TAKE_PTR(text);
	return 0;
}
