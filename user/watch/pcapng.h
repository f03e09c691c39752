/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng.h: sightings as a file for tcpdump and Wireshark: each packet's own bytes, its interface,
 * and as a comment what was decided.  (draft-ietf-opsawg-pcapng)
 */
#ifndef TIDEGATE_WATCH_PCAPNG_H
#define TIDEGATE_WATCH_PCAPNG_H

#include <stdio.h>

#include "watch/watch.h"

struct pcapng;

/* Writes the file's head.  Borrows the file.  NULL = no memory. */
struct pcapng *pcapng_new(FILE *out);
void pcapng_free(struct pcapng *pcapng);

/* What has no bytes is left out: the socket look-up's.  0 or -errno. */
int pcapng_write(struct pcapng *pcapng, const struct sighting *sighting);

#endif
