/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * held.h: whether a UDP port is somebody's already, so that a bind of it will fail.  Looks at the
 * kernel's table of UDP sockets, as the kernel itself will in a moment (net/ipv4/udp.c,
 * udp_lib_get_port()).  Where the table is laid out otherwise nobody holds anything.
 */
#ifndef TIDEGATE_HELD_H
#define TIDEGATE_HELD_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "map_values.h"

#define AF_INET 2

/* Ports that have the same place in the table are in one list. */
#define HELD_MAX 4096

/* Of a struct sock_common, as much as is asked for below. */
#define HELD_COMMON_SIZE 128

struct held_search {
	const struct bound_key *key;
	const struct net *net;
	const struct hlist_node *node;
	__u32 is_sharing; /* who asks has SO_REUSEADDR or SO_REUSEPORT */
	__u32 is_held;
};

static __always_inline bool is_zero(const __be32 *addr)
{
	return !(addr[0] | addr[1] | addr[2] | addr[3]);
}

static __always_inline bool is_same_addr(const __be32 *a, const __be32 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/* A socket of IPv6 as it takes IPv4: not at all, at every address, or at a mapped one. */
static __always_inline bool takes_ipv4(const struct sock *sk, const __be32 *addr,
				       const struct bound_key *key)
{
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only))
		return false;
	if (is_zero(addr))
		return true;
	return !addr[0] && !addr[1] && addr[2] == bpf_htonl(0xffff) &&
	       (!addr[3] || !key->addr[0] || addr[3] == key->addr[0]);
}

/* Whether the socket receives what is sent to some address of the key's. */
static __always_inline bool takes(const struct sock *sk, const struct bound_key *key)
{
	__be32 addr[4] = {};

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		addr[0] = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		return key->family == 4 && (!addr[0] || !key->addr[0] || addr[0] == key->addr[0]);
	}
	BPF_CORE_READ_INTO(&addr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32);
	if (key->family == 4)
		return takes_ipv4(sk, addr, key);
	return is_zero(addr) || is_zero(key->addr) || is_same_addr(addr, key->addr);
}

static __always_inline bool is_shared_by(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuse) ||
	       BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport);
}

static long look_at(__u64 turn, void *arg)
{
	struct held_search *search = arg;
	const struct hlist_node *node = search->node;
	const struct sock *sk;

	if (!node)
		return 1;
	sk = (const void *)node - bpf_core_field_offset(struct sock, __sk_common.skc_node);
	search->node = BPF_CORE_READ(node, next);
	if (BPF_CORE_READ(sk, __sk_common.skc_num) != search->key->port ||
	    BPF_CORE_READ(sk, __sk_common.skc_net.net) != search->net || !takes(sk, search->key))
		return 0;
	/* The kernel may let both have it, if both want that. */
	search->is_held = !search->is_sharing || !is_shared_by(sk);
	return search->is_held;
}

/* One for each network namespace since 6.2, before that one for all. */
static __always_inline const struct udp_table *table_of(const struct sock_common *common)
{
	const struct udp_table *table = NULL;

	if (bpf_core_field_exists(struct proto, h.udp_table))
		table = BPF_CORE_READ(common->skc_prot, h.udp_table);
	if (!table && bpf_core_field_exists(struct netns_ipv4, udp_table))
		table = BPF_CORE_READ(common->skc_net.net, ipv4.udp_table);
	return table;
}

static __always_inline bool is_as_expected(void)
{
	return bpf_core_field_exists(struct udp_table, hash) &&
	       bpf_core_field_exists(struct udp_table, mask) &&
	       bpf_core_field_exists(struct udp_hslot, head) &&
	       bpf_core_field_exists(struct net, hash_mix) &&
	       bpf_core_field_exists(struct sock_common, skc_node) &&
	       bpf_core_field_offset(struct sock_common, skc_v6_rcv_saddr) < HELD_COMMON_SIZE;
}

static __always_inline const struct hlist_node *first_in(const struct udp_table *table, __u32 hash)
{
	const void *slots = BPF_CORE_READ(table, hash);
	const struct udp_hslot *slot = slots + (__u64)hash * bpf_core_type_size(struct udp_hslot);

	return BPF_CORE_READ(slot, head.first);
}

/* From a struct bpf_sock the verifier lets nobody go on to the socket, but it can be copied. */
static __always_inline bool is_held(const struct bpf_sock *sk, const struct bound_key *key)
{
	struct held_search search = { .key = key };
	__u64 copy[HELD_COMMON_SIZE / 8];
	const struct sock_common *common = (const void *)copy;
	const struct udp_table *table;
	const struct net *net;
	__u32 hash;

	if (!is_as_expected() || bpf_probe_read_kernel(copy, sizeof(copy), sk) < 0)
		return false;
	table = table_of(common);
	if (!table)
		return false;
	search.net = net = common->skc_net.net;
	search.is_sharing = BPF_CORE_READ_BITFIELD(common, skc_reuse) ||
			    BPF_CORE_READ_BITFIELD(common, skc_reuseport);
	/* udp_hashfn() */
	hash = (key->port + BPF_CORE_READ(net, hash_mix)) & BPF_CORE_READ(table, mask);
	search.node = first_in(table, hash);
	bpf_loop(HELD_MAX, look_at, &search, 0);
	return search.is_held;
}

#endif
