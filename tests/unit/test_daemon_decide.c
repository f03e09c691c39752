/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon does and when, in a world without a kernel, an Engine or a clock: a round comes
 * at once when something happened, in time when time brings it about, and never without a pause.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/decide.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define EPOCH  INT64_C(1700000000)

/* The loop of daemon.c, with what it does to kernel and Docker replaced by what a test says. */
struct world {
	struct daemon_state state;
	struct daemon_time now;
	int64_t start_ms;
	/* what there is */
	struct daemon_outcome outcome;
	bool is_out_of_place;
	int64_t until_s;      /* wall clock: a rule expires; 0 = none */
	int64_t trial_end_ms; /* monotonic; 0 = none */
	int64_t round_takes_ms;
	/* what was done */
	size_t rounds, checks, tends, trims, beats, readies, wakes;
	int64_t round_ms[512]; /* when they ended, since the start */
	bool is_stopped, was_config_new;
};

static void move(struct world *world, int64_t ms)
{
	world->now.ms += ms;
	world->now.wall_ms += ms;
}

static int64_t elapsed(const struct world *world)
{
	return world->now.ms - world->start_ms;
}

static unsigned int do_round(struct world *world)
{
	struct daemon_event event = { .kind = EVENT_ROUND, .outcome = world->outcome };

	world->was_config_new = world->state.is_config_new;
	move(world, world->round_takes_ms);
	/* Like reconcile(): a round that fails reads no times, and what has expired is none. */
	if (event.outcome.is_ok && world->until_s > world->now.wall_ms / 1000)
		event.outcome.next_expiry = world->until_s;
	if (event.outcome.is_ok && world->trial_end_ms > world->now.ms)
		event.outcome.trial_seconds_left =
			(world->trial_end_ms - world->now.ms + 999) / 1000;
	assert_true(world->rounds < ARRAY_SIZE(world->round_ms));
	world->round_ms[world->rounds++] = elapsed(world);
	return daemon_decide(&world->state, &event, world->now);
}

static unsigned int do_check(struct world *world)
{
	struct daemon_event event = { .kind = EVENT_CHECKED };

	event.is_in_place = !world->is_out_of_place;
	world->checks++;
	return daemon_decide(&world->state, &event, world->now);
}

static void perform(struct world *world, unsigned int todo)
{
	for (int i = 0; todo; i++) {
		unsigned int next = 0;

		assert_true(i < 8);
		world->is_stopped = world->is_stopped || todo & DAEMON_STOP;
		world->beats += !!(todo & DAEMON_BEAT);
		world->tends += !!(todo & DAEMON_TEND);
		world->trims += !!(todo & DAEMON_TRIM);
		world->readies += !!(todo & DAEMON_READY);
		if (todo & DAEMON_ROUND)
			next = do_round(world);
		else if (todo & DAEMON_CHECK)
			next = do_check(world);
		todo = next;
	}
}

static void happens(struct world *world, enum daemon_event_kind kind)
{
	const struct daemon_event event = { .kind = kind };

	perform(world, daemon_decide(&world->state, &event, world->now));
}

/* Nothing but time. */
static void pass(struct world *world, int64_t ms)
{
	int64_t end = world->now.ms + ms;

	while (world->now.ms < end) {
		int timeout = daemon_timeout_ms(&world->state, world->now);

		assert_true(timeout >= 0);
		if (world->now.ms + timeout > end) {
			move(world, end - world->now.ms);
			return;
		}
		move(world, timeout);
		happens(world, EVENT_TIME);
		world->wakes++;
		/* A wake-up with nothing to do, and nothing to wait for, is the beginning of a
		 * spin. */
		assert_true(daemon_timeout_ms(&world->state, world->now) > 0);
	}
}

static void begin(struct world *world)
{
	*world = (struct world){
		.now = { .ms = 12345678, .wall_ms = EPOCH * SECOND },
		.start_ms = 12345678,
		.outcome = { .is_ok = true, .is_enforcing = true },
	};
	happens(world, EVENT_TIME);
	assert_int_equal(world->rounds, 1);
}

static void break_rounds(struct world *world)
{
	world->outcome.is_ok = false;
}

static void mend_rounds(struct world *world)
{
	world->outcome.is_ok = true;
}

/* ---- at once -------------------------------------------------------------------------- */

static void first_round_comes_at_once_and_makes_ready(void **state)
{
	static struct world world;

	begin(&world);
	assert_int_equal(world.readies, 1);
	assert_int_equal(world.beats, 1);
	pass(&world, HOUR);
	assert_int_equal(world.readies, 1);
}

