/* SPDX-License-Identifier: GPL-2.0-only */
/* ways.c: brings a frame before a program and says what became of it.  See stage.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "stage_private.h"
#include "base/cleanup.h"

#define ETHERTYPE_AT   12
#define ETHERNET_BYTES 14
#define TAG_BYTES      4

const char *const way_names[WAY_MAX] = {
	[WAY_XDP] = "xdp",          [WAY_TC] = "tc",
	[WAY_TC_L3] = "tc_l3",      [WAY_VETH] = "tc on veth",
	[WAY_TUN] = "tc_l3 on tun",
};

/* ---- counters --------------------------------------------------------------------------- */

static void add(struct counts *counts, __u32 id, const struct counter *more)
{
	struct counter *counter = &counts->counters[stage_place(id)];

	counter->packets += more->packets;
	counter->bytes += more->bytes;
}

static void read_counts(struct stage *stage, struct counts *ret)
{
	if (kernel_map_counters(stage->kernel, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	memset(ret, 0, sizeof(*ret));
	for (__u32 i = 0; i < STAGE_COUNTERS / 2; i++) {
		__u32 last = LIMIT_COUNTERS - 1 - i;

		ret->counters[i] = kernel_counter(stage->kernel, i);
		ret->counters[stage_place(last)] = kernel_counter(stage->kernel, last);
	}
	for (size_t i = 0; i < stage->combined_count; i++) {
		const struct combined_counter *combined = &stage->combined[i];
		struct counter *own = &ret->counters[stage_place(combined->id)];
		struct counter counter = *own;

		*own = (struct counter){};
		add(ret, combined->reason, &counter);
		if (combined->port)
			add(ret, combined->port, &counter);
		if (combined->rule)
			add(ret, combined->rule, &counter);
	}
}

/* The reason, if one moved and only one. */
static enum reason moved_reason(const struct counts *moved)
{
	enum reason found = REASON_NONE;

	for (__u32 id = 0; id < COUNTER_FIRST; id++) {
		if (!moved->counters[id].packets)
			continue;
		if (found)
			return REASON_NONE;
		found = id % COUNTER_IPV6;
	}
	return found;
}

/* What moved since the last time. */
static void compare_counts(struct stage *stage, struct outcome *outcome)
{
	struct counts now;

	read_counts(stage, &now);
	outcome->moved = now;
	for (size_t i = 0; i < STAGE_COUNTERS; i++) {
		outcome->moved.counters[i].packets -= stage->counts.counters[i].packets;
		outcome->moved.counters[i].bytes -= stage->counts.counters[i].bytes;
	}
	outcome->reason = moved_reason(&outcome->moved);
	stage->counts = now;
}

/* ---- whether it can go there -------------------------------------------------------------- */

static __u16 ethertype_at(const struct bytes *bytes, size_t at)
{
	return at + 2 <= bytes->length ? bytes->data[at] << 8 | bytes->data[at + 1] : 0;
}

static bool is_vlan(__u16 ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8;
}

/* bpf_prog_test_run_skb() wants a whole IP header behind what it takes for Ethernet's. */
static bool is_long_enough(__u16 ethertype, size_t length)
{
	size_t header = ethertype == 0x0800 ? 20 : ethertype == 0x86dd ? 40 : 0;

	return length >= ETHERNET_BYTES + header;
}

static bool is_ip(__u16 ethertype)
{
	return ethertype == 0x0800 || ethertype == 0x86dd;
}

bool stage_has_way(enum way way, const struct bytes *bytes)
{
	__u16 ethertype = ethertype_at(bytes, ETHERTYPE_AT);

	switch (way) {
	case WAY_XDP:
		return bytes->length >= ETHERNET_BYTES;
	case WAY_TC:
		return is_long_enough(ethertype, bytes->length);
	case WAY_TC_L3:
		return is_ip(ethertype) && bytes->length > ETHERNET_BYTES &&
		       is_long_enough(ethertype, bytes->length - ETHERNET_BYTES) &&
		       ethertype_at(bytes, ETHERNET_BYTES + ETHERTYPE_AT) == ethertype;
	case WAY_VETH: /* skb_vlan_untag() drops a tag with no EtherType behind it */
		return bytes->length >= ETHERNET_BYTES + (is_vlan(ethertype) ? TAG_BYTES + 2 : 0);
	case WAY_TUN:
		return is_ip(ethertype) && bytes->length > ETHERNET_BYTES;
	default:
		return false;
	}
}

size_t stage_bytes(enum way way, const struct bytes *bytes)
{
	if (way == WAY_TC_L3 || way == WAY_TUN)
		return bytes->length - ETHERNET_BYTES;
	if (way == WAY_VETH && is_vlan(ethertype_at(bytes, ETHERTYPE_AT)))
		return bytes->length - TAG_BYTES;
	return bytes->length;
}

/* ---- and how ------------------------------------------------------------------------------ */

static void run_xdp(struct stage *stage, const struct bytes *bytes, struct outcome *ret)
{
	struct xdp_md ctx = { .data_end = bytes->length, .ingress_ifindex = stage->veth };
	__u8 out[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes->data, .data_size_in = bytes->length,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);

	if (bpf_prog_test_run_opts(kernel_program(stage->kernel, PROGRAM_XDP, &stage_error),
				   &opts) < 0)
		die("cannot test-run filter_xdp");
	if (opts.retval != XDP_DROP && opts.retval != XDP_PASS)
		die("filter_xdp returned %u", opts.retval);
	ret->is_dropped = opts.retval == XDP_DROP;
	ret->is_changed =
		opts.data_size_out != bytes->length || memcmp(out, bytes->data, bytes->length) != 0;
}

static void run_tc(struct stage *stage, enum filter_program program, int ifindex,
		   const struct bytes *bytes, size_t skip, unsigned int gso_segs,
		   struct outcome *ret)
{
	struct __sk_buff ctx = { .ifindex = ifindex, .gso_segs = gso_segs };
	__u8 out[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes->data + skip,
		    .data_size_in = bytes->length - skip, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		    .repeat = 1);

	if (bpf_prog_test_run_opts(kernel_program(stage->kernel, program, &stage_error), &opts) < 0)
		die("cannot test-run program %d", program);
	if ((int)opts.retval != -1 && opts.retval != 2)
		die("program %d returned %d", program, (int)opts.retval);
	ret->is_dropped = opts.retval == 2;
	ret->is_changed = opts.data_size_out != bytes->length - skip ||
			  memcmp(out, bytes->data + skip, bytes->length - skip) != 0;
}

static void send_wire(struct stage *stage, const struct bytes *bytes)
{
	if (send(stage->wire_fd, bytes->data, bytes->length, 0) < 0)
		die("cannot send on veth1");
}

static void send_tun(struct stage *stage, const struct bytes *bytes)
{
	struct tun_pi pi = { .proto = htons(ethertype_at(bytes, ETHERTYPE_AT)) };
	struct iovec parts[] = { { &pi, sizeof(pi) },
				 { (void *)(bytes->data + ETHERNET_BYTES),
				   bytes->length - ETHERNET_BYTES } };

	if (writev(stage->tun_fd, parts, ARRAY_SIZE(parts)) < 0)
		die("cannot send on tun0");
}

/* The receiving side of a frame runs before send() returns, or very soon after. */
void stage_observe(struct stage *stage, struct outcome *ret)
{
	ret->is_dropped = ret->is_changed = false;
	for (int i = 0; i < 200; i++) {
		compare_counts(stage, ret);
		if (ret->reason)
			return;
		usleep(1000);
	}
}

void stage_send(struct stage *stage, enum way way, const struct bytes *bytes, unsigned int gso_segs,
		struct outcome *ret)
{
	ret->is_dropped = ret->is_changed = false;
	switch (way) {
	case WAY_XDP:
		run_xdp(stage, bytes, ret);
		break;
	case WAY_TC:
		run_tc(stage, PROGRAM_TC, stage->veth, bytes, 0, gso_segs, ret);
		break;
	case WAY_TC_L3:
		run_tc(stage, PROGRAM_TC_L3, stage->tun, bytes, ETHERNET_BYTES, gso_segs, ret);
		break;
	case WAY_VETH:
		send_wire(stage, bytes);
		break;
	case WAY_TUN:
		send_tun(stage, bytes);
		break;
	default:
		break;
	}
	if (way == WAY_VETH || way == WAY_TUN)
		stage_observe(stage, ret);
	else
		compare_counts(stage, ret);
}
