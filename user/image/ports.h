/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ports.h: what is at a destination address, and which guarded port is behind
 * (protocol, port) there.  Pure.
 */
#ifndef TIDEGATE_IMAGE_PORTS_H
#define TIDEGATE_IMAGE_PORTS_H

#include <stddef.h>
#include <linux/types.h>

#include "classify.h"
#include "addr/prefix.h"

struct image_header;
struct image_writer;
struct policy;

/* The addresses that ports name, sorted; number i is destination DESTINATION_FIRST + i. */
struct destinations {
	struct prefix *items;
	size_t count;
};

/* An address as the image has it: on the wire, or two words in host order, of IPv4 in the first. */
__be32 addr_wire4(const struct prefix *addr);
__u64 addr_hi(const struct prefix *addr);
__u64 addr_lo(const struct prefix *addr);

/* The destination that the image's tables have for the address. */
__u32 destination_at(struct image_ref image, const struct prefix *addr);

int destinations_init(struct destinations *destinations, const struct policy *policy);

/* Fills daddr4, daddr6 and destinations of the header.  0, -E2BIG (with the text when it
 * is a limit) or -ENOMEM. */
int destinations_write(struct image_writer *writer, const struct destinations *destinations,
		       const struct policy *policy, struct image_header *header);

/* Writes the port index and the port entries, all but the verdict entries, right behind the header;
 * and the overrides. */
int port_entries_write(struct image_writer *writer, const struct destinations *destinations,
		       const struct policy *policy, struct image_header *header);

void destinations_clear(struct destinations *destinations);

#endif
