/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decide.c: see decide.h.  Makes no system call.
 *
 * Two kinds of rounds: those that an event asks for come at once, because a container that starts
 * does not wait; those that time brings about keep a distance from the round before, whatever that
 * one said, so that no state can make the daemon spin.
 */
#include "daemon/decide.h"

#include <limits.h>

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void ask(struct daemon_state *state, int64_t when_ms)
{
	state->asked_ms = state->is_asked ? min(state->asked_ms, when_ms) : when_ms;
	state->is_asked = true;
}

/* ---- when ---------------------------------------------------------------------------- */

/* On the monotonic clock; computed each time, because somebody may set the other one. */
static int64_t expiry_ms(const struct daemon_state *state, struct daemon_time now)
{
	if (!state->next_expiry)
		return INT64_MAX;
	return now.ms + (state->next_expiry * INT64_C(1000) - now.wall_ms);
}

/* The round that time brings about. */
static int64_t timed_round_ms(const struct daemon_state *state, struct daemon_time now)
{
	int64_t at = state->round_ms + DECIDE_RELIST_MS;

	/* What the last good round knew of times may be in the past for long. */
	if (state->is_failing)
		return state->round_ms + DECIDE_RETRY_MS;
	if (state->is_too_early)
		at = min(at, state->round_ms + 2 * DECIDE_PAUSE_MS);
	/* What the kernel goes back to then is as old as the trial. */
	if (state->is_on_trial)
		at = min(at, state->trial_end_ms);
	return max(min(at, expiry_ms(state, now)), state->round_ms + DECIDE_PAUSE_MS);
}

static int64_t next_round_ms(const struct daemon_state *state, struct daemon_time now)
{
	int64_t at = timed_round_ms(state, now);

	if (!state->has_begun)
		return now.ms;
	if (state->is_asked)
		at = min(at, state->asked_ms);
	if (state->is_settling)
		at = min(at, state->settled_ms);
	return at;
}

static int64_t next_check_ms(const struct daemon_state *state)
{
	return max(state->check_ms, state->round_ms) + DECIDE_CHECK_MS;
}

static int64_t next_trim_ms(const struct daemon_state *state)
{
	return state->is_trimmed ? INT64_MAX : state->round_ms + DECIDE_TRIM_MS;
}

int daemon_timeout_ms(const struct daemon_state *state, struct daemon_time now)
{
	int64_t at = next_round_ms(state, now);

	at = min(at, next_check_ms(state));
	at = min(at, next_trim_ms(state));
	at = min(at, state->beat_ms + DECIDE_BEAT_MS);
	return min(max(at - now.ms, 0), INT_MAX);
}

/* ---- what happened ------------------------------------------------------------------- */

/* Rules that expire were compiled for the clock as it was. */
static void note_clock(struct daemon_state *state, struct daemon_time now)
{
	int64_t clock_ms = now.wall_ms - now.ms, moved = clock_ms - state->clock_ms;

	state->clock_ms = clock_ms;
	if (state->has_begun && (moved > 1000 || moved < -1000))
		ask(state, max(now.ms, state->round_ms + DECIDE_PAUSE_MS));
}

static void note_config(struct daemon_state *state, struct daemon_time now)
{
	if (!state->is_settling)
		state->settle_ms = now.ms;
	state->is_settling = state->is_config_new = true;
	state->settled_ms = min(now.ms + DECIDE_SETTLE_MS, state->settle_ms + DECIDE_SETTLE_MAX_MS);
}

/* What a failing round could not bring back is no news the next time. */
static void note_check(struct daemon_state *state, bool is_in_place, struct daemon_time now)
{
	bool is_news = !state->is_out_of_place || !state->is_failing;

	state->check_ms = now.ms;
	state->is_out_of_place = !is_in_place;
	if (!is_in_place && is_news)
		ask(state, now.ms);
}

static unsigned int note_round(struct daemon_state *state, const struct daemon_outcome *outcome,
			       struct daemon_time now)
{
	bool is_ready_now = !state->is_ready && (outcome->is_ok || outcome->is_enforcing);

	state->has_begun = true;
	state->round_ms = now.ms;
	state->is_asked = state->is_settling = state->is_trimmed = false;
	state->is_ready = state->is_ready || is_ready_now;
	state->is_failing = !outcome->is_ok;
	if (outcome->is_ok) {
		state->is_config_new = false;
		state->is_too_early = outcome->is_too_early;
		state->is_on_trial = outcome->trial_seconds_left > 0;
		state->trial_end_ms = now.ms + outcome->trial_seconds_left * INT64_C(1000);
		state->next_expiry = outcome->next_expiry;
	}
	return is_ready_now ? DAEMON_READY : 0;
}

/* What has to be done because of it, but for rounds. */
static unsigned int note(struct daemon_state *state, const struct daemon_event *event,
			 struct daemon_time now)
{
	switch (event->kind) {
	case EVENT_TIME:
		return 0;
	case EVENT_DOCKER:
		ask(state, now.ms);
		return 0;
	case EVENT_CONFIG:
		note_config(state, now);
		return 0;
	case EVENT_HANGUP:
		state->is_config_new = true;
		ask(state, now.ms);
		return 0;
	case EVENT_NETDEV:
		/* An attempt to attach may be what makes a link go down and up. */
		ask(state,
		    state->is_failing ? max(now.ms, state->round_ms + DECIDE_PAUSE_MS) : now.ms);
		return 0;
	case EVENT_NFTABLES:
		return DAEMON_TEND;
	case EVENT_CHECKED:
		note_check(state, event->is_in_place, now);
		return 0;
	case EVENT_ROUND:
		return note_round(state, &event->outcome, now);
	case EVENT_STOP:
		return DAEMON_STOP;
	}
	return 0;
}

unsigned int daemon_decide(struct daemon_state *state, const struct daemon_event *event,
			   struct daemon_time now)
{
	unsigned int todo;

	note_clock(state, now);
	todo = note(state, event, now);
	if (todo & DAEMON_STOP)
		return DAEMON_STOP;
	if (now.ms >= next_round_ms(state, now))
		todo |= DAEMON_ROUND;
	else if (now.ms >= next_check_ms(state))
		todo |= DAEMON_CHECK;
	if (state->has_begun && now.ms >= next_trim_ms(state)) {
		state->is_trimmed = true;
		todo |= DAEMON_TRIM;
	}
	if (!state->has_begun || now.ms >= state->beat_ms + DECIDE_BEAT_MS) {
		state->beat_ms = now.ms;
		todo |= DAEMON_BEAT;
	}
	return todo;
}
