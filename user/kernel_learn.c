/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_learn.c: bpf/learn.bpf.c to the root of the control groups, where every process of
 * the machine is below.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/statfs.h>

#include "kernel_private.h"
#include "learn.skel.h"
#include "util.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

/* The root has no type; the root of a namespace is another's child, and has one. */
static bool is_root_group(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC &&
	       faccessat(fd, "cgroup.type", F_OK, 0) < 0 && errno == ENOENT;
}

/*
 * A descriptor of the version 2 hierarchy's root, wherever it is mounted: /sys/fs/cgroup, or
 * /sys/fs/cgroup/unified beside version 1.  proc(5), mountinfo: ID, parent, device, root,
 * mount point, options, then " - " and the type.
 */
static int open_root_group(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	char root[256], path[256];
	size_t size = 0;

	if (!file)
		return kernel_fail(-errno, "cannot read the mounts");
	while (getline(&line, &size, file) > 0) {
		int fd;

		if (!strstr(line, " - cgroup2 ") ||
		    sscanf(line, "%*s %*s %*s %255s %255s", root, path) != 2 || !streq(root, "/"))
			continue;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && is_root_group(fd))
			return fd;
		util_closep(&fd);
	}
	return kernel_fail(-ENOENT, "cannot find the root of the control groups, version 2");
}

static int read_netns_cookie(__u64 *ret)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*ret);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &size) < 0)
		return kernel_fail(-errno, "cannot tell this network namespace from others");
	return 0;
}

static int load(const struct kernel *kernel, struct learn_bpf *learn)
{
	__u64 cookie;
	int err = read_netns_cookie(&cookie);

	if (err < 0)
		return err;
	learn->rodata->netns_cookie = cookie;
	err = kernel_share_maps(kernel, learn->obj);
	if (err == 0)
		err = learn_bpf__load(learn);
	return err < 0 ? kernel_fail(err, "the kernel refused the program that learns") : 0;
}

/* Into the link that is pinned, or a new one. */
static int attach(struct kernel *kernel, const struct bpf_program *program, const char *pin)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int group_fd = -1, fd = -1;

	if (kernel_link_path(kernel, pin, &path) < 0)
		return -ENOMEM;
	fd = bpf_obj_get(path);
	if (fd >= 0 && bpf_link_update(fd, bpf_program__fd(program), NULL) == 0)
		return 0;
	group_fd = open_root_group();
	if (group_fd < 0)
		return group_fd;
	util_closep(&fd);
	fd = bpf_link_create(bpf_program__fd(program), group_fd,
			     bpf_program__expected_attach_type(program), NULL);
	if (fd < 0)
		return kernel_fail(-errno, "cannot attach to the root of the control groups");
	if (unlink(path) < 0 && errno != ENOENT)
		return kernel_fail(-errno, "cannot remove the pin '%s'", path);
	if (bpf_obj_pin(fd, path) < 0)
		return kernel_fail(-errno, "cannot pin '%s'", path);
	return 0;
}

int kernel_load_learn(struct kernel *kernel)
{
	struct learn_bpf *learn = learn_bpf__open();
	int err;

	if (!learn)
		return kernel_fail(-errno, "cannot read the built-in program that learns");
	err = load(kernel, learn);
	if (err == 0)
		err = attach(kernel, learn->progs.learn_bind4, "learn-4");
	if (err == 0)
		err = attach(kernel, learn->progs.learn_bind6, "learn-6");
	learn_bpf__destroy(learn);
	return err;
}
