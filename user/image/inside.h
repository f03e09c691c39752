/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside.h: sources that no packet from outside can have (DROP_SPOOFED), for the fast path:
 * the few that it compares one by one, and where all others are.  Pure.
 */
#ifndef TIDEGATE_IMAGE_INSIDE_H
#define TIDEGATE_IMAGE_INSIDE_H

#include <stddef.h>
#include <linux/types.h>

#include "policy_image.h"
#include "addr/prefix.h"

struct policy;

struct inside {
	__be32 own4[IMAGE_OWN4];                  /* for image_header.own4 */
	const struct prefix *near[2][IMAGE_NEAR]; /* this host's addresses for near4 and near6, in
						    the policy; NULL behind the last one */
	struct prefix *marks;                     /* for the bits, of both families */
	size_t count;
};

/* 0 or -ENOMEM. */
int inside_init(struct inside *inside, const struct policy *policy);
void inside_clear(struct inside *inside);

#endif
