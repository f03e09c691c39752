/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_mutations.c: the table's frames with bytes changed at random, the same ones in each
 * run.  XDP and tc must say the same of every one.
 *
 * VERDICT_MUTATIONS=1000000 in the environment tries that many.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../random.h"
#include "reason.h"
#include "rows.h"
#include "tap.h"
#include "util.h"

#define MUTATIONS 20000
#define ROUNDS	  20

static const struct row *random_row(void)
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
static void mutate(struct bytes *bytes)
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

static void print_frame(const struct bytes *bytes)
{
	printf("# ");
	for (size_t i = 12; i < bytes->length && i < 140; i++)
		printf("%02x", bytes->data[i]);
	putchar('\n');
}

/* Reason, and the counters of port and rule; not the bytes, which the L3 form has fewer of. */
static bool is_same(const struct outcome *a, const struct outcome *b)
{
	if (a->reason != b->reason || a->is_dropped != b->is_dropped || a->is_changed ||
	    b->is_changed || !a->reason)
		return false;
	for (size_t i = 0; i < STAGE_COUNTERS; i++)
		if (a->moved.counters[i].packets != b->moved.counters[i].packets)
			return false;
	return true;
}

static bool try_frame(struct stage *stage, const struct bytes *bytes, unsigned int *compared)
{
	static const enum way others[] = { WAY_TC, WAY_TC_L3 };
	struct outcome xdp, other;
	bool is_ok = true;

	stage_send(stage, WAY_XDP, bytes, 0, &xdp);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!stage_has_way(others[i], bytes))
			continue;
		stage_send(stage, others[i], bytes, 0, &other);
		++*compared;
		if (is_same(&xdp, &other))
			continue;
		printf("# xdp says %s, %s %s of\n", reason_name(xdp.reason), way_names[others[i]],
		       reason_name(other.reason));
		print_frame(bytes);
		is_ok = false;
	}
	return is_ok;
}

static void play_round(struct stage *stage, unsigned int round, unsigned long count)
{
	unsigned int compared = 0;
	bool is_ok = true;

	for (unsigned long i = 0; i < count; i++) {
		struct bytes bytes;

		frame_build(&random_row()->frame, &bytes);
		mutate(&bytes);
		is_ok &= try_frame(stage, &bytes, &compared);
	}
	/* Those that the kernel does not take at tc are too short; test_rows sends them by wire. */
	tap_case(is_ok && compared >= count / 2,
		 "both_programs_say_the_same_of_mutations_%u (%lu frames, %u comparisons)", round,
		 count, compared);
}

int main(void)
{
	static const struct scene *const stages[] = { &rules, &deny_all, &closed, &no_forwarding };
	const char *text = getenv("VERDICT_MUTATIONS");
	unsigned long count = text ? strtoul(text, NULL, 10) : MUTATIONS;
	struct stage *stage = stage_open();

	for (unsigned int round = 0; round < ROUNDS; round++) {
		stage_set(stage, stages[round * ARRAY_SIZE(stages) / ROUNDS]);
		play_round(stage, round, count / ROUNDS);
	}
	return tap_end();
}
