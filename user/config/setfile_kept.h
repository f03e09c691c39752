/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * setfile_kept.h: what the files of sets held when they last enforced, on disk, so that one that
 * turns bad, is emptied or goes away keeps its content: while the daemon runs, for the next
 * command, and at boot.
 *
 * One file for each path, named by the hash of the path.  It is a set's file itself, with a first
 * line that has the hash of the content and the path.
 */
#ifndef TIDEGATE_SETS_KEPT_H
#define TIDEGATE_SETS_KEPT_H

#include <stdbool.h>

#include "config/setfile.h"

/* 0, -ENOENT when nothing was kept of that path, another -errno when what was kept cannot be
 * read or is not whole.  *ret untouched on failure. */
int sets_kept_read(const char *dir, const char *path, struct sets_members *ret);

/* Keeps this, unless it is what is kept already.  Makes the directory and the one above it.  The
 * caller holds the lock (base/lock.h).  modified: sets_modified() of the path, which the copy gets
 * as well: it is as old as the file that it was last read from. */
int sets_kept_write(const char *dir, const char *path, const struct sets_members *members,
		    time_t modified);

/* sets_modified() of what is kept of that path. */
time_t sets_kept_modified(const char *dir, const char *path);

/* Whether just this is kept. */
bool sets_kept_has(const char *dir, const char *path, const struct sets_members *members);

#endif
