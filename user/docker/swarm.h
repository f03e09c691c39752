/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * swarm.h: what a swarm publishes on every node, as a manager lists it.  Pure.
 * Errors as in network.h.
 */
#ifndef TIDEGATE_DOCKER_SWARM_H
#define TIDEGATE_DOCKER_SWARM_H

#include <stdbool.h>
#include <stddef.h>

#include "docker/json.h"

struct inventory;

/* GET /services: adds a container "service:NAME" for each that has ports in mode ingress.
 * Mode host shows as the ports of the task's container. */
int docker_swarm_read_services(char *text, size_t size, struct inventory *inventory,
			       struct docker_json_error *error);

/* GET /info: whether this node is a manager. */
int docker_swarm_read_info(char *text, size_t size, bool *ret_is_manager,
			   struct docker_json_error *error);

#endif
