/* SPDX-License-Identifier: GPL-2.0-only */
/* file.c: the bans on the disk.  See bans.h. */
#include "bans/private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"

/* Of a file: as many lines of the greatest length as there can be, and more. */
#define FILE_BYTES (1u << 30)

/* So many lines may a file have that no longer hold, however few hold. */
#define IDLE_LINES 10000

/* From that byte on; less where somebody takes lines back meanwhile.  The length, or -errno. */
static ssize_t read_from(int fd, off_t from, off_t to, char **ret)
{
	_cleanup_free_ char *text = malloc(to - from + 1);
	off_t at = from;

	if (!text)
		return -ENOMEM;
	while (at < to) {
		ssize_t size = pread(fd, text + (at - from), to - at, at);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return -errno;
		if (!size)
			break;
		at += size;
	}
	*ret = TAKE_PTR(text);
	return at - from;
}

static int read_lines(struct bans *bans, int fd, const struct stat *file, struct error *ret_error)
{
	_cleanup_free_ char *text = NULL;
	ssize_t length = read_from(fd, bans->size, file->st_size, &text);
	int err = length < 0 ? (int)length : bans_parse_more(bans, text, length, ret_error);

	bans->dev = file->st_dev;
	bans->ino = file->st_ino;
	return err;
}

/* The descriptor of a regular file that is not too large, or -errno. */
static int open_file(const char *path, struct stat *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0 || fstat(fd, ret) < 0)
		return -errno;
	if (!S_ISREG(ret->st_mode))
		return -EINVAL;
	return ret->st_size > FILE_BYTES ? -EFBIG : TAKE_FD(fd);
}

int bans_read_again(const char *path, struct bans **bans, struct error *ret_error)
{
	struct stat file = {};
	_cleanup_close_ int fd = open_file(path, &file);
	int err = 0;

	if (fd < 0 && fd != -ENOENT && fd != -ENOTDIR)
		return error_set(ret_error, fd, "cannot read the bans in '%s': %s", path,
				 conffile_error(fd));
	if (*bans && (fd < 0 || (*bans)->dev != file.st_dev || (*bans)->ino != file.st_ino ||
		      (*bans)->size > file.st_size || (*bans)->changes.size)) {
		bans_free(*bans);
		*bans = NULL;
	}
	*bans = *bans ?: bans_new();
	if (!*bans)
		err = -ENOMEM;
	else if (fd >= 0)
		err = read_lines(*bans, fd, &file, ret_error);
	if (err < 0)
		return error_set_errno(ret_error, err, "cannot read '%s'", path);
	if (ret_error && ret_error->line)
		error_in_file(ret_error, path);
	return 0;
}

int bans_read(const char *path, struct bans **ret, struct error *ret_error)
{
	struct bans *bans = NULL;
	int err = bans_read_again(path, &bans, ret_error);

	if (err < 0)
		bans_free(bans);
	else
		*ret = bans;
	return err;
}

const char *bans_changes(const struct bans *bans, size_t *ret_length)
{
	*ret_length = bans->changes.size;
	return bans->changes.bytes;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int make_directory(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	return mkdir(dirname(copy), 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno != EINTR)
			return -errno;
		bytes += written > 0 ? written : 0;
		size -= written > 0 ? written : 0;
	}
	return 0;
}

static int sync_directory(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd =
		copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Behind its last whole line.  What fails leaves it as it was. */
static int append(struct bans *bans, const char *path)
{
	struct stat file;
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	int err;

	if (fd < 0 || ftruncate(fd, bans->size) < 0 || lseek(fd, bans->size, SEEK_SET) < 0)
		return -errno;
	err = fstat(fd, &file) < 0 ? -errno
				   : write_all(fd, bans->changes.bytes, bans->changes.size);
	if (err == 0 && fdatasync(fd) < 0)
		err = -errno;
	if (err == 0 && !bans->size)
		err = sync_directory(path);
	if (err < 0)
		(void)!ftruncate(fd, bans->size);
	if (err == 0) {
		bans->dev = file.st_dev;
		bans->ino = file.st_ino;
	}
	return err;
}

static size_t count_lines(const struct buffer *buffer)
{
	size_t lines = 0;

	for (size_t i = 0; i < buffer->size; i++)
		lines += buffer->bytes[i] == '\n';
	return lines;
}

int bans_save(struct bans *bans, const char *path, struct error *ret_error)
{
	int err;

	bans->saved_from = bans->size;
	if (!bans->changes.size)
		return 0;
	err = make_directory(path) ?: append(bans, path);
	if (err < 0)
		return error_set_errno(ret_error, err, "cannot write the bans into '%s'", path);
	bans->size += bans->changes.size;
	bans->lines += count_lines(&bans->changes);
	buffer_clear(&bans->changes);
	return 0;
}

int bans_unsave(struct bans *bans, const char *path)
{
	if (bans->saved_from == bans->size)
		return 0;
	if (truncate(path, bans->saved_from) < 0)
		return -errno;
	bans->size = bans->saved_from;
	return 0;
}

static bool is_past(const struct ban *ban, time_t now)
{
	return ban->until && ban->until <= now;
}

static size_t count_that_hold(const struct bans *bans, time_t now)
{
	const struct ban *ban;
	size_t at = 0, count = 0;

	while ((ban = bans_next(bans, &at)))
		count += !is_past(ban, now);
	return count;
}

int bans_tidy(struct bans *bans, const char *path, time_t now)
{
	_cleanup_(buffer_clear) struct buffer text = {};
	const struct ban *ban;
	size_t at = 0;
	int err = 0;

	if (bans->changes.size || bans->lines <= IDLE_LINES ||
	    bans->lines <= 2 * count_that_hold(bans, now) + IDLE_LINES)
		return 0;
	while (err == 0 && (ban = bans_next(bans, &at)))
		err = is_past(ban, now) ? 0 : bans_put_line(&text, bans, ban);
	err = err ?: buffer_append(&text, "", 1);
	err = err ?: conffile_write(path, text.bytes);
	return err ?: 1;
}
