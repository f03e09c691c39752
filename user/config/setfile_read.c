/* SPDX-License-Identifier: GPL-2.0-only */
/* setfile_read.c: reads the file behind a set, never more of it than SETS_LIMIT_BYTES. */
#include <errno.h>

#include "base/file.h"
#include "config/setfile.h"
#include "base/cleanup.h"

static int fail(struct sets_error *error, int err)
{
	*error = (struct sets_error){ 0 };
	snprintf(error->text, sizeof(error->text), "%s",
		 err == -EFBIG ? "the file is larger than 128 MiB" : conffile_error(err));
	return err == -EFBIG ? -E2BIG : err;
}

int sets_read(const char *path, struct sets_members *ret, struct sets_error *ret_error)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int err = conffile_read(path, SETS_LIMIT_BYTES, &text, &length);

	if (err < 0)
		return fail(ret_error, err);
	return sets_parse(text, length, ret, ret_error);
}
