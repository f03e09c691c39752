/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * destinations.c: what is at a destination address.  The most specific prefix says
 * it: an address that a port names, an address of this host, a Docker subnet, loopback.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "limit.h"
#include "policy_image.h"
#include "image/ports.h"
#include "image/table.h"
#include "image/writer.h"
#include "policy/policy.h"
#include "addr/ranges.h"
#include "base/cleanup.h"

/* Loopback, and what is no address. */
static const struct prefix MARTIAN[] = {
	{ .family = 4, .length = 8, .addr = { 0 } },
	{ .family = 4, .length = 8, .addr = { 127 } },
	{ .family = 6, .length = 127 },
};

/* This host receives these whatever it has joined; nobody has reason to send to ports of a
 * solicited-node group (RFC 4291 2.7.1), of which one comes with each new address. */
static const struct prefix GROUPS[] = {
	{ .family = 4, .length = 32, .addr = { 255, 255, 255, 255 } },
	{ .family = 4, .length = 32, .addr = { 224, 0, 0, 1 } },
	{ .family = 6, .length = 128, .addr = { 0xff, 1, [15] = 1 } },
	{ .family = 6, .length = 128, .addr = { 0xff, 2, [15] = 1 } },
	{ .family = 6, .length = 128, .addr = { 0xff, 2, [15] = 2 } },
	{ .family = 6, .length = 104, .addr = { 0xff, 2, [11] = 1, 0xff } },
};

static __u64 word64(const __u8 *bytes)
{
	__u64 word = 0;

	for (int i = 0; i < 8; i++)
		word = word << 8 | bytes[i];
	return word;
}

__be32 addr_wire4(const struct prefix *addr)
{
	return htonl(addr_hi(addr) >> 32);
}

__u64 addr_hi(const struct prefix *addr)
{
	return word64(addr->addr);
}

__u64 addr_lo(const struct prefix *addr)
{
	return word64(addr->addr + 8);
}

__u32 destination_at(struct image_ref image, const struct prefix *addr)
{
	const struct image_header *header = image_header_of(image);

	if (addr->family == 4)
		return classify4(image, &header->daddr4, addr_hi(addr) >> 32);
	return classify6(image, &header->daddr6, addr_hi(addr), addr_lo(addr));
}

static int compare(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

int destinations_init(struct destinations *destinations, const struct policy *policy)
{
	struct prefix *items = reallocarray(NULL, policy->ports_count + 1, sizeof(*items));
	size_t count = 0, used = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < policy->ports_count; i++) {
		if (policy->ports[i].addr.length)
			items[count++] = policy->ports[i].addr;
	}
	qsort(items, count, sizeof(*items), compare);
	for (size_t i = 0; i < count; i++) {
		if (!used || !prefix_equal(&items[used - 1], &items[i]))
			items[used++] = items[i];
	}
	*destinations = (struct destinations){ items, used };
	return 0;
}

void destinations_clear(struct destinations *destinations)
{
	free(destinations->items);
	*destinations = (struct destinations){};
}

/* Length of the longest of these prefixes around the address, or -1. */
static int longest(const struct prefix *prefixes, size_t count, const struct prefix *address)
{
	int length = -1;

	for (size_t i = 0; i < count; i++) {
		if (prefixes[i].length > length && prefix_contains(&prefixes[i], address))
			length = prefixes[i].length;
	}
	return length;
}

/* What is at an address that some port names, apart from that. */
static enum destination kind_of(const struct policy *policy, const struct prefix *address)
{
	int natted, routed;

	if (longest(MARTIAN, ARRAY_SIZE(MARTIAN), address) >= 0)
		return DESTINATION_MARTIAN;
	if (longest(policy->local, policy->local_count, address) >= 0)
		return DESTINATION_LOCAL;
	natted = longest(policy->natted, policy->natted_count, address);
	routed = longest(policy->routed, policy->routed_count, address);
	if (natted < 0 && routed < 0)
		return DESTINATION_LOCAL;
	return natted >= routed ? DESTINATION_CONTAINER : DESTINATION_ROUTED;
}

/* Whether no packet from outside can have the address, which some port names, for its source. */
static bool is_inside(const struct policy *policy, const struct prefix *address)
{
	return longest(MARTIAN, ARRAY_SIZE(MARTIAN), address) >= 0 ||
	       longest(policy->local, policy->local_count, address) >= 0 ||
	       longest(policy->groups, policy->groups_count, address) >= 0 ||
	       longest(policy->natted, policy->natted_count, address) >= 0 ||
	       longest(policy->routed, policy->routed_count, address) >= 0;
}

/*
 * A port of a container with an address of its own (macvlan) lies in no bridge's subnet;
 * then "this host's own" would be wrong, as ports published on every address are not
 * there.
 */
