/* SPDX-License-Identifier: GPL-2.0-only */
/* names.h: whose the ids in a report are, by the policy that is active. */
#ifndef TIDEGATE_WATCH_NAMES_H
#define TIDEGATE_WATCH_NAMES_H

#include "watch/watch.h"

struct names;

/* Never fails for lack of a policy: then there are just no names.  0 or -ENOMEM. */
int names_new(const struct watch_input *input, struct names **ret);
void names_free(struct names *names);

/* Reads the policy again if another one is active. */
void names_refresh(struct names *names);

/* Whether it is a packet of `status` or `explain`, which no wire carried. */
bool names_is_probe(const struct names *names, const struct event *event);

/* Fills owner, rule and line. */
void names_find(const struct names *names, const struct event *event, struct sighting *sighting);

/* Fills the owner, of whom the id is known: by name or, where no policy has heard of it, by the
 * first digits of its id. */
void names_put_container(const struct names *names, const char *id, struct sighting *sighting);

#endif
