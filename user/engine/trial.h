/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trial.h: a policy that takes itself back.  The image carries a deadline; past it the
 * programs read the confirmed slot, whether or not any process is left.  Here is user space's half:
 * filling the confirmed slot beforehand, and tidying up afterwards.
 */
#ifndef TIDEGATE_TRIAL_H
#define TIDEGATE_TRIAL_H

#include <stdbool.h>
#include <linux/types.h>

#include "policy_image.h"

struct error;
struct image;
struct kernel;

enum trial { TRIAL_NONE, TRIAL_PENDING, TRIAL_LAPSED };

enum trial trial_of(const struct image_header *header);
/* Seconds until the deadline, rounded up; 0 when it is past or there is none. */
unsigned int trial_seconds_left(const struct image_header *header);
__u64 trial_deadline_ns(unsigned int seconds);

/*
 * Before a trial: what runs goes into the confirmed slot, unless it is on trial itself, or nobody
 * asked for it (trial_follow).  When nothing runs, an open policy does: then falling back means
 * being as before.
 */
int trial_prepare(struct kernel *kernel, const struct image *running, struct error *error);

/*
 * Before the daemon, of which nobody asked for it, replaces what runs by `next`, made from the file
 * as it was saved meanwhile: a trial of that text within the next minutes is to go back to what
 * runs until now.  Nothing to do when the text is the same.
 */
int trial_follow(struct kernel *kernel, const struct image *running, const struct image *next,
		 struct error *error);

/* Makes the running trial permanent.  -ENOENT: none is pending, -ETIME: it is too late. */
int trial_confirm(struct kernel *kernel, struct error *error);

/* After a trial lapsed, what the kernel does already: *running, the trial's image, becomes the
 * confirmed one, and *ret_refused the hash of the trial's configuration. */
int trial_fall_back(struct kernel *kernel, struct image *running, __u64 ret_refused[2],
		    struct error *error);

/* Tidies up behind it: the confirmed image into the active slot, and the refusal remembered. */
int trial_settle(struct kernel *kernel, const __u64 refused[2], struct error *error);

/* Refuses a text that is not tried. */
int trial_refuse(struct kernel *kernel, const char *text, const char *why, struct error *error);

/* Whether the text is the one that was refused. */
bool trial_is_refused(const __u64 refused[2], const char *text);

#endif
