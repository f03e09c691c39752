/* SPDX-License-Identifier: GPL-2.0-only */
/* addresses.c: which container has which address. */
#include <errno.h>

#include "policy/resolve.h"

static int compare_address(const void *a_, const void *b_)
{
	const struct container_address *a = a_, *b = b_;

	return prefix_compare(&a->addr, &b->addr) ?: order_numbers(a->container, b->container);
}

static int add_address(struct resolver *resolver, const struct prefix *addr, unsigned int container)
{
	struct container_address *added;

	if (!addr->family)
		return 0;
	added = util_append(&resolver->addresses, resolver->addresses_count, sizeof(*added));
	if (!added)
		return -ENOMEM;
	resolver->addresses_count++;
	*added = (struct container_address){ .addr = *addr, .container = container };
	return 0;
}

int policy_resolve_addresses(struct resolver *resolver)
{
	const struct inventory *inventory = resolver->input->inventory;
	int err = 0;

	for (size_t i = 0; inventory && i < inventory->containers_count; i++) {
		const struct container *container = &inventory->containers[i];

		for (size_t j = 0; j < container->endpoints_count && !err; j++)
			err = add_address(resolver, &container->endpoints[j].addr4, i)
				      ?: add_address(resolver, &container->endpoints[j].addr6, i);
	}
	if (!err && resolver->addresses_count)
		qsort(resolver->addresses, resolver->addresses_count, sizeof(*resolver->addresses),
		      compare_address);
	return err;
}

unsigned int policy_container_at(const struct resolver *resolver, const struct prefix *addr)
{
	const struct container_address wanted = { .addr = *addr };
	size_t at = order_first(&wanted, resolver->addresses, resolver->addresses_count,
				sizeof(wanted), compare_address);

	if (at < resolver->addresses_count && prefix_equal(&resolver->addresses[at].addr, addr))
		return resolver->addresses[at].container;
	return NO_CONTAINER;
}

bool policy_is_container_address(const struct resolver *resolver, const struct prefix *addr)
{
	const struct inventory *inventory = resolver->input->inventory;

	if (!addr->length)
		return false;
	for (size_t i = 0; inventory && i < inventory->subnets_count; i++)
		if (prefix_contains(&inventory->subnets[i].prefix, addr))
			return true;
	return policy_container_at(resolver, addr) != NO_CONTAINER;
}
