/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside.h: sources that no packet from outside can have (DROP_SPOOFED), for the fast path: this
 * host's own addresses, and where all others are.  Pure.
 */
#ifndef TIDEGATE_IMAGE_INSIDE_H
#define TIDEGATE_IMAGE_INSIDE_H

#include <stddef.h>
#include <linux/types.h>

#include "classify.h"
#include "policy_image.h"
#include "addr/prefix.h"

struct policy;

struct inside {
	struct own_addrs own; /* for image_header.own */
	struct prefix *marks; /* for the prefilter, of both families */
	size_t count;
};

/* The image has its tables of destinations already.  0 or -ENOMEM. */
int inside_init(struct inside *inside, const struct policy *policy, struct image_ref image);
void inside_clear(struct inside *inside);

#endif
