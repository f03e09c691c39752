/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * docker_container.h: the list of containers and the details of one, Engine 20.10 to 29
 * (API 1.41 to 1.52).  Pure: the tests feed it recorded answers.  Errors as in
 * docker_network.h.
 */
#ifndef TIDEGATE_DOCKER_CONTAINER_H
#define TIDEGATE_DOCKER_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "docker_json.h"
#include "docker_network.h"
#include "docker_ports.h"

enum docker_state {
	DOCKER_CREATED,    /* also what a later Engine may invent: armed, to be safe */
	DOCKER_RUNNING,    /* paused too: its ports stay open */
	DOCKER_RESTARTING,
	DOCKER_EXITED,     /* dead too */
	DOCKER_REMOVING,
};

/* One container of GET /containers/json: its ports are those that are open now. */
struct docker_listed {
	char *id, *name, *project, *service, *swarm_service;
	enum docker_state state;
	struct docker_ports ports;
	struct docker_endpoints endpoints;
};

struct docker_list {
	const struct docker_networks *networks; /* set before: who is routed */
	struct docker_listed *items;
	size_t count;
};

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

int docker_list_read(char *text, size_t size, struct docker_list *ret,
		     struct docker_json_error *error);
void docker_list_clear(struct docker_list *list);

int docker_details_read(char *text, size_t size, struct docker_details *ret,
			struct docker_json_error *error);
void docker_details_clear(struct docker_details *details);

#endif