static void who_cannot_protect_is_not_ready(void **state)
{
	static struct world world = { .now = { 1000, EPOCH * SECOND } };

	happens(&world, EVENT_TIME);
	pass(&world, MINUTE);
	assert_int_equal(world.readies, 0);
	/* The file is wrong, but what was closed at boot is. */
	world.outcome.is_enforcing = true;
	pass(&world, 10 * SECOND);
	assert_int_equal(world.readies, 1);
}

static void event_brings_a_round_at_once(void **state)
{
	static const enum daemon_event_kind kinds[] = { EVENT_DOCKER, EVENT_NETDEV, EVENT_HANGUP };
	static struct world world;

	begin(&world);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		pass(&world, 10);
		happens(&world, kinds[i]);
		assert_int_equal(world.rounds, i + 2);
	}
}

static void container_that_starts_while_rounds_fail_does_not_wait(void **state)
{
	static struct world world;

	begin(&world);
	break_rounds(&world);
	happens(&world, EVENT_DOCKER);
	for (size_t i = 0; i < 10; i++) {
		pass(&world, 3);
		happens(&world, EVENT_DOCKER);
	}
	assert_int_equal(world.rounds, 12);
}

static void events_before_a_round_have_one(void **state)
{
	static struct world world;
	const struct daemon_event docker = { .kind = EVENT_DOCKER },
				  netdev = { .kind = EVENT_NETDEV };
	unsigned int todo;

	begin(&world);
	todo = daemon_decide(&world.state, &docker, world.now);
	todo |= daemon_decide(&world.state, &netdev, world.now);
	perform(&world, todo);
	assert_int_equal(world.rounds, 2);
	pass(&world, 10 * SECOND);
	assert_int_equal(world.rounds, 2);
}

static void nftables_brings_no_round(void **state)
{
	static struct world world;

	begin(&world);
	for (int i = 0; i < 1000; i++)
		happens(&world, EVENT_NFTABLES);
	assert_int_equal(world.tends, 1000);
	assert_int_equal(world.rounds, 1);
}

static void nothing_comes_before_a_stop(void **state)
{
	static struct world world;
	const struct daemon_event stop = { .kind = EVENT_STOP };

	begin(&world);
	move(&world, HOUR);
	assert_int_equal(daemon_decide(&world.state, &stop, world.now), DAEMON_STOP);
}

/* ---- the configuration ----------------------------------------------------------------- */

static void save_of_an_editor_is_one_round(void **state)
{
	static struct world world;

	begin(&world);
	for (int i = 0; i < 5; i++) {
		happens(&world, EVENT_CONFIG);
		pass(&world, 8);
	}
	assert_int_equal(world.rounds, 1);
	pass(&world, 200);
	assert_int_equal(world.rounds, 2);
	assert_true(world.was_config_new);
	assert_in_range(world.round_ms[1], 50, 100);
	assert_false(world.state.is_config_new);
}

static void directory_that_is_always_written_to_does_not_put_it_off(void **state)
{
	static struct world world;

	begin(&world);
	for (int i = 0; i < 300; i++) {
		happens(&world, EVENT_CONFIG);
		pass(&world, 10);
	}
	assert_in_range(world.rounds, 6, 8);
	assert_in_range(world.round_ms[1], 50, 500);
}

static void wrong_file_is_new_until_it_is_right(void **state)
{
	static struct world world;

	begin(&world);
	break_rounds(&world);
	happens(&world, EVENT_CONFIG);
	pass(&world, MINUTE);
	assert_true(world.state.is_config_new);
	mend_rounds(&world);
	happens(&world, EVENT_CONFIG);
	pass(&world, SECOND);
	assert_false(world.state.is_config_new);
	assert_false(world.state.is_failing);
}

/* ---- time ------------------------------------------------------------------------------- */

static void lost_event_costs_half_a_minute(void **state)
{
	static struct world world;

	begin(&world);
	pass(&world, HOUR);
	assert_in_range(world.rounds, 120, 122);
	for (size_t i = 1; i < world.rounds; i++)
		assert_int_equal(world.round_ms[i] - world.round_ms[i - 1], DECIDE_RELIST_MS);
}

static void failing_rounds_are_tried_again_every_five_seconds(void **state)
{
	static struct world world;

	begin(&world);
	break_rounds(&world);
	happens(&world, EVENT_DOCKER);
	pass(&world, MINUTE);
	assert_in_range(world.rounds, 13, 15);
	for (size_t i = 2; i < world.rounds; i++)
		assert_int_equal(world.round_ms[i] - world.round_ms[i - 1], DECIDE_RETRY_MS);
	mend_rounds(&world);
	pass(&world, DECIDE_RETRY_MS);
	assert_false(world.state.is_failing);
}

