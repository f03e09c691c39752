/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lockout.h: would a new policy cut somebody off who is logged in by SSH now?  The caller's own
 * connection (host/session.h) and those that the kernel knows of sshd (host/netdev.h) are asked
 * about.
 */
#ifndef TIDEGATE_LOCKOUT_H
#define TIDEGATE_LOCKOUT_H

#include "host/session.h"

struct image;
struct policy;

#define LOCKOUT_TEXT 160

struct lockout {
	bool is_own; /* it is the caller's */
	struct ssh_connection ssh;
};

enum lockout_whose {
	LOCKOUT_ALL,
	LOCKOUT_OTHERS, /* a daemon's environment tells how it was started, long ago */
};

/* One that `before` lets pass (empty: nothing enforces) and `after` does not: 1, with *ret filled;
 * 0 = there is none, or -errno. */
int lockout_find(const struct image *before, const struct image *after, enum lockout_whose whose,
		 struct lockout *ret);

/* "the SSH connection from 192.0.2.10 to port 22 ('deny 22/tcp')": whom, and what decides. */
void lockout_describe(const struct lockout *lockout, const struct policy *policy,
		      char ret[static LOCKOUT_TEXT]);

#endif
