/* SPDX-License-Identifier: GPL-2.0-only */
/* export.c: see export.h. */
#include "journal/export.h"

#include <endian.h>
#include <stdint.h>

#include "base/cleanup.h"

static void add(struct export_entry *entry, const char *name, size_t name_size, const char *value,
		size_t size)
{
	struct export_field *field =
		util_append(&entry->fields, entry->count, sizeof(*entry->fields));

	if (!field)
		return;
	field->name = strndup(name, name_size);
	field->value = strndup(value, size);
	if (!field->name || !field->value) {
		free(field->name);
		free(field->value);
		return;
	}
	entry->count++;
	/* When it was sent, and else when it was taken. */
	if (streq(field->name, "_SOURCE_REALTIME_TIMESTAMP") ||
	    (streq(field->name, "__REALTIME_TIMESTAMP") && !entry->time_us))
		entry->time_us = strtoull(field->value, NULL, 10);
}

/* "NAME\n", eight bytes of length, the value, "\n".  Bytes of it; 0 = it is not whole. */
static size_t parse_binary(const char *text, size_t size, size_t name_size,
			   struct export_entry *entry)
{
	size_t head = name_size + 1 + sizeof(uint64_t);
	uint64_t length;

	if (size < head + 1)
		return 0;
	memcpy(&length, text + name_size + 1, sizeof(length));
	length = le64toh(length);
	if (length > size - head - 1)
		return 0;
	add(entry, text, name_size, text + head, length);
	return head + length + 1;
}

/* Bytes of the field; 0 = it is not whole. */
static size_t parse_field(const char *text, size_t size, struct export_entry *entry)
{
	const char *end = memchr(text, '\n', size);
	const char *equals = end ? memchr(text, '=', end - text) : NULL;

	if (!end)
		return 0;
	if (!equals)
		return parse_binary(text, size, end - text, entry);
	add(entry, text, equals - text, equals + 1, end - equals - 1);
	return end - text + 1;
}

size_t export_parse(const char *text, size_t size, struct export_entry *ret)
{
	struct export_entry entry = {};
	size_t at = 0, length = 1;

	for (; at < size && text[at] != '\n' && length; at += length)
		length = parse_field(text + at, size - at, &entry);
	if (at >= size || !length) {
		export_clear(&entry);
		return 0;
	}
	*ret = entry;
	return at + 1;
}

void export_clear(struct export_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++) {
		free(entry->fields[i].name);
		free(entry->fields[i].value);
	}
	free(entry->fields);
	*entry = (struct export_entry){};
}

const char *export_find(const struct export_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++)
		if (streq(entry->fields[i].name, name))
			return entry->fields[i].value;
	return NULL;
}
