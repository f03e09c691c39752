/* SPDX-License-Identifier: GPL-2.0-only */
/* run.h: another program's output. */
#ifndef TIDEGATE_RUN_H
#define TIDEGATE_RUN_H

#include <stddef.h>

#include "base/buffer.h"

struct error;

struct run {
	const char *const *argv; /* argv[0]: looked for in the system's own directories */
	int timeout_ms;
	size_t max; /* bytes of output */
};

/*
 * Runs it in the C locale, without input and without a shell; *ret is what it printed, with a zero
 * byte behind that is not counted.  0, or -errno with error filled: -ENOENT there is no such
 * program; -ETIMEDOUT it was killed; -EFBIG likewise, for it printed more; -EIO its exit status was
 * not 0, and the error has the last line that it wrote to its standard error.  *ret is to be
 * cleared in any case.
 */
int run_read(const struct run *run, struct buffer *ret, struct error *error);

#endif
