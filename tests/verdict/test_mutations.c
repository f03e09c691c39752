/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_mutations.c: the table's frames with bytes changed at random, the same ones in each
 * run.  XDP and tc must say the same of every one.
 *
 * VERDICT_MUTATIONS=1000000 in the environment tries that many.
 */
#include <stdio.h>
#include <stdlib.h>

#include "reason.h"
#include "mutate.h"
#include "rows.h"
#include "tap.h"
#include "base/cleanup.h"

#define MUTATIONS 20000
#define ROUNDS    20

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
