/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * intern.h: equal byte strings get equal numbers: 0, 1, 2, … in the order of their first
 * appearance.  Compares the bytes, so that two of equal hash stay two.  Pure.
 */
#ifndef TIDEGATE_INTERN_H
#define TIDEGATE_INTERN_H

#include <stddef.h>
#include <linux/types.h>

#include "base/buffer.h"

struct intern_item {
	size_t offset, length; /* in intern.strings */
	__u64 hash;
};

struct intern {
	struct buffer strings; /* each aligned to 8 bytes */
	struct intern_item *items;
	__u32 count;
	__u32 *slots; /* open addressing: number + 1 */
	size_t slots_count;
};

/*
 * Number of that string, which is copied when it is new: then *ret_number is what the
 * count was before.  0 or -ENOMEM.
 */
int intern_add(struct intern *intern, const void *bytes, size_t length, __u32 *ret_number);

/* Valid until the next intern_add(). */
static inline const void *intern_get(const struct intern *intern, __u32 number)
{
	return intern->strings.bytes + intern->items[number].offset;
}

void intern_clear(struct intern *intern);

#endif
