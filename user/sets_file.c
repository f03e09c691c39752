/* SPDX-License-Identifier: GPL-2.0-only */
/* sets_file.c: reads the file behind a set, never more of it than SETS_LIMIT_BYTES. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "sets.h"
#include "util.h"

static int fail(struct sets_error *error, int err, const char *text)
{
	*error = (struct sets_error){ 0 };
	snprintf(error->text, sizeof(error->text), "%s", text);
	return err;
}

/* O_NONBLOCK: opening a FIFO by mistake must not stop the daemon. */
static int open_regular(const char *path, struct sets_error *error, int *ret_fd)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return fail(error, -errno, strerror(errno));
	if (fstat(fd, &st) < 0)
		return fail(error, -errno, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(error, -EINVAL, "not a regular file");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* By what it has and not by st_size: the file may grow meanwhile. */
static int read_all(int fd, struct sets_error *error, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t room = 0, length = 0;

	for (;;) {
		ssize_t more;

		if (length == room) {
			char *grown = realloc(text, room = room ? room * 2 : 65536);

			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		more = read(fd, text + length, room - length);
		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return fail(error, -errno, strerror(errno));
		if (!more)
			break;
		length += (size_t)more;
		if (length > SETS_LIMIT_BYTES)
			return fail(error, -E2BIG, "the file is larger than 128 MiB");
	}
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int sets_read(const char *path, struct prefix **ret_prefixes, size_t *ret_count,
	      struct sets_error *ret_error)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t length = 0;
	int err = open_regular(path, ret_error, &fd);

	err = err ?: read_all(fd, ret_error, &text, &length);
	return err ?: sets_parse(text, length, ret_prefixes, ret_count, ret_error);
}
