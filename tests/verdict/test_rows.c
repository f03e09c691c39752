/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_rows.c: every row of the table through the loaded programs, by every way that the
 * frame can take.  One case for each row and way, and that the table is complete.
 *
 *   test_rows [WORD]           only rows whose name contains the word
 *   test_rows --corpus DIR     writes the frames into files, for tests/fuzz/fuzz_parse.c
 */
#include <errno.h>
#include <stdio.h>

#include "map_values.h"
#include "reason.h"
#include "rows.h"
#include "tap.h"
#include "base/cleanup.h"

/* ---- one row, one way --------------------------------------------------------------------- */

/* What is wrong, as TAP comments in `out`. */
struct judge {
	FILE *out;
	struct counts expected;
};

static void expect(struct judge *judge, __u32 id, const struct row *row, size_t bytes)
{
	judge->expected.counters[id].packets = row->gso_segs ? row->gso_segs : 1;
	judge->expected.counters[id].bytes = bytes;
}

/* Of a frame that cannot be read the family may not be known. */
static bool is_counted_as_ipv6(const struct row *row, const struct bytes *frame,
			       const struct counts *moved)
{
	size_t at = 12;

	if (row->reason == DROP_MALFORMED)
		return moved->counters[COUNTER_OF_REASON(row->reason, true)].packets;
	while (at + 6 <= frame->length && (frame->data[at] << 8 | frame->data[at + 1]) != 0x0800 &&
	       (frame->data[at] << 8 | frame->data[at + 1]) != 0x86dd)
		at += 4;
	return row->reason != PASS_NOT_IP && at + 2 <= frame->length && frame->data[at] == 0x86;
}

static void expect_counters(struct stage *stage, struct judge *judge, const struct row *row,
			    size_t bytes, bool is_ipv6)
{
	__u32 port = row->port ? stage_port_counter(stage, row->port) : 0;
	__u32 rule = row->rule ? stage_rule_counter(stage, row->rule) : 0;

	memset(&judge->expected, 0, sizeof(judge->expected));
	expect(judge, COUNTER_OF_REASON(row->reason, is_ipv6), row, bytes);
	if (row->port && !port)
		fprintf(judge->out, "# no such port in the policy: %s\n", row->port);
	if (row->rule && !rule)
		fprintf(judge->out, "# no such rule in the policy: %u\n", row->rule);
	if (port)
		expect(judge, port + reason_is_drop(row->reason), row, bytes);
	if (rule)
		expect(judge, rule, row, bytes);
}

static const char *counter_name(struct stage *stage, const struct row *row, __u32 id)
{
	static char name[80];
	__u32 port = row->port ? stage_port_counter(stage, row->port) : 0;

	snprintf(name, sizeof(name), "%u", id);
	if (id < COUNTER_FIRST)
		snprintf(name, sizeof(name), "reason %s%s", reason_name(id % COUNTER_IPV6),
			 id < COUNTER_IPV6 ? "" : " of IPv6");
	else if (row->rule && stage_rule_counter(stage, row->rule) == id)
		snprintf(name, sizeof(name), "rule %u", row->rule);
	else if (port && (id == port || id == port + 1))
		snprintf(name, sizeof(name), "port %s %s", row->port,
			 id == port ? "passed" : "dropped");
	return name;
}

static void judge_counters(struct stage *stage, struct judge *judge, const struct row *row,
			   const struct counts *moved)
{
	for (__u32 i = 0; i < STAGE_COUNTERS; i++) {
		const struct counter *is = &moved->counters[i];
		const struct counter *ought = &judge->expected.counters[i];

		if (is->packets != ought->packets || is->bytes != ought->bytes)
			fprintf(judge->out,
				"# counter %s: %llu packets, %llu bytes; expected %llu, %llu\n",
				counter_name(stage, row, i), is->packets, is->bytes, ought->packets,
				ought->bytes);
	}
}

static void judge_outcome(struct judge *judge, const struct row *row, enum way way,
			  const struct outcome *outcome)
{
	bool drops = reason_is_drop(row->reason) && !row->scene->is_audit;
	bool is_test_run = way != WAY_VETH && way != WAY_TUN;

	if (outcome->reason != row->reason)
		fprintf(judge->out, "# reason: %s, expected %s\n", reason_name(outcome->reason),
			reason_name(row->reason));
	if (is_test_run && outcome->is_dropped != drops)
		fprintf(judge->out, "# %s, expected %s\n",
			outcome->is_dropped ? "dropped" : "passed", drops ? "dropped" : "passed");
	if (outcome->is_changed)
		fprintf(judge->out, "# the program wrote to the frame\n");
}

