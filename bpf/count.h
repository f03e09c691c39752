/* SPDX-License-Identifier: GPL-2.0-only */
/* count.h: what became of packets, for people to read. */
#ifndef TIDEGATE_COUNT_H
#define TIDEGATE_COUNT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "datapath.h"
#include "maps.h"

/* Beside a reason that a function returns: count, but let pass. */
#define ONLY_AUDIT 256

static __always_inline bool is_drop(enum reason reason)
{
	return REASONS_DROP & (1u << reason);
}

static __always_inline void count(__u32 id, __u32 packets, __u32 bytes)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &id);

	if (!counter)
		return;
	counter->packets += packets;
	counter->bytes += bytes;
}

#endif
