/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conntrack.h: what an entry of conntrack proves about who began a flow.  Knows entries and ports,
 * no policy.
 */
#ifndef TIDEGATE_CONNTRACK_H
#define TIDEGATE_CONNTRACK_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "parse.h"

/* include/uapi/linux/netfilter/nf_conntrack_tcp.h */
#define IP_CT_TCP_FLAG_BE_LIBERAL 0x08

/* From here up clients get their ports: net.ipv4.ip_local_port_range, as it is by default. */
#define CLIENT_PORTS 32768

/*
 * Whether conntrack came upon a TCP connection in its middle, as it does where it was not at work
 * before, or its table was flushed.  For its original direction it then takes that of the first
 * packet it saw, whoever began.  tcp_new() in net/netfilter/nf_conntrack_proto_tcp.c sets the flag
 * in both directions then, and only then.
 */
static __always_inline bool is_picked_up(const struct nf_conn *ct)
{
	__u8 original = BPF_CORE_READ(ct, proto.tcp.seen[0].flags);
	__u8 reply = BPF_CORE_READ(ct, proto.tcp.seen[1].flags);

	return original & reply & IP_CT_TCP_FLAG_BE_LIBERAL;
}

/* Whether the entry is evidence that this side began, `port` being its own: of a connection that
 * was picked up, the port tells. */
static __always_inline bool has_begun(const struct nf_conn *ct, __u8 protocol, __be16 port)
{
	return protocol != IPPROTO_TCP || bpf_ntohs(port) >= CLIENT_PORTS || !is_picked_up(ct);
}

#endif
