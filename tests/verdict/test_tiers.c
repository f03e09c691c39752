/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_tiers.c: bpf/fastpath.h decides as bpf/decide.h would.  The table's frames, as they are and
 * with bytes changed at random, the same ones in each run, meet the same policy three times: as it
 * is, with the fast path disabled, and with an image without verdict entries.
 *
 * VERDICT_MUTATIONS=1000000 in the environment tries that many.
 */
#include <stdio.h>
#include <stdlib.h>

#include "reason.h"
#include "mutate.h"
#include "rows.h"
#include "stage_private.h"
#include "tap.h"
#include "base/cleanup.h"

#define FRAMES 7000
#define BATCH  500

static const struct scene *const stages[] = {
	&rules, &closed, &deny_all, &allow_all, &audit, &bound, &expired,
};

struct batch {
	struct bytes bytes[BATCH];
	struct outcome outcomes[BATCH];
};

static void fill(struct batch *batch)
{
	for (int i = 0; i < BATCH; i++) {
		frame_build(&random_row()->frame, &batch->bytes[i]);
		if (below(3))
			mutate(&batch->bytes[i]);
	}
}

/* With every counter, and the bytes they counted. */
static bool is_same(const struct outcome *a, const struct outcome *b)
{
	return a->reason == b->reason && a->is_dropped == b->is_dropped &&
	       memcmp(&a->moved, &b->moved, sizeof(a->moved)) == 0;
}

static enum way way_of(int number)
{
	return number % 3 == 0 ? WAY_XDP : number % 3 == 1 ? WAY_TC : WAY_TC_L3;
}

static bool compare(struct stage *stage, const struct batch *batch, const char *how)
{
	struct outcome outcome;
	bool is_ok = true;

	for (int i = 0; i < BATCH; i++) {
		if (!stage_has_way(way_of(i), &batch->bytes[i]))
			continue;
		stage_send(stage, way_of(i), &batch->bytes[i], 0, &outcome);
		if (is_same(&batch->outcomes[i], &outcome))
			continue;
		printf("# %s: beforehand %s, %s %s, of\n", way_names[way_of(i)],
		       reason_name(batch->outcomes[i].reason), how, reason_name(outcome.reason));
		print_frame(&batch->bytes[i]);
		is_ok = false;
	}
	return is_ok;
}

/* Returns how many of the packets the policy's ports and rules decided. */
static unsigned int play(struct stage *stage, struct batch *batch)
{
	unsigned int decided = 0;

	for (int i = 0; i < BATCH; i++) {
		enum reason *reason = &batch->outcomes[i].reason;

		if (!stage_has_way(way_of(i), &batch->bytes[i]))
			continue;
		stage_send(stage, way_of(i), &batch->bytes[i], 0, &batch->outcomes[i]);
		decided += *reason == PASS_UNGUARDED || *reason == PASS_ALLOWED ||
			   *reason == PASS_DEFAULT || *reason == DROP_CLOSED ||
			   *reason == DROP_LEARNED;
	}
	return decided;
}

/* Packets that a combined counter counted: nobody but bpf/fastpath.h counts there. */
static unsigned long long answered(const struct stage *stage)
{
	unsigned long long packets = 0;

	for (size_t i = 0; i < stage->combined_count; i++)
		packets += kernel_counter(stage->kernel, stage->combined[i].id).packets;
	return packets;
}

int main(void)
{
	const char *text = getenv("VERDICT_MUTATIONS");
	unsigned long rounds = (text ? strtoul(text, NULL, 10) : FRAMES) / BATCH;
	struct batch *batch = calloc(1, sizeof(*batch));
	struct stage *stage = stage_open();

	for (unsigned long round = 0; batch && round < rounds; round++) {
		const struct scene *scene = stages[round % ARRAY_SIZE(stages)];
		struct scene silent = *scene;
		unsigned int decided;
		bool is_ok;

		silent.damage = lose_entries;
		fill(batch);
		stage_set(stage, scene);
		decided = play(stage, batch);
		if (kernel_disable_fastpath(stage->kernel, &stage_error) < 0)
			die("%s", ERROR(&stage_error));
		is_ok = compare(stage, batch, "with the fast path disabled");
		stage_set(stage, &silent);
		is_ok = compare(stage, batch, "without") && is_ok;
		tap_case(is_ok && decided > BATCH / 10,
			 "what_is_said_beforehand_is_what_is_decided_%lu (%s, %u of %u packets)",
			 round, scene->name, decided, BATCH);
	}
	tap_case(answered(stage) > rounds,
		 "what_is_said_beforehand_is_followed (%llu combined packets)", answered(stage));
	return tap_end();
}
