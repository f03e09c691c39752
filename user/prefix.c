// SPDX-License-Identifier: GPL-2.0-only
/*
 * prefix.c: addresses with a length, text to bits and back.  Pure.
 *
 * The text is read by one function that says why it refuses; prefix_parse() and
 * prefix_fault() are two views of it, so that they cannot disagree.
 */
#include "prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

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

/* Clears the bits behind the length; returns whether any was set. */
static bool clear_host_bits(struct prefix *prefix)
{
	struct prefix before = *prefix;
	unsigned int bytes = prefix->length / 8;

	if (prefix->length % 8 != 0) {
		prefix->addr[bytes] &= (__u8)(0xff00u >> (prefix->length % 8));
		bytes++;
	}
	memset(prefix->addr + bytes, 0, sizeof(prefix->addr) - bytes);
	return memcmp(before.addr, prefix->addr, sizeof(before.addr)) != 0;
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

/* NULL and *ret filled, or what is wrong. */
static const char *read_prefix(const char *text, struct prefix *ret, bool *ret_cleared)
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
	*ret_cleared = clear_host_bits(ret);
	return is_mapped(ret) ? "an IPv4 address in IPv6 spelling, write it as 192.0.2.1" : NULL;
}

int prefix_parse(const char *text, struct prefix *ret, bool *ret_cleared)
{
	struct prefix prefix = { 0 };
	bool is_cleared;

	if (read_prefix(text, &prefix, &is_cleared))
		return -EINVAL;
	*ret = prefix;
	if (ret_cleared)
		*ret_cleared = is_cleared;
	return 0;
}

const char *prefix_fault(const char *text)
{
	struct prefix prefix = { 0 };
	bool is_cleared;

	return read_prefix(text, &prefix, &is_cleared);
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
