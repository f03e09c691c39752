/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ranges.h: overlapping prefixes -> disjoint address ranges.  Knows neither policies nor
 * images: what a range is worth is asked of the caller, once for each prefix.  Pure.
 */
#ifndef TIDEGATE_RANGES_H
#define TIDEGATE_RANGES_H

#include <stddef.h>
#include <linux/types.h>

struct prefix;

/* An address as a number of 128 bits; IPv4 in the low 32. */
struct address {
	__u64 hi, lo;
};

/* A prefix that somebody claims. */
struct claim {
	struct address start;
	__u32 owner;
	__u8 length; /* of the 128 bits: an IPv4 /24 is 120 */
};

/* From start up to the start of the next one (the last one: to the end of the family). */
struct range {
	struct address start;
	__u32 value;
};

struct ranges {
	struct range *items; /* the first starts at 0; neighbours differ in value */
	size_t count;
};

/*
 * Value of the range inside a prefix, from the value around it and those who claim this
 * very prefix (at least one, in rising order of owner).  0 or -errno.
 */
typedef int ranges_combine(void *context, __u32 around, const struct claim *claims, size_t count,
			   __u32 *ret);

struct claim ranges_claim(const struct prefix *prefix, __u32 owner);

/*
 * Sorts the claims, then cuts the address space of the family at their borders.  `outside` is the
 * value where nobody claims anything.  0, -ENOMEM or what combine returned; *ret untouched then.
 */
int ranges_build(struct claim *claims, size_t count, __u8 family, __u32 outside,
		 ranges_combine *combine, void *context, struct ranges *ret);

void ranges_clear(struct ranges *ranges);

#endif
