/* SPDX-License-Identifier: GPL-2.0-only */
/* tap.h: a case a line, numbered; the plan at the end. */
#ifndef TIDEGATE_VERDICT_TAP_H
#define TIDEGATE_VERDICT_TAP_H

#include <stdbool.h>

/* A case; returns is_ok.  What is known about a failure is printed behind it, as comments. */
bool tap_case(bool is_ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints the plan.  Returns the exit status. */
int tap_end(void);

#endif
