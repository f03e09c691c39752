/* SPDX-License-Identifier: GPL-2.0-only */
/* entry.c: see entry.h. */
#include "journal/entry.h"

#include <endian.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* A field that has no room is left out. */
static void append(struct journal_entry *entry, const char *name, const char *value, size_t size)
{
	struct buffer *bytes = &entry->bytes;
	uint64_t le_size = htole64(size);
	bool is_line = !memchr(value, '\n', size);

	if (buffer_reserve(bytes, strlen(name) + 1 + sizeof(le_size) + size + 1) < 0)
		return;
	(void)buffer_append(bytes, name, strlen(name));
	(void)buffer_append(bytes, is_line ? "=" : "\n", 1);
	if (!is_line)
		(void)buffer_append(bytes, &le_size, sizeof(le_size));
	(void)buffer_append(bytes, value, size);
	(void)buffer_append(bytes, "\n", 1);
}

void journal_add(struct journal_entry *entry, const char *name, const char *format, ...)
{
	_cleanup_free_ char *value = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&value, format, args);
	va_end(args);
	if (length < 0)
		value = NULL;
	else
		append(entry, name, value, length < JOURNAL_VALUE_MAX ? length : JOURNAL_VALUE_MAX);
}

void journal_begin(struct journal_entry *entry, const char *event, enum journal_priority priority)
{
	*entry = (struct journal_entry){};
	journal_add(entry, "SYSLOG_IDENTIFIER", "tidegate");
	journal_add(entry, "PRIORITY", "%d", priority);
	journal_add(entry, "TIDEGATE_EVENT", "%s", event);
}

/* Full, or hanging: EAGAIN at once. */
static bool send_to_journal(const struct journal_entry *entry)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && sendto(fd, entry->bytes.bytes, entry->bytes.size,
				 MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&address,
				 sizeof(address)) == (ssize_t)entry->bytes.size;
}

/* One write, so that two who write at the same time have an entry each. */
static void append_to_file(struct journal_entry *entry)
{
	struct journal_entry whole = {};
	struct stat file;
	_cleanup_close_ int fd = -1;

	journal_add(&whole, "__REALTIME_TIMESTAMP", "%llu",
		    (unsigned long long)(clock_ns(CLOCK_REALTIME) / 1000));
	journal_add(&whole, "_UID", "%u", getuid());
	if (buffer_append(&whole.bytes, entry->bytes.bytes, entry->bytes.size) == 0 &&
	    buffer_append(&whole.bytes, "\n", 1) == 0) {
		if (stat(JOURNAL_FILE, &file) == 0 && file.st_size >= JOURNAL_FILE_MAX)
			(void)rename(JOURNAL_FILE, JOURNAL_FILE_OLD);
		fd = open(JOURNAL_FILE,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0600);
	}
	if (fd >= 0 && write(fd, whole.bytes.bytes, whole.bytes.size) < 0)
		(void)0; /* lost: a full disk is no reason to leave a port as it is */
	buffer_clear(&whole.bytes);
}

void journal_send(struct journal_entry *entry)
{
	if (entry->bytes.size && !send_to_journal(entry))
		append_to_file(entry);
	buffer_clear(&entry->bytes);
}