static void play(struct stage *stage, const struct row *row, enum way way,
		 const struct bytes *bytes)
{
	_cleanup_free_ char *text = NULL;
	struct outcome outcome;
	struct judge judge;
	size_t size;

	judge.out = open_memstream(&text, &size);
	if (!judge.out)
		die("no memory");
	stage_send(stage, way, bytes, row->gso_segs, &outcome);
	expect_counters(stage, &judge, row, stage_bytes(way, bytes),
			is_counted_as_ipv6(row, bytes, &outcome.moved));
	judge_outcome(&judge, row, way, &outcome);
	judge_counters(stage, &judge, row, &outcome.moved);
	fclose(judge.out);
	tap_case(size == 0, "%s (%s)", row->name, way_names[way]);
	fputs(text, stdout);
}

/* ---- all ---------------------------------------------------------------------------------- */

static bool has_way(const struct row *row, enum way way, const struct bytes *bytes)
{
	if (row->gso_segs && way != WAY_TC && way != WAY_TC_L3)
		return false;
	/* Without an Ethernet header nothing is somebody else's. */
	if (row->scene->is_foreign && (way == WAY_TC_L3 || way == WAY_TUN))
		return false;
	return stage_has_way(way, bytes);
}

/* Whether it went through both programs. */
static bool play_row(struct stage *stage, const struct row *row)
{
	struct bytes bytes;
	bool is_xdp = row->gso_segs, is_tc = false;

	frame_build(&row->frame, &bytes);
	for (enum way way = 0; way < WAY_MAX; way++) {
		if (!has_way(row, way, &bytes))
			continue;
		play(stage, row, way, &bytes);
		is_xdp |= way == WAY_XDP;
		is_tc |= way == WAY_TC || way == WAY_VETH;
	}
	return is_xdp && is_tc;
}

static unsigned int play_scene(struct stage *stage, const struct scene *scene, const char *word,
			       unsigned int seen[REASON_MAX])
{
	unsigned int played = 0;

	for (size_t i = 0; i < tables_count; i++)
		for (size_t j = 0; j < tables[i]->count; j++) {
			const struct row *row = &tables[i]->array[j];

			if (row->scene != scene || !strstr(row->name, word))
				continue;
			stage_set(stage, scene);
			if (!play_row(stage, row))
				tap_case(false, "%s meets both programs", row->name);
			seen[row->reason]++;
			played++;
		}
	return played;
}

static bool is_named_twice(const struct row *row)
{
	for (size_t i = 0; i < tables_count; i++)
		for (size_t j = 0; j < tables[i]->count; j++) {
			const struct row *other = &tables[i]->array[j];

			if (other != row && streq(other->name, row->name))
				return true;
		}
	return false;
}

static void check_table(unsigned int played, const unsigned int seen[REASON_MAX])
{
	unsigned int count = 0, twice = 0;

	for (size_t i = 0; i < tables_count; i++) {
		count += tables[i]->count;
		for (size_t j = 0; j < tables[i]->count; j++)
			twice += is_named_twice(&tables[i]->array[j]);
	}
	tap_case(played == count, "every row has a scene that is played (%u of %u)", played, count);
	tap_case(count >= 120, "the table has at least 120 rows (%u)", count);
	tap_case(twice == 0, "no two rows have the same name (%u do)", twice);
	for (enum reason reason = REASON_NONE + 1; reason < REASON_MAX; reason++)
		if (reason != DROP_GATE) /* not the filter's: e2e/ shows the gate */
			tap_case(seen[reason] > 0, "the reason %s has a row (%u)",
				 reason_name(reason), seen[reason]);
}

/* fuzz_parse.c reads the frame behind a byte that says how: 0, as at XDP. */
static void write_frame(const char *dir, const struct row *row)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *path = NULL;
	struct bytes bytes;

	frame_build(&row->frame, &bytes);
	if (asprintf(&path, "%s/%s", dir, row->name) < 0)
		die("no memory");
	file = fopen(path, "w");
	if (!file || fputc(0, file) < 0 || fwrite(bytes.data, bytes.length, 1, file) != 1)
		die("cannot write '%s'", path);
}

static void write_corpus(const char *dir)
{
	for (size_t i = 0; i < tables_count; i++)
		for (size_t j = 0; j < tables[i]->count; j++)
			write_frame(dir, &tables[i]->array[j]);
}

int main(int argc, char **argv)
{
	unsigned int seen[REASON_MAX] = {}, played = 0;
	struct stage *stage;

	if (argc == 3 && streq(argv[1], "--corpus")) {
		write_corpus(argv[2]);
		return 0;
	}
	stage = stage_open();
	for (size_t i = 0; i < scenes_count; i++)
		played += play_scene(stage, scenes[i], argc > 1 ? argv[1] : "", seen);
	if (argc == 1)
		check_table(played, seen);
	return tap_end();
}
