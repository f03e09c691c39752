/* SPDX-License-Identifier: GPL-2.0-only */
/* learned.c: see learned.h. */
#include "engine/learned.h"

#include <errno.h>
#include <netinet/in.h>

#include "engine/desired.h"
#include "kernel/kernel.h"
#include "host/netdev.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/* Longer than a container takes from the bind of its port to its place in the list. */
#define ENGINE_GRACE_NS 10000000000ull

#define SWARM_PORT 7946 /* each node of a swarm holds it, and nobody else */

static struct prefix address_of(const struct learned_key *key)
{
	struct prefix addr = prefix_from_address(key->family, key->addr);
	static const __be32 every[4];

	if (memcmp(key->addr, every, sizeof(every)) == 0)
		addr.length = 0;
	return addr;
}

/* Who holds it, Docker before others; NULL = nobody. */
static const struct listener *find_holder(const struct learned_port *port,
					  const struct desired *desired)
{
	bool is_anywhere = port->value.flags & LEARNED_WIDENED;
	struct prefix addr = address_of(&port->key);
	const struct listener *found = NULL;

	for (size_t i = 0; i < desired->listeners_count; i++) {
		const struct listener *listener = &desired->listeners[i];

		if (listener->proto == port->key.proto && listener->port == port->key.port &&
		    listener->addr.family == addr.family &&
		    (is_anywhere || prefix_equal(&listener->addr, &addr)) &&
		    (!found || listener->is_docker))
			found = listener;
	}
	return found;
}

static bool is_published(const struct learned_key *key, const struct policy *policy)
{
	struct prefix addr = address_of(key);

	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		if (port->origin == PORT_PUBLISHED && port->proto == key->proto &&
		    key->port >= port->lo && key->port <= port->hi &&
		    (!port->addr.length || prefix_equal(&port->addr, &addr)))
			return true;
	}
	return false;
}

/* A worker is not told which ports the swarm publishes: there dockerd's sockets are the truth. */
static bool is_swarm_active(const struct desired *desired)
{
	for (size_t i = 0; i < desired->listeners_count; i++)
		if (desired->listeners[i].port == SWARM_PORT && desired->listeners[i].is_docker)
			return true;
	return false;
}

/*
 * Whether what Docker says by now is more than what was learned: of a port that there was no room
 * for it knows at which address, and what dockerd holds and does not publish is its own.
 */
static bool is_superseded(const struct learned_port *port, const struct desired *desired)
{
	if (is_swarm_active(desired))
		return false;
	return (port->value.flags & LEARNED_WIDENED) ||
	       (port->value.by == LEARNED_ENGINE && !is_published(&port->key, desired->policy));
}

bool learned_is_stale(const struct learned_port *port, const struct desired *desired)
{
	const struct listener *holder;

	/* Bound while we were reading: what we read may be older. */
	if (port->value.bound_ns >= desired->began_ns)
		return false;
	if (port->value.by == LEARNED_TRYING)
		return port->value.bound_ns + LEARNED_TRYING_NS < desired->began_ns;
	holder = find_holder(port, desired);
	if (!holder)
		return true;
	/* Another process has it since. */
	return port->value.bound_ns + ENGINE_GRACE_NS < desired->began_ns &&
	       (!holder->is_docker || is_superseded(port, desired));
}

int learned_forget(struct kernel *kernel, const struct desired *desired)
{
	_cleanup_free_ struct learned_port *ports = NULL;
	size_t count = 0, stale = 0;
	int err;

	if (desired->docker_source != DOCKER_FRESH)
		return 0;
	err = kernel_read_learned(kernel, &ports, &count);
	for (size_t i = 0; err == 0 && i < count; i++)
		if (learned_is_stale(&ports[i], desired))
			ports[stale++] = ports[i];
	return err < 0 || !stale ? err : kernel_forget(kernel, ports, stale, desired->began_ns);
}
