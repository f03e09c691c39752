/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * asked.h: the Engine that is followed, and what it said when it was asked before the lock was
 * taken.  Which Engine that is says the configuration that enforces, and that is known only with
 * the lock: so the one of the round before is asked, and another one when that was wrong.
 */
#ifndef TIDEGATE_DAEMON_ASKED_H
#define TIDEGATE_DAEMON_ASKED_H

#include "engine/desired.h"

struct asked {
	const char *forced_url; /* of the command line; NULL = as configured */
	struct docker *docker;  /* NULL: off, or nothing is known yet, or the URL cannot be used */
	char *url;        /* that it was opened for; "" = by the environment; NULL = none yet */
	char *wanted_url; /* of the last refusal of asked_answer(); "" as above */
	struct docker_answer answer;
	bool is_answered;
	bool is_last; /* asked_answer() is to ask itself: somebody has the lock for it */
};

/*
 * Asks the Engine of url, wanted_url before it; what was opened for the same URL stays, with its
 * event stream.  Before there is any it does nothing.  0, or -errno with error filled.
 */
int asked_ask(struct asked *asked, struct error *error);

/* A docker_answer_of.  -ESTALE when another Engine was asked than the configuration names:
 * asked_ask() asks that one the next time. */
int asked_answer(void *arg, const struct config *config, const struct docker_answer **ret);

/* What was said grows old. */
void asked_forget(struct asked *asked);
void asked_clear(struct asked *asked);

#endif
