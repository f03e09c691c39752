/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inventory.c: the order of an inventory, and its end.  Its packed form is in
 * inventory_pack.c.
 */
#include "docker/inventory.h"
#include "base/cleanup.h"

static int compare_containers(const void *left, const void *right)
{
	const struct container *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : strcmp(a->id, b->id);
}

static int compare_bindings(const void *left, const void *right)
{
	return inventory_compare_bindings(left, right);
}

static int compare_endpoints(const void *left, const void *right)
{
	const struct endpoint *a = left, *b = right;
	int order = strcmp(a->network, b->network);

	if (!order)
		order = prefix_compare(&a->addr4, &b->addr4);
	return order ? order : prefix_compare(&a->addr6, &b->addr6);
}

static int compare_subnets(const void *left, const void *right)
{
	const struct subnet *a = left, *b = right;
	int order = prefix_compare(&a->prefix, &b->prefix);

	return order ? order : strcmp(a->network, b->network);
}

int inventory_compare_bindings(const struct binding *a, const struct binding *b)
{
	int order = a->proto - b->proto;

	if (!order)
		order = prefix_compare(&a->host, &b->host);
	if (!order)
		order = a->host_lo - b->host_lo;
	if (!order)
		order = a->host_hi - b->host_hi;
	return order ? order : a->port - b->port;
}

/* qsort(NULL, 0, …) is undefined. */
static void sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count > 1)
		qsort(base, count, size, compare);
}

void inventory_sort(struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->containers_count; i++) {
		struct container *container = &inventory->containers[i];

		sort(container->bindings, container->bindings_count, sizeof(struct binding),
		     compare_bindings);
		sort(container->endpoints, container->endpoints_count, sizeof(struct endpoint),
		     compare_endpoints);
	}
	sort(inventory->containers, inventory->containers_count, sizeof(struct container),
	     compare_containers);
	sort(inventory->subnets, inventory->subnets_count, sizeof(struct subnet), compare_subnets);
}

bool inventory_is_printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return true;
}

static void clear_container(struct container *container)
{
	for (size_t i = 0; i < container->endpoints_count; i++)
		free(container->endpoints[i].network);
	free(container->endpoints);
	free(container->bindings);
	free(container->id);
	free(container->name);
	free(container->project);
	free(container->service);
	free(container->swarm_service);
	*container = (struct container){};
}

void inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return;
	for (size_t i = 0; i < inventory->containers_count; i++)
		clear_container(&inventory->containers[i]);
	free(inventory->containers);
	for (size_t i = 0; i < inventory->subnets_count; i++)
		free(inventory->subnets[i].network);
	free(inventory->subnets);
	free(inventory);
}

void inventory_freep(struct inventory **inventory)
{
	inventory_free(*inventory);
}
