/* SPDX-License-Identifier: GPL-2.0-only */
/* owners.c: sockets and processes, read when they are asked for.  See owners.h. */
#include "watch/owners.h"

#include "host/netdev.h"
#include "base/cleanup.h"
#include "base/order.h"

struct owners {
	bool is_read, is_searched; /* in this second */
	struct netdev_list *netdevs;
	struct listener *listeners;
	size_t listeners_count;
	struct socket_holder *found; /* by inode; "" = a process was looked for, in vain */
	size_t found_count;
};

struct owners *owners_new(void)
{
	return calloc(1, sizeof(struct owners));
}

static void forget_sockets(struct owners *owners)
{
	netdev_list_free(owners->netdevs);
	free(owners->listeners);
	owners->netdevs = NULL;
	owners->listeners = NULL;
	owners->listeners_count = 0;
}

void owners_free(struct owners *owners)
{
	if (!owners)
		return;
	forget_sockets(owners);
	free(owners->found);
	free(owners);
}

void owners_tick(struct owners *owners)
{
	owners->is_read = false;
	owners->is_searched = false;
}

/* Where one of the two cannot be read, nobody is named in this second. */
static void read_sockets(struct owners *owners)
{
	forget_sockets(owners);
	owners->is_read = true;
	if (netdev_read(&owners->netdevs) < 0)
		return;
	(void)netdev_read_listeners(&owners->listeners, &owners->listeners_count);
}

static int compare_address(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* A socket on every address takes what is sent to this host's own, not what it forwards. */
static bool is_own(const struct owners *owners, const struct prefix *daddr)
{
	const struct netdev_list *list = owners->netdevs;

	return list && list->addresses_count &&
	       bsearch(daddr, list->addresses, list->addresses_count, sizeof(*daddr),
		       compare_address);
}

static int compare_port(const void *a_, const void *b_)
{
	const struct listener *a = a_, *b = b_;

	return order_numbers(a->proto, b->proto) ?: order_numbers(a->port, b->port);
}

/* The kernel prefers the one that is bound to just this address. */
static const struct listener *find_listener(const struct owners *owners,
					    const struct sighting *sighting)
{
	const struct listener key = { .proto = sighting->proto, .port = sighting->dport };
	const struct listener *found = NULL;
	size_t count = owners->listeners_count;
	size_t i = order_first(&key, owners->listeners, count, sizeof(key), compare_port);

	for (; i < count && compare_port(&owners->listeners[i], &key) == 0; i++) {
		const struct listener *listener = &owners->listeners[i];

		if (prefix_contains(&listener->addr, &sighting->daddr) &&
		    (!found || listener->addr.length > found->addr.length))
			found = listener;
	}
	return found;
}

static int compare_inode(const void *a_, const void *b_)
{
	const struct socket_holder *a = a_, *b = b_;

	return order_numbers(a->inode, b->inode);
}

/* A socket that takes both families is listed for each. */
static size_t keep_one_each(struct socket_holder *found, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!kept || found[kept - 1].inode != found[i].inode)
			found[kept++] = found[i];
	return kept;
}

/* All sockets at once, because it is the processes that take the time. */
static void search(struct owners *owners)
{
	size_t count = owners->listeners_count;
	struct socket_holder *found = calloc(count + 1, sizeof(*found));

	owners->is_searched = true;
	if (!found)
		return;
	for (size_t i = 0; i < count; i++)
		found[i].inode = owners->listeners[i].inode;
	qsort(found, count, sizeof(*found), compare_inode);
	count = keep_one_each(found, count);
	(void)processes_find(found, count);
	free(owners->found);
	owners->found = found;
	owners->found_count = count;
}

static const struct socket_holder *find_holder(const struct owners *owners, unsigned long inode)
{
	const struct socket_holder key = { .inode = inode };

	if (!owners->found_count)
		return NULL;
	return bsearch(&key, owners->found, owners->found_count, sizeof(key), compare_inode);
}

const struct socket_holder *owners_find(struct owners *owners, const struct sighting *sighting)
{
	const struct socket_holder *found;
	const struct listener *listener;

	if (!sighting->has_ports)
		return NULL;
	if (!owners->is_read)
		read_sockets(owners);
	listener = is_own(owners, &sighting->daddr) ? find_listener(owners, sighting) : NULL;
	if (!listener || !listener->inode)
		return NULL;
	found = find_holder(owners, listener->inode);
	if (!found && !owners->is_searched) {
		search(owners);
		found = find_holder(owners, listener->inode);
	}
	return found && found->name[0] ? found : NULL;
}
