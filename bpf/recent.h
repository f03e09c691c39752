/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recent.h: which listed sources came in last, on each CPU, and what let them in: a flow has many
 * packets, and to look its source up again for each is most of what they cost.  What is in here
 * was said by one image, to every packet with this source, protocol and port, and holds for no
 * other image.
 */
#ifndef TIDEGATE_RECENT_H
#define TIDEGATE_RECENT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "policy_image.h"
#include "parse.h"

#define RECENT_BITS 8

struct recent {
	__u32 sequence;   /* odd while it is written */
	__u32 port;       /* recent_port(); 0 = nothing is in here */
	__u64 generation; /* of the image */
	__be32 saddr[4];
	struct verdict_entry entry;
};

struct recents {
	struct recent of[1 << RECENT_BITS];
};

/* Not pinned: what one load of the programs remembers, the next one does not know. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct recents);
} recents SEC(".maps");

static __always_inline __u32 recent_port(const struct packet *pkt)
{
	return (__u32)pkt->family << 24 | (__u32)pkt->protocol << 16 | pkt->dport;
}

static __always_inline struct recent *recent_at(const struct packet *pkt)
{
	__u32 key = 0, hash;
	struct recents *own = bpf_map_lookup_elem(&recents, &key);

	/* Fibonacci hashing: the upper bits of the product depend on all of the factor's. */
	hash = (pkt->saddr[0] ^ pkt->saddr[1] ^ pkt->saddr[2] ^ pkt->saddr[3] ^ pkt->dport) *
	       0x9e3779b9u;
	return own ? &own->of[hash >> (32 - RECENT_BITS) & ((1 << RECENT_BITS) - 1)] : NULL;
}

static __always_inline bool is_recent(const struct recent *recent, const struct packet *pkt,
				      __u64 generation)
{
	return recent->port == recent_port(pkt) && recent->generation == generation &&
	       recent->saddr[0] == pkt->saddr[0] && recent->saddr[1] == pkt->saddr[1] &&
	       recent->saddr[2] == pkt->saddr[2] && recent->saddr[3] == pkt->saddr[3];
}

/* Nobody writes from another CPU, but a program may be interrupted by one on its own. */
static __always_inline __u32 recent_sequence(const struct recent *recent)
{
	__u32 sequence = *(volatile const __u32 *)&recent->sequence;

	barrier();
	return sequence;
}

/* What this image said of the packet's source, protocol and port. */
static __always_inline bool find_recent(const struct packet *pkt, __u64 generation,
					struct verdict_entry *ret)
{
	const struct recent *recent = recent_at(pkt);
	__u32 sequence;

	if (!recent)
		return false;
	sequence = recent_sequence(recent);
	if (sequence & 1 || !is_recent(recent, pkt, generation))
		return false;
	*ret = recent->entry;
	barrier();
	return recent_sequence(recent) == sequence;
}

/* To be called only for an entry that depends on nothing else. */
static __always_inline void note_recent(const struct packet *pkt, __u64 generation,
					const struct verdict_entry *entry)
{
	struct recent *recent = recent_at(pkt);

	if (!recent || recent_sequence(recent) & 1)
		return;
	*(volatile __u32 *)&recent->sequence += 1;
	barrier();
	recent->port = recent_port(pkt);
	recent->generation = generation;
	__builtin_memcpy(recent->saddr, pkt->saddr, sizeof(recent->saddr));
	recent->entry = *entry;
	barrier();
	*(volatile __u32 *)&recent->sequence += 1;
}

#endif
