/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe.c: what the running kernel can do, found out by looking, never by its version:
 * distributions backport.
 */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* Whether the type information has that name among its strings, which is as good as parsing
 * it, and twenty times as fast. */
static bool has_name(const char *path, const char *name)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *bytes = NULL;
	struct stat stat;
	size_t length = 0;
	ssize_t count = 1;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return false;
	bytes = malloc(stat.st_size + 1);
	while (bytes && count > 0 && length < (size_t)stat.st_size) {
		count = read(fd, bytes + length, stat.st_size - length);
		length += count > 0 ? count : 0;
	}
	return bytes && memmem(bytes, length, name, strlen(name) + 1);
}

/* The kfuncs are in the kernel's own BTF, or in the module's. */
bool kernel_has_conntrack(void)
{
	return has_name("/sys/kernel/btf/vmlinux", "bpf_xdp_ct_lookup") ||
	       has_name("/sys/kernel/btf/nf_conntrack", "bpf_xdp_ct_lookup");
}
