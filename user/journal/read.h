/* SPDX-License-Identifier: GPL-2.0-only */
/* read.h: what was written down, from systemd's journal and from JOURNAL_FILE (entry.h). */
#ifndef TIDEGATE_JOURNAL_READ_H
#define TIDEGATE_JOURNAL_READ_H

#include "journal/export.h"

struct error;

struct journal_query {
	const char *event;           /* "change" or "drop"; NULL = both */
	unsigned long long since_us; /* since the epoch */
};

struct journal_entries {
	struct export_entry *of; /* by time */
	size_t count;
};

/*
 * Only what root has written: to the journal anybody can write.  journalctl(1) is asked, if there
 * is one.  0, or -errno with error filled when it cannot be.
 */
int journal_read(const struct journal_query *query, struct journal_entries *ret,
		 struct error *error);
void journal_entries_clear(struct journal_entries *entries);

#endif
