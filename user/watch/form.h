/* SPDX-License-Identifier: GPL-2.0-only */
/* form.h: a sighting as a line. */
#ifndef TIDEGATE_WATCH_FORM_H
#define TIDEGATE_WATCH_FORM_H

#include <stdio.h>

#include "watch/watch.h"

/* TIME IFACE SOURCE → PORT OWNER REASON RULE.  file: the configuration's name, for the rule's line.
 */
void form_text(const struct sighting *sighting, const char *file, FILE *out);

/* The same without the time and the end of the line. */
void form_packet(const struct sighting *sighting, const char *file, FILE *out);

/* As the kernel logs it for netfilter's LOG target, behind syslog's time, host and name: for what
 * reads such logs.  Needs the event. */
void form_kernel(const struct sighting *sighting, const char *host, FILE *out);

#endif
