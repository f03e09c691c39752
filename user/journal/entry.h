/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.h: an entry with fields for systemd's journal, by its native protocol
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): a datagram, which needs no library.  Where the
 * journal does not take it, it is appended to JOURNAL_FILE in the journal's export format, which is
 * the same but for the time in front.
 */
#ifndef TIDEGATE_JOURNAL_ENTRY_H
#define TIDEGATE_JOURNAL_ENTRY_H

#include "base/buffer.h"

/* Rewritten from the start when it has JOURNAL_FILE_MAX bytes; what was in it is in the other. */
#define JOURNAL_FILE     "/var/log/tidegate.log"
#define JOURNAL_FILE_OLD JOURNAL_FILE ".1"
#define JOURNAL_FILE_MAX (4u << 20)

/* Of a value; what is longer is cut. */
#define JOURNAL_VALUE_MAX 16384

enum journal_priority { JOURNAL_NOTICE = 5, JOURNAL_INFO = 6 }; /* of syslog(3) */

struct journal_entry {
	struct buffer bytes;
};

/* event: the value of TIDEGATE_EVENT, by which the entries are found again. */
void journal_begin(struct journal_entry *entry, const char *event, enum journal_priority priority);

/* name: A-Z, digits and '_'.  The value may have any bytes and lines. */
void journal_add(struct journal_entry *entry, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Does not wait for anybody, and what cannot be written is lost.  Clears the entry. */
void journal_send(struct journal_entry *entry);

#endif
