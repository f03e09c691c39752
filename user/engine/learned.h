/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * learned.h: the ports that bpf/learn.bpf.c saw Docker bind: which of them are history.
 */
#ifndef TIDEGATE_LEARNED_H
#define TIDEGATE_LEARNED_H

#include <stdbool.h>

struct desired;
struct kernel;
struct learned_port;

/*
 * Forgets what is no longer bound, and what turned out to be the Engine's own.  Does nothing
 * when Docker was not read: then nobody knows.  0 or -errno with kernel_error().
 */
int learned_forget(struct kernel *kernel, const struct desired *desired);

/* Whether it may be forgotten, by what was read. */
bool learned_is_stale(const struct learned_port *port, const struct desired *desired);

#endif
