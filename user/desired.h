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
#include <linux/types.h>

#include "config.h"

struct docker;
struct image;
struct inventory;
struct listener;
struct netdev_list;
struct policy;
struct policy_set;
struct sets_memory;

#define ERROR_TEXT 512

enum docker_source {
	DOCKER_OFF,      /* configured so: nothing is known of containers */
	DOCKER_FRESH,    /* read just now */
	DOCKER_REMEMBERED, /* it does not answer: as the running image remembers it */
	DOCKER_UNKNOWN,  /* it does not answer, and never has */
};

struct desired {
	__u64 began_ns;            /* CLOCK_MONOTONIC_COARSE, before anything was read */
	char *text;                /* of the configuration */
	struct config *config;
	struct inventory *inventory; /* NULL with DOCKER_OFF and DOCKER_UNKNOWN */
	enum docker_source docker_source;
	char docker_error[ERROR_TEXT]; /* why not DOCKER_FRESH */
	struct netdev_list *netdevs;
	struct listener *listeners;
	size_t listeners_count;
	struct policy_set *sets;
	size_t sets_count;
	char sets_error[ERROR_TEXT]; /* why a set has not the content it should; "" = all have */
	struct policy *policy;
};

struct desired_input {
	const char *config_path;   /* for messages, and for the files of sets */
	struct sets_memory *sets;  /* a bad file keeps what this remembers of it; NULL: it fails */
	const char *text;          /* of the configuration */
	struct docker *docker;     /* NULL: do not ask */
	bool is_docker_off;        /* there is no Docker here, by configuration */
	const struct image *running; /* for what it remembers; may be NULL */
	bool is_audit;
	bool is_shown_only;        /* a set that cannot be read is empty: nothing is compiled */
};

/*
 * 0, or -errno with error filled in the form that people read (`file:line:column: …`).
 * A Docker that does not answer is no failure: docker_source tells.
 */
int desired_read(const struct desired_input *input, struct desired **ret,
		 char error[static ERROR_TEXT]);

/* The policy that the image was made from, for showing what runs when it is not what the
 * configuration says.  The path is where files of sets are found from; what cannot be read of
 * these is in sets_error. */
int desired_from_image(const struct image *image, const char *config_path, struct desired **ret,
		       char error[static ERROR_TEXT]);

void desired_free(struct desired *desired);
void desired_freep(struct desired **desired);

#endif
