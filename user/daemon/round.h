/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * round.h: one round: Docker is asked, the lock taken, and the kernel made to enforce what the
 * configuration and Docker say.  What it finds it logs once, and again when it is something else.
 */
#ifndef TIDEGATE_DAEMON_ROUND_H
#define TIDEGATE_DAEMON_ROUND_H

#include "engine/asked.h"
#include "daemon/daemon.h"
#include "daemon/decide.h"

struct heart;
struct kernel;

struct round {
	const struct daemon_setup *setup;
	const struct heart *heart;
	struct kernel *kernel;
	struct asked asked;
	enum log_mode log;  /* as the policy has it that enforces */
	bool is_config_new; /* for the next round: a file that cannot be used is to be told again */
	/* as it was said last */
	bool was_failing, was_refused, was_unguarded;
	char *text_applied; /* by the last round that did not fail; NULL = none */
	char *problems;     /* a line each; NULL = none */
	enum docker_source docker_source;
};

/* Takes the lock and loads the kernel's half.  0 or -errno.  Logs. */
int round_begin(struct round *round, const struct daemon_setup *setup, const struct heart *heart);

/* Whatever fails leaves the policy that is active, and is to be tried again. */
void round_run(struct round *round, struct daemon_outcome *ret);

/* So that `status` can tell a daemon that died from one that was stopped. */
void round_end(struct round *round);
void round_clear(struct round *round);

#endif
