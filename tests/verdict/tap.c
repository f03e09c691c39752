/* SPDX-License-Identifier: GPL-2.0-only */
/* tap.c: see tap.h. */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned int cases, failures;

bool tap_case(bool is_ok, const char *format, ...)
{
	va_list args;

	printf("%s %u - ", is_ok ? "ok" : "not ok", ++cases);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	failures += !is_ok;
	return is_ok;
}

int tap_end(void)
{
	printf("1..%u\n", cases);
	return failures > 0;
}
