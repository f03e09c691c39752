/* SPDX-License-Identifier: GPL-2.0-only */
/* flows.h: connections that conntrack knows of.  The table is in flows.c. */
#ifndef TIDEGATE_VERDICT_FLOWS_H
#define TIDEGATE_VERDICT_FLOWS_H

/* Enters them into the conntrack table of this network namespace. */
void flows_make(void);

#endif
