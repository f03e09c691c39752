/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * types.h: integer types for both sides of the map boundary, and nothing else.
 *
 * In all headers of this folder: fields typed __be16 and __be32 are as on the wire, everything else
 * is in host order.  Padding is a named field and always zero.  Every shared struct has its size
 * asserted.
 */
#ifndef TIDEGATE_TYPES_H
#define TIDEGATE_TYPES_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(struct type) == (size), "size of struct " #type)

#endif
