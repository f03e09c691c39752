/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_recent.c: a source that was let in a moment ago (bpf/recent.h) is let in and counted as if
 * it had been looked up, and by what the policy that enforces said alone.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_image.h"
#include "reason.h"
#include "rows.h"
#include "stage_private.h"
#include "tap.h"
#include "base/cleanup.h"

#define ALLOWED "8.0.1.9"
#define CLOSED  "8.0.2.9" /* is listed, but for the other port */

#define SOURCES4 " from 8.0.1.0/24\nallow 5432/tcp from 8.0.2.0/24\n"

static const struct scene first = { .name = "first", .config = "allow 6379/tcp" SOURCES4 };
static const struct scene then = { .name = "then", .config = "deny 6379/tcp" SOURCES4 };
static const struct scene on_trial = {
	.name = "on_trial", .config = "allow 6379/tcp" SOURCES4, .confirmed = "", .is_trial = true
};
static const struct scene ends = { .name = "ends",
				   .config = "allow 6379/tcp from 8.0.1.0/24 "
					     "until 2027-01-15T09:00Z\n" };

/* One is let in; others differ in one word of the address, or in the port, and are not. */
static const struct scene crowd = {
	.name = "crowd",
	.config = "allow 6379/tcp from 8.0.1.9 2001:db8:86dd:1::9\n"
		  "allow 5432/tcp from 8.0.0.0/16 2001:db8:86dd::/48\n"
		  "allow 10000-14095/tcp from 8.0.2.9 2001:db8:86dd:2::9\n",
};

static const struct {
	const char *differ, *is_let_in, *others; /* a format for the two bytes of a number */
} neighbours[] = {
	{ "in_the_first_word", ALLOWED, "8.0.%u.%u" },
	{ "in_the_second_word", "2001:db8:86dd:1::9", "2001:db8:86dd:%x%02x::9" },
	{ "in_the_third_word", "2001:db8:86dd:1::9", "2001:db8:86dd:1:%x%02x::9" },
	{ "in_the_last_word", "2001:db8:86dd:1::9", "2001:db8:86dd:1::%x%02x" },
	{ "in_the_port", ALLOWED, NULL },
	{ "in_the_ipv6_port", "2001:db8:86dd:1::9", NULL },
};

/* What the program of a way remembers on this CPU, the only one that runs it. */
struct memory {
	int fd;
	size_t words;
	__u64 *values;
};

static int open_recents(struct kernel *kernel, enum filter_program program)
{
	struct bpf_prog_info info = {};
	__u32 ids[32], length = sizeof(info);

	info.nr_map_ids = ARRAY_SIZE(ids);
	info.map_ids = (__u64)(unsigned long)ids;
	if (bpf_obj_get_info_by_fd(kernel_program(kernel, program), &info, &length) < 0)
		die("cannot ask for the program's maps");
	for (__u32 i = 0; i < info.nr_map_ids; i++) {
		struct bpf_map_info map = {};
		int fd = bpf_map_get_fd_by_id(ids[i]);

		length = sizeof(map);
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &map, &length) == 0 &&
		    streq(map.name, "recents"))
			return fd;
		util_closep(&fd);
	}
	die("the program has no map of that name");
}

static struct memory read_memory(struct stage *stage, enum filter_program program)
{
	struct memory memory = { .fd = open_recents(stage->kernel, program) };
	struct bpf_map_info map = {};
	__u32 length = sizeof(map), key = 0;

	if (bpf_obj_get_info_by_fd(memory.fd, &map, &length) < 0)
		die("cannot ask for the map");
	memory.words = map.value_size / 8 * libbpf_num_possible_cpus();
	memory.values = calloc(memory.words, 8);
	if (!memory.values || bpf_map_lookup_elem(memory.fd, &key, memory.values) < 0)
		die("cannot read what is remembered");
	return memory;
}

static void memory_clear(struct memory *memory)
{
	util_closep(&memory->fd);
	free(memory->values);
}

static __u64 generation(struct stage *stage)
{
	struct image_header header;

	if (kernel_read_header(stage->kernel, SLOT_ACTIVE, &header) < 0)
		die("%s", kernel_error());
	return header.generation;
}

/* How many sources are remembered for the policy that enforces. */
static size_t remembered(struct stage *stage, enum filter_program program)
{
	_cleanup_(memory_clear) struct memory memory = read_memory(stage, program);
	__u64 wanted = generation(stage);
	size_t count = 0;

	for (size_t i = 0; i < memory.words; i++)
		count += memory.values[i] == wanted;
	return count;
}

/* As if it had been the policy that enforces now. */
static void take_for_present(struct stage *stage, enum filter_program program, __u64 past)
{
	_cleanup_(memory_clear) struct memory memory = read_memory(stage, program);
	__u32 key = 0;

	for (size_t i = 0; i < memory.words; i++)
		if (memory.values[i] == past)
			memory.values[i] = generation(stage);
	if (bpf_map_update_elem(memory.fd, &key, memory.values, BPF_ANY) < 0)
		die("cannot write what is remembered");
}

