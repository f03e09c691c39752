/* SPDX-License-Identifier: GPL-2.0-only */
/* lock.c: flock(2) on files below LOCK_DIR.  See lock.h. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "util.h"

static int take(const char *path, int operation)
{
	_cleanup_close_ int fd = -1;

	if (mkdir(LOCK_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return -errno;
	return TAKE_FD(fd);
}

int lock_take(void)
{
	return take(LOCK_DIR "/lock", LOCK_EX);
}

int lock_take_daemon(void)
{
	return take(LOCK_DIR "/daemon", LOCK_EX | LOCK_NB);
}

bool lock_is_daemon_running(void)
{
	_cleanup_close_ int fd = open(LOCK_DIR "/daemon", O_RDWR | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}
