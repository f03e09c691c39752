/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fold.h: of packets that are alike (source address, port, reason, interface) the first is shown at
 * once, and how many more there were once a second.
 */
#ifndef TIDEGATE_WATCH_FOLD_H
#define TIDEGATE_WATCH_FOLD_H

#include "watch/watch.h"

struct fold;
struct fold *fold_new(void); /* NULL = no memory */
void fold_free(struct fold *fold);

/* Whether it is to be shown now; else it is kept until fold_flush(). */
bool fold_is_first(struct fold *fold, const struct sighting *sighting);

/* Once a second: each that came more than once, with `count` of those that were not shown yet.  Its
 * event is NULL. */
int fold_flush(struct fold *fold, sighting_fn *take, void *arg);

#endif
