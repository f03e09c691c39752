/* SPDX-License-Identifier: GPL-2.0-only */
/* mutate.h: frames of the table with bytes changed at random, the same ones in each run. */
#ifndef TIDEGATE_VERDICT_MUTATE_H
#define TIDEGATE_VERDICT_MUTATE_H

#include <stdio.h>

#include "../random.h"
#include "rows.h"

static inline const struct row *random_row(void)
{
	const struct rows *rows = tables[below(tables_count)];

	return &rows->array[below(rows->count)];
}

/* Values that mean something somewhere: versions, lengths, protocols, flags. */
/* clang-format off */
static const __u8 interesting[] = {
	0, 1, 2, 4, 5, 6, 8, 16, 17, 20, 40, 41, 43, 44, 50, 51, 58, 59, 60, 64, 69, 96, 127,
	129, 132, 135, 136, 139, 140, 0x81, 0x86, 0x88, 0xa8, 0xdd, 224, 254, 255,
};
/* clang-format on */

/* Not the MAC addresses; mostly the headers. */
static inline void mutate(struct bytes *bytes)
{
	size_t reach = bytes->length - 12;

	if (reach > 80 && below(4))
		reach = 80;
	for (int i = 1 + below(4); i > 0; i--) {
		__u8 *byte = &bytes->data[12 + below(reach)];

		switch (below(3)) {
		case 0:
			*byte ^= 1u << below(8);
			break;
		case 1:
			*byte = below(256);
			break;
		default:
			*byte = interesting[below(sizeof(interesting))];
		}
	}
	if (!below(8) && bytes->length > 15)
		bytes->length = 15 + below(bytes->length - 15);
}

static inline void print_frame(const struct bytes *bytes)
{
	printf("# ");
	for (size_t i = 12; i < bytes->length && i < 140; i++)
		printf("%02x", bytes->data[i]);
	putchar('\n');
}

#endif
