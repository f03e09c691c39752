/* SPDX-License-Identifier: GPL-2.0-only */
/* running.h: what enforces now, read back from the kernel, whichever layout it has. */
#ifndef TIDEGATE_RUNNING_H
#define TIDEGATE_RUNNING_H

#include "policy_image.h"

struct error;
struct image;
struct kernel;

/*
 * The image in the slot, checked; -ENOENT when there is none that can be used.  While the filter
 * moves from an older layout it says just what that one was made from and until when: the snapshot,
 * the audit mode, the generation and the deadline.  Such an image decides nothing and is never put
 * into a slot.
 */
int running_read(struct kernel *kernel, enum image_slot slot, struct image *ret,
		 struct error *error);

#endif
