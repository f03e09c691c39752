/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * learned.h: the ports that Docker bound: where learn.bpf.c puts them and where the filter
 * looks.  See datapath.h for how the maps go together.
 */
#ifndef TIDEGATE_LEARNED_H
#define TIDEGATE_LEARNED_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "datapath.h"

/* No memory until Docker binds something. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LEARNED_EVERY);
	__type(key, struct learned_key);
	__type(value, struct learned);
} learned SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_LEARNED);
	__type(key, struct learned_key);
	__type(value, struct learned);
} learned_at SEC(".maps");

/* User space clears bits while the program sets others, so it works on the same memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct learned_ports);
} learned_ports SEC(".maps");

static __always_inline struct learned_ports *learned_ports_of(void)
{
	__u32 key = 0;

	/* Inlined by the kernel: an address, not a call. */
	return bpf_map_lookup_elem(&learned_ports, &key);
}

#endif
