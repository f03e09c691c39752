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

/*
 * The kernel's half, NULL where nothing is up, and what health_read() finds.  docker_ms: how long
 * the Engine has to answer; 0 = as long as it may take.  Looks once.  0 or -errno.  Logs.
 */
int status_read(const struct options *options, int docker_ms, struct kernel **ret_kernel,
		struct health *ret);

void status_print_json(const struct status *status);

#endif
