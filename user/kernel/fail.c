/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fail.c: what was attempted when something failed last, and what libbpf has to say.
 */
#include <stdarg.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/private.h"

/* libbpf's talk goes where ours goes, one level down: what failed is said by us. */
#define LOG_TAIL 8192 /* bytes */

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t length;

	if (log_get_level() < LOG_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	/* Of the verifier's log the end tells. */
	length = strlen(text);
	rest = length > LOG_TAIL ? text + length - LOG_TAIL : text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_debug("%s", line);
	return 0;
}

void kernel_hear_libbpf(void)
{
	libbpf_set_print(print_libbpf);
}
