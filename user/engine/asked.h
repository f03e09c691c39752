/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * asked.h: what Docker said when it was asked before the lock was taken, so that an Engine that is
 * slow holds up nobody else.  Which Engine is to be asked says the configuration that enforces, and
 * that is known only with the lock: so the one that it named before is asked, and another one when
 * that was wrong.
 */
#ifndef TIDEGATE_ASKED_H
#define TIDEGATE_ASKED_H

#include "engine/desired.h"

struct asked {
	const char *forced_url; /* of the command line; NULL = as configured */
	bool asks_nobody;       /* what the running image remembers will do */
	struct docker *docker;  /* NULL: off, or nothing is known yet, or the URL cannot be used */
	char *url;        /* that it was opened for; "" = by the environment; NULL = none yet */
	char *wanted_url; /* that the configuration wants, by asked_want(); "" as above */
	struct docker_answer answer;
	bool is_answered;
	bool is_last; /* asked_answer() is to ask itself: somebody has the lock for it */
};

/* The Engine that this configuration names is to be asked next.  0 or -ENOMEM. */
int asked_want(struct asked *asked, const struct config *config);

/*
 * Asks the Engine of url, wanted_url before it; what was opened for the same URL stays, with its
 * event stream.  Before there is any it does nothing.  0, or -errno with error filled.
 */
int asked_ask(struct asked *asked, struct error *error);

/* A docker_answer_of.  -ESTALE when another Engine was asked than the configuration names:
 * asked_ask() asks that one the next time. */
int asked_answer(void *arg, const struct config *config, const struct docker_answer **ret);

/* Whether the URL was one that cannot be used. */
bool asked_is_unusable(const struct asked *asked);

/* Whether a policy that somebody has made since may know more: not when Docker did not answer, and
 * what the running image remembers will do. */
bool asked_can_be_old(const struct asked *asked);

/* What was said grows old. */
void asked_forget(struct asked *asked);
void asked_clear(struct asked *asked);

#endif
