/* SPDX-License-Identifier: GPL-2.0-only */
/* problems.c: a list of texts that grows. */
#include "base/problems.h"

#include <errno.h>
#include <stdarg.h>

#include "base/cleanup.h"

int problems_add(struct problems *problems, const char *format, ...)
{
	char **added = util_append(&problems->texts, problems->count, sizeof(*added));
	va_list args;
	int written;

	if (!added)
		return -ENOMEM;
	va_start(args, format);
	written = vasprintf(added, format, args);
	va_end(args);
	if (written < 0)
		return -ENOMEM;
	problems->count++;
	return 0;
}

void problems_clear(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->texts[i]);
	free(problems->texts);
	*problems = (struct problems){};
}
