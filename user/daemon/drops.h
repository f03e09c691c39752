/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drops.h: dropped packets, as entries of the journal with TIDEGATE_EVENT=drop.  Listens to the
 * filter like `tidegate watch`, with a handle of its own, so that it outlives what the rounds do to
 * the kernel's half; what it cannot hear changes nothing else.
 */
#ifndef TIDEGATE_DAEMON_DROPS_H
#define TIDEGATE_DAEMON_DROPS_H

#include "config/config.h"

struct drops;
struct daemon_setup;

struct drops *drops_new(const struct daemon_setup *setup); /* NULL = no memory */
void drops_free(struct drops *drops);

/* As the policy has it that enforces. */
void drops_want(struct drops *drops, enum log_mode mode);

/* Until drops_run() has something to do; -1 = for ever. */
int drops_timeout_ms(const struct drops *drops);

/* Writes down what has come, if it is time: some thousand packets at most, and waits for nobody. */
void drops_run(struct drops *drops);

#endif
