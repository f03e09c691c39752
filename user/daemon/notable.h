/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notable.h: which dropped packets are worth an entry in the journal.  Whoever sends them decides
 * how many there are, so neither the memory nor the entries of a second depend on that.  Pure.
 */
#ifndef TIDEGATE_DAEMON_NOTABLE_H
#define TIDEGATE_DAEMON_NOTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "watch/watch.h"

#define NOTABLE_AGAIN_MS 3600000 /* the same source and port are new again after this */
#define NOTABLE_KNOWN    4096    /* of those; a new one takes the place of an old one */
#define NOTABLE_EACH_MS  200     /* one entry each, in the long run */
#define NOTABLE_AT_ONCE  100

struct notable;
struct notable *notable_new(void); /* NULL = no memory */
void notable_free(struct notable *notable);

/* Whether it is to be written.  mode: LOG_NEW or LOG_ALL; now_ms: CLOCK_MONOTONIC. */
bool notable_is(struct notable *notable, enum log_mode mode, const struct sighting *sighting,
		int64_t now_ms);

/* Packets that were to be written, but for the number of entries, since the last call. */
__u64 notable_take_unwritten(struct notable *notable);

#endif
