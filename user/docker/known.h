/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * known.h: the details of containers, asked for where the list does not tell enough,
 * and remembered by id.
 */
#ifndef TIDEGATE_DOCKER_KNOWN_H
#define TIDEGATE_DOCKER_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "docker/change.h"
#include "docker/details.h"
#include "docker/fetch.h"

struct docker_known {
	char *id;
	bool has_details;
	bool is_prefetched; /* asked for by docker_memory_prefetch() */
	bool is_fresh;      /* the details are of this reading */
	bool is_gone;       /* between the list and now */
	bool is_silent;     /* asked in this reading, and no answer in time: it is starting */
	struct docker_details details;
	long long read_ms; /* when, by the monotonic clock */
};

/* Sorted by id; zero to begin with. */
struct docker_memory {
	struct docker_known *items;
	size_t count;
};

/*
 * Sorts the list by id, so that items[i] of the memory and of the list are the same
 * container from here on; forgets the others; asks for details.  A container whose details
 * do not come in time is as it was known, or fails the whole when it is not.
 */
int docker_memory_refresh(struct docker_memory *memory, struct docker_http *http,
			  const char *version, struct docker_list *list, struct error *error);

/*
 * Asks for the details of containers that were created a moment ago, so that they are there
 * before the start makes them unavailable.  A matter of luck: those that do not come are
 * asked for with the rest.  0 or -ENOMEM.
 */
int docker_memory_prefetch(struct docker_memory *memory, struct docker_http *http,
			   const char *version, const char (*ids)[DOCKER_ID_SIZE], size_t count);

/*
 * What list and details say together.  A container that does not run, and that nothing but
 * an operator will start, is not relevant.  *ret is to be cleared even after -ENOMEM.
 */
int docker_known_merge(const struct docker_known *known, const struct docker_listed *listed,
		       struct container *ret, bool *ret_is_relevant);

void docker_memory_clear(struct docker_memory *memory);

#endif
