/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layout6.h: what maps of layout 6 hold, read for a build with another layout to go on with.
 * Nothing is changed in them.  Each function reads below the kernel's pin directory.
 */
#ifndef TIDEGATE_KERNEL_LAYOUT6_H
#define TIDEGATE_KERNEL_LAYOUT6_H

#include "kernel/private.h"

#define LAYOUT6 6

int layout6_read_state(const struct kernel *kernel, struct state *ret);

/* Guarded or not. */
int layout6_read_interfaces(const struct kernel *kernel, struct other_interface **ret,
			    size_t *ret_count);
int layout6_read_learned(const struct kernel *kernel, struct bound_port **ret, size_t *ret_count);
int layout6_read_counters(const struct kernel *kernel, struct carried_counters *ret);

/* What the image in the slot was made from; -ENOENT when the slot is empty. */
int layout6_read_source(const struct kernel *kernel, enum image_slot slot,
			struct image_source *ret);

#endif
