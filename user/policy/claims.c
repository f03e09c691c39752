/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * claims.c: containers -> claims: "this container wants these numbers at that
 * place, and these rules name it there".  From bindings (published) and from addresses
 * that are reachable by themselves (direct).
 */
#include <errno.h>

#include "host/netdev.h"
#include "policy/resolve.h"

#define PORT_MAX 65535u
/* A range whose container ports run past 65535 is nonsense, and must still come to an end. */
#define NUMBER_MAX (2 * PORT_MAX + 1)

/* Shrinks the stretch around `port` to where the rule's answer stays the same. */
static bool target_has(const struct target *target, unsigned int port, struct stretch *stretch)
{
	bool is_in = !target->ports_count;

	if (target->protos && !(target->protos & 1u << proto_index(stretch->proto)))
		return false;
	for (size_t i = 0; i < target->ports_count; i++) {
		unsigned int lo = target->ports[i].lo, hi = target->ports[i].hi;

		if (port < lo) {
			hi = lo - 1;
			lo = 0;
		} else if (port > hi) {
			lo = hi + 1;
			hi = NUMBER_MAX;
		} else {
			is_in = true;
		}
		stretch->lo = lo > stretch->lo ? lo : stretch->lo;
		stretch->hi = hi < stretch->hi ? hi : stretch->hi;
	}
	return is_in;
}

/*
 * The rules that name a container's port, for a stretch of numbers around it.  A container's
 * ports mostly have the same rules, so the last answer is kept.
 */
static int list_rules(struct resolver *resolver, const struct claim *claim, unsigned int port)
{
	const struct naming *naming = &resolver->naming[claim->container];
	struct stretch *stretch = &resolver->stretch;
	unsigned int *rules, count = 0;
	int err;

	if (stretch->lo <= port && port <= stretch->hi && stretch->container == claim->container &&
	    stretch->proto == claim->place.proto)
		return 0;
	*stretch = (struct stretch){ .container = claim->container,
				     .proto = claim->place.proto,
				     .hi = NUMBER_MAX };
	err = rule_lists_reserve(&resolver->lists, naming->count, &rules);
	if (err)
		return err;
	for (size_t i = 0; i < naming->count; i++) {
		const struct statement *statement = resolver->statements[naming->rules[i]];

		if (target_has(&statement->target, port, stretch))
			rules[count++] = naming->rules[i];
	}
	return rule_lists_commit(&resolver->lists, count, &stretch->list);
}

static int add_claim(struct resolver *resolver, const struct claim *claim)
{
	struct claim *added;

	/* The rest of a container's own address is dropped anyway. */
	if (claim->origin == PORT_DIRECT && !claim->list)
		return 0;
	added = util_append(&resolver->claims, resolver->claims_count, sizeof(*added));
	if (!added)
		return -ENOMEM;
	resolver->claims_count++;
	*added = *claim;
	return 0;
}

/* Cuts the claim where the rules change. */
static int add_range(struct resolver *resolver, const struct claim *range)
{
	struct claim claim = *range;
	int err;

	while (claim.lo <= range->hi) {
		claim.port = range->port + (claim.lo - range->lo);
		err = list_rules(resolver, range, claim.port);
		if (err)
			return err;
		claim.list = resolver->stretch.list;
		claim.hi = claim.lo + (resolver->stretch.hi - claim.port);
		if (claim.hi > range->hi)
			claim.hi = range->hi;
		err = add_claim(resolver, &claim);
		if (err)
			return err;
		claim.lo = claim.hi + 1;
	}
	return 0;
}

/* ---- published ----------------------------------------------------------------- */

/* The host's own listeners, by protocol, family, port. */
struct holders {
	struct listener *array;
	size_t count;
};

static int compare_holder(const void *a_, const void *b_)
{
	const struct listener *a = a_, *b = b_;

	return order_numbers(a->proto, b->proto) ?: order_numbers(a->addr.family, b->addr.family)
	       ?: order_numbers(a->port, b->port);
}

static int find_holders(const struct policy_input *input, struct holders *holders)
{
	holders->array = calloc(input->listeners_count ?: 1, sizeof(*holders->array));
	if (!holders->array)
		return -ENOMEM;
	for (size_t i = 0; i < input->listeners_count; i++)
		if (input->listeners[i].holder == HOLDER_OTHER)
			holders->array[holders->count++] = input->listeners[i];
	qsort(holders->array, holders->count, sizeof(*holders->array), compare_holder);
	return 0;
}

/* The first number from `port` on that a process of this host has at that place. */
static unsigned int next_held(const struct holders *holders, const struct place *place,
			      unsigned int port)
{
	struct listener wanted = { .proto = place->proto,
				   .addr = place->addr,
				   .port = (unsigned short)port };
	size_t at = order_first(&wanted, holders->array, holders->count, sizeof(wanted),
				compare_holder);

	for (; at < holders->count; at++) {
		const struct listener *holder = &holders->array[at];

		if (holder->proto != place->proto || holder->addr.family != place->addr.family)
			break;
		if (!holder->addr.length || prefix_equal(&holder->addr, &place->addr))
			return holder->port;
	}
	return PORT_MAX + 1;
}

