/* SPDX-License-Identifier: GPL-2.0-only */
/* status.h: what `status` has read, and the two ways it is printed. */
#ifndef TIDEGATE_STATUS_H
#define TIDEGATE_STATUS_H

#include "cli/view.h"
#include "docker/docker.h"
#include "engine/health.h"

struct status {
	const struct options *options;
	const struct health *health;
	const struct counters *totals; /* NULL: nothing is loaded */
	struct view view;
};

void status_print_json(const struct status *status);

#endif
