/* SPDX-License-Identifier: GPL-2.0-only */
/* count.h: what became of packets, for people to read. */
#ifndef TIDEGATE_COUNT_H
#define TIDEGATE_COUNT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "fastpath_table.h"
#include "limit.h"
#include "map_values.h"
#include "reason.h"
#include "maps.h"

/* Beside a reason that a function returns: count, but let pass. */
#define ONLY_AUDIT 256

static __always_inline bool is_drop(enum reason reason)
{
	return REASONS_DROP & (1u << reason);
}

/* The element of the CPU that runs this; no other CPU writes to it.  NULL on a CPU that was plugged
 * in since the map was made: it counts nothing. */
static __always_inline struct counters *own_counters(void)
{
	__u32 index = COUNTERS_CPU(bpf_get_smp_processor_id());

	return bpf_map_lookup_elem(&counters, &index);
}

static __always_inline void add(struct counter *counter, __u32 packets, __u64 bytes)
{
	counter->packets += packets;
	counter->bytes += bytes;
}

static __always_inline void count_at(struct counters *own, __u32 id, __u32 packets, __u64 bytes)
{
	add(&own->of[id % LIMIT_COUNTERS], packets, bytes);
}

/* The counter of a reason.  family: 4, 6, or 0 = not known. */
static __always_inline void count(enum reason reason, __u8 family, __u32 packets, __u64 bytes)
{
	struct counters *own = own_counters();

	if (own)
		count_at(own, COUNTER_OF_REASON(reason, family == 6), packets, bytes);
}

/* The one that a fast path entry names. */
static __always_inline void count_entry(__u32 entry, __u32 packets, __u64 bytes)
{
	struct counters *own = own_counters();

	if (own)
		add((void *)own + FASTPATH_COUNTER_OFFSET(entry), packets, bytes);
}

/* Those of the reason, and of port and rule, if they have any. */
static __always_inline void count_each(enum reason reason, __u8 family, __u32 port, __u32 rule,
				       __u32 packets, __u64 bytes)
{
	struct counters *own = own_counters();

	if (!own)
		return;
	count_at(own, COUNTER_OF_REASON(reason, family == 6), packets, bytes);
	if (port)
		count_at(own, port, packets, bytes);
	if (rule)
		count_at(own, rule, packets, bytes);
}

#endif