/*
 * Docker could not bind what a process of this host holds: arming that would close the
 * host's own port (sshd's, say) for a container that cannot start.
 */
static int add_unheld(struct resolver *resolver, const struct holders *holders,
		      const struct claim *claim)
{
	struct claim part = *claim;
	int err;

	while (part.lo <= claim->hi) {
		unsigned int held = next_held(holders, &claim->place, part.lo);

		part.port = claim->port + (part.lo - claim->lo);
		part.hi = held <= claim->hi ? held - 1 : claim->hi;
		if (part.lo <= part.hi) {
			err = add_range(resolver, &part);
			if (err)
				return err;
		}
		part.lo = part.hi + 1 + (part.hi < claim->hi);
	}
	return 0;
}

static int add_binding(struct resolver *resolver, const struct holders *holders,
		       unsigned int container, const struct binding *binding)
{
	bool is_running = resolver->input->inventory->containers[container].is_running;
	struct claim claim = {
		.place = { .proto = binding->proto, .addr = place_normalize(&binding->host) },
		.lo = binding->host_lo,
		.hi = binding->host_hi,
		.port = binding->port,
		.container = container,
		.origin = PORT_PUBLISHED,
		.is_running = is_running,
	};

	if (!binding->host_lo || binding->host_hi < binding->host_lo ||
	    place_is_martian(&claim.place.addr) || proto_index(binding->proto) == PROTO_MAX)
		return 0;
	return is_running ? add_range(resolver, &claim) : add_unheld(resolver, holders, &claim);
}

/* ---- direct -------------------------------------------------------------------- */

static int add_direct(struct resolver *resolver, const struct claim *direct, unsigned int lo,
		      unsigned int hi)
{
	struct claim claim = *direct;

	if (!lo)
		return 0;
	claim.lo = claim.port = lo;
	claim.hi = hi > PORT_MAX ? PORT_MAX : hi;
	return add_range(resolver, &claim);
}

/* Container ports that a rule spells out, published or not: on a macvlan nothing is. */
static int add_spelled_out(struct resolver *resolver, const struct claim *direct)
{
	const struct naming *naming = &resolver->naming[direct->container];
	struct claim claim = *direct;
	int err;

	for (size_t i = 0; i < naming->count; i++) {
		const struct target *target = &resolver->statements[naming->rules[i]]->target;

		for (size_t j = 0; j < target->ports_count * PROTO_MAX; j++) {
			const struct port_range *range = &target->ports[j / PROTO_MAX];

			claim.place.proto = proto_numbers[j % PROTO_MAX];
			err = add_direct(resolver, &claim, range->lo, range->hi);
			if (err)
				return err;
		}
	}
	return 0;
}

static int add_address(struct resolver *resolver, unsigned int number, const struct prefix *addr)
{
	const struct container *container = &resolver->input->inventory->containers[number];
	struct claim claim = {
		.place.addr = *addr,
		.container = number,
		.origin = PORT_DIRECT,
		.is_running = container->is_running,
	};
	int err;

	if (!addr->family || !resolver->naming[number].count)
		return 0;
	for (size_t i = 0; i < container->bindings_count; i++) {
		const struct binding *binding = &container->bindings[i];

		if (proto_index(binding->proto) == PROTO_MAX)
			continue;
		claim.place.proto = binding->proto;
		err = add_direct(resolver, &claim, binding->port,
				 binding->port + (binding->host_hi - binding->host_lo));
		if (err)
			return err;
	}
	return add_spelled_out(resolver, &claim);
}

static int add_container(struct resolver *resolver, const struct holders *holders,
			 unsigned int number)
{
	const struct container *container = &resolver->input->inventory->containers[number];
	int err;

	for (size_t i = 0; i < container->bindings_count; i++) {
		err = add_binding(resolver, holders, number, &container->bindings[i]);
		if (err)
			return err;
	}
	for (size_t i = 0; i < container->endpoints_count; i++) {
		const struct endpoint *endpoint = &container->endpoints[i];

		err = endpoint->is_routed4 ? add_address(resolver, number, &endpoint->addr4) : 0;
		if (err)
			return err;
		err = endpoint->is_routed6 ? add_address(resolver, number, &endpoint->addr6) : 0;
		if (err)
			return err;
	}
	return 0;
}

static void holders_clear(struct holders *holders)
{
	free(holders->array);
}

int policy_collect_claims(struct resolver *resolver)
{
	_cleanup_(holders_clear) struct holders holders = { 0 };
	int err = find_holders(resolver->input, &holders);

	for (size_t i = 0; i < resolver->input->inventory->containers_count && !err; i++)
		err = add_container(resolver, &holders, (unsigned int)i);
	return err;
}
