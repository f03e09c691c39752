// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_parse.c: bpf/parse.h, compiled for the host, on any bytes, against a second parser that
 * shares nothing with it: offsets into an array, no cursor, one length at a time.
 *
 * The first byte of the input says how the frame is read: as at XDP, as at tc with the outer
 * tag in the skb, or without an Ethernet header.
 */
#include "parse.h"
#include "parse_plain.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* ---- the second parser ------------------------------------------------------------------ */

/* What is there, and in front of which byte the packet says it ends. */
struct view {
	const uint8_t *bytes;
	size_t length; /* bytes that are there */
	size_t end;    /* of the packet; may lie beyond */
};

static bool has(const struct view *view, size_t at, size_t count)
{
	return at + count <= view->length && at + count <= view->end;
}

static unsigned int get16(const struct view *view, size_t at)
{
	return view->bytes[at] << 8 | view->bytes[at + 1];
}

static void expect_ports(const struct view *view, size_t at, struct packet *expected)
{
	memcpy(&expected->sport, view->bytes + at, 2);
	memcpy(&expected->dport, view->bytes + at + 2, 2);
	expected->kind = PACKET_PORTS;
}

static bool is_dhcp_answer(const struct view *view, size_t at, int family)
{
	unsigned int from = get16(view, at), to = get16(view, at + 2);

	return family == 4 ? from == 67 && to == 68 : from == 547 && to == 546;
}

/* RFC 792, 4443, 4861, 2710, 3810: errors, neighbours, multicast listeners. */
static bool is_control(int family, int protocol, int type)
{
	static const uint8_t types4[] = { 3, 4, 5, 11, 12 };
	static const uint8_t types6[] = { 130, 131, 132, 133, 134, 135, 136, 137, 143 };

	if (protocol != (family == 4 ? 1 : 58))
		return false;
	if (family == 4)
		return memchr(types4, type, sizeof(types4));
	return type < 128 || memchr(types6, type, sizeof(types6));
}

static void expect_transport(const struct view *view, size_t at, struct packet *expected)
{
	switch (expected->protocol) {
	case 6:
		if (!has(view, at, 20))
			return;
		expect_ports(view, at, expected);
		expected->tcp_flags = view->bytes[at + 13];
		break;
	case 17:
		if (!has(view, at, 8))
			return;
		expect_ports(view, at, expected);
		if (is_dhcp_answer(view, at, expected->family))
			expected->kind = PACKET_DHCP;
		break;
	case 132:
		if (has(view, at, 12))
			expect_ports(view, at, expected);
		break;
	case 1:
	case 58:
		if (!has(view, at, 4))
			return;
		expected->kind = PACKET_NO_PORTS;
		if (is_control(expected->family, expected->protocol, view->bytes[at]))
			expected->kind = PACKET_CONTROL;
		if (expected->kind == PACKET_CONTROL && expected->family == 6 &&
		    (view->bytes[at] == 135 || view->bytes[at] == 136))
			expected->kind = PACKET_NEIGHBOR;
		break;
	default:
		expected->kind = PACKET_NO_PORTS;
	}
}

/* None is a source route, none ends behind the header, and there are not more than a few. */
static bool are_options_right(const uint8_t *options, size_t size)
{
	size_t at = 0;
	int count = 0;

	for (; at < size && options[at]; count++) {
		if (count == LIMIT_IPV4_OPTIONS || options[at] == 131 || options[at] == 137)
			return false;
		if (options[at] == 1) {
			at++;
			continue;
		}
		if (at + 1 == size || options[at + 1] < 2 || at + options[at + 1] > size)
			return false;
		at += options[at + 1];
	}
	return at == size || count < LIMIT_IPV4_OPTIONS;
}

static void expect_ipv4(struct view *view, size_t at, struct packet *expected)
{
	size_t header, total;

	if (!has(view, at, 20) || view->bytes[at] >> 4 != 4)
		return;
	expected->family = 4;
	expected->protocol = view->bytes[at + 9];
	memcpy(expected->saddr, view->bytes + at + 12, 4);
	memcpy(expected->daddr, view->bytes + at + 16, 4);
	header = (view->bytes[at] & 15) * 4;
	total = get16(view, at + 2);
	if (total) /* else GRO made it longer than the field can say */
		view->end = at + total;
	if (header < 20 || (total && total < header) || !has(view, at, header))
		return;
	if (!are_options_right(view->bytes + at + 20, header - 20))
		return;
	if (get16(view, at + 6) & 0x1fff)
		expected->kind = PACKET_FRAGMENT;
	else
		expect_transport(view, at + header, expected);
}

/* Bytes of the extension header, 0 if the number is not one's. */
static size_t extension_length(const struct view *view, size_t at, int number)
{
	switch (number) {
	case 44:
		return 8;
	case 51:
		return 8 + view->bytes[at + 1] * 4;
	case 0:
	case 43:
	case 60:
	case 135:
	case 139:
	case 140:
		return 8 + view->bytes[at + 1] * 8;
	default:
		return 0;
	}
}

static bool is_extension(int number)
{
	static const uint8_t numbers[] = { 0, 43, 44, 51, 60, 135, 139, 140 };

	return memchr(numbers, number, sizeof(numbers));
}