static void rule_expires_on_time(void **state)
{
	static struct world world;

	begin(&world);
	world.until_s = EPOCH + 42;
	happens(&world, EVENT_HANGUP);
	pass(&world, 50 * SECOND);
	assert_int_equal(world.rounds, 4);
	assert_int_equal(world.round_ms[3], 42 * SECOND);
}

static void rule_that_expires_while_rounds_fail_makes_nobody_spin(void **state)
{
	static struct world world;
	size_t before;

	begin(&world);
	world.until_s = EPOCH + 10;
	happens(&world, EVENT_HANGUP);
	break_rounds(&world);
	happens(&world, EVENT_CONFIG);
	pass(&world, SECOND);
	before = world.rounds;
	pass(&world, MINUTE);
	assert_in_range(world.rounds - before, 11, 13);
}

static void expiry_that_a_round_does_not_see_makes_nobody_spin(void **state)
{
	static struct world world;
	size_t before;

	begin(&world);
	world.outcome.next_expiry = EPOCH - 1000;
	happens(&world, EVENT_HANGUP);
	before = world.rounds;
	pass(&world, 20 * SECOND);
	assert_in_range(world.rounds - before, 19, 21);
}

static void clock_set_forward_expires_what_is_past(void **state)
{
	static struct world world;

	begin(&world);
	world.until_s = EPOCH + 3600;
	happens(&world, EVENT_HANGUP);
	pass(&world, 5 * SECOND);
	world.now.wall_ms += HOUR;
	pass(&world, 3 * SECOND);
	assert_int_equal(world.rounds, 3);
	assert_in_range(world.round_ms[2], 5 * SECOND, 7 * SECOND);
	assert_int_equal(world.state.next_expiry, 0);
}

static void clock_set_back_puts_the_expiry_off(void **state)
{
	static struct world world;
	size_t before;

	begin(&world);
	world.until_s = EPOCH + 20;
	happens(&world, EVENT_HANGUP);
	world.now.wall_ms -= HOUR;
	pass(&world, 3 * SECOND);
	/* What enforces was compiled for the other time. */
	assert_int_equal(world.rounds, 3);
	before = world.rounds;
	pass(&world, 57 * SECOND);
	assert_in_range(world.rounds - before, 1, 2);
	assert_int_equal(world.state.next_expiry, EPOCH + 20);
}

static void clock_that_is_set_all_the_time_makes_nobody_spin(void **state)
{
	static struct world world;

	begin(&world);
	for (int i = 0; i < 100; i++) {
		world.now.wall_ms += i % 2 ? HOUR : -HOUR;
		happens(&world, EVENT_NFTABLES);
		pass(&world, 100);
	}
	assert_true(world.rounds <= 12);
}

static void clock_that_is_slewed_is_none_that_is_set(void **state)
{
	static struct world world;
	size_t before;

	begin(&world);
	before = world.rounds;
	/* 500 ppm, the most that adjtimex(2) does, for an hour. */
	for (int i = 0; i < 3600; i++) {
		pass(&world, SECOND);
		world.now.wall_ms += i % 2;
	}
	assert_in_range(world.rounds - before, 119, 121);
}

static void trial_is_tidied_up_after_when_it_ends(void **state)
{
	static struct world world;

	begin(&world);
	world.trial_end_ms = world.now.ms + 7 * SECOND + 300;
	happens(&world, EVENT_HANGUP);
	pass(&world, 10 * SECOND);
	assert_int_equal(world.rounds, 3);
	assert_in_range(world.round_ms[2], 7300, 8300);
	assert_false(world.state.is_on_trial);
}

static void word_about_a_bridge_is_waited_for(void **state)
{
	static struct world world;

	begin(&world);
	world.outcome.is_too_early = true;
	happens(&world, EVENT_NETDEV);
	pass(&world, 10 * SECOND);
	assert_in_range(world.rounds, 6, 7);
	/* Not by rounds that cannot do it. */
	break_rounds(&world);
	happens(&world, EVENT_NETDEV);
	pass(&world, 10 * SECOND);
	assert_in_range(world.rounds, 8, 10);
}

/* ---- pins and links ---------------------------------------------------------------------- */

static void pins_are_looked_at_every_two_seconds(void **state)
{
	static struct world world;

	begin(&world);
	pass(&world, MINUTE);
	assert_in_range(world.checks, 27, 30);
	assert_int_equal(world.rounds, 3);
}

static void pins_that_are_gone_bring_a_round(void **state)
{
	static struct world world;

	begin(&world);
	pass(&world, 5 * SECOND);
	world.is_out_of_place = true;
	pass(&world, 2 * SECOND);
	assert_int_equal(world.rounds, 2);
	world.is_out_of_place = false;
	pass(&world, 10 * SECOND);
	assert_int_equal(world.rounds, 2);
}

