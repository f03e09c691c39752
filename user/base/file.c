// SPDX-License-Identifier: GPL-2.0-only
/*
 * file.c: a file read whole and replaced whole.  Knows nothing of what is in it.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* ---- reading --------------------------------------------------------------------- */

/* Up to `size` bytes; fewer at the end of the file. */
static ssize_t read_up_to(int fd, char *buffer, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t got = read(fd, buffer + length, size - length);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		if (got > 0)
			length += got;
	}
	return length;
}

/* O_NONBLOCK: to open a FIFO that nobody writes would take for ever. */
static int open_regular(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	if (S_ISDIR(stat.st_mode))
		return -EISDIR;
	return S_ISREG(stat.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

/* The descriptor that the path names, as bash and zsh spell them; -1 when it names none. */
static int given_fd(const char *path)
{
	static const char *const directories[] = { "/dev/fd/", "/proc/self/fd/" };

	if (streq(path, "/dev/stdin"))
		return STDIN_FILENO;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		const char *number = path + strlen(directories[i]);

		if (strncmp(path, directories[i], strlen(directories[i])) == 0 && *number &&
		    strlen(number) < 6 && !number[strspn(number, "0123456789")])
			return atoi(number);
	}
	return -1;
}

static int read_whole(int fd, size_t limit, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, size = 4096;
	ssize_t got;

	/* The size is not asked for: a pipe has none, and a file may grow meanwhile. */
	for (;;) {
		char *grown = realloc(text, size + 1);

		if (!grown)
			return -ENOMEM;
		text = grown;
		got = read_up_to(fd, text + length, size - length);
		if (got < 0)
			return got;
		length += got;
		if (length > limit)
			return -EFBIG;
		if (length < size)
			break;
		size *= 2;
	}
	text[length] = 0;
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int conffile_read(const char *path, size_t limit, char **ret_text, size_t *ret_length)
{
	_cleanup_close_ int fd = open_regular(path);

	return fd < 0 ? fd : read_whole(fd, limit, ret_text, ret_length);
}

int conffile_read_given(const char *path, size_t limit, char **ret_text, size_t *ret_length)
{
	int given = given_fd(path);

	if (given < 0)
		return conffile_read(path, limit, ret_text, ret_length);
	return read_whole(given, limit, ret_text, ret_length);
}

const char *conffile_error(int err)
{
	return err == -EINVAL ? "it is not a regular file" : strerror(-err);
}

/* A directory with the sticky bit lets nobody replace what is root's. */
static bool can_be_written(const struct stat *stat)
{
	mode_t mode = stat->st_mode;

	if (S_ISDIR(mode) && mode & S_ISVTX)
		return false;
	return mode & S_IWOTH || (mode & S_IWGRP && stat->st_gid != 0);
}

const char *conffile_exposure(const char *path)
{
	char real[PATH_MAX];
	struct stat file, dir;
	char *slash;

	if (given_fd(path) >= 0 || !realpath(path, real) || stat(real, &file) < 0)
		return NULL;
	if (file.st_uid != 0)
		return "does not belong to root";
	if (can_be_written(&file))
		return "can be written by others than root";
	slash = strrchr(real, '/');
	slash[slash == real] = '\0';
	if (stat(real, &dir) < 0)
		return NULL;
	if (dir.st_uid != 0)
		return "is in a directory that does not belong to root";
	return can_be_written(&dir) ? "is in a directory that others than root can write to" : NULL;
}

/* ---- writing --------------------------------------------------------------------- */

struct target_file {
	char path[PATH_MAX]; /* symbolic links resolved, so that a link stays one */
	const char *name;    /* behind the last slash of path */
	int dir_fd;
	bool is_new;
	struct stat stat; /* of the file there is */
};

static void close_target(struct target_file *target)
{
	if (target->dir_fd >= 0)
		close(target->dir_fd);
}

/* The path itself when there is no such file yet; a dangling link is refused, because what
 * it meant cannot be known. */
static int resolve_path(const char *path, struct target_file *target)
{
	struct stat stat;

	if (realpath(path, target->path))
		return 0;
	if (errno != ENOENT || lstat(path, &stat) == 0)
		return -errno;
	if (strlen(path) >= sizeof(target->path))
		return -ENAMETOOLONG;
	strcpy(target->path, path);
	target->is_new = true;
	return 0;
}

static int open_directory(struct target_file *target)
{
	char *slash = strrchr(target->path, '/');

	target->name = slash ? slash + 1 : target->path;
	if (!target->name[0])
		return -EISDIR;
	if (slash)
		*slash = 0;
	target->dir_fd = open(!slash                  ? "."
			      : slash == target->path ? "/"
						      : target->path,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return target->dir_fd < 0 ? -errno : 0;
}

/* Only a regular file is replaced: a rename over /dev/null would do harm. */
static int check_target(struct target_file *target)
{
	if (target->is_new)
		return 0;
	if (fstatat(target->dir_fd, target->name, &target->stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(target->stat.st_mode))
		return -EISDIR;
	return S_ISREG(target->stat.st_mode) ? 0 : -EINVAL;
}

/* What stands before the salt. */
static void print_temporary(const struct target_file *target, char name[static NAME_MAX + 1])
{
	snprintf(name, NAME_MAX + 1, ".%.*s.", NAME_MAX - 10, target->name);
}

/* A new file beside the old one, open for nobody else until it has the old one's mode.  Locked
 * while it is written, which tells it from what a killed edit left. */
static int create_beside(const struct target_file *target, char name[static NAME_MAX + 1])
{
	for (int tries = 0; tries < 100; tries++) {
		unsigned int salt;
		int fd;

		if (getrandom(&salt, sizeof(salt), 0) < 0)
			return -errno;
		print_temporary(target, name);
		snprintf(name + strlen(name), 9, "%08x", salt);
		fd = openat(target->dir_fd, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			return -errno;
		if (fd >= 0)
			return flock(fd, LOCK_EX | LOCK_NB), fd;
	}
	return -EEXIST;
}

static bool is_temporary(const struct target_file *target, const char *name)
{
	char start[NAME_MAX + 1];
	size_t length;

	print_temporary(target, start);
	length = strlen(start);
	return strncmp(name, start, length) == 0 && strlen(name) == length + 8 &&
	       strspn(name + length, "0123456789abcdef") == 8;
}

/* Whether it is a file of ours that nobody writes. */
static bool is_abandoned(const struct target_file *target, const char *name)
{
	_cleanup_close_ int fd = openat(target->dir_fd, name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_nlink != 1)
		return false;
	if (stat.st_uid != geteuid() && (target->is_new || stat.st_uid != target->stat.st_uid))
		return false;
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* What edits left that were killed before they could rename it.  What cannot be swept stays. */
static void sweep(const struct target_file *target)
{
	int fd = openat(target->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (is_temporary(target, entry->d_name) && is_abandoned(target, entry->d_name))
			unlinkat(target->dir_fd, entry->d_name, 0);
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, text, length);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0) {
			text += put;
			length -= put;
		}
	}
	return 0;
}

/* chown first: it clears mode bits. */
static int copy_ownership(int fd, const struct target_file *target)
{
	struct stat stat;

	if (target->is_new)
		return fchmod(fd, 0644) < 0 ? -errno : 0;
	if (fstat(fd, &stat) < 0)
		return -errno;
	if ((stat.st_uid != target->stat.st_uid || stat.st_gid != target->stat.st_gid) &&
	    fchown(fd, target->stat.st_uid, target->stat.st_gid) < 0)
		return -errno;
	return fchmod(fd, target->stat.st_mode & 07777) < 0 ? -errno : 0;
}

/* Everything that can fail for want of room or rights, before the old file is touched. */
static int fill(int fd, const struct target_file *target, const char *text)
{
	int err = write_all(fd, text, strlen(text));

	if (err == 0)
		err = copy_ownership(fd, target);
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	return err;
}

static int replace(const struct target_file *target, const char *text)
{
	char name[NAME_MAX + 1];
	_cleanup_close_ int fd = -1;
	int err;

	sweep(target);
	fd = create_beside(target, name);
	if (fd < 0)
		return fd;
	err = fill(fd, target, text);
	if (err == 0 && renameat(target->dir_fd, name, target->dir_fd, target->name) < 0)
		err = -errno;
	if (err < 0) {
		unlinkat(target->dir_fd, name, 0);
		return err;
	}
	/* The new text is in place.  Should this fail, a power cut may bring the old one back,
	 * whole; an error here would say that it is still there. */
	fsync(target->dir_fd);
	return 0;
}

int conffile_write(const char *path, const char *text)
{
	_cleanup_(close_target) struct target_file target = { .dir_fd = -1 };
	int err = resolve_path(path, &target);

	if (err == 0)
		err = open_directory(&target);
	if (err == 0)
		err = check_target(&target);
	return err < 0 ? err : replace(&target, text);
}
