/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * details.h: one container, Engine 20.10 to 29 (API 1.41 to 1.52).  Pure: the tests
 * feed it recorded answers.  Errors as in network.h.
 */
#ifndef TIDEGATE_DOCKER_DETAILS_H
#define TIDEGATE_DOCKER_DETAILS_H

#include <stdbool.h>
#include <stddef.h>

#include "docker/json.h"
#include "docker/list.h"
#include "docker/network.h"
#include "docker/ports.h"

/* GET /containers/{id}/json. */
struct docker_details {
	const struct docker_networks *networks; /* set before */
	enum docker_state state;
	bool has_failed;            /* the last start did: the port was taken, for instance */
	bool is_kept;               /* a restart policy may start it again */
	struct docker_ports asked;  /* for with -p and -P; never changes after the creation */
	struct docker_ports mapped; /* now; host port 0 where the network is routed */
	struct docker_endpoints endpoints;
};

int docker_details_read(char *text, size_t size, struct docker_details *ret, struct error *error);
/* Of the same answer, what an audit wants to know.  *ret is to be cleared even after an error. */
struct docker_facts;
int docker_facts_read(char *text, size_t size, struct docker_facts *ret, struct error *error);
void docker_facts_clear(struct docker_facts *facts);

void docker_details_clear(struct docker_details *details);

#endif
