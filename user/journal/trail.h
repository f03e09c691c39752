/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trail.h: the audit trail: each change of the policy, who made it and how, which statements came
 * and went, and the digest of the policy before and after.  TIDEGATE_EVENT=change.
 */
#ifndef TIDEGATE_JOURNAL_TRAIL_H
#define TIDEGATE_JOURNAL_TRAIL_H

#define TRAIL_DIGEST 33

struct bans;
struct kernel;

/* What enforced before the change. */
struct trail {
	char digest[TRAIL_DIGEST]; /* "" = nothing did */
	char *text;                /* the configuration; NULL = none, or it cannot be read */
	char *added, *removed;     /* lines about bans; NULL = none */
};

/* kernel: NULL when it is not up.  text: the configuration that enforces, where the caller knows
 * it; NULL = read it back. */
void trail_begin(struct trail *trail, struct kernel *kernel, const char *text);

/* What was changed of the bans and is not in their file yet. */
void trail_note_bans(struct trail *trail, const struct bans *bans);

struct trail_change {
	const char *command; /* as it was typed; NULL: the daemon took the file as it was saved */
	const char *file;    /* the configuration's path */
	const char *text;    /* that enforces now; NULL = none */
};

/* Writes the entry.  kernel: as it is now, NULL when it is down. */
void trail_end(const struct trail *trail, struct kernel *kernel, const struct trail_change *change);
void trail_clear(struct trail *trail);

#endif
