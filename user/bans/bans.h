/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bans.h: the bans that commands and feeds make, beside those that somebody wrote into the
 * configuration.  Each is a prefix and an owner, which is the text behind `comment` or the name of
 * the feed: two owners may ban one prefix, and it stays out until both have lifted it.
 *
 * The file is a log: a line for each change, and what stands further below holds.
 *
 *   192.0.2.7 1764300000 fail2ban sshd     until then, in seconds since the epoch
 *   2001:db8::/48 -                        for ever; without an owner
 *   192.0.2.7 x fail2ban sshd              lifted
 *
 * So a ban costs a line, however many there are.  A line without an end was being written when the
 * machine stopped, and counts for nothing.
 */
#ifndef TIDEGATE_BANS_H
#define TIDEGATE_BANS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "addr/prefix.h"
#include "base/error.h"

#define BANS_PATH      "/var/lib/tidegate/bans"
#define BANS_OWNER_MAX 255

struct ban {
	struct prefix prefix;
	bool is_lifted;
	__u32 owner;  /* bans_owner() */
	time_t until; /* seconds since the epoch; 0 = for ever */
};

struct bans;

/* NULL = no memory. */
struct bans *bans_new(void);
void bans_free(struct bans *bans);
void bans_freep(struct bans **bans);

/* The text of the file.  Lines that are none are left out, and the first of them is in ret_error
 * (whose text is untouched when there is none).  0 or -ENOMEM. */
int bans_parse(const char *text, size_t length, struct bans **ret, struct error *ret_error);

/* How many there are, with those that are past. */
size_t bans_count(const struct bans *bans);

/* One after the other, in the order in which they came; *at begins as 0.  NULL = no more. */
const struct ban *bans_next(const struct bans *bans, size_t *at);

/* "" = it has none. */
const char *bans_owner(const struct bans *bans, __u32 owner);

/* As one would type it; allocated, NULL = no memory. */
char *bans_print(const struct bans *bans, const struct ban *ban);

/* 1, 0 when it is there already with this `until`, or -ENOMEM; -E2BIG when there are as many as a
 * policy can have (LIMIT_PREFIXES).  A later call changes `until`. */
int bans_add(struct bans *bans, const struct prefix *prefix, const char *owner, time_t until);

/* owner: NULL = whoever it was.  How many were lifted, or -ENOMEM. */
int bans_lift(struct bans *bans, const struct prefix *prefix, const char *owner);

/* All of the owner, or with NULL of everybody.  Likewise. */
int bans_lift_all(struct bans *bans, const char *owner);

/*
 * When a ban of so long may end at the latest: what a feed brings has a thousand different ends an
 * hour, and each that differs is a rule.  Up to a 64th of its duration later.  0 stays 0.
 */
time_t bans_round(time_t now, time_t until);

/* ---- for the policy (group.c) -------------------------------------------------------------- */

/* What one owner has banned until one time. */
struct ban_group {
	const char *owner; /* the bans' own; "" = none, or several */
	time_t until;
	struct prefix *prefixes; /* in no order */
	size_t count;
};

/* More groups become fewer: with later ends, then without owners. */
#define BANS_GROUPS 4096

struct ban_groups {
	struct ban_group *list; /* by owner and end */
	size_t count;
};

/* Those that are not past.  The same for the same bans whenever it is asked, but for what has
 * ended.  0 or -ENOMEM. */
int bans_group(const struct bans *bans, time_t now, struct ban_groups *ret);
void bans_groups_clear(struct ban_groups *groups);

/* ---- the file (file.c) ----------------------------------------------------------------------- */

/* Without a file there are none.  0, or -errno with ret_error filled; a line that is none is no
 * failure, but in ret_error as well. */
int bans_read(const char *path, struct bans **ret, struct error *ret_error);

/* The same for who has read them before: where only lines were added, these alone are read.
 * *bans: NULL = not yet. */
int bans_read_again(const char *path, struct bans **bans, struct error *ret_error);

/*
 * Adds what was changed since it was read or saved, and waits until it is on the disk.  The caller
 * holds the lock (base/lock.h).  0, or -errno with ret_error filled and the file as it was.
 */
int bans_save(struct bans *bans, const char *path, struct error *ret_error);

/* Where more of the lines no longer hold than others, also because they are past, the file is
 * written anew with those that do.  The caller holds the lock.  1 = it was, and is to be read
 * again, 0, or -errno with the file as it was. */
int bans_tidy(struct bans *bans, const char *path, time_t now);

/* Takes back from the file what bans_save() added last.  0 or -errno. */
int bans_unsave(struct bans *bans, const char *path);

/* What was changed, in the file's form; for the audit trail.  Not zero-terminated. */
const char *bans_changes(const struct bans *bans, size_t *ret_length);

#endif
