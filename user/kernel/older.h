/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * older.h: what maps of an older layout hold, read for this build to go on with.  Nothing is
 * changed in them.  Each function reads below the kernel's pin directory; kernel->older_layout says
 * which layout is there.
 */
#ifndef TIDEGATE_KERNEL_OLDER_H
#define TIDEGATE_KERNEL_OLDER_H

#include "kernel/private.h"

#define OLDEST_LAYOUT 6

int older_read_state(const struct kernel *kernel, struct state *ret, struct error *error);

/* Guarded or not. */
struct carried_interface {
	__u32 ifindex;
	struct interface value;
};
int older_read_interfaces(const struct kernel *kernel, struct carried_interface **ret,
			  size_t *ret_count, struct error *error);
int older_read_bound(const struct kernel *kernel, struct bound_port **ret, size_t *ret_count,
		     struct error *error);
int older_read_counters(const struct kernel *kernel, struct carried_counters *ret,
			struct error *error);

/* What the image in the slot was made from; -ENOENT when the slot is empty. */
int older_read_source(const struct kernel *kernel, enum image_slot slot, struct image_source *ret,
		      struct error *error);

#endif
