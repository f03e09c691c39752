/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * export.h: entries of systemd's journal export format
 * (https://systemd.io/JOURNAL_EXPORT_FORMATS/), as `journalctl -o export` prints them and entry.h
 * writes them.  Pure.
 */
#ifndef TIDEGATE_JOURNAL_EXPORT_H
#define TIDEGATE_JOURNAL_EXPORT_H

#include <stddef.h>

struct export_field {
	char *name;
	char *value; /* ends at its first zero byte, if it has one */
};

struct export_entry {
	struct export_field *fields;
	size_t count;
	unsigned long long time_us; /* __REALTIME_TIMESTAMP; 0 = none */
};

/*
 * The entry that the text begins with.  Returns how many bytes it has, with the empty line behind
 * it; 0 = the text has no whole entry.  What is no field is left out.
 */
size_t export_parse(const char *text, size_t size, struct export_entry *ret);
void export_clear(struct export_entry *entry);

/* NULL = it has none.  Of several the first. */
const char *export_find(const struct export_entry *entry, const char *name);

#endif
