/* SPDX-License-Identifier: GPL-2.0-only */
/* homes.c: which addresses are containers' own, and whose. */
#include <errno.h>

#include "policy/resolve.h"

static int compare_home(const void *a_, const void *b_)
{
	const struct home *a = a_, *b = b_;

	return prefix_compare(&a->addr, &b->addr) ?: order_numbers(a->container, b->container);
}

static int add_home(struct resolver *resolver, const struct prefix *addr, unsigned int container)
{
	struct home *home;

	if (!addr->family)
		return 0;
	home = util_append(&resolver->homes, resolver->homes_count, sizeof(*home));
	if (!home)
		return -ENOMEM;
	resolver->homes_count++;
	*home = (struct home){ .addr = *addr, .container = container };
	return 0;
}

int policy_resolve_homes(struct resolver *resolver)
{
	const struct inventory *inventory = resolver->input->inventory;
	int err = 0;

	for (size_t i = 0; inventory && i < inventory->containers_count; i++) {
		const struct container *container = &inventory->containers[i];

		for (size_t j = 0; j < container->endpoints_count && !err; j++)
			err = add_home(resolver, &container->endpoints[j].addr4, i)
				      ?: add_home(resolver, &container->endpoints[j].addr6, i);
	}
	if (!err && resolver->homes_count)
		qsort(resolver->homes, resolver->homes_count, sizeof(*resolver->homes),
		      compare_home);
	return err;
}

unsigned int policy_container_at(const struct resolver *resolver, const struct prefix *addr)
{
	const struct home wanted = { .addr = *addr };
	size_t at = order_first(&wanted, resolver->homes, resolver->homes_count, sizeof(wanted),
				compare_home);

	if (at < resolver->homes_count && prefix_equal(&resolver->homes[at].addr, addr))
		return resolver->homes[at].container;
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
