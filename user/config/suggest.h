/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * suggest.h: "did you mean …?": the known word nearest to a mistyped one, by the number of letters
 * that are wrong, missing, too many, or exchanged with their neighbour.  Pure.
 */
#ifndef TIDEGATE_SUGGEST_H
#define TIDEGATE_SUGGEST_H

#include <stddef.h>

struct suggestion {
	const char *word; /* as typed; need not end in a zero byte */
	size_t length;
	const char *best; /* of those offered; NULL = none is near enough */
	size_t distance;  /* of best */
};

/* Letters count without their case. */
void suggest_offer(struct suggestion *suggestion, const char *known);

#endif
