/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h: where the image is, and which one enforces.  Fetched once for each packet: all that
 * is asked of the policy afterwards is asked of the same image.
 */
#ifndef TIDEGATE_IMAGE_H
#define TIDEGATE_IMAGE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "classify.h"
#include "policy_image.h"

/* The image in each slot, by its size; nobody writes to it once it is in here.  User space reads
 * it back without a copy. */
#define POLICY_MAP(name, size)                                                         \
	struct {                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                              \
		__uint(max_entries, SLOT_MAX);                                         \
		__type(key, __u32);                                                    \
		__array(                                                               \
			values, struct {                                               \
				__uint(type, BPF_MAP_TYPE_ARRAY);                      \
				__uint(map_flags, BPF_F_RDONLY_PROG | BPF_F_MMAPABLE); \
				__uint(max_entries, 1);                                \
				__type(key, __u32);                                    \
				__uint(value_size, size);                              \
			});                                                            \
	} name SEC(".maps")

POLICY_MAP(policy_small, IMAGE_SMALL);
POLICY_MAP(policy_medium, IMAGE_MEDIUM);
POLICY_MAP(policy_large, IMAGE_LARGE);

static __always_inline const __u8 *only_value(void *map)
{
	__u32 key = 0;

	return map ? bpf_map_lookup_elem(map, &key) : NULL;
}

/*
 * The image in a slot.  The smaller sizes are asked first; user space fills the new size
 * before it empties the old one, so that a packet finds the one or the other.
 */
static __always_inline struct image_ref image_in(__u32 slot)
{
	struct image_ref image = { .mask = IMAGE_SMALL - 1 };

	image.bytes = only_value(bpf_map_lookup_elem(&policy_small, &slot));
	if (image.bytes)
		return image;
	image.mask = IMAGE_MEDIUM - 1;
	image.bytes = only_value(bpf_map_lookup_elem(&policy_medium, &slot));
	if (image.bytes)
		return image;
	image.mask = IMAGE_LARGE - 1;
	image.bytes = only_value(bpf_map_lookup_elem(&policy_large, &slot));
	return image;
}

/* CLOCK_MONOTONIC, for what ends by itself.  Each program defines it: the coarse clock costs
 * 2 to 8 ns, the exact one 45, but not every hook is given the coarse one. */
static __always_inline __u64 clock_ns(void);

/* The image that enforces now: a trial that ran past its deadline has fallen back to the
 * confirmed one, whether or not any process is left to say so. */
static __always_inline struct image_ref current_image(void)
{
	struct image_ref image = image_in(SLOT_ACTIVE);

	if (image.bytes) {
		__u64 deadline_ns = image_header_of(image)->deadline_ns;

		if (!deadline_ns || clock_ns() <= deadline_ns)
			return image;
	}
	return image_in(SLOT_CONFIRMED);
}

#endif
