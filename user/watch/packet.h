/* SPDX-License-Identifier: GPL-2.0-only */
/* packet.h: a report's bytes -> who sent it, to whom. */
#ifndef TIDEGATE_WATCH_PACKET_H
#define TIDEGATE_WATCH_PACKET_H

#include "watch/watch.h"

/* Fills addresses, protocol and ports, as far as they can be read. */
void packet_read(const struct event *event, struct sighting *sighting);

/* Where the IP header begins in the bytes; event->captured = nowhere. */
size_t packet_network(const struct event *event);

#endif
