/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bindwatch.c: bpf/bindwatch.bpf.c to the root of the control groups, where every process of
 * the machine is below, and bpf/socket.bpf.c to this network namespace.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/statfs.h>

#include "kernel/private.h"
#include "bindwatch.skel.h"
#include "socket.skel.h"
#include "base/cleanup.h"

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
static int open_root_group(struct error *error)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	char root[256], path[256];
	size_t size = 0;

	if (!file)
		return error_set_errno(error, -errno, "cannot read the mounts");
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
	return error_set_errno(error, -ENOENT, "cannot find the root of control groups version 2");
}

static int read_netns_cookie(__u64 *ret, struct error *error)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*ret);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &size) < 0)
		return error_set_errno(error, -errno, "cannot identify this network namespace");
	return 0;
}

static int load(const struct kernel *kernel, struct bindwatch_bpf *bindwatch, struct error *error)
{
	__u64 cookie;
	int err = read_netns_cookie(&cookie, error);

	if (err < 0)
		return err;
	bindwatch->rodata->netns_cookie = cookie;
	err = kernel_share_maps(kernel, bindwatch->obj, error);
	if (err == 0)
		err = bindwatch_bpf__load(bindwatch);
	return err < 0 ? error_set_errno(error, err, "the kernel refused the bindwatch program")
		       : 0;
}

/* Of the network namespace that we are in. */
static int open_netns(struct error *error)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? error_set_errno(error, -errno, "cannot open the network namespace") : fd;
}

/* Into the link that is pinned, or a new one. */
static int attach(struct kernel *kernel, const struct bpf_program *program, const char *pin,
		  struct error *error)
{
	enum bpf_attach_type type = bpf_program__expected_attach_type(program);
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int target_fd = -1, fd = -1;

	if (kernel_link_path(kernel, pin, &path) < 0)
		return -ENOMEM;
	fd = bpf_obj_get(path);
	if (fd >= 0 && bpf_link_update(fd, bpf_program__fd(program), NULL) == 0)
		return 0;
	target_fd = type == BPF_SK_LOOKUP ? open_netns(error) : open_root_group(error);
	if (target_fd < 0)
		return target_fd;
	util_closep(&fd);
	fd = bpf_link_create(bpf_program__fd(program), target_fd, type, NULL);
	if (fd < 0)
		return error_set_errno(error, -errno, "cannot attach '%s'",
				       bpf_program__name(program));
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set_errno(error, -errno, "cannot remove the pin '%s'", path);
	if (bpf_obj_pin(fd, path) < 0)
		return error_set_errno(error, -errno, "cannot pin '%s'", path);
	return 0;
}

/* The last look comes first: what is noted is then looked at. */
static int attach_socket(struct kernel *kernel, struct error *error)
{
	struct socket_bpf *last = socket_bpf__open();
	int err;

	if (!last)
		return error_set_errno(error, -errno, "cannot read the built-in socket program");
	err = kernel_share_maps(kernel, last->obj, error);
	if (err == 0)
		err = socket_bpf__load(last);
	if (err < 0)
		(void)error_set_errno(error, err, "the kernel refused the socket program");
	else
		err = attach(kernel, last->progs.learn_socket, "learn-socket", error);
	socket_bpf__destroy(last);
	return err;
}

/* The tries come first: a port that is bound was tried. */
static int attach_bindwatch(struct kernel *kernel, const struct bindwatch_bpf *bindwatch,
			    const char *suffix, struct error *error)
{
	const struct {
		const struct bpf_program *program;
		const char *pin;
	} entries[] = {
		{ bindwatch->progs.learn_try4, "learn-try-4" },
		{ bindwatch->progs.learn_try6, "learn-try-6" },
		{ bindwatch->progs.learn_bind4, "learn-4" },
		{ bindwatch->progs.learn_bind6, "learn-6" },
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(entries); i++) {
		char pin[32];

		snprintf(pin, sizeof(pin), "%s%s", entries[i].pin, suffix);
		err = attach(kernel, entries[i].program, pin, error);
	}
	return err;
}

/* Behind the running one, while that is replaced. */
#define BESIDE "-new"

/* Beside the running one it only watches: the older socket program closes until it is replaced. */
static int load_and_attach(struct kernel *kernel, const char *suffix, struct error *error)
{
	struct bindwatch_bpf *bindwatch = bindwatch_bpf__open();
	int err;

	if (!bindwatch)
		return error_set_errno(error, -errno, "cannot read the built-in bindwatch program");
	err = load(kernel, bindwatch, error);
	if (err == 0 && !*suffix)
		err = attach_socket(kernel, error);
	if (err == 0)
		err = attach_bindwatch(kernel, bindwatch, suffix, error);
	bindwatch_bpf__destroy(bindwatch);
	return err;
}

int kernel_load_bindwatch(struct kernel *kernel, struct error *error)
{
	return load_and_attach(kernel, "", error);
}

int kernel_load_bindwatch_beside(struct kernel *kernel, struct error *error)
{
	return load_and_attach(kernel, BESIDE, error);
}

void kernel_unload_bindwatch_beside(struct kernel *kernel)
{
	static const char *const pins[] = { "learn-try-4" BESIDE, "learn-try-6" BESIDE,
					    "learn-4" BESIDE, "learn-6" BESIDE };

	for (size_t i = 0; i < ARRAY_SIZE(pins); i++)
		(void)kernel_unpin_link(kernel, pins[i], NULL);
}
