/* SPDX-License-Identifier: GPL-2.0-only */
/* private.h: what the files of this folder share behind explain.h. */
#ifndef TIDEGATE_EXPLAIN_PRIVATE_H
#define TIDEGATE_EXPLAIN_PRIVATE_H

#include "explain/explain.h"
#include "image/image.h"
#include "policy/policy.h"

/* ---- ask.c: the program's verdict ---- */

struct explain {
	struct explain_input input;
	struct counter_ids *ids;
	struct attachment *attachments; /* of interfaces that are there */
	struct probe *probes;           /* for each */
	size_t count;
};

/* What the words come to, to be compared with what the kernel says. */
struct words {
	enum reason reason;
	struct image_answer image;
	struct policy_answer policy;
	bool is_learned; /* Docker bound the port, and no policy knows it */
};

/* ---- with.c ---- */

/* "FILE:LINE" of a rule, or "not there yet"; allocated, NULL = no memory. */
char *explain_place(const struct explain_input *input, unsigned int line);
char *explain_place_of(const struct explain_input *input, const struct policy_rule *rule);

/* The rule that a copy with an image of its own counted; NULL = none. */
const struct policy_rule *explain_with_counted(const struct policy *policy, __u32 id);

/* ---- steps.c: the questions that were asked, from the policy and the image ---- */

int explain_words(const struct explain_input *input, const struct explain_question *question,
		  struct words *ret, struct error *error);
int explain_add_steps(const struct explain_input *input, const struct words *words,
		      struct explain_answer *answer);
char *explain_sentence(const struct explain_input *input, const struct explain_answer *answer);

/* ---- misses.c ---- */

int explain_add_misses(const struct explain_input *input, struct explain_answer *answer);

/* ---- next.c ---- */

int explain_add_next(const struct explain_input *input, struct explain_answer *answer);

/* Likewise, to a port of a container. */
int explain_add_container(const struct explain_input *input, const struct policy_port *port,
			  unsigned short dport, struct problems *next);

/* ---- inside.c ---- */

/* The source, if it is one of this host or of what is behind it: "this host's own", "in Docker's
 * network 'bridge'"; allocated, NULL = it is outside. */
char *explain_inside(const struct explain_input *input, const struct prefix *saddr);

/* Likewise, if it is a neighbour at an interface where nothing is filtered. */
char *explain_behind(const struct explain *explain, const struct prefix *saddr);

/* Whether what comes in by the interface of that name has met the filter: at that attachment, or at
 * any. */
bool explain_is_seen(const struct explain *explain, size_t number, const char *name);
bool explain_is_guarded(const struct explain *explain, const char *name);

#endif
