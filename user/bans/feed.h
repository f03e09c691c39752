/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * feed.h: a line of what others send who find out whom to ban: JSON as CrowdSec's custom bouncer
 * writes it, or words.
 *
 *   {"action":"add","value":"192.0.2.7","duration":"3h59m","scope":"Ip","type":"ban"}
 *   {"action":"del","value":"192.0.2.0/24"}
 *   192.0.2.7 for 4h
 *   unban 192.0.2.7
 *   ban 2001:db8::/48 until 2027-01-01 comment "scans"
 *
 * Pure.
 */
#ifndef TIDEGATE_BANS_FEED_H
#define TIDEGATE_BANS_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "addr/prefix.h"
#include "base/error.h"

/* Of a line, with its end. */
#define FEED_LINE_MAX 4096

/* Nobody means a tenth of the Internet. */
#define FEED_SHORTEST4 8
#define FEED_SHORTEST6 16

enum feed_action { FEED_NOTHING, FEED_BAN, FEED_UNBAN };

struct feed_line {
	enum feed_action action;
	struct prefix *prefixes;
	size_t count;
	time_t until;  /* 0 = for ever */
	char *comment; /* or NULL */
};

/*
 * plain: what words mean without a verb in front.  An empty line, a comment, and what is about
 * something else than addresses (scope, type) are FEED_NOTHING.  0, -EINVAL with ret_error filled,
 * or -ENOMEM; *ret untouched on failure.
 */
int feed_parse(const char *text, enum feed_action plain, time_t now, struct feed_line *ret,
	       struct error *ret_error);
void feed_line_clear(struct feed_line *line);

/* "3h59m57.9s", as Go prints it, in seconds, rounded up.  0, or -EINVAL. */
int feed_parse_duration(const char *text, double *ret);

#endif