static struct outcome ask(struct stage *stage, enum way way, const char *source, __u16 port)
{
	struct frame frame = { .saddr = source,
			       .dport = port,
			       .daddr = strchr(source, ':') ? "2001:db8::1" : "192.0.2.1" };
	struct outcome outcome;
	struct bytes bytes;

	frame_build(&frame, &bytes);
	stage_send(stage, way, &bytes, 0, &outcome);
	return outcome;
}

static bool is_alike(const struct outcome *a, const struct outcome *b)
{
	return a->reason == b->reason && a->is_dropped == b->is_dropped &&
	       memcmp(&a->moved, &b->moved, sizeof(a->moved)) == 0;
}

static void it_says_what_was_said(struct stage *stage, enum way way, enum filter_program program)
{
	struct outcome before, again;

	stage_set(stage, &first);
	before = ask(stage, way, ALLOWED, 6379);
	tap_case(before.reason == PASS_ALLOWED && remembered(stage, program) == 1,
		 "who_was_let_in_is_remembered (%s)", way_names[way]);
	again = ask(stage, way, ALLOWED, 6379);
	tap_case(is_alike(&before, &again) && remembered(stage, program) == 1,
		 "it_is_let_in_and_counted_alike (%s)", way_names[way]);
	again = ask(stage, way, ALLOWED, 5432);
	tap_case(again.reason == DROP_CLOSED && again.is_dropped, "at_another_port_it_is_not (%s)",
		 way_names[way]);
	before = ask(stage, way, CLOSED, 6379);
	again = ask(stage, way, CLOSED, 6379);
	tap_case(before.reason == DROP_CLOSED && is_alike(&before, &again) &&
			 remembered(stage, program) == 1,
		 "who_was_kept_out_is_not_remembered (%s)", way_names[way]);
}

static void it_ends_with_the_policy(struct stage *stage, enum way way, enum filter_program program)
{
	__u64 past = generation(stage);
	struct outcome outcome;

	stage_set(stage, &then);
	outcome = ask(stage, way, ALLOWED, 6379);
	tap_case(outcome.is_dropped && remembered(stage, program) == 0,
		 "another_policy_is_asked_itself (%s)", way_names[way]);
	take_for_present(stage, program, past);
	outcome = ask(stage, way, ALLOWED, 6379);
	tap_case(!outcome.is_dropped, "only_because_it_is_another (%s)", way_names[way]);
}

/* What depends on the time too. */
static void it_is_for_what_lasts(struct stage *stage, enum way way, enum filter_program program)
{
	struct outcome outcome;

	stage_set(stage, &on_trial);
	outcome = ask(stage, way, ALLOWED, 6379);
	tap_case(outcome.reason == PASS_ALLOWED && remembered(stage, program) == 0,
		 "in_a_trial_nobody_is_remembered (%s)", way_names[way]);
	stage_set(stage, &ends);
	outcome = ask(stage, way, ALLOWED, 6379);
	tap_case(outcome.reason == PASS_ALLOWED && remembered(stage, program) == 0,
		 "nor_whom_a_rule_lets_in_that_ends (%s)", way_names[way]);
}

/* The number'th of those that differ from who is let in. */
static struct outcome ask_other(struct stage *stage, enum way way, size_t row, unsigned int number)
{
	char source[64];

	if (!neighbours[row].others)
		return ask(stage, way, neighbours[row].is_let_in, 10000 + number);
	snprintf(source, sizeof(source), neighbours[row].others, number >> 8, number & 0xff);
	return ask(stage, way, source, 6379);
}

/* Of so many others some sixteen fall on the place of the one that is remembered. */
static void nobody_is_taken_for_another(struct stage *stage, enum way way,
					enum filter_program program)
{
	for (size_t row = 0; row < ARRAY_SIZE(neighbours); row++) {
		unsigned int passed = 0;
		bool is_let_in;

		stage_set(stage, &first); /* what is remembered of the row before is past */
		stage_set(stage, &crowd);
		is_let_in = !ask(stage, way, neighbours[row].is_let_in, 6379).is_dropped &&
			    remembered(stage, program) == 1;
		for (unsigned int number = 0; number < 4096; number++)
			passed += !ask_other(stage, way, row, number).is_dropped;
		/* The port apart, the one itself is among them. */
		tap_case(is_let_in && passed == (neighbours[row].others ? 1 : 0),
			 "nobody_passes_who_differs_%s (%u passed, %s)", neighbours[row].differ,
			 passed, way_names[way]);
	}
}

int main(void)
{
	static const enum filter_program programs[] = { PROGRAM_XDP, PROGRAM_TC, PROGRAM_TC_L3 };
	struct stage *stage = stage_open();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (enum way way = WAY_XDP; way <= WAY_TC_L3; way++) {
		enum filter_program program = programs[way - WAY_XDP];

		it_says_what_was_said(stage, way, program);
		it_ends_with_the_policy(stage, way, program);
		it_is_for_what_lasts(stage, way, program);
		nobody_is_taken_for_another(stage, way, program);
	}
	return tap_end();
}
