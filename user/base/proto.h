/* SPDX-License-Identifier: GPL-2.0-only */
/* proto.h: the protocols that have ports: their numbers (IPPROTO_TCP), names, and the order in
 * which the image has them (enum proto_index of policy_image.h). */
#ifndef TIDEGATE_PROTO_H
#define TIDEGATE_PROTO_H

#include <stddef.h>
#include <linux/types.h>

#include "policy_image.h"

extern const __u8 proto_numbers[PROTO_MAX];

/* PROTO_MAX = another protocol. */
enum proto_index proto_index(__u8 proto);

/* "tcp"; "?" for another protocol. */
const char *proto_name(__u8 proto);

/* PROTO_MAX = no such name.  Letters count without their case. */
enum proto_index proto_find(const char *name, size_t length);

#endif