static void pins_that_go_while_rounds_fail_bring_one_round(void **state)
{
	static struct world world;
	size_t before;

	begin(&world);
	break_rounds(&world);
	happens(&world, EVENT_HANGUP);
	world.is_out_of_place = true;
	before = world.rounds;
	pass(&world, 2 * SECOND);
	assert_int_equal(world.rounds - before, 1);
	pass(&world, MINUTE);
	assert_in_range(world.rounds - before, 12, 14);
}

static void link_that_a_failing_round_shakes_makes_nobody_spin(void **state)
{
	static struct world world;
	size_t before;

	begin(&world);
	break_rounds(&world);
	before = world.rounds;
	for (int i = 0; i < 1000; i++) {
		happens(&world, EVENT_NETDEV);
		pass(&world, 10);
	}
	assert_in_range(world.rounds - before, 9, 12);
}

/* ---- life signs ---------------------------------------------------------------------------- */

static void heart_beats_whatever_happens(void **state)
{
	static struct world world;

	begin(&world);
	for (int i = 0; i < 6000; i++) {
		if (i % 7 == 0)
			happens(&world, i % 2 ? EVENT_DOCKER : EVENT_NFTABLES);
		pass(&world, 10);
	}
	assert_in_range(world.beats, 12, 14);
}

static void memory_is_given_back_once_it_is_quiet(void **state)
{
	static struct world world;

	begin(&world);
	for (int i = 0; i < 20; i++) {
		happens(&world, EVENT_DOCKER);
		pass(&world, 100);
	}
	assert_int_equal(world.trims, 0);
	pass(&world, 20 * SECOND);
	assert_int_equal(world.trims, 1);
}

static void quiet_daemon_sleeps(void **state)
{
	static struct world world;

	begin(&world);
	pass(&world, HOUR);
	/* A check every two seconds, a beat every five. */
	assert_true(world.wakes < 3000);
}

static void slow_round_is_followed_by_a_pause(void **state)
{
	static struct world world;

	begin(&world);
	break_rounds(&world);
	world.round_takes_ms = 20 * SECOND;
	happens(&world, EVENT_HANGUP);
	pass(&world, 100 * SECOND);
	for (size_t i = 2; i < world.rounds; i++)
		assert_int_equal(world.round_ms[i] - world.round_ms[i - 1],
				 20 * SECOND + DECIDE_RETRY_MS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_round_comes_at_once_and_makes_ready),
		cmocka_unit_test(who_cannot_protect_is_not_ready),
		cmocka_unit_test(event_brings_a_round_at_once),
		cmocka_unit_test(container_that_starts_while_rounds_fail_does_not_wait),
		cmocka_unit_test(events_before_a_round_have_one),
		cmocka_unit_test(nftables_brings_no_round),
		cmocka_unit_test(nothing_comes_before_a_stop),
		cmocka_unit_test(save_of_an_editor_is_one_round),
		cmocka_unit_test(directory_that_is_always_written_to_does_not_put_it_off),
		cmocka_unit_test(wrong_file_is_new_until_it_is_right),
		cmocka_unit_test(lost_event_costs_half_a_minute),
		cmocka_unit_test(failing_rounds_are_tried_again_every_five_seconds),
		cmocka_unit_test(rule_expires_on_time),
		cmocka_unit_test(rule_that_expires_while_rounds_fail_makes_nobody_spin),
		cmocka_unit_test(expiry_that_a_round_does_not_see_makes_nobody_spin),
		cmocka_unit_test(clock_set_forward_expires_what_is_past),
		cmocka_unit_test(clock_set_back_puts_the_expiry_off),
		cmocka_unit_test(clock_that_is_set_all_the_time_makes_nobody_spin),
		cmocka_unit_test(clock_that_is_slewed_is_none_that_is_set),
		cmocka_unit_test(trial_is_tidied_up_after_when_it_ends),
		cmocka_unit_test(word_about_a_bridge_is_waited_for),
		cmocka_unit_test(pins_are_looked_at_every_two_seconds),
		cmocka_unit_test(pins_that_are_gone_bring_a_round),
		cmocka_unit_test(pins_that_go_while_rounds_fail_bring_one_round),
		cmocka_unit_test(link_that_a_failing_round_shakes_makes_nobody_spin),
		cmocka_unit_test(heart_beats_whatever_happens),
		cmocka_unit_test(memory_is_given_back_once_it_is_quiet),
		cmocka_unit_test(quiet_daemon_sleeps),
		cmocka_unit_test(slow_round_is_followed_by_a_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
