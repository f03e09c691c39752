/* SPDX-License-Identifier: GPL-2.0-only */
/* state.c: the map "state": of this layout, or read from an older one while the filter moves. */
#include <errno.h>

#include "kernel/older.h"
#include "kernel/private.h"

int kernel_read_state(struct kernel *kernel, struct state *ret, struct error *error)
{
	__u32 key = 0;

	if (kernel->state_fd < 0 && kernel->is_moving)
		return older_read_state(kernel, ret, error);
	if (bpf_map_lookup_elem(kernel->state_fd, &key, ret) < 0)
		return error_set_errno(error, -errno, "cannot read the state");
	return 0;
}

int kernel_write_state(struct kernel *kernel, const struct state *current, struct error *error)
{
	__u32 key = 0;

	if (bpf_map_update_elem(kernel->state_fd, &key, current, BPF_ANY) < 0)
		return error_set_errno(error, -errno, "cannot write the state");
	return 0;
}
