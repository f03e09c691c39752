/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * network.h: GET /networks, and NetworkSettings.Networks of a container.  Pure.
 *
 * Here and in list.h and details.h: the text may be changed; 0, -EBADMSG with an error that names
 * the value, or -ENOMEM; the result may then be half filled and is cleared all the same.
 */
#ifndef TIDEGATE_DOCKER_NETWORK_H
#define TIDEGATE_DOCKER_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "docker/json.h"
#include "docker/inventory.h"

/* A bridge network of Docker's; others have no subnet that is this host's to guard. */
struct docker_network {
	char *id, *name;
	bool is_routed4, is_routed6;
};

struct docker_networks {
	bool has_gateway_mode; /* set before: Engines before 27 keep the option and ignore it */
	struct docker_network *items; /* sorted by id */
	size_t count;
	struct subnet *subnets;
	size_t subnets_count;
};

int docker_network_read(char *text, size_t size, struct docker_networks *ret, struct error *error);
/* Whether they are the same networks in the same modes. */
bool docker_network_equal(const struct docker_networks *a, const struct docker_networks *b);
void docker_network_clear(struct docker_networks *networks);

struct docker_endpoints {
	struct endpoint *items; /* sorted by network */
	size_t count;
};

int docker_endpoints_read(const struct docker_json *container,
			  const struct docker_networks *networks, struct docker_endpoints *ret);
/* Whether any is in gateway mode routed. */
bool docker_endpoints_are_routed(const struct docker_endpoints *endpoints);
bool docker_endpoints_equal(const struct docker_endpoints *a, const struct docker_endpoints *b);
void docker_endpoints_clear(struct docker_endpoints *endpoints);

#endif
