/* SPDX-License-Identifier: GPL-2.0-only */
/* setfile_read.c: reads the file behind a set, never more of it than SETS_LIMIT_BYTES. */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/setfile.h"
#include "base/cleanup.h"

int sets_read(const char *path, struct sets_members *ret, struct error *ret_error)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int err = conffile_read(path, SETS_LIMIT_BYTES, &text, &length);

	if (err == -EFBIG)
		return error_set(ret_error, -E2BIG, "the file is larger than 128 MiB");
	if (err < 0)
		return error_set(ret_error, err, "%s", conffile_error(err));
	return sets_parse(text, length, ret, ret_error);
}

time_t sets_modified(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 ? 0 : status.st_mtim.tv_sec;
}
