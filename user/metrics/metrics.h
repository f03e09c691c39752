/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * metrics.h: all that is told to Prometheus.  Names and labels are an interface: dist/ has rules
 * and a dashboard that use them.  No label has the address of a source, and the number of series
 * depends on ports and rules, not on traffic; a ban of single addresses has no series of its own.
 */
#ifndef TIDEGATE_METRICS_H
#define TIDEGATE_METRICS_H

#include <stdio.h>

struct counters;
struct counter_ids;
struct desired;
struct health;

struct metrics {
	const struct health *health;   /* as `status` has it; NULL: it cannot be determined */
	const struct desired *active;  /* what the active image was made from; NULL: nothing */
	const struct counter_ids *ids; /* NULL with totals */
	const struct counters *totals; /* NULL: there are no counters */
};

void metrics_print(FILE *out, const struct metrics *metrics);

#endif
