/* SPDX-License-Identifier: GPL-2.0-only */
/* bound.c: see reconcile_private.h. */

#include <errno.h>
#include <netinet/in.h>

#include "engine/desired.h"
#include "engine/desired_private.h"
#include "kernel/kernel.h"
#include "host/netdev.h"
#include "policy/policy.h"
#include "engine/reconcile_private.h"
#include "base/cleanup.h"

/* Longer than a container takes from the bind of its port to its place in the list. */
#define ENGINE_GRACE_NS 10000000000ull

#define SWARM_PORT 7946 /* each node of a swarm holds it, and nobody else */

static struct prefix address_of(const struct bound_key *key)
{
	struct prefix addr = prefix_from_address(key->family, key->addr);
	static const __be32 every[4];

	if (memcmp(key->addr, every, sizeof(every)) == 0)
		addr.length = 0;
	return addr;
}

/* The listeners that may be of this port. */
static struct listener *listeners_at(const struct bound_port *port, const struct desired *desired,
				     size_t *ret_count)
{
	return holders_at(desired->listeners, desired->listeners_count, port->key.proto,
			  port->key.port, ret_count);
}

static bool is_at(const struct listener *listener, const struct bound_port *port)
{
	struct prefix addr = address_of(&port->key);

	return listener->addr.family == addr.family &&
	       ((port->value.flags & BOUND_WIDENED) || prefix_equal(&listener->addr, &addr));
}

/* Who holds it: of several, one that is not known to be another than Docker; NULL = nobody. */
static const struct listener *find_holder(const struct bound_port *port,
					  const struct desired *desired)
{
	const struct listener *found = NULL;
	size_t count;
	const struct listener *listeners = listeners_at(port, desired, &count);

	for (size_t i = 0; i < count; i++)
		if (is_at(&listeners[i], port) && (!found || found->holder == HOLDER_OTHER))
			found = &listeners[i];
	return found;
}

static bool is_published(const struct bound_key *key, const struct policy *policy)
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

static struct listener *swarm_listeners(const struct desired *desired, size_t *ret_count)
{
	return holders_at(desired->listeners, desired->listeners_count, IPPROTO_TCP, SWARM_PORT,
			  ret_count);
}

/* A worker is not told which ports the swarm publishes: there dockerd's sockets are the truth. */
static bool is_swarm_active(const struct desired *desired)
{
	size_t count;
	const struct listener *listeners = swarm_listeners(desired, &count);

	for (size_t i = 0; i < count; i++)
		if (listeners[i].holder != HOLDER_OTHER)
			return true;
	return false;
}

/*
 * Whether what Docker says by now is more than what was learned: of a port that there was no room
 * for it knows at which address, and what dockerd holds and does not publish is its own.
 */
static bool is_superseded(const struct bound_port *port, const struct desired *desired)
{
	return (port->value.flags & BOUND_WIDENED) ||
	       (port->value.by == BOUND_BY_ENGINE && !is_published(&port->key, desired->policy));
}

/* Since Engine 28 dockerd binds a TCP port, then makes the rules that lead to the container, and
 * listens only then. */
static bool may_listen_soon(const struct bound_port *port)
{
	return port->value.by == BOUND_BY_ENGINE && port->key.proto == IPPROTO_TCP;
}

static bool is_in_grace(const struct bound_port *port, const struct desired *desired)
{
	return port->value.bound_ns + ENGINE_GRACE_NS >= desired->began_ns;
}

bool bound_is_stale(const struct bound_port *port, const struct desired *desired)
{
	const struct listener *holder;

	/* Bound while we were reading: what we read may be older. */
	if (port->value.bound_ns >= desired->began_ns)
		return false;
	if (port->value.by == BOUND_PENDING)
		return port->value.bound_ns + BOUND_PENDING_NS < desired->began_ns;
	holder = find_holder(port, desired);
	if (is_in_grace(port, desired))
		return !holder && !may_listen_soon(port);
	/* Nobody has it, or another process has it since. */
	return !holder || holder->holder == HOLDER_OTHER ||
	       (is_superseded(port, desired) && !is_swarm_active(desired));
}

static void ask(struct listener *listeners, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (listeners[i].holder == HOLDER_UNKNOWN)
			listeners[i].holder = HOLDER_ASKED;
}

/* Only about those of which the answer changes something. */
static int find_holders(const struct desired *desired, const struct bound_port *ports, size_t count)
{
	size_t found;

	for (size_t i = 0; i < count; i++) {
		struct listener *listeners = listeners_at(&ports[i], desired, &found);

		if (is_in_grace(&ports[i], desired) || !found)
			continue;
		ask(listeners, found);
		if (!is_superseded(&ports[i], desired))
			continue;
		listeners = swarm_listeners(desired, &found);
		ask(listeners, found);
	}
	return holders_find(desired->listeners, desired->listeners_count, ports, count);
}

int bound_forget(struct kernel *kernel, const struct desired *desired, struct error *error)
{
	_cleanup_free_ struct bound_port *ports = NULL;
	size_t count = 0, stale = 0;
	int err;

	if (desired->docker_source != DOCKER_FRESH)
		return 0;
	err = kernel_read_bound(kernel, &ports, &count, error);
	if (err < 0)
		return err;
	err = find_holders(desired, ports, count);
	if (err < 0)
		return error_set_errno(error, err,
				       "cannot find out who holds the ports that Docker bound");
	for (size_t i = 0; i < count; i++)
		if (bound_is_stale(&ports[i], desired))
			ports[stale++] = ports[i];
	return stale ? kernel_forget(kernel, ports, stale, desired->began_ns, error) : 0;
}
