/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bound.h: the ports that bpf/bindwatch.bpf.c saw Docker bind: which of them are history.
 */
#ifndef TIDEGATE_BOUND_H
#define TIDEGATE_BOUND_H

#include <stdbool.h>

#include "engine/desired.h"

struct kernel;
struct bound_port;

/*
 * Forgets what is no longer bound, and what turned out to be the Engine's own.  Does nothing
 * when Docker was not read: then nobody knows.  0, or -errno with error filled.
 */
int bound_forget(struct kernel *kernel, const struct desired *desired, struct error *error);

/* Whether it may be forgotten, by what was read. */
bool bound_is_stale(const struct bound_port *port, const struct desired *desired);

#endif
