/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * list.h: the list of containers, Engine 20.10 to 29 (API 1.41 to 1.52), and that of a swarm's
 * services.  Pure: the tests feed it recorded answers.  Errors as in network.h.
 */
#ifndef TIDEGATE_DOCKER_LIST_H
#define TIDEGATE_DOCKER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "docker/json.h"
#include "docker/network.h"
#include "docker/ports.h"

struct inventory;

enum docker_state {
	DOCKER_CREATED, /* also what a later Engine may invent: armed, to be safe */
	DOCKER_RUNNING, /* paused too: its ports stay open */
	DOCKER_RESTARTING,
	DOCKER_EXITED, /* dead too */
	DOCKER_REMOVING,
};

/* One container of GET /containers/json: its ports are those that are open now. */
struct docker_listed {
	char *id, *name, *project, *service, *swarm_service;
	enum docker_state state;
	struct docker_ports ports;
	struct docker_endpoints endpoints;
	__u64 hash; /* of its text, and the length of that */
	size_t size;
};

struct docker_list {
	const struct docker_networks *networks; /* set before: who is routed */
	struct docker_listed *items;            /* in the Engine's order */
	size_t count;
};

/* "running" and so on: State of a list's element, State.Status of details. */
int docker_state_read(const struct docker_json *json, enum docker_state *ret);

/*
 * *list comes with what the last reading left there, or nothing.  An element whose text is
 * the same as then is not read again: of a thousand containers few change, and reading them
 * all takes 30 ms.  So it must come empty when the networks are others.  After an error it
 * is empty.
 */
int docker_list_read(char *text, size_t size, struct docker_list *list, struct error *error);
void docker_list_clear(struct docker_list *list);

/* GET /services: adds a container "service:NAME" for each that has ports in mode ingress.
 * Mode host shows as the ports of the task's container. */
int docker_list_read_services(char *text, size_t size, struct inventory *inventory,
			      struct error *error);

/* GET /info: whether this node is a manager. */
int docker_list_read_info(char *text, size_t size, bool *ret_is_manager, struct error *error);

#endif
