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

/* Room for why a text is refused, to put behind the quoted word. */
#define PREFIX_FAULT_STRLEN 192

/*
 * Reads "192.0.2.0/24", "2001:db8::/32" or a bare address.  IPv4 must have four parts,
 * leading zeros are refused (they mean octal elsewhere), and so is IPv4 in IPv6 spelling
 * (::ffff:192.0.2.1), which no packet carries.
 * Returns 0, -EINVAL, or -ERANGE when bits behind the length are set; then *ret is untouched
 * and ret_fault (may be NULL) filled.
 */
int prefix_parse(const char *text, struct prefix *ret, char *ret_fault);

/* The same for what others write, Docker's subnets: bits behind the length are cleared. */
int prefix_parse_network(const char *text, struct prefix *ret);

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
