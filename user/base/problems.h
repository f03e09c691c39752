/* SPDX-License-Identifier: GPL-2.0-only */
/* problems.h: what is wrong without being a failure, a text each, for people. */
#ifndef TIDEGATE_PROBLEMS_H
#define TIDEGATE_PROBLEMS_H

#include <stddef.h>

struct problems {
	char **texts;
	size_t count;
};

/* 0 or -ENOMEM. */
int problems_add(struct problems *problems, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void problems_clear(struct problems *problems);

#endif
