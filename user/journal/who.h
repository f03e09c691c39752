/* SPDX-License-Identifier: GPL-2.0-only */
/* who.h: who runs this process, as fields of an entry and for people. */
#ifndef TIDEGATE_JOURNAL_WHO_H
#define TIDEGATE_JOURNAL_WHO_H

#define WHO_TEXT 256

struct journal_entry;

/* "root, logged in as alice, by SSH from 192.0.2.10" */
void who_describe(struct journal_entry *entry, char ret[static WHO_TEXT]);

#endif
