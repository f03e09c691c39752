/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.h: the pinned maps that every program of the data plane shares.  Names are at most
 * 15 characters (BPF_OBJ_NAME_LEN).  user/kernel.c creates them once and hands the same ones to
 * every later load.
 */
#ifndef TIDEGATE_MAPS_H
#define TIDEGATE_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "limit.h"
#include "map_values.h"

/* One element for each CPU: the loader knows how many there can be. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

/* Written and read by user space; no program looks at it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LIMIT_COUNTERS);
	__type(key, __u32);
	__type(value, struct counter_key);
} counter_owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMIT_KNOWN);
	__type(key, __u32);
	__type(value, struct interface);
} interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMIT_MACS);
	__type(key, struct mac_key);
	__type(value, __u8);
} own_macs SEC(".maps");

/* Where a packet came in, to what stands behind the filter. */
enum zone {
	ZONE_INSIDE,
	ZONE_OUTSIDE,
	ZONE_UNSEEN, /* nobody has seen the interface yet: the outside, and not filtered */
};

static __always_inline enum zone zone_of(__u32 ifindex)
{
	const struct interface *interface = bpf_map_lookup_elem(&interfaces, &ifindex);

	if (!interface)
		return ifindex > INTERFACE_LOOPBACK ? ZONE_UNSEEN : ZONE_INSIDE;
	return interface->flags & INTERFACE_INSIDE ? ZONE_INSIDE : ZONE_OUTSIDE;
}

/* Written and read by user space; no program looks at it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state);
} state SEC(".maps");

/* As well. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DEFENSE_MAX);
	__type(key, __u32);
	__type(value, struct defense_note);
} defenses SEC(".maps");

#endif
