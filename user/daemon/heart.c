/* SPDX-License-Identifier: GPL-2.0-only */
/* heart.c: see heart.h. */
#include "daemon/heart.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/lock.h"

int heart_begin(struct heart *heart, const char *pin_dir)
{
	*heart = (struct heart){ .pin_dir = pin_dir, .lock_fd = lock_take_daemon(pin_dir) };
	if (heart->lock_fd < 0)
		return heart->lock_fd;
	lock_beat(heart->lock_fd, pin_dir);
	return 0;
}

/*
 * A datagram to the socket that systemd names, '@' for an abstract one.  Nobody there, or nobody
 * who reads: the daemon works all the same.
 */
static void tell_systemd(const char *message)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	_cleanup_close_ int fd = -1;

	if (length < 2 || length >= sizeof(address.sun_path) || !strchr("/@", path[0]))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		(void)sendto(fd, message, strlen(message), MSG_NOSIGNAL,
			     (struct sockaddr *)&address,
			     offsetof(struct sockaddr_un, sun_path) + length);
}

void heart_beat(const struct heart *heart)
{
	lock_beat(heart->lock_fd, heart->pin_dir);
	tell_systemd("WATCHDOG=1");
}

void heart_ready(void)
{
	tell_systemd("READY=1");
}

void heart_stopping(void)
{
	tell_systemd("STOPPING=1");
}
