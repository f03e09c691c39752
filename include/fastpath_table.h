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
 * Array "fastpath", one element: an entry for each port of TCP and UDP at this host's own
 * addresses, with the verdict entry's verdict, its one counter and its flags.  To find image, port
 * entry and endpoint would cost a third of what such a packet takes.  Written by
 * user/kernel/slots.c, only while it is disabled and no program reads it any more; enabled, it is
 * complete and agrees with the image in SLOT_ACTIVE.
 */
#define FASTPATH_PROTOS 2
#define FASTPATH_OFFSET 8u /* in one cache line with the factors */

/* Beside it in the word that enables the fast path.  While somebody listens for events
 * (include/event.h), FASTPATH_OFFSET is not set, so that the programs' first question is answered
 * with no, and FASTPATH_KEPT has its place.  A build that does not know them takes the fast path
 * for disabled. */
#define FASTPATH_WATCHED    16u
#define FASTPATH_KEPT       32u
#define FASTPATH_KEPT_SHIFT 2 /* from there to FASTPATH_OFFSET */

/* 0 = none. */
#define FASTPATH_ENTRY(verdict, counter, flags) \
	((__u32)(verdict) << 30 | (__u32)(counter) << 4 | (__u32)(flags))
#define FASTPATH_VERDICT(entry) ((entry) >> 30)
#define FASTPATH_COUNTER(entry) ((entry) >> 4 & 0x7fff)
#define FASTPATH_FLAGS(entry)   ((entry) & 15)

/* Of the counter in struct counters, in bytes: 16 for each. */
#define FASTPATH_COUNTER_OFFSET(entry) ((entry) & 0x7fff0)

/* In place of an entry, for a port that some own address has an endpoint of its own for: the row in
 * which each own address has its entry, by slot.  Where there are no more rows there is no entry.
 */
#define FASTPATH_ROWS          512
#define FASTPATH_ROW(row)      (3u << 30 | (__u32)(row))
#define FASTPATH_IS_ROW(entry) ((entry) >> 30 == 3)
#define FASTPATH_ROW_OF(entry) ((entry) & (FASTPATH_ROWS - 1))

struct fastpath_table {
	struct own_addrs own;       /* this as in the header */
	struct image_bitmap shape6; /* of prefilter6 */
	__u64 generation;           /* of the image that it was made of */
	/* By family (4, 6), protocol index and port, a __be16. */
	__u32 entries[2][FASTPATH_PROTOS][65536];
	__u32 rows[FASTPATH_ROWS][OWN_ADDRS];
	__u8 prefilter4[IMAGE_PREFILTER4_SIZE]; /* as at IMAGE_PREFILTER4 */
	__u8 prefilter6[1u << 18];              /* as at shape6.root, and more than there can be */
};

struct fastpath {
	__u64 offset; /* FASTPATH_OFFSET, where the table is; 0 = disabled, ask the image; and
			 FASTPATH_WATCHED, FASTPATH_KEPT */
	struct fastpath_table table;
};

ASSERT_SIZE(fastpath_table, 1840 + (1u << 20) + (1u << 17) + (3u << 17));
ASSERT_SIZE(fastpath, FASTPATH_OFFSET + sizeof(struct fastpath_table));
_Static_assert(COUNTERS_COMBINED == 0x8000, "a counter's id is 15 bits of a fast path entry");

#endif
