/* SPDX-License-Identifier: GPL-2.0-only */
/* run.h: another program's output.  Private to this folder. */
#ifndef TIDEGATE_AUDIT_RUN_H
#define TIDEGATE_AUDIT_RUN_H

#include "base/buffer.h"

/*
 * Runs argv[0], looked for in the system's own directories, in the C locale, without input and
 * without a shell; *ret is what it printed, with a zero byte behind.  -ENOENT: there is no such
 * program; -ETIMEDOUT: it was killed; -EIO: its exit status was not 0; or another -errno.
 */
int run_read(const char *const *argv, int timeout_ms, struct buffer *ret);

#endif