static void expect_chain(const struct view *view, size_t at, struct packet *expected)
{
	int headers = 0;

	for (; is_extension(expected->protocol); headers++) {
		size_t length;

		if (headers > LIMIT_IPV6_HEADERS || !has(view, at, 8))
			return;
		length = extension_length(view, at, expected->protocol);
		if (!has(view, at, length))
			return;
		if (expected->protocol == 43 && view->bytes[at + 3])
			return;
		if (expected->protocol == 44 && get16(view, at + 2) >> 3) {
			expected->kind = PACKET_FRAGMENT;
			return;
		}
		expected->protocol = view->bytes[at];
		at += length;
	}
	if (headers <= LIMIT_IPV6_HEADERS)
		expect_transport(view, at, expected);
}

static void expect_ipv6(struct view *view, size_t at, struct packet *expected)
{
	if (!has(view, at, 40) || view->bytes[at] >> 4 != 6)
		return;
	expected->family = 6;
	expected->protocol = view->bytes[at + 6];
	memcpy(expected->saddr, view->bytes + at + 8, 16);
	memcpy(expected->daddr, view->bytes + at + 24, 16);
	if (get16(view, at + 4))
		view->end = at + 40 + get16(view, at + 4);
	expect_chain(view, at + 40, expected);
}

static void expect_network(struct view *view, size_t at, unsigned int ethertype,
			   struct packet *expected)
{
	expected->kind = PACKET_MALFORMED;
	if (ethertype == 0x0800)
		expect_ipv4(view, at, expected);
	else if (ethertype == 0x86dd)
		expect_ipv6(view, at, expected);
	else if (ethertype != 0x8100 && ethertype != 0x88a8)
		expected->kind = PACKET_NOT_IP;
}

static void expect_frame(struct view *view, unsigned int tags, struct packet *expected)
{
	unsigned int ethertype;
	size_t at = 14;

	expected->kind = PACKET_NOT_IP;
	if (!has(view, 0, at))
		return;
	ethertype = get16(view, 12);
	for (; tags && (ethertype == 0x8100 || ethertype == 0x88a8); tags--) {
		if (!has(view, at, 4))
			return;
		ethertype = get16(view, at + 2);
		at += 4;
	}
	if (ethertype)
		expect_network(view, at, ethertype, expected);
}

/* ---- both --------------------------------------------------------------------------------- */

static void compare(const struct packet *is, const struct packet *ought)
{
	require(is->kind == ought->kind);
	require(is->family == ought->family);
	require(!memcmp(is->saddr, ought->saddr, sizeof(is->saddr)));
	require(!memcmp(is->daddr, ought->daddr, sizeof(is->daddr)));
	if (ought->kind == PACKET_PORTS) {
		require(is->protocol == ought->protocol);
		require(is->sport == ought->sport && is->dport == ought->dport);
		require(is->tcp_flags == ought->tcp_flags);
	}
}

/* The parser of plain packets, in front of the other as in bpf/filter.bpf.c: what it reads has
 * to be what the other one reads, and what it leaves alone must not show in the other's words. */
static void require_same(bool is_plain, const struct packet *plain, const struct packet *full)
{
	if (is_plain)
		require(!memcmp(plain, full, sizeof(*full)));
}

/* At an address at which the IP header is aligned, as NICs put it, and with nothing behind the
 * last byte, so that reading past the end is seen. */
static uint8_t *copy(const uint8_t *data, size_t size, size_t shift, uint8_t **ret_free)
{
	*ret_free = malloc(size + shift);
	if (size)
		memcpy(*ret_free + shift, data, size);
	return *ret_free + shift;
}

static void try_frame(const uint8_t *data, size_t size, unsigned int tags)
{
	struct packet plain = { 0 }, is, ought = { 0 };
	uint8_t *memory, *bytes = copy(data, size, 2, &memory);
	struct cursor cursor = { .pos = bytes, .end = bytes + size, .left = ~0u };
	struct cursor again = cursor;
	struct view view = { bytes, size, SIZE_MAX };
	bool is_plain = parse_plain_frame(&cursor, &plain);

	is = plain;
	parse_frame(&again, tags, &is);
	require_same(is_plain, &plain, &is);
	expect_frame(&view, tags, &ought);
	compare(&is, &ought);
	free(memory);
}

static void try_network(const uint8_t *data, size_t size, unsigned int ethertype)
{
	struct packet plain = { 0 }, is, ought = { 0 };
	uint8_t *memory, *bytes = copy(data, size, 0, &memory);
	struct cursor cursor = { .pos = bytes, .end = bytes + size, .left = ~0u };
	struct cursor again = cursor;
	struct view view = { bytes, size, SIZE_MAX };
	bool is_plain = parse_plain_network(&cursor, bpf_htons(ethertype), &plain);

	is = plain;
	parse_network(&again, bpf_htons(ethertype), &is);
	require_same(is_plain, &plain, &is);
	expect_network(&view, 0, ethertype, &ought);
	compare(&is, &ought);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		try_frame(data + 1, size - 1, LIMIT_VLAN_TAGS);
		break;
	case 1:
		try_frame(data + 1, size - 1, LIMIT_VLAN_TAGS - 1);
		break;
	case 2:
		try_network(data + 1, size - 1, 0x0800);
		break;
	default:
		try_network(data + 1, size - 1, 0x86dd);
	}
	return 0;
}
