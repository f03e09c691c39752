/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fastpath_table.h: precomputed verdicts of the active image, in memory that the programs reach
 * without a map look-up.
 */
#ifndef TIDEGATE_FASTPATH_TABLE_H
#define TIDEGATE_FASTPATH_TABLE_H

#include "map_values.h"
#include "policy_image.h"
#include "types.h"

/*
 * Array "lane", one element: what the image that enforces says to most packets, at an address
 * that the programs know when they are loaded, and an entry for each port.  To find image, port
 * entry and verdict entry would cost a third of what such a packet takes.  Written by
 * user/kernel/slots.c, only while it is closed and no program reads it any more; an enabled one is
 * complete and says what the image says.
 */
#define FASTPATH_PROTOS 2  /* TCP and UDP */
#define FASTPATH_OFFSET 8u /* in one cache line with the addresses */

/* Of a struct verdict_entry: the verdict, the one counter and the flags; 0 = none. */
#define FASTPATH_ENTRY(verdict, counter, flags) \
	((__u32)(verdict) << 30 | (__u32)(counter) << 4 | (__u32)(flags))
#define FASTPATH_VERDICT(entry) ((entry) >> 30)
#define FASTPATH_COUNTER(entry) ((entry) >> 4 & 0x7fff)
#define FASTPATH_COUNTER_OFFSET(entry)                              \
	((entry)&0x7fff0) /* in struct counters, bytes: 16 for each \
			   */
#define FASTPATH_FLAGS(entry) ((entry)&15)

struct fastpath_table {
	struct image_near4 near4[IMAGE_NEAR]; /* these as in the header */
	struct image_near6 near6[IMAGE_NEAR];
	__be32 own4[IMAGE_OWN4];
	struct image_bitmap shape6;
	__u64 generation; /* of the image that it was made of */
	__u32 entries[2][FASTPATH_PROTOS]
		     [65536];                   /* by family (4, 6), protocol index, __be16 port */
	__u8 prefilter4[IMAGE_PREFILTER4_SIZE]; /* as at IMAGE_PREFILTER4 */
	__u8 prefilter6[1u << 18];              /* as at shape6.root, and more than there can be */
};

struct fastpath {
	__u64 offset; /* FASTPATH_OFFSET, where the table is; 0 = closed, ask the image */
	struct fastpath_table table;
};

ASSERT_SIZE(fastpath_table, 192 + (1u << 20) + (3u << 17));
ASSERT_SIZE(fastpath, FASTPATH_OFFSET + sizeof(struct fastpath_table));
_Static_assert(COUNTERS_COMBINED == 0x8000, "a counter's id is 15 bits of a fast path entry");

#endif
