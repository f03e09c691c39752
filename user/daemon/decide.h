/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decide.h: what the daemon does next: a function of what it knows, what has happened and what
 * time it is.  Pure: whoever does it, daemon.c or a test, tells what came of it as an event.
 */
#ifndef TIDEGATE_DAEMON_DECIDE_H
#define TIDEGATE_DAEMON_DECIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Events of Docker get lost, so everything is read again this often. */
#define DECIDE_RELIST_MS 30000
/* After a round that failed; those that time brings about are never closer. */
#define DECIDE_RETRY_MS 5000
/* Of other rounds that time brings about, and of what the round itself may have caused. */
#define DECIDE_PAUSE_MS 1000
/* An editor's save is several events within milliseconds. */
#define DECIDE_SETTLE_MS     50
#define DECIDE_SETTLE_MAX_MS 500
/* Nothing tells that pins are removed, hidden by a mount, or links detached. */
#define DECIDE_CHECK_MS 2000
#define DECIDE_BEAT_MS  5000
/* A round needs many times the memory that is left of it.  To give it back at once would cost a
 * third of the next round when many containers start. */
#define DECIDE_TRIM_MS 1000

struct daemon_time {
	int64_t ms;      /* CLOCK_MONOTONIC */
	int64_t wall_ms; /* CLOCK_REALTIME, which people set */
};

/* What came of a round. */
struct daemon_outcome {
	bool is_ok;                      /* what configuration and Docker say enforces */
	bool is_enforcing;               /* something does */
	bool is_too_early;               /* struct reconcile_report */
	unsigned int trial_seconds_left; /* 0 = nothing is on trial */
	time_t next_expiry;              /* of an `until`; 0 = none */
};

enum daemon_event_kind {
	EVENT_TIME,     /* nothing but time passed */
	EVENT_DOCKER,   /* ports may have changed; or the event stream broke, or stands again */
	EVENT_CONFIG,   /* something in the directory of the configuration changed */
	EVENT_HANGUP,   /* somebody wants the configuration read */
	EVENT_NETDEV,   /* links, addresses or default routes changed */
	EVENT_NFTABLES, /* tables did, Docker's own included */
	EVENT_CHECKED,  /* DAEMON_CHECK was done */
	EVENT_ROUND,    /* DAEMON_ROUND was done */
	EVENT_STOP,
};

struct daemon_event {
	enum daemon_event_kind kind;
	bool is_in_place;              /* of EVENT_CHECKED */
	struct daemon_outcome outcome; /* of EVENT_ROUND */
};

/* What to do, all at once; DAEMON_STOP in place of everything else. */
enum {
	DAEMON_ROUND = 1 << 0, /* read, compare, replace */
	DAEMON_CHECK = 1 << 1, /* whether all is pinned and attached */
	DAEMON_TEND = 1 << 2,  /* bring back the table for connection tracking */
	DAEMON_TRIM = 1 << 3,  /* give memory back */
	DAEMON_BEAT = 1 << 4,  /* tell that it lives */
	DAEMON_READY = 1 << 5, /* tell that it protects; once */
	DAEMON_STOP = 1 << 6,
};

/* Zero to begin with. */
struct daemon_state {
	bool has_begun;     /* a round was done */
	bool is_failing;    /* the last one failed */
	bool is_config_new; /* since the last one that did not */
	bool is_too_early;  /* by the last one that did not fail, like the next three */
	bool is_on_trial;
	time_t next_expiry;
	int64_t trial_end_ms;
	bool is_ready, is_trimmed;
	bool is_out_of_place; /* by the last check */
	bool is_asked;        /* for a round, at asked_ms */
	bool is_settling;     /* the configuration changes, since settle_ms */
	int64_t asked_ms, settle_ms, settled_ms;
	int64_t round_ms, check_ms, beat_ms; /* the last ones */
	int64_t clock_ms;                    /* wall clock minus monotonic one */
};

/* What to do now that the event has happened.  A DAEMON_ROUND is to be done before the next wait,
 * with an EVENT_ROUND after it; likewise DAEMON_CHECK, which a round makes superfluous. */
unsigned int daemon_decide(struct daemon_state *state, const struct daemon_event *event,
			   struct daemon_time now);

/* How long to wait for events at most, before an EVENT_TIME. */
int daemon_timeout_ms(const struct daemon_state *state, struct daemon_time now);

#endif
