/* SPDX-License-Identifier: GPL-2.0-only */
/* holders.c: see desired_private.h. */
#include "engine/desired_private.h"

#include <errno.h>

#include "docker/inventory.h"
#include "kernel/kernel.h"
#include "base/cleanup.h"
#include "base/order.h"

static int compare_port(const void *a_, const void *b_)
{
	const struct listener *a = a_, *b = b_;

	return order_numbers(a->proto, b->proto) ?: order_numbers(a->port, b->port);
}

/* The first one that is not before this port; `port` may be one behind the last. */
static size_t find_first(const struct listener *listeners, size_t count, __u8 proto,
			 unsigned int port)
{
	const struct listener wanted = { .proto = proto + port / 65536, .port = port };

	return order_first(&wanted, listeners, count, sizeof(wanted), compare_port);
}

struct listener *holders_at(struct listener *listeners, size_t count, __u8 proto,
			    unsigned short port, size_t *ret_count)
{
	size_t first = find_first(listeners, count, proto, port);

	*ret_count = find_first(listeners, count, proto, port + 1u) - first;
	return listeners + first;
}

static bool ask(struct listener *listeners, size_t count, const struct binding *binding)
{
	size_t first = find_first(listeners, count, binding->proto, binding->host_lo);
	size_t end = find_first(listeners, count, binding->proto, binding->host_hi + 1u);

	for (size_t i = first; i < end; i++)
		listeners[i].holder = HOLDER_ASKED;
	return first < end;
}

bool holders_ask_wanted(const struct inventory *inventory, struct listener *listeners, size_t count)
{
	bool is_any_asked = false;

	for (size_t i = 0; inventory && i < inventory->containers_count; i++) {
		const struct container *container = &inventory->containers[i];

		for (size_t j = 0; !container->is_running && j < container->bindings_count; j++)
			is_any_asked |= ask(listeners, count, &container->bindings[j]);
	}
	return is_any_asked;
}

/* ---- what Docker was seen to bind ---------------------------------------------------- */

/* A socket of Docker's, as far as its bound port tells. */
struct bound {
	__u8 proto;
	__u16 port;
	__u32 cookie; /* BOUND_COOKIE() */
};

static int compare_bound(const void *a_, const void *b_)
{
	const struct bound *a = a_, *b = b_;

	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

/* What was only tried may be another's. */
static size_t list_bound(const struct bound_port *ports, size_t count, struct bound *ret)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		__u32 cookie = ports[i].value.flags & ~BOUND_WIDENED;

		if (cookie && ports[i].value.by != BOUND_PENDING)
			ret[kept++] =
				(struct bound){ ports[i].key.proto, ports[i].key.port, cookie };
	}
	qsort(ret, kept, sizeof(*ret), compare_bound);
	return kept;
}

int holders_find(struct listener *listeners, size_t count, const struct bound_port *ports,
		 size_t ports_count)
{
	_cleanup_free_ struct bound *bound = calloc(ports_count + 1, sizeof(*bound));
	size_t bound_count;

	if (!bound)
		return -ENOMEM;
	bound_count = list_bound(ports, ports_count, bound);
	for (size_t i = 0; i < count; i++) {
		struct listener *listener = &listeners[i];
		struct bound wanted = { listener->proto, listener->port,
					BOUND_COOKIE(listener->cookie) };

		if (listener->holder == HOLDER_ASKED &&
		    bsearch(&wanted, bound, bound_count, sizeof(*bound), compare_bound))
			listener->holder = HOLDER_DOCKER;
	}
	return netdev_find_holders(listeners, count);
}
