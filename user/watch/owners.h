/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * owners.h: which process of this host holds the port that a packet was for.
 *
 * Sockets are read once a second at most, and only when somebody asks; the processes, which is
 * dear, only for a socket that was not there the last time.
 */
#ifndef TIDEGATE_WATCH_OWNERS_H
#define TIDEGATE_WATCH_OWNERS_H

#include "host/processes.h"
#include "watch/watch.h"

struct owners;
struct owners *owners_new(void); /* NULL = no memory */
void owners_free(struct owners *owners);

/* About each second: what was read before is read again, if somebody asks. */
void owners_tick(struct owners *owners);

/* NULL = nobody, as far as can be seen: the packet was for another host, or /proc or the kernel did
 * not answer.  Valid until the next call. */
const struct socket_holder *owners_find(struct owners *owners, const struct sighting *sighting);

#endif
