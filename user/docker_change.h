/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * docker_change.h: which of the Engine's events are a reason to look again.  Pure.
 */
#ifndef TIDEGATE_DOCKER_CHANGE_H
#define TIDEGATE_DOCKER_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "docker_json.h"

/*
 * Takes whole events off the front of the stream: *ret_used bytes are done with.  Sets
 * *changed when one may change ports or addresses, and leaves it alone otherwise.
 * 0, -EBADMSG with error, or -ENOMEM.
 */
int docker_change_read(char *text, size_t size, size_t *ret_used, bool *changed,
		       struct docker_json_error *error);

/* The same choice for the Engine to make: the value of `filters`, in JSON.  To be freed. */
char *docker_change_filters(void);

#endif
