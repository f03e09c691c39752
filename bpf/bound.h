/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bound.h: the ports that Docker bound: where bindwatch.bpf.c puts them and where the filter
 * looks.  See map_values.h for how the maps go together.
 */
#ifndef TIDEGATE_BOUND_H
#define TIDEGATE_BOUND_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "limit.h"
#include "map_values.h"

/* No memory until Docker binds something. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BOUND_EVERY_MAX);
	__type(key, struct bound_key);
	__type(value, struct bound_value);
} bound_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_BOUND);
	__type(key, struct bound_key);
	__type(value, struct bound_value);
} bound_ports_at SEC(".maps");

/* User space clears bits while the program sets others, so it works on the same memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bound_marks);
} bound_marks SEC(".maps");

static __always_inline struct bound_marks *bound_marks_of(void)
{
	__u32 key = 0;

	/* Inlined by the kernel: an address, not a call. */
	return bpf_map_lookup_elem(&bound_marks, &key);
}

#endif
