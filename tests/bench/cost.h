/* SPDX-License-Identifier: GPL-2.0-only */
/* cost.h: what both halves of `cost` share. */
#ifndef TIDEGATE_COST_H
#define TIDEGATE_COST_H

struct cost_config {
	__u32 set_bits; /* of an IPv4 source, in host order */
	__u32 is_fixed; /* the source stays what it is */
};

#endif
