/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cost.bpf.c: gives a program under BPF_PROG_TEST_RUN another packet each time, which that
 * alone does not do; and programs to compare with.  One and the same packet would keep every
 * cache line and every branch of a look-up warm, and flatter the slowest most.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "cost.h"
#include "random.bpf.h"

#define BPF_MAP_TYPE_PROG_ARRAY 3

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct cost_config config SEC(".data.config") = {};
__u64 sink;

/* Sources where the sets of sets.py are; with the bit set, beside every prefix of them.  No
 * checksums: nothing that runs here reads them. */
static __always_inline void vary4(struct iphdr *ip, __u64 random)
{
	__u32 first = 11 + ((random >> 32) & 0xff) * 89 / 256;

	ip->saddr = bpf_htonl(((__u32)random & 0xffffff) | first << 24 | config.set_bits);
}

static __always_inline void vary6(struct ipv6hdr *ip6, __u64 random)
{
	ip6->saddr[0] = bpf_htonl(0x20000000 | ((__u32)random >> 4));
	ip6->saddr[1] = random >> 32;
	ip6->saddr[2] = random >> 16;
	ip6->saddr[3] = random >> 24;
}

/* frags, because a program array takes only one kind, and the filter is of that. */
SEC("xdp.frags")
int vary(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if (data + sizeof(*eth) + sizeof(struct ipv6hdr) > end)
		return XDP_ABORTED;
	if (config.is_fixed)
		sink = random64();
	else if (eth->h_proto == bpf_htons(0x0800))
		vary4(data + sizeof(*eth), random64());
	else
		vary6(data + sizeof(*eth), random64());
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int cost_empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}
