/* SPDX-License-Identifier: GPL-2.0-only */
/* frame.c: one writer for each header, in the order of the wire.  See frame.h. */
#include "frame.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define IPV6_BYTES    40
#define DEFAULT_SPORT 40000

static unsigned int told(const struct lie *lie, unsigned int truth)
{
	return lie->is_told ? lie->value : truth;
}

static void put(struct bytes *bytes, const void *data, size_t length)
{
	if (bytes->length + length > sizeof(bytes->data))
		abort();
	memcpy(bytes->data + bytes->length, data, length);
	bytes->length += length;
}

static void put8(struct bytes *bytes, __u8 value)
{
	put(bytes, &value, sizeof(value));
}

static void put16(struct bytes *bytes, __u16 value)
{
	value = htons(value);
	put(bytes, &value, sizeof(value));
}

static void fill(struct bytes *bytes, __u8 value, size_t length)
{
	while (length--)
		put8(bytes, value);
}

static void set16(struct bytes *bytes, size_t at, __u16 value)
{
	bytes->data[at] = value >> 8;
	bytes->data[at + 1] = (__u8)value;
}

static int family_of(const struct frame *frame)
{
	if (!frame->daddr)
		return 0;
	return strchr(frame->daddr, ':') ? 6 : 4;
}

static __u8 protocol_of(const struct frame *frame)
{
	return frame->protocol ? frame->protocol : IPPROTO_TCP;
}

static void put_ethernet(struct bytes *bytes, const struct frame *frame)
{
	static const __u16 ethertypes[] = { [0] = 0x88b5, [4] = 0x0800, [6] = 0x86dd };
	static const __u8 macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	put(bytes, macs, sizeof(macs));
	for (size_t i = 0; i < TAGS_MAX && frame->tags[i].proto; i++) {
		put16(bytes, frame->tags[i].proto);
		put16(bytes, frame->tags[i].tci);
	}
	put16(bytes, told(&frame->ethertype, ethertypes[family_of(frame)]));
	bytes->network = bytes->length;
}

static void put_address(struct bytes *bytes, int family, const char *text)
{
	__u8 address[16];

	if (inet_pton(family == 4 ? AF_INET : AF_INET6, text, address) != 1)
		abort();
	put(bytes, address, family == 4 ? 4 : 16);
}

static void put_options(struct bytes *bytes, const struct frame *frame)
{
	__u8 first[3] = { frame->option_type, frame->options, 4 };

	if (!frame->options)
		return;
	if (!frame->option_type)
		fill(bytes, 1, frame->options);
	else
		put(bytes, first, sizeof(first));
	if (frame->option_type)
		fill(bytes, 0xac, frame->options - sizeof(first));
}

/* The lengths are filled in behind, when they are known. */
static void put_ipv4(struct bytes *bytes, const struct frame *frame)
{
	__u8 version = told(&frame->version, 4);
	__u8 ihl = told(&frame->ihl, 5 + frame->options / 4);

	put8(bytes, version << 4 | (ihl & 15));
	put8(bytes, 0);
	put16(bytes, 0);
	put16(bytes, 0x1d);
	put16(bytes, frame->is_reserved_set << 15 | frame->more << 13 | frame->offset);
	put8(bytes, 64);
	put8(bytes, protocol_of(frame));
	put16(bytes, 0);
	put_address(bytes, 4, frame->saddr ? frame->saddr : FRAME_SADDR4);
	put_address(bytes, 4, frame->daddr);
	put_options(bytes, frame);
}

static __u8 next_header(const struct frame *frame, size_t i)
{
	if (i < EXTENSIONS_MAX && frame->extensions[i].is_there)
		return frame->extensions[i].type;
	return protocol_of(frame);
}

static void put_extension(struct bytes *bytes, const struct extension *extension, __u8 next)
{
	size_t start = bytes->length;
	size_t unit = extension->type == IPPROTO_AH ? 4 : 8;

	put8(bytes, next);
	if (extension->type == IPPROTO_FRAGMENT) {
		put8(bytes, 0);
		put16(bytes, extension->offset << 3 | extension->more);
		fill(bytes, 0x1d, 4);
		return;
	}
	put8(bytes, extension->length);
	put8(bytes, extension->type == IPPROTO_ROUTING ? 2 : 0);
	put8(bytes, extension->left);
	fill(bytes, 0, start + 8 + extension->length * unit - bytes->length);
}

static void put_ipv6(struct bytes *bytes, const struct frame *frame)
{
	put8(bytes, told(&frame->version, 6) << 4);
	fill(bytes, 0, 5);
	put8(bytes, next_header(frame, 0));
	put8(bytes, 64);
	put_address(bytes, 6, frame->saddr ? frame->saddr : FRAME_SADDR6);
	put_address(bytes, 6, frame->daddr);
	for (size_t i = 0; i < EXTENSIONS_MAX && frame->extensions[i].is_there; i++)
		put_extension(bytes, &frame->extensions[i], next_header(frame, i + 1));
}

static void put_ports(struct bytes *bytes, const struct frame *frame)
{
	put16(bytes, frame->sport ? frame->sport : DEFAULT_SPORT);
	put16(bytes, frame->dport);
}

static void put_tcp(struct bytes *bytes, const struct frame *frame)
{
	put_ports(bytes, frame);
	fill(bytes, 0, 8);
	put8(bytes, 5 << 4);
	put8(bytes, told(&frame->flags, TCP_SYN));
	fill(bytes, 0, 6);
}

static void put_transport(struct bytes *bytes, const struct frame *frame)
{
	size_t start = bytes->length;

	switch (protocol_of(frame)) {
	case IPPROTO_TCP:
		put_tcp(bytes, frame);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put8(bytes, frame->icmp_type);
		fill(bytes, 0, 7);
		break;
	case IPPROTO_NONE:
		break;
	default: /* UDP, SCTP, and what has its ports in the same place or none */
		put_ports(bytes, frame);
		put16(bytes, 8 + frame->payload);
		fill(bytes, 0, frame->protocol == IPPROTO_SCTP ? 6 : 2);
	}
	fill(bytes, 0x5a, frame->payload);
	if (!frame->transport.is_told)
		return;
	while (bytes->length < start + frame->transport.value)
		put8(bytes, 0x5a);
	bytes->length = start + frame->transport.value;
}

static void put_padding(struct bytes *bytes, const struct frame *frame)
{
	fill(bytes, 0, frame->padding);
	if (frame->is_padding_a_tcp_header)
		put_tcp(bytes, frame);
}

static void put_packet(struct bytes *bytes, const struct frame *frame)
{
	size_t at = bytes->network;

	if (family_of(frame) == 4)
		put_ipv4(bytes, frame);
	else
		put_ipv6(bytes, frame);
	put_transport(bytes, frame);
	if (family_of(frame) == 4)
		set16(bytes, at + 2, told(&frame->tot_len, bytes->length - at));
	else
		set16(bytes, at + 4, told(&frame->payload_len, bytes->length - at - IPV6_BYTES));
}

void frame_build(const struct frame *frame, struct bytes *ret)
{
	ret->length = 0;
	put_ethernet(ret, frame);
	if (frame->daddr)
		put_packet(ret, frame);
	else
		fill(ret, 0x5a, frame->payload);
	put_padding(ret, frame);
	if (frame->cut.is_told && frame->cut.value < ret->length)
		ret->length = frame->cut.value;
}
