/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sockets.c: the sockets that Docker's own processes hold, and those of sshd, from /proc.  A
 * process is Docker's by its name, which anybody can take, and by CAP_NET_ADMIN, as in
 * bpf/bindwatch.bpf.c.  So is sshd's, one of those that hold the socket.
 */
#include "host/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/order.h"

static int compare_inode(const void *a_, const void *b_)
{
	return order_numbers(*(const unsigned long *)a_, *(const unsigned long *)b_);
}

static ssize_t read_file(int proc_fd, const char *pid, const char *name, char *ret, size_t size)
{
	char path[32];
	_cleanup_close_ int fd = -1;
	ssize_t length;

	if (snprintf(path, sizeof(path), "%s/%s", pid, name) >= (int)sizeof(path))
		return -1;
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, ret, size - 1);
	ret[length < 0 ? 0 : length] = '\0';
	return length;
}

/* In a user namespace of its own everybody has every capability. */
static bool is_net_admin(int proc_fd, const char *pid)
{
	char status[4096], path[32];
	struct stat ours, theirs;
	const char *line;

	if (read_file(proc_fd, pid, "status", status, sizeof(status)) <= 0 ||
	    snprintf(path, sizeof(path), "%s/ns/user", pid) >= (int)sizeof(path))
		return false;
	line = strstr(status, "\nCapEff:");
	return line && (strtoull(line + strlen("\nCapEff:"), NULL, 16) & 1u << CAP_NET_ADMIN) &&
	       fstatat(proc_fd, path, &theirs, 0) == 0 &&
	       fstatat(proc_fd, "self/ns/user", &ours, 0) == 0 && theirs.st_ino == ours.st_ino &&
	       theirs.st_dev == ours.st_dev;
}

/* "" when it cannot be read. */
static void read_name(int proc_fd, const char *pid, char ret[static 16])
{
	if (read_file(proc_fd, pid, "comm", ret, 16) < 0)
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

static bool is_docker(int proc_fd, const char *pid)
{
	char name[16];

	read_name(proc_fd, pid, name);
	return (streq(name, "dockerd") || streq(name, "docker-proxy")) &&
	       is_net_admin(proc_fd, pid);
}

static int add_inode(struct sockets *sockets, const char *link)
{
	unsigned long *added, inode;

	if (sscanf(link, "socket:[%lu]", &inode) != 1)
		return 0;
	added = util_append(&sockets->inodes, sockets->count, sizeof(*added));
	if (!added)
		return -ENOMEM;
	sockets->count++;
	*added = inode;
	return 0;
}

/* Gone, or not ours to look into: its ports count as the host's. */
static bool is_out_of_reach(int err)
{
	return err == ENOENT || err == ESRCH || err == EACCES || err == EPERM;
}

static int add_process(struct sockets *sockets, int proc_fd, const char *pid)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_close_ int fd = -1;
	struct dirent *entry;
	char path[32], link[64];
	int err = 0;

	if (snprintf(path, sizeof(path), "%s/fd", pid) >= (int)sizeof(path))
		return 0;
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return is_out_of_reach(errno) ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)TAKE_FD(fd);
	while (!err && (entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (length < 0)
			continue;
		link[length] = '\0';
		err = add_inode(sockets, link);
	}
	return err;
}

/* Of each process that `is_wanted`. */
static int add_processes(struct sockets *sockets, bool (*is_wanted)(int proc_fd, const char *pid))
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !is_wanted(dirfd(proc), entry->d_name))
			continue;
		err = add_process(sockets, dirfd(proc), entry->d_name);
	}
	if (!err && sockets->count)
		qsort(sockets->inodes, sockets->count, sizeof(*sockets->inodes), compare_inode);
	return err;
}

int sockets_add_docker(struct sockets *sockets)
{
	return add_processes(sockets, is_docker);
}

/* sshd, sshd-session, sshd-auth */
static bool is_named_sshd(int proc_fd, const char *pid)
{
	char name[16];

	read_name(proc_fd, pid, name);
	return strncmp(name, "sshd", strlen("sshd")) == 0;
}

static bool is_sshd(int proc_fd, const char *pid)
{
	return is_named_sshd(proc_fd, pid) && is_net_admin(proc_fd, pid);
}

/*
 * By its title, which OpenSSH sets: "sshd: root@pts/0" is logged in, also "sshd: root@notty" and
 * "sshd: root".  In brackets is what it does for somebody who is not, "sshd: root [net]" and
 * "sshd: [accepted]", or behind him, "sshd: alice [priv]", or for nobody, "[listener]".  Without a
 * colon it has just begun.
 */
static bool is_login(int proc_fd, const char *pid)
{
	char title[256];

	return is_named_sshd(proc_fd, pid) &&
	       read_file(proc_fd, pid, "cmdline", title, sizeof(title)) > 0 &&
	       strstr(title, ": ") && !strchr(title, '[');
}

int sockets_add_sshd(struct sockets *sockets)
{
	return add_processes(sockets, is_sshd);
}

int sockets_add_logins(struct sockets *sockets)
{
	return add_processes(sockets, is_login);
}

bool sockets_have(const struct sockets *sockets, unsigned long inode)
{
	return sockets->count &&
	       bsearch(&inode, sockets->inodes, sockets->count, sizeof(inode), compare_inode);
}

void sockets_clear(struct sockets *sockets)
{
	free(sockets->inodes);
	*sockets = (struct sockets){ 0 };
}
