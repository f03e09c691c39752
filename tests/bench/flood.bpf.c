/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flood.bpf.c: makes TCP SYNs out of the pages that BPF_F_TEST_XDP_LIVE_FRAMES hands it, and
 * the programs at the other end that the filter is compared with.
 *
 * Every byte of every packet is written again: the pages come back from the receiver, where a
 * stack may have changed addresses and ports.  Both checksums are right: with a wrong one
 * conntrack and the chains behind it never see the packet, and look fast for that.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flood.h"
#include "random.bpf.h"

#define ETH_P_IP   0x0800
#define ETH_P_IPV6 0x86dd
#define TCP_SYN    0x02

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, 1u << 10); /* BPF_F_MMAPABLE */
	__uint(max_entries, FLOOD_SOURCES);
	__type(key, __u32);
	__type(value, struct flood_source);
} sources SEC(".maps");

/* One CPU runs the generator. */
struct flood_config config SEC(".data.config") = {};

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __be32 random_ipv4(__u64 random)
{
	__u32 addr = random, first = 11 + ((random >> 32) & 0xff) * 89 / 256;

	addr = (addr & 0x00ffffff) | first << 24;
	if (config.mode == FLOOD_OUTSIDE)
		addr |= 0x8000;
	return bpf_htonl(addr);
}

static __always_inline void pick_source(__be32 saddr[4])
{
	__u64 random = random64(), more = random64();
	__u32 number = (random >> 40) & (config.sources - 1) & (FLOOD_SOURCES - 1);
	struct flood_source *source;

	if (config.mode != FLOOD_TABLE) {
		saddr[0] = random_ipv4(random);
		return;
	}
	source = bpf_map_lookup_elem(&sources, &number);
	if (!source)
		return;
	saddr[0] = source->addr[0] | (source->mask[0] & (__u32)random);
	saddr[1] = source->addr[1] | (source->mask[1] & (__u32)more);
	saddr[2] = source->addr[2] | (source->mask[2] & (__u32)(more >> 32));
	saddr[3] = source->addr[3] | (source->mask[3] & (__u32)(random ^ more));
}

static __always_inline void write_ethernet(struct ethhdr *eth, __u16 proto)
{
	__builtin_memcpy(eth->h_dest, config.dst_mac, 6);
	__builtin_memcpy(eth->h_source, config.src_mac, 6);
	eth->h_proto = bpf_htons(proto);
}

static __always_inline void write_tcp(struct tcphdr *tcp, __u64 saddr_sum)
{
	__u64 random = random64();
	__u64 sum = config.tcp_sum + saddr_sum;

	tcp->source = bpf_htons(1024 + (random & 0x7fff));
	tcp->dest = config.dport;
	tcp->seq = random >> 32;
	tcp->ack_seq = 0;
	tcp->doff_ns = 5 << 4;
	tcp->flags = TCP_SYN;
	tcp->window = bpf_htons(64240);
	tcp->urg_ptr = 0;
	sum += tcp->source;
	sum += tcp->seq;
	tcp->check = fold(sum);
}

static __always_inline void write_ipv4(struct iphdr *ip, __be32 saddr)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0;
	ip->tot_len = bpf_htons(40);
	ip->id = 0;
	ip->frag_off = 0;
	ip->ttl = 64;
	ip->protocol = 6;
	ip->saddr = saddr;
	ip->daddr = config.daddr[0];
	ip->check = fold((__u64)config.ip_sum + saddr);
	write_tcp((void *)(ip + 1), saddr);
}

static __always_inline void write_ipv6(struct ipv6hdr *ip6, const __be32 saddr[4])
{
	*(__u32 *)ip6 = bpf_htonl(6u << 28);
	ip6->payload_len = bpf_htons(20);
	ip6->nexthdr = 6;
	ip6->hop_limit = 64;
	__builtin_memcpy(ip6->saddr, saddr, 16);
	__builtin_memcpy(ip6->daddr, config.daddr, 16);
	write_tcp((void *)(ip6 + 1), (__u64)saddr[0] + saddr[1] + saddr[2] + saddr[3]);
}

static __u64 due_ns;

/* Waits here for the packet's time: a driver that slept between bursts would fill the
 * receiver's ring with each of them. */
static __always_inline void pace(void)
{
	if (!config.gap_ns)
		return;
	if (!due_ns)
		due_ns = bpf_ktime_get_ns();
	for (int i = 0; i < 4000 && bpf_ktime_get_ns() < due_ns; i++)
		;
	due_ns += config.gap_ns;
}

SEC("xdp")
int flood4(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__be32 saddr[4] = {};

	if (data + sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct tcphdr) > end)
		return XDP_ABORTED;
	if (config.is_paused)
		return XDP_DROP;
	pace();
	pick_source(saddr);
	write_ethernet(data, ETH_P_IP);
	write_ipv4(data + sizeof(struct ethhdr), saddr[0]);
	return bpf_redirect(config.ifindex, 0);
}

SEC("xdp")
int flood6(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__be32 saddr[4] = {};

	if (data + sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct tcphdr) > end)
		return XDP_ABORTED;
	if (config.is_paused)
		return XDP_DROP;
	pace();
	pick_source(saddr);
	write_ethernet(data, ETH_P_IPV6);
	write_ipv6(data + sizeof(struct ethhdr), saddr);
	return bpf_redirect(config.ifindex, 0);
}
