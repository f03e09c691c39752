/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gate.c: bpf/gate.bpf.c to netfilter's FORWARD, one link each for IPv4 and IPv6.
 * libbpf 1.1 knows neither the type of program nor the link (both Linux 6.4), so they go by
 * number here.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>

#include "gate.skel.h"
#include "kernel/private.h"
#include "base/cleanup.h"

/* include/uapi/linux/bpf.h */
#define PROG_TYPE_NETFILTER 32
#define ATTACH_NETFILTER    45
#define LINK_CREATE         28

#define NFPROTO_IPV4    2
#define NFPROTO_IPV6    10
#define NF_INET_FORWARD 2

/* In front of everything; two places, because a program is replaced by another beside it. */
#define PRIORITY_FIRST (INT_MIN + 1)
#define PRIORITIES     2

/* The part of union bpf_attr that the command reads. */
struct link_create {
	__u32 prog_fd, target_fd, attach_type, flags;
	__u32 pf, hooknum;
	__s32 priority;
	__u32 netfilter_flags;
};

/* Such a link cannot be given another program (-EOPNOTSUPP), but need not if it would be the
 * same. */
static bool is_same(int link_fd, int program_fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	_cleanup_close_ int old_fd = -1;
	struct program old, new;

	if (bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0)
		return false;
	old_fd = bpf_prog_get_fd_by_id(info.prog_id);
	if (old_fd < 0 || kernel_read_program(old_fd, &old) < 0 ||
	    kernel_read_program(program_fd, &new) < 0)
		return false;
	return memcmp(old.info.tag, new.info.tag, sizeof(old.info.tag)) == 0 &&
	       old.info.nr_map_ids ==
		       new.info.nr_map_ids &&memcmp(old.maps, new.maps, sizeof(old.maps)) == 0;
}

static int create_link(int program_fd, __u32 family, struct error *error)
{
	struct link_create attr = {
		.prog_fd = program_fd,
		.attach_type = ATTACH_NETFILTER,
		.pf = family,
		.hooknum = NF_INET_FORWARD,
	};
	int fd = -1;

	for (int i = 0; i < PRIORITIES && fd < 0; i++) {
		attr.priority = PRIORITY_FIRST + i;
		fd = syscall(__NR_bpf, LINK_CREATE, &attr, sizeof(attr));
		if (fd < 0 && errno != EBUSY)
			break;
	}
	return fd < 0 ? error_set_errno(error, -errno, "cannot attach the gate to netfilter") : fd;
}

/* The new link is there before its pin takes the place of the old one, which then goes. */
static int attach(struct kernel *kernel, int program_fd, __u32 family, const char *pin,
		  struct error *error)
{
	_cleanup_free_ char *path = NULL, *path_new = NULL;
	_cleanup_close_ int old_fd = -1, fd = -1;

	if (kernel_link_path(kernel, pin, &path) < 0 || asprintf(&path_new, "%s-new", path) < 0)
		return -ENOMEM;
	old_fd = bpf_obj_get(path);
	if (old_fd >= 0 && is_same(old_fd, program_fd))
		return 0;
	(void)unlink(path_new);
	fd = create_link(program_fd, family, error);
	if (fd < 0)
		return fd;
	if (bpf_obj_pin(fd, path_new) < 0 || rename(path_new, path) < 0)
		return error_set_errno(error, -errno, "cannot pin '%s'", path);
	if (old_fd >= 0)
		(void)bpf_link_detach(old_fd); /* also if somebody holds it */
	return 0;
}

static int load(const struct kernel *kernel, struct gate_bpf *gate, struct error *error)
{
	int err;

	bpf_program__set_type(gate->progs.gate, PROG_TYPE_NETFILTER);
	bpf_program__set_expected_attach_type(gate->progs.gate, ATTACH_NETFILTER);
	err = kernel_share_maps(kernel, gate->obj, error);
	if (err == 0)
		err = gate_bpf__load(gate);
	return err < 0 ? error_set_errno(error, err, "the kernel refused the gate") : 0;
}

int kernel_load_gate(struct kernel *kernel, struct error *error)
{
	struct gate_bpf *gate = gate_bpf__open();
	int err;

	if (!gate)
		return error_set_errno(error, -errno, "cannot read the built-in gate");
	err = load(kernel, gate, error);
	if (err == 0)
		err = attach(kernel, bpf_program__fd(gate->progs.gate), NFPROTO_IPV4, "gate-inet4",
			     error);
	if (err == 0)
		err = attach(kernel, bpf_program__fd(gate->progs.gate), NFPROTO_IPV6, "gate-inet6",
			     error);
	gate_bpf__destroy(gate);
	return err;
}
