/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.bpf.c: joins two interfaces, so that what a stack sends at the one comes out of the other
 * as from a NIC: in frames that the driver holds, before there is an skb.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "wire.h"

char LICENSE[] SEC("license") = "GPL";

/* Interface indices; set before it is loaded. */
const volatile struct wire_ends ends = {};

SEC("xdp")
int to_host(struct xdp_md *ctx)
{
	return bpf_redirect(ends.host, 0);
}

/* What the host sends may still be one skb for many packets, as a NIC takes it too. */
SEC("tc")
int to_client(struct __sk_buff *skb)
{
	return bpf_redirect(ends.client, 0);
}
