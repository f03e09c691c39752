/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * receiver.bpf.c: the programs that the filter is compared with, at the receiving end of a
 * veth pair and in BPF_PROG_TEST_RUN.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* All that a program could ask of a SYN: the fair ceiling of every filter reads this much. */
struct seen {
	__u64 packets, bytes, sum;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");

static __always_inline void count(__u32 id, __u64 bytes, __u64 sum)
{
	struct seen *entry = bpf_map_lookup_elem(&seen, &id);

	if (!entry)
		return;
	entry->packets++;
	entry->bytes += bytes;
	entry->sum += sum;
}

/* Touches nothing at all. */
SEC("xdp.frags")
int drop_unread(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* Reads the headers with bounds checks, counts, drops. */
SEC("xdp.frags")
int drop_read(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp;
	__u64 sum;

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(0x0800)) {
		tcp = (void *)ip + ip->ihl * 4;
		sum = (__u64)ip->saddr + ip->daddr + ip->protocol;
	} else {
		if ((void *)(ip6 + 1) > end)
			return XDP_PASS;
		tcp = (void *)(ip6 + 1);
		sum = (__u64)ip6->saddr[0] + ip6->daddr[3] + ip6->nexthdr;
	}
	if ((void *)(tcp + 1) > end)
		return XDP_PASS;
	count(0, end - data, sum + tcp->source + tcp->dest + tcp->flags);
	return XDP_DROP;
}
