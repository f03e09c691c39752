/* SPDX-License-Identifier: GPL-2.0-only */
/* flows.h: entries of conntrack's table in this network namespace, by netlink. */
#ifndef TIDEGATE_FLOWS_H
#define TIDEGATE_FLOWS_H

#include <stdbool.h>
#include <stddef.h>

#include "prefix.h"

/* Flows that began at one of these addresses. */
struct flows_origin {
	struct prefix prefix;
	bool is_new; /* none can have begun there: from any port; else from a service's only */
};

/*
 * Deletes the flows that began there, as conntrack believes.  0, also where conntrack is not at
 * work, or -errno; *ret_count, if not NULL, says how many there were.
 */
int flows_forget(const struct flows_origin *origins, size_t count, size_t *ret_count);

#endif
