/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lock.c: locks on files below LOCK_DIR.  See lock.h.  The lock is one of flock(2), because
 * /proc/locks names the process that holds it.  The daemon's is an open file description lock
 * of fcntl(2), because one can ask for it without taking it, and on one byte of the file, which
 * stands for the pin directory.  Builds with layout 6 of the maps held the whole file by flock(2),
 * exclusively, whatever their pin directory; so a shared one beside it keeps them and us apart.
 * Those with layout 7 took another byte, of the hash that was in use then; so we ask for that too.
 */
#include "base/lock.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/hash.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define DAEMON_PATH LOCK_DIR "/daemon"
#define POLL_MS     5

static int open_file(const char *path)
{
	int fd;

	if (mkdir(LOCK_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* flock(2) has no time limit of its own, and a library arms no signals: so ask again and again. */
int lock_take(unsigned int wait_ms)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000 };
	_cleanup_close_ int fd = open_file(LOCK_PATH);

	if (fd < 0)
		return fd;
	for (unsigned int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += POLL_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited >= wait_ms)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return TAKE_FD(fd);
}

/* 0 = nobody, or it cannot be told.  Who only waits has an arrow before the word. */
static pid_t find_holder(const struct stat *file)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	unsigned int major, minor;
	unsigned long inode;
	char line[256];
	pid_t pid;

	while (locks && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*u: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major, &minor, &inode) ==
			    4 &&
		    inode == file->st_ino && makedev(major, minor) == file->st_dev)
			return pid;
	return 0;
}

/* The command line, the program without its directory; false = there is none. */
static bool read_command(pid_t pid, char ret[static 80])
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32], text[80];
	size_t length = 0, program = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "re");
	if (file)
		length = fread(text, 1, sizeof(text) - 1, file);
	while (length && !text[length - 1])
		length--;
	text[length] = '\0';
	for (size_t i = 0; text[i]; i++)
		if (text[i] == '/')
			program = i + 1;
	for (size_t i = 0; i < length; i++)
		if (!isprint((unsigned char)text[i]))
			text[i] = ' ';
	strcpy(ret, text + program);
	return ret[0];
}

void lock_describe_holder(char ret[static LOCK_HOLDER_TEXT])
{
	char command[80];
	struct stat file;
	pid_t pid = stat(LOCK_PATH, &file) == 0 ? find_holder(&file) : 0;

	if (!pid)
		snprintf(ret, LOCK_HOLDER_TEXT, "another process");
	else if (!read_command(pid, command))
		snprintf(ret, LOCK_HOLDER_TEXT, "the process %d", pid);
	else
		snprintf(ret, LOCK_HOLDER_TEXT, "`%s` (pid %d)", command, pid);
}

/* Two names of one directory are one, also before it is made. */
static char *real_path(const char *dir)
{
	_cleanup_free_ char *copy = strdup(dir), *base = strdup(dir), *parent = NULL;
	char *path = realpath(dir, NULL);

	if (path || !copy || !base)
		return path;
	parent = realpath(dirname(copy), NULL);
	if (!parent)
		return strdup(dir);
	return asprintf(&path, "%s/%s", parent, basename(base)) < 0 ? NULL : path;
}

typedef void hash_fn(const char *text, __u64 ret[static 2]);

static int range_by(const char *pin_dir, hash_fn *hash_path, struct flock *ret)
{
	_cleanup_free_ char *path = real_path(pin_dir);
	__u64 hash[2];

	if (!path)
		return -ENOMEM;
	hash_path(path, hash);
	*ret = (struct flock){ .l_type = F_WRLCK, .l_start = hash[0] >> 1, .l_len = 1 };
	return 0;
}

static int range_of(const char *pin_dir, struct flock *ret)
{
	return range_by(pin_dir, hash_text, ret);
}

/* Whether somebody else has the byte; also if that cannot be told. */
static bool is_held(int fd, const char *pin_dir, hash_fn *hash_path)
{
	struct flock range;

	return range_by(pin_dir, hash_path, &range) < 0 || fcntl(fd, F_OFD_GETLK, &range) < 0 ||
	       range.l_type != F_UNLCK;
}

int lock_take_daemon(const char *pin_dir)
{
	_cleanup_close_ int fd = open_file(DAEMON_PATH);
	struct flock range;
	int err = fd < 0 ? fd : range_of(pin_dir, &range);

	if (err < 0)
		return err;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (is_held(fd, pin_dir, hash_text_layout6))
		return -EAGAIN;
	return fcntl(fd, F_OFD_SETLK, &range) < 0 ? -errno : TAKE_FD(fd);
}

bool lock_is_daemon_running(const char *pin_dir)
{
	_cleanup_close_ int fd = open(DAEMON_PATH, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return true;
	return fd >= 0 &&
	       (is_held(fd, pin_dir, hash_text) || is_held(fd, pin_dir, hash_text_layout6));
}

/*
 * A word for each of so many pin directories, which is more than there are: two that share one
 * would only hide from each other that one of them hangs.
 */
#define BEATS 4096

static off_t beat_offset(const struct flock *range)
{
	return range->l_start % BEATS * sizeof(int64_t);
}

void lock_beat(int daemon_fd, const char *pin_dir)
{
	/* Not the clock that people set, nor the one that goes on in suspend, when nobody beats. */
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	struct flock range;

	/* Who cannot write it is taken for one that hangs, which is worth a look. */
	if (range_of(pin_dir, &range) == 0 &&
	    pwrite(daemon_fd, &now, sizeof(now), beat_offset(&range)) < 0)
		return;
}

int64_t lock_beaten_ms(const char *pin_dir)
{
	_cleanup_close_ int fd = open(DAEMON_PATH, O_RDONLY | O_CLOEXEC);
	struct flock range;
	int64_t beat;

	if (fd < 0 || range_of(pin_dir, &range) < 0 ||
	    pread(fd, &beat, sizeof(beat), beat_offset(&range)) != sizeof(beat) || !beat)
		return -1;
	return clock_ms(CLOCK_MONOTONIC) - beat;
}
