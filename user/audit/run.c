/* SPDX-License-Identifier: GPL-2.0-only */
/* run.c: see run.h. */
#include "audit/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define OUTPUT_MAX (1u << 20)

static char *const environment[] = { (char *)"LC_ALL=C",
				     (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

/* The first of the directories that has it; NULL = none. */
static const char *locate(const char *name, char ret[static 64])
{
	static const char *const directories[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		snprintf(ret, 64, "%s/%s", directories[i], name);
		if (access(ret, X_OK) == 0)
			return ret;
	}
	return NULL;
}

static int start(const char *const *argv, int out_fd, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	char path[64];
	int err;

	if (!locate(argv[0], path))
		return -ENOENT;
	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
	      ?: posix_spawn_file_actions_adddup2(&actions, out_fd, 1)
	      ?: posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
	      ?: posix_spawn(ret, path, &actions, NULL, (char *const *)argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* Until it closes its output, or the time is up. */
static int collect(int fd, long long deadline_ms, struct buffer *ret)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		long long left = deadline_ms - clock_ms(CLOCK_MONOTONIC);
		ssize_t length;

		if (left <= 0 || poll(&poll_fd, 1, left) == 0)
			return -ETIMEDOUT;
		if (buffer_reserve(ret, 4096) < 0)
			return -ENOMEM;
		length = read(fd, ret->bytes + ret->size, 4095);
		if (length < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (length == 0) {
			ret->bytes[ret->size] = '\0';
			return 0;
		}
		ret->size += length > 0 ? length : 0;
		if (ret->size > OUTPUT_MAX)
			return -EFBIG;
	}
}

int run_read(const char *const *argv, int timeout_ms, struct buffer *ret)
{
	long long deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	_cleanup_close_ int read_fd = -1, write_fd = -1;
	int fds[2], err, status = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	read_fd = fds[0];
	write_fd = fds[1];
	err = start(argv, write_fd, &pid);
	if (err)
		return err;
	close(TAKE_FD(write_fd));
	err = collect(read_fd, deadline_ms, ret);
	if (err)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!err && status)
		err = -EIO;
	return err;
}
