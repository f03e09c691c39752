/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conffile.h: the configuration as a file: read whole, replaced whole.
 */
#ifndef TIDEGATE_CONFFILE_H
#define TIDEGATE_CONFFILE_H

#include <stddef.h>

/* Reads a file of at most `limit` bytes.  The text ends in a zero byte that `length` does
 * not count.  Returns 0 or -errno (-EFBIG above the limit). */
int conffile_read(const char *path, size_t limit, char **ret_text, size_t *ret_length);

/*
 * Replaces the file: a temporary one beside it, fsync, rename, fsync of the directory.
 * Mode and owner are those of the old file, 0644 for a new one.  On any failure (a full
 * disk too) the old file is as it was and the temporary one is gone.
 */
int conffile_write(const char *path, const char *text);

#endif
