/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change.h: which of the Engine's events are a reason to look again.  Pure.
 */
#ifndef TIDEGATE_DOCKER_CHANGE_H
#define TIDEGATE_DOCKER_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "docker/json.h"

#define DOCKER_ID_SIZE     65
#define DOCKER_CREATED_MAX 64

struct docker_change {
	bool is_any;
	bool has_died; /* a container ended, which is in is_any as well */
	/* Containers that were created, up to the limit: worth asking for before they start. */
	char created[DOCKER_CREATED_MAX][DOCKER_ID_SIZE];
	size_t created_count;
	/* Those that were put into a network, up to the limit: the others are in is_any. */
	char joined[DOCKER_CREATED_MAX][DOCKER_ID_SIZE];
	size_t joined_count;
};

/*
 * Takes whole events off the front of the stream: *ret_used bytes are done with.  Adds to
 * *change what may change ports or addresses.  0, -EBADMSG with error, or -ENOMEM.
 */
int docker_change_read(char *text, size_t size, size_t *ret_used, struct docker_change *change,
		       struct error *error);

/* The same choice for the Engine to make: the value of `filters`, in JSON.  To be freed. */
char *docker_change_filters(void);

#endif
