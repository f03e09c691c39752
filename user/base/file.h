/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file.h: the configuration as a file: read whole, replaced whole.
 */
#ifndef TIDEGATE_CONFFILE_H
#define TIDEGATE_CONFFILE_H

#include <stddef.h>

/* Reads a regular file of at most `limit` bytes, or what a symbolic link to one names.  The text
 * ends in a zero byte that `length` does not count.  Returns 0 or -errno: -EFBIG above the limit,
 * -EISDIR, -EINVAL for FIFOs, sockets and devices, without waiting for any of them. */
int conffile_read(const char *path, size_t limit, char **ret_text, size_t *ret_length);

/* The same, but /dev/stdin and /dev/fd/N are the descriptor that the caller was given, also when
 * it is a pipe: `check <(…)`. */
int conffile_read_given(const char *path, size_t limit, char **ret_text, size_t *ret_length);

/* What an error of the two above says to people. */
const char *conffile_error(int err);

/* Who else than root may write the file, or put another in its place, to stand behind its name;
 * NULL = nobody, or it cannot be told. */
const char *conffile_exposure(const char *path);

/*
 * Replaces the file: a temporary one beside it, fsync, rename, fsync of the directory.
 * Mode and owner are those of the old file, 0644 for a new one.  On any failure (a full
 * disk too) the old file is as it was and the temporary one is gone.  Temporary ones that killed
 * processes left are removed.
 */
int conffile_write(const char *path, const char *text);

#endif
