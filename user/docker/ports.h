/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ports.h: a list of bindings that grows, and the ways Docker writes ports down.  Pure.
 */
#ifndef TIDEGATE_DOCKER_PORTS_H
#define TIDEGATE_DOCKER_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "docker/inventory.h"

struct docker_json;

struct docker_ports {
	struct binding *items;
	size_t count;
};

/* Consecutive ports; lo 0 = not known. */
struct docker_range {
	unsigned short lo, hi;
};

/* "80/tcp", "8000-8010/udp", "80" (tcp).  0 or -EINVAL; so are the two below. */
int docker_ports_parse(const char *text, __u8 *ret_proto, struct docker_range *ret);
int docker_ports_parse_proto(const char *text, __u8 *ret);
/* "8080", "8000-8010", "" or "0" (any free one: not known). */
int docker_ports_parse_range(const char *text, struct docker_range *ret);

/*
 * `ports` of the container forwarded from `host` at the address.  Ranges of the same size go
 * in step; one container port with several host ports may get any of them, so it gets all.
 * The address "" is every address of both families.  0, -EINVAL (not an address), -ERANGE
 * (ranges of different size) or -ENOMEM.
 */
int docker_ports_add(struct docker_ports *list, __u8 proto, const char *address,
		     struct docker_range host, struct docker_range ports);

/* What docker_ports_add() returned, as an error of the answer.  0 for 0. */
int docker_ports_fail(const struct docker_json *json, int err);

/* Adds what `asked` has for container ports that `list` has nothing for.  0 or -ENOMEM. */
int docker_ports_fill(struct docker_ports *list, const struct docker_ports *asked);

/* Sorts, drops what is there twice, joins neighbours that go in step, gives memory back. */
void docker_ports_merge(struct docker_ports *list);

int docker_ports_append(struct docker_ports *list, const struct docker_ports *more);
void docker_ports_clear(struct docker_ports *list);

#endif
