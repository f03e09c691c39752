/* SPDX-License-Identifier: GPL-2.0-only */
/* counts.h: the counters of reasons, ports and rules. */
#ifndef TIDEGATE_METRICS_COUNTS_H
#define TIDEGATE_METRICS_COUNTS_H

#include "metrics/metrics.h"

/* metrics->totals must be there. */
void counts_put(FILE *out, const struct metrics *metrics);

#endif
