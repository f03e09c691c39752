// SPDX-License-Identifier: GPL-2.0-only
/*
 * prefix.c: addresses with a length, text to bits and back.  Pure.
 *
 * The text is read by one function that says why it refuses; what may have host bits, and
 * what may not, is decided by its callers.
 */
#include "addr/prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static unsigned int family_bits(__u8 family)
{
	return family == 4 ? 32 : 128;
}

/* Whether the first `length` bits are equal. */
static bool bits_equal(const __u8 *a, const __u8 *b, unsigned int length)
{
	unsigned int bytes = length / 8;
	__u8 mask = (__u8)(0xff00u >> (length % 8));

	if (memcmp(a, b, bytes) != 0)
		return false;
	return length % 8 == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0;
}

static void clear_host_bits(struct prefix *prefix)
{
	unsigned int bytes = prefix->length / 8;

	if (prefix->length % 8 != 0) {
		prefix->addr[bytes] &= (__u8)(0xff00u >> (prefix->length % 8));
		bytes++;
	}
	memset(prefix->addr + bytes, 0, sizeof(prefix->addr) - bytes);
}

/* Decimal, at most three digits, no sign and no leading zero; -1 otherwise. */
static int read_length(const char *text)
{
	int length = 0;

	if (!text[0] || (text[0] == '0' && text[1]) || strlen(text) > 3)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		length = length * 10 + (*text - '0');
	}
	return length;
}

/* ::ffff:192.0.2.1 is how sockets spell an IPv4 peer.  No packet carries it, so a rule that
 * names it would never match. */
static bool is_mapped(const struct prefix *prefix)
{
	static const __u8 mapped[16] = { [10] = 0xff, [11] = 0xff };

	return prefix->family == 6 && prefix->length >= 96 && bits_equal(prefix->addr, mapped, 96);
}

static bool has_leading_zero(const char *addr)
{
	for (const char *at = addr; *at; at++)
		if (*at == '0' && (at == addr || at[-1] == '.') && at[1] >= '0' && at[1] <= '9')
			return true;
	return false;
}

static const char *read_address(const char *text, struct prefix *ret)
{
	if (strchr(text, '%'))
		return "a zone is no part of a source";
	if (strchr(text, ':')) {
		ret->family = 6;
		return inet_pton(AF_INET6, text, ret->addr) == 1 ? NULL : "no IPv6 address";
	}
	ret->family = 4;
	if (inet_pton(AF_INET, text, ret->addr) == 1)
		return NULL;
	if (has_leading_zero(text))
		return "leading zeros mean octal elsewhere, leave them out";
	return "no IPv4 or IPv6 prefix, write it as 192.0.2.0/24 or 2001:db8::/32";
}

/* NULL and *ret filled, host bits and all, or what is wrong. */
static const char *read_prefix(const char *text, struct prefix *ret)
{
	char addr[PREFIX_STRLEN];
	size_t addr_length = strcspn(text, "/");
	const char *fault;

	if (addr_length >= sizeof(addr))
		return "too long for an address";
	memcpy(addr, text, addr_length);
	addr[addr_length] = 0;
	fault = read_address(addr, ret);
	if (fault)
		return fault;

	ret->length = family_bits(ret->family);
	if (text[addr_length] == '/') {
		int length = read_length(text + addr_length + 1);

		if (length < 0)
			return "the length behind '/' is no number of bits";
		if (length > ret->length)
			return ret->family == 4 ? "the length of an IPv4 prefix is at most 32"
						: "the length of an IPv6 prefix is at most 128";
		ret->length = length;
	}
	return is_mapped(ret) ? "an IPv4 address in IPv6 spelling, write it as 192.0.2.1" : NULL;
}

/* A list that is cut off in the middle of a line leaves a shorter length behind a longer address:
 * cleared in silence, 203.0.113.0/24 would become 192.0.0.0/2. */
static void explain_host_bits(const struct prefix *written, const struct prefix *cleared,
			      char *ret_fault)
{
	struct prefix address = prefix_from_address(written->family, written->addr);
	char network_text[PREFIX_STRLEN], address_text[PREFIX_STRLEN];

	snprintf(ret_fault, PREFIX_FAULT_STRLEN, "has host bits set, use %s or %s",
		 prefix_format(cleared, network_text), prefix_format(&address, address_text));
}

int prefix_parse(const char *text, struct prefix *ret, char *ret_fault)
{
	struct prefix prefix = { 0 }, written;
	const char *fault = read_prefix(text, &prefix);

	if (fault && ret_fault)
		snprintf(ret_fault, PREFIX_FAULT_STRLEN, "%s", fault);
	if (fault)
		return -EINVAL;
	written = prefix;
	clear_host_bits(&prefix);
	if (memcmp(written.addr, prefix.addr, sizeof(written.addr)) == 0) {
		*ret = prefix;
		return 0;
	}
	if (ret_fault)
		explain_host_bits(&written, &prefix, ret_fault);
	return -ERANGE;
}

int prefix_parse_network(const char *text, struct prefix *ret)
{
	struct prefix prefix = { 0 };

	if (read_prefix(text, &prefix))
		return -EINVAL;
	clear_host_bits(&prefix);
	*ret = prefix;
	return 0;
}

const char *prefix_format(const struct prefix *prefix, char buf[static PREFIX_STRLEN])
{
	size_t used;

	buf[0] = 0;
	if (prefix->family != 4 && prefix->family != 6)
		return buf;
	inet_ntop(prefix->family == 4 ? AF_INET : AF_INET6, prefix->addr, buf, PREFIX_STRLEN);
	if (prefix_is_address(prefix))
		return buf;
	used = strlen(buf);
	snprintf(buf + used, PREFIX_STRLEN - used, "/%u", prefix->length);
	return buf;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->addr, b->addr, sizeof(a->addr));
	if (order != 0)
		return order;
	return (a->length > b->length) - (a->length < b->length);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return prefix_compare(a, b) == 0;
}

bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
	return outer->family == inner->family && outer->length <= inner->length &&
	       bits_equal(outer->addr, inner->addr, outer->length);
}

bool prefix_is_address(const struct prefix *prefix)
{
	return prefix->family != 0 && prefix->length == family_bits(prefix->family);
}

struct prefix prefix_from_address(__u8 family, const void *addr)
{
	struct prefix prefix = { .family = family, .length = family_bits(family) };

	memcpy(prefix.addr, addr, prefix.length / 8);
	return prefix;
}
