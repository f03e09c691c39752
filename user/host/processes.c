/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * processes.c: see processes.h.  A container is known by its control group, whose path ends with
 * the container's id, with a prefix and a suffix where systemd makes it.
 */
#include "host/processes.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/order.h"

#define ID_LENGTH (PROCESSES_ID_SIZE - 1)

struct search {
	struct socket_holder *holders;
	size_t count;
};

static int compare_holder(const void *a_, const void *b_)
{
	const struct socket_holder *a = a_, *b = b_;

	return order_numbers(a->inode, b->inode);
}

static void read_file(int proc_fd, const char *pid, const char *name, char *ret, size_t size)
{
	char path[32];
	_cleanup_close_ int fd = -1;
	ssize_t length = -1;

	if (snprintf(path, sizeof(path), "%s/%s", pid, name) < (int)sizeof(path))
		fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		length = read(fd, ret, size - 1);
	ret[length < 0 ? 0 : length] = '\0';
}

/* The first run of just 64 hex digits. */
static void find_id(const char *text, char ret[static PROCESSES_ID_SIZE])
{
	ret[0] = '\0';
	while (*text && !ret[0]) {
		size_t length = strspn(text, "0123456789abcdef");

		if (length == ID_LENGTH)
			snprintf(ret, PROCESSES_ID_SIZE, "%.*s", ID_LENGTH, text);
		text += length ? length : 1;
	}
}

static void describe(int proc_fd, const char *pid, struct socket_holder *holder)
{
	char groups[4096];

	read_file(proc_fd, pid, "comm", holder->name, sizeof(holder->name));
	holder->name[strcspn(holder->name, "\n")] = '\0';
	for (char *at = holder->name; *at; at++)
		if (!isprint((unsigned char)*at))
			*at = '?';
	read_file(proc_fd, pid, "cgroup", groups, sizeof(groups));
	find_id(groups, holder->container);
}

/* One that somebody holds already is passed on to a child at most. */
static void match(const struct search *search, int proc_fd, const char *pid, const char *link)
{
	struct socket_holder key = {}, *found;

	if (sscanf(link, "socket:[%lu]", &key.inode) != 1)
		return;
	found = bsearch(&key, search->holders, search->count, sizeof(key), compare_holder);
	if (!found || found->name[0])
		return;
	describe(proc_fd, pid, found);
}

/* One that is gone, or not ours to look into, is skipped. */
static void look_into(const struct search *search, int proc_fd, const char *pid)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	char path[32], link[64];
	int fd = -1;

	if (snprintf(path, sizeof(path), "%s/fd", pid) < (int)sizeof(path))
		fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (length < 0)
			continue;
		link[length] = '\0';
		match(search, proc_fd, pid, link);
	}
}

int processes_find(struct socket_holder *holders, size_t count)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	struct search search = { holders, count };
	struct dirent *entry;

	if (!proc)
		return -errno;
	while (count && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_into(&search, dirfd(proc), entry->d_name);
	return 0;
}
