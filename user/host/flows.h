/* SPDX-License-Identifier: GPL-2.0-only */
/* flows.h: entries of conntrack's table in this network namespace, by netlink. */
#ifndef TIDEGATE_FLOWS_H
#define TIDEGATE_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "addr/prefix.h"

/* Flows that began at one of these addresses. */
struct flows_origin {
	struct prefix prefix;
	bool is_new; /* none can have begun there: from any port; else from a service's only */
};

struct flows_query {
	const struct flows_origin *origins;
	size_t count;
	/* A bit for each number that is a service's; so are all below those that clients get. */
	__u8 services[65536 / 8];
};

/*
 * Deletes the flows that began there, as conntrack believes.  0, also where conntrack is not at
 * work, or -errno; *ret_count says how many there were.
 */
int flows_forget(const struct flows_query *query, size_t *ret_count);

/* A flow that both sides have spoken in and, of TCP, neither has closed: who began it, and to
 * where, before any translation. */
struct flow_begun {
	__u8 proto;
	struct prefix saddr, daddr; /* full length */
	unsigned short dport;
};

/* All there are in conntrack's table.  0, also where conntrack is not at work, or -errno. */
int flows_read(struct flow_begun **ret, size_t *ret_count);

#endif
