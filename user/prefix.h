/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prefix.h: an IPv4 or IPv6 address with a length.  A single address is a prefix of full
 * length; "any address of this family" is length 0.
 */
#ifndef TIDEGATE_PREFIX_H
#define TIDEGATE_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct prefix {
	__u8 family;   /* 4 or 6; 0 = not set */
	__u8 length;   /* bits: 0..32 or 0..128 */
	__u8 addr[16]; /* network order; IPv4 in the first four bytes; rest and host bits zero */
};

#define PREFIX_STRLEN 64

/*
 * Reads "192.0.2.0/24", "2001:db8::/32" or a bare address.  IPv4 must have four parts,
 * leading zeros are refused (they mean octal elsewhere), and so is IPv4 in IPv6 spelling
 * (::ffff:192.0.2.1), which no packet carries.  Host bits that are set are cleared, and
 * *ret_cleared (may be NULL) says so.
 * Returns 0, or -EINVAL with *ret untouched.
 */
int prefix_parse(const char *text, struct prefix *ret, bool *ret_cleared);

/* Why prefix_parse() refuses the text, to put behind the quoted word; NULL if it does not. */
const char *prefix_fault(const char *text);

/* Canonical text; a full-length prefix is printed without its length.  Returns buf. */
const char *prefix_format(const struct prefix *prefix, char buf[static PREFIX_STRLEN]);

/* Same order as memcmp on (family, addr, length). */
int prefix_compare(const struct prefix *a, const struct prefix *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* Whether `inner` lies within `outer` (or equals it). */
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);

/* Whether it is one address (full length). */
bool prefix_is_address(const struct prefix *prefix);

/* Full-length prefix from raw address bytes in network order; family 4 or 6. */
struct prefix prefix_from_address(__u8 family, const void *addr);

#endif
