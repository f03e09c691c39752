/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_counters.c: no packet is forgotten, whatever becomes of the counter that counted it, in the
 * kernel's own maps.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rows.h"
#include "stage_private.h"
#include "tap.h"
#include "base/cleanup.h"

#define MANY (LIMIT_PORTS - 1) /* so many ports twice are more than there are counters */

static struct counter_ids *ids;
static char names[2 * MANY][24];

static __u32 give(const char *identity, bool is_wide)
{
	struct counter_request request = { .identity = identity, .is_wide = is_wide };

	if (counter_ids_give(ids, &request, 1) != 0)
		die("no room for the counter '%s'", identity);
	return request.id;
}

/* 0, or the number of those that there is no room for.  What is not asked for may make some. */
static int give_all(struct counter_request *requests, size_t count)
{
	if (counter_ids_have_room(ids, requests, count) &&
	    counter_ids_give(ids, requests, count) == 0)
		return 0;
	if (counter_ids_make_room(ids, requests, count, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	return counter_ids_give(ids, requests, count);
}

/* These and `also`. */
static int give_many(int first, const char *also)
{
	_cleanup_free_ struct counter_request *requests = calloc(MANY + 1, sizeof(*requests));

	for (int i = 0; requests && i < MANY; i++)
		requests[i] = (struct counter_request){ names[first + i], true, 0 };
	requests[MANY] = (struct counter_request){ also, true, 0 };
	return give_all(requests, MANY + 1);
}

static const struct counters *read_totals(void)
{
	const struct counters *totals;

	if (counter_ids_totals(ids, &totals, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	return totals;
}

static unsigned long long packets(__u32 id)
{
	return read_totals()->of[id].packets;
}

static void read_again(struct kernel *kernel)
{
	counter_ids_free(ids);
	ids = NULL;
	if (counter_ids_read(kernel, &ids, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
}

/* As the program of the first CPU does it. */
static void count(struct kernel *kernel, __u32 id, unsigned int count)
{
	if (kernel_map_counters(kernel, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	kernel->counters[COUNTERS_CPU(0)].of[id].packets += count;
}

static void combined_counts_for_all(struct kernel *kernel, struct combined_counter *combined)
{
	count(kernel, combined->id, 5);
	count(kernel, combined->port, 2);
	tap_case(packets(combined->reason) == 5 && packets(combined->port) == 7 &&
			 packets(combined->rule) == 5 && packets(combined->id) == 0,
		 "a_combined_counter_counts_for_all_that_it_stands_for");
	read_again(kernel);
	counter_ids_find_combined(ids, combined, 1);
	tap_case(combined->id && packets(combined->port) == 7, "it_does_so_for_who_comes_later");
}

static void nothing_is_lost_when_ids_run_out(struct kernel *kernel,
					     struct combined_counter *combined)
{
	struct combined_counter gone = *combined;
	__u32 port = combined->port - 1;
	bool is_given = give_many(0, "port kept") == 0 && give_many(MANY, "port kept") == 0;

	tap_case(is_given, "who_is_no_longer_there_makes_room");
	tap_case(give("port kept", true) == port, "who_is_still_there_keeps_its_counter");
	counter_ids_find_combined(ids, &gone, 1);
	tap_case(!gone.id, "a_combined_counter_makes_room");
	tap_case(packets(combined->reason) == 5 && packets(combined->port) == 7,
		 "what_it_counted_is_kept_where_it_belongs");
	read_again(kernel);
	tap_case(packets(combined->reason) == 5 && packets(combined->port) == 7,
		 "and_is_read_back");
}

/* How many of as many as there can be have an id that the fast path has room for; 0 = one has
 * another.
 */
static unsigned int give_combined(void)
{
	_cleanup_free_ struct combined_counter *combined =
		calloc(LIMIT_COUNTERS, sizeof(*combined));
	unsigned int given = 0;

	if (!combined)
		die("no memory");
	for (__u32 i = 0; i < LIMIT_COUNTERS; i++)
		combined[i] = (struct combined_counter){ .reason = DROP_CLOSED, .port = i };
	if (counter_ids_give_combined(ids, combined, LIMIT_COUNTERS) < 0)
		die("%s", ERROR(&stage_error));
	for (__u32 i = 0; i < LIMIT_COUNTERS; i++) {
		given += combined[i].id != 0;
		if (combined[i].id >= COUNTERS_COMBINED)
			return 0;
	}
	return given;
}

static void room_is_left_for_ports(void)
{
	unsigned int given = give_combined();

	tap_case(given > 1000 && given < LIMIT_COUNTERS - 2 * MANY,
		 "combined_counters_are_given_while_there_is_room (%u)", given);
	tap_case(give("port new", true) != 0 && packets(DROP_CLOSED) == 5,
		 "a_new_port_needs_nobody_to_be_forgotten");
}

/*
 * A policy as large as the limits let it be, of which in each round others are new: those that stay
 * lie as scattered as can be, and combined counters have what is left.
 */
static void all_that_the_limits_let_be_have_counters(void)
{
	enum { COUNT = LIMIT_RULES + LIMIT_PORTS };
	static struct counter_request requests[COUNT];
	static char texts[COUNT][32];
	bool is_given = true;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < COUNT; i++) {
			if (round == 0 || (i + i / 2) % 3 == round - 1)
				snprintf(texts[i], sizeof(texts[i]), "large %d %d", round, i);
			requests[i] = (struct counter_request){ texts[i], i >= LIMIT_RULES, 0 };
		}
		is_given = is_given && give_all(requests, COUNT) == 0;
		give_combined();
	}
	tap_case(is_given, "all_that_the_limits_let_be_have_counters");
}

/*
 * A policy is replaced by one that shares nothing with it, and both are as large as can be. Packets
 * come in between, for what still enforces.
 */
static void what_enforces_keeps_its_counters_until_it_is_replaced(struct kernel *kernel)
{
	enum { COUNT = LIMIT_RULES + LIMIT_PORTS };
	static struct counter_request old[COUNT], new[COUNT];
	static char texts[2][COUNT][24];
	const struct counters *totals;
	unsigned int wrong = 0, held = 0, left_out;

	for (int i = 0; i < COUNT; i++) {
		snprintf(texts[0][i], sizeof(texts[0][i]), "old %d", i);
		snprintf(texts[1][i], sizeof(texts[1][i]), "new %d", i);
		old[i] = (struct counter_request){ texts[0][i], i >= LIMIT_RULES, 0 };
		new[i] = (struct counter_request){ texts[1][i], i >= LIMIT_RULES, 0 };
	}
	if (give_all(old, COUNT) != 0)
		die("no room for a policy as large as can be");
	read_again(kernel);
	for (int i = 0; i < COUNT; i++)
		counter_ids_hold(ids, old[i].id);
	left_out = give_all(new, COUNT);
	for (int i = 0; i < COUNT; i++)
		count(kernel, old[i].id, 1);
	totals = read_totals();
	for (int i = 0; i < COUNT; i++) {
		held += counter_ids_find(ids, old[i].identity) == old[i].id &&
			totals->of[old[i].id].packets == 1;
		wrong += new[i].id && totals->of[new[i].id].packets != 0;
	}
	tap_case(held == COUNT && wrong == 0 && left_out > 0 && left_out < COUNT,
		 "what_enforces_keeps_its_counters_until_it_is_replaced (%u, %u, %u)", held, wrong,
		 left_out);
	read_again(kernel);
	left_out = give_all(new, COUNT);
	totals = read_totals();
	for (int i = 0; i < COUNT; i++)
		wrong += totals->of[new[i].id].packets != 0;
	tap_case(left_out == 0 && wrong == 0, "then_the_new_one_has_all_of_its_own (%u, %u)",
		 left_out, wrong);
}

/* Each CPU counts in an element of its own, and neither in user space's nor in another's. */
static void each_cpu_has_an_element_of_its_own(struct stage *stage)
{
	const struct bytes frame = { .data = { [12] = 0x08, [13] = 0x06 }, .length = 60 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), wrong = 0;
	const struct counters *elements;
	struct outcome outcome;

	stage_set(stage, &closed);
	if (kernel_map_counters(stage->kernel, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	elements = stage->kernel->counters;
	for (long cpu = 0; cpu < cpus; cpu++) {
		unsigned long long before[2], others = 0;
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) < 0)
			die("cannot run on CPU %ld", cpu);
		before[0] = elements[COUNTERS_CPU(cpu)].of[PASS_NOT_IP].packets;
		before[1] = packets(PASS_NOT_IP);
		stage_send(stage, WAY_XDP, &frame, 0, &outcome);
		others = packets(PASS_NOT_IP) - before[1];
		wrong += elements[COUNTERS_CPU(cpu)].of[PASS_NOT_IP].packets != before[0] + 1 ||
			 others != 1;
	}
	tap_case(cpus > 0 && !wrong, "each_cpu_has_an_element_of_its_own (%ld of %ld do not)",
		 wrong, cpus);
	tap_case(kernel_counter_elements() == cpus + 1 &&
			 stage->kernel->counter_elements == cpus + 1,
		 "there_are_no_elements_for_cpus_that_are_not_present (%u)",
		 stage->kernel->counter_elements);
}

int main(void)
{
	struct stage *stage = stage_open();
	struct combined_counter combined = { .reason = DROP_CLOSED };

	for (int i = 0; i < 2 * MANY; i++)
		snprintf(names[i], sizeof(names[i]), "port %d", i);
	read_again(stage->kernel);
	each_cpu_has_an_element_of_its_own(stage);
	combined.port = give("port kept", true) + 1;
	combined.rule = give("rule gone", false);
	if (counter_ids_give_combined(ids, &combined, 1) < 0 || !combined.id)
		die("no combined counter");
	combined_counts_for_all(stage->kernel, &combined);
	nothing_is_lost_when_ids_run_out(stage->kernel, &combined);
	room_is_left_for_ports();
	all_that_the_limits_let_be_have_counters();
	what_enforces_keeps_its_counters_until_it_is_replaced(stage->kernel);
	return tap_end();
}
