/* SPDX-License-Identifier: GPL-2.0-only */
/* run.c: see run.h. */
#include "base/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

#define CHUNK 65536

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

static int start(const char *const *argv, int out_fd, int error_fd, pid_t *ret)
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
	      ?: posix_spawn_file_actions_adddup2(&actions, error_fd, 2)
	      ?: posix_spawn(ret, path, &actions, NULL, (char *const *)argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* Until it closes its output, or the time is up. */
static int collect(int fd, long long deadline_ms, size_t max, struct buffer *ret)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		long long left = deadline_ms - clock_ms(CLOCK_MONOTONIC);
		ssize_t length;

		if (left <= 0 || poll(&poll_fd, 1, left) == 0)
			return -ETIMEDOUT;
		if (buffer_reserve(ret, CHUNK) < 0)
			return -ENOMEM;
		length = read(fd, ret->bytes + ret->size, CHUNK - 1);
		if (length < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (length == 0) {
			ret->bytes[ret->size] = '\0';
			return 0;
		}
		ret->size += length > 0 ? length : 0;
		if (ret->size > max)
			return -EFBIG;
	}
}

/* The last line that is not empty: what other programs end with. */
static void read_said(int fd, char *ret, size_t size)
{
	char text[1024];
	off_t end = lseek(fd, 0, SEEK_END), from = end > 1023 ? end - 1023 : 0;
	ssize_t length = pread(fd, text, sizeof(text) - 1, from);
	char *line;

	while (length > 0 && text[length - 1] == '\n')
		length--;
	text[length > 0 ? length : 0] = '\0';
	line = strrchr(text, '\n');
	snprintf(ret, size, "%s", line ? line + 1 : text);
}

/* What became of it.  err: of reading it. */
static int wait_for(const struct run *run, pid_t pid, int err, int error_fd, struct error *error)
{
	const char *name = run->argv[0];
	char said[256];
	int status = 0;

	if (err)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (err == -ETIMEDOUT)
		return error_set(error, err, "'%s' was not done after %d s, and was ended", name,
				 run->timeout_ms / 1000);
	if (err)
		return error_set_errno(error, err, "cannot read what '%s' prints", name);
	if (!status)
		return 0;
	read_said(error_fd, said, sizeof(said));
	return error_set(error, -EIO, "'%s' failed%s%s", name, said[0] ? ": " : "", said);
}

int run_read(const struct run *run, struct buffer *ret, struct error *error)
{
	long long deadline_ms = clock_ms(CLOCK_MONOTONIC) + run->timeout_ms;
	_cleanup_close_ int read_fd = -1, write_fd = -1;
	_cleanup_close_ int error_fd = memfd_create("stderr", MFD_CLOEXEC);
	int fds[2], err = 0;
	pid_t pid;

	if (error_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(error, -errno, "cannot run '%s'", run->argv[0]);
	read_fd = fds[0];
	write_fd = fds[1];
	err = start(run->argv, write_fd, error_fd, &pid);
	if (err)
		return error_set_errno(error, err, "cannot run '%s'", run->argv[0]);
	close(TAKE_FD(write_fd));
	err = collect(read_fd, deadline_ms, run->max, ret);
	return wait_for(run, pid, err, error_fd, error);
}
