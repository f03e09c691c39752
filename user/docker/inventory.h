/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inventory.h: what Docker runs now, as far as packets care.  docker.c fills it from the
 * Engine's API, the kernel's image keeps a packed copy of it (so that a policy can be
 * rebuilt while Docker does not answer), policy/policy.c reads it.  Pure.
 */
#ifndef TIDEGATE_INVENTORY_H
#define TIDEGATE_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "addr/prefix.h"

/* A port that Docker forwards, or will forward once the container runs. */
struct binding {
	__u8 proto;         /* IPPROTO_TCP, _UDP, _SCTP */
	struct prefix host; /* the address, or length 0: every address of that family */
	unsigned short host_lo, host_hi; /* 0 = not known yet (-P before the start, routed) */
	unsigned short port; /* container port that host_lo leads to; the range goes in step */
};

/* A container's place in one network. */
struct endpoint {
	char *network;               /* name */
	struct prefix addr4, addr6;  /* family 0 = none */
	bool is_routed4, is_routed6; /* gateway mode routed: reachable at its own address */
};

struct container {
	char *id;                /* 64 hex digits; of a swarm service its own id */
	char *name;              /* without the leading slash; "service:NAME" for the ports a
				    swarm service publishes on every node (mode ingress) */
	char *project, *service; /* compose; NULL = none */
	char *swarm_service;     /* NULL = none */
	bool is_running;         /* else armed: created, restarting, or with a restart policy */
	struct binding *bindings;
	size_t bindings_count;
	struct endpoint *endpoints;
	size_t endpoints_count;
};

/* A subnet on a bridge of Docker's: its addresses are behind the NAT. */
struct subnet {
	struct prefix prefix;
	bool is_routed; /* gateway mode routed for this family */
	char *network;  /* name */
};

/* Every text in here is printable ASCII (0x20-0x7e), so that a name cannot steer a terminal. */
struct inventory {
	struct container *containers; /* sorted by name */
	size_t containers_count;
	struct subnet *subnets; /* sorted by prefix */
	size_t subnets_count;
};

/* A text longer than this is not packed (-E2BIG). */
#define INVENTORY_TEXT_MAX 4096

/*
 * Packed form: versioned, self-delimiting (bytes behind it are not looked at), the same bytes
 * for the same content in the same order: sort before.  inventory_unpack returns -EBADMSG for
 * bytes it cannot be sure of, and what it returns is sorted.
 */
int inventory_pack(const struct inventory *inventory, void **ret, size_t *ret_size);
int inventory_unpack(const void *bytes, size_t size, struct inventory **ret);

void inventory_sort(struct inventory *inventory);

/* The order of bindings: protocol, address, host ports, container port.  As memcmp. */
int inventory_compare_bindings(const struct binding *a, const struct binding *b);

/* Whether a text may be in an inventory. */
bool inventory_is_printable(const char *text, size_t length);

void inventory_free(struct inventory *inventory);
void inventory_freep(struct inventory **inventory);

#endif
