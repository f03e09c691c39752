/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * desired.h: everything that says what should enforce now (configuration, Docker, this
 * host), read once and resolved into a policy.  What reconcile() puts into the kernel, and
 * what status, list and check compare and print.
 */
#ifndef TIDEGATE_DESIRED_H
#define TIDEGATE_DESIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include <linux/types.h>

#include "base/error.h"
#include "bans/bans.h"
#include "config/config.h"
#include "base/problems.h"

struct docker;
struct image;
struct inventory;
struct kernel;
struct listener;
struct netdev_list;
struct policy;
struct policy_set;

enum docker_source {
	DOCKER_OFF,        /* configured so: nothing is known of containers */
	DOCKER_FRESH,      /* read just now */
	DOCKER_REMEMBERED, /* it does not answer: as the running image remembers it */
	DOCKER_UNKNOWN,    /* it does not answer, and never has */
};

/*
 * What Docker said, and which interfaces there were before it was asked: a bridge that was there
 * by then is one that Docker tells of.
 */
struct docker_answer {
	__u64 began_ns; /* CLOCK_MONOTONIC_COARSE, before anything was read */
	struct netdev_list *netdevs;
	struct inventory *inventory; /* NULL but with DOCKER_FRESH */
	enum docker_source source;   /* DOCKER_OFF, DOCKER_FRESH, or DOCKER_UNKNOWN: no answer */
	char error[ERROR_TEXT];      /* why not DOCKER_FRESH; "" = nobody was asked */
	bool is_absent;              /* nobody listens where it should */
};

/* docker: NULL = do not ask.  0, or -errno with error filled when the interfaces cannot be read;
 * that Docker does not answer is none. */
int docker_answer_read(struct docker *docker, bool is_docker_off, struct docker_answer *ret,
		       struct error *error);
void docker_answer_clear(struct docker_answer *answer);

/*
 * For who asks Docker before he takes the lock, because an Engine that is slow must not hold up
 * everybody else: gets the configuration that is to enforce, which names the Engine.  The answer is
 * borrowed as long as the struct desired lives.  0 or -errno; -ESTALE when another one was asked.
 */
typedef int docker_answer_of(void *arg, const struct config *config,
			     const struct docker_answer **ret);

/* The file behind a set. */
struct set_file {
	const char *name; /* of the set; the configuration's */
	char *path;
	bool is_fresh;   /* the set is what the file holds, not what is kept of it */
	bool is_unknown; /* the file is bad, and nothing is kept of it */
	time_t modified; /* when what the set holds was written to the file; 0 = it is not known */
};

struct desired {
	struct docker_answer own; /* when it was not somebody else's; of what is remembered, the
				     inventory */
	__u64 began_ns;           /* struct docker_answer */
	char *text;               /* of the configuration */
	struct config *config;
	const struct inventory *inventory; /* NULL with DOCKER_OFF and DOCKER_UNKNOWN */
	enum docker_source docker_source;
	char docker_error[ERROR_TEXT]; /* why not DOCKER_FRESH */
	bool is_docker_absent;         /* nobody listens where it should */
	const struct netdev_list *netdevs;
	struct listener *listeners;
	size_t listeners_count;
	struct policy_set *sets;
	struct set_file *set_files; /* of sets[i] */
	size_t sets_count;
	struct ban_groups bans;
	struct bans *own_bans;    /* that they are of, when they are not somebody else's */
	struct problems problems; /* that harm a part of the policy only, for people */
	struct policy *policy;
};

struct desired_input {
	const char *config_path;     /* for messages, and for the files of sets */
	const char *copy_of;         /* config_path is a copy of this one, where files of sets are
					looked for that are not beside the copy; NULL: it is none */
	const char *sets_dir;        /* config/setfile_kept.h: where a bad file's content comes
					from; NULL: from nowhere, it fails */
	const char *text;            /* of the configuration */
	const struct bans *bans;     /* NULL: with a sets_dir those of BANS_PATH, otherwise none */
	struct docker *docker;       /* NULL: do not ask */
	bool is_docker_off;          /* there is no Docker here, by configuration */
	struct kernel *kernel;       /* for the ports that Docker was seen to bind; may be NULL */
	docker_answer_of *answer_of; /* in place of the two; NULL: ask now */
	void *answer_arg;
	const struct image *running; /* for what it remembers; may be NULL */
	bool is_audit;
};

/*
 * 0, or -errno with error filled in the form that people read (`file:line:column: …`).
 * A Docker that does not answer is no failure: docker_source tells.
 */
int desired_read(const struct desired_input *input, struct desired **ret, struct error *error);

/* The policy that how->running was made from, for showing what runs when it is not what the
 * configuration says.  Text and audit mode are the image's. */
int desired_from_image(const struct desired_input *how, struct desired **ret, struct error *error);

/* Once the policy enforces: keeps what was read well.  What cannot be kept is added to the
 * problems. */
void desired_keep_sets(struct desired *desired, const char *sets_dir);

/* Adds to the problems what enforces and is not kept.  0 or -ENOMEM. */
int desired_check_kept(struct desired *desired, const char *sets_dir);

void desired_free(struct desired *desired);
void desired_freep(struct desired **desired);

/* ---- the configuration's text, and what its absence means (text.c) --------------------- */

struct text_file {
	const char *path;
	bool is_default; /* nobody named it: it may never have been there */
};

/* "" for a default file that is missing while nothing was made from it that enforces.  kernel: NULL
 * when it is not up.  0, or -errno with error filled. */
int text_load(const struct text_file *file, struct kernel *kernel, char **ret_text,
	      struct error *error);

/* Whether a policy enforces that was made from a text, and not from nothing. */
bool text_is_enforced(struct kernel *kernel);

#endif