static void correct_direct(const struct policy *policy, const struct destinations *destinations,
			   __u8 *kinds)
{
	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];
		const struct prefix *found;

		if (port->origin != PORT_DIRECT || !port->addr.length)
			continue;
		found = bsearch(&port->addr, destinations->items, destinations->count,
				sizeof(*found), compare);
		if (kinds[found - destinations->items] == DESTINATION_LOCAL &&
		    longest(policy->local, policy->local_count, &port->addr) < 0)
			kinds[found - destinations->items] = DESTINATION_MACVLAN;
	}
}

static int write_kinds(struct image_writer *writer, const struct destinations *destinations,
		       const struct policy *policy, struct image_header *header)
{
	_cleanup_free_ __u8 *kinds = calloc(destinations->count + 1, 1);

	if (!kinds)
		return -ENOMEM;
	for (size_t i = 0; i < destinations->count; i++)
		kinds[i] = kind_of(policy, &destinations->items[i]);
	correct_direct(policy, destinations, kinds);
	for (size_t i = 0; i < destinations->count; i++)
		if (is_inside(policy, &destinations->items[i]))
			kinds[i] |= DESTINATION_INSIDE;
	return writer_append(writer, kinds, destinations->count, 8, &header->destinations);
}

/* ---- ranges ------------------------------------------------------------------------ */

/* Of a claim only, never in the image. */
#define DESTINATION_GROUP (DESTINATION_FIRST - 1)

static bool is_subnet(__u32 destination)
{
	return destination == DESTINATION_CONTAINER || destination == DESTINATION_ROUTED;
}

/*
 * Owners are destinations, in rising order.  At the same prefix an address with a number
 * beats all, as its number has a kind; a subnet beats nothing, and one that is both routed
 * and not is not.  Nothing but numbers begins inside loopback, and no group inside a subnet: to a
 * network of containers nobody broadcasts from outside.
 */
static int combine(void *context, __u32 around, const struct claim *claims, size_t count,
		   __u32 *ret)
{
	__u32 inside = claims[0].owner;

	for (size_t i = 1; i < count; i++) {
		if (!is_subnet(claims[i].owner))
			inside = claims[i].owner;
	}
	if (around == DESTINATION_MARTIAN && inside < DESTINATION_FIRST)
		inside = DESTINATION_MARTIAN;
	if (inside == DESTINATION_GROUP)
		inside = is_subnet(around) ? around : DESTINATION_LOCAL;
	*ret = inside;
	return 0;
}

struct claims {
	struct claim *items;
	size_t count;
};

static void add(struct claims *claims, const struct prefix *prefixes, size_t count, __u8 family,
		__u32 destination)
{
	for (size_t i = 0; i < count; i++) {
		if (prefixes[i].family == family)
			claims->items[claims->count++] = ranges_claim(&prefixes[i], destination);
	}
}

static int write_family(struct image_writer *writer, const struct destinations *destinations,
			const struct policy *policy, __u8 family, struct image_table *ret)
{
	size_t room = policy->local_count + policy->groups_count + policy->natted_count +
		      policy->routed_count + destinations->count + ARRAY_SIZE(MARTIAN) +
		      ARRAY_SIZE(GROUPS);
	_cleanup_(ranges_clear) struct ranges ranges = {};
	_cleanup_free_ struct claim *items = reallocarray(NULL, room, sizeof(*items));
	struct claims claims = { items, 0 };
	size_t fixed;
	int err;

	if (!items)
		return -ENOMEM;
	add(&claims, MARTIAN, ARRAY_SIZE(MARTIAN), family, DESTINATION_MARTIAN);
	add(&claims, GROUPS, ARRAY_SIZE(GROUPS), family, DESTINATION_GROUP);
	fixed = claims.count;
	add(&claims, policy->groups, policy->groups_count, family, DESTINATION_GROUP);
	add(&claims, policy->local, policy->local_count, family, DESTINATION_LOCAL);
	add(&claims, policy->natted, policy->natted_count, family, DESTINATION_CONTAINER);
	add(&claims, policy->routed, policy->routed_count, family, DESTINATION_ROUTED);
	for (size_t i = 0; i < destinations->count; i++)
		add(&claims, &destinations->items[i], 1, family, DESTINATION_FIRST + i);
	if (claims.count - fixed > LIMIT_DESTINATIONS)
		return writer_refuse(writer, "destination addresses and subnets",
				     claims.count - fixed, LIMIT_DESTINATIONS);
	err = ranges_build(items, claims.count, family, DESTINATION_OTHER, combine, NULL, &ranges);
	return err ? err : table_write(writer, &ranges, family, ret);
}

int destinations_write(struct image_writer *writer, const struct destinations *destinations,
		       const struct policy *policy, struct image_header *header)
{
	int err = write_family(writer, destinations, policy, 4, &header->daddr4);

	if (!err)
		err = write_family(writer, destinations, policy, 6, &header->daddr6);
	if (!err)
		err = write_kinds(writer, destinations, policy, header);
	return err;
}
