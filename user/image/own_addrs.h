/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * own_addrs.h: the perfect hash of this host's own addresses in the image.  Pure.
 */
#ifndef TIDEGATE_IMAGE_OWN_ADDRS_H
#define TIDEGATE_IMAGE_OWN_ADDRS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy_image.h"
#include "classify.h"

struct prefix;

/* Addresses of one family that could have a slot, the most important ones first. */
struct own_candidates {
	__u8 family;
	const struct prefix **addrs; /* each once, and of kind LOCAL in the image */
	bool *is_placed;             /* out, for each */
	size_t count;
};

/*
 * Fills the slots of the family, with as many of the addresses as there is a place for, and in any
 * case with the first twenty or so.  The image has its tables of destinations already.
 */
void own_addrs_place(struct own_addrs *own, struct image_ref image,
		     const struct own_candidates *candidates);

#endif
