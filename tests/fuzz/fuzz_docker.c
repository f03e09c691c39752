/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * No answer of the Engine's crashes what reads it, and whatever is accepted can be packed
 * and unpacked.  The first byte says which answer it is.
 */
#include <stdint.h>

#include "docker/change.h"
#include "docker/details.h"
#include "docker/list.h"
#include "docker/network.h"
#include "docker/inventory.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_packed(const struct inventory *inventory)
{
	_cleanup_(inventory_freep) struct inventory *back = NULL;
	_cleanup_free_ void *packed = NULL;
	size_t size;

	if (inventory_pack(inventory, &packed, &size) || inventory_unpack(packed, size, &back))
		abort();
}

static void check_ports(const struct docker_ports *ports, const struct docker_endpoints *endpoints)
{
	struct container container = { .id = (char *)"id",
				       .name = (char *)"name",
				       .bindings = ports->items,
				       .bindings_count = ports->count,
				       .endpoints = endpoints->items,
				       .endpoints_count = endpoints->count };
	struct inventory inventory = { .containers = &container, .containers_count = 1 };

	check_packed(&inventory);
}

static void read_networks(char *text, size_t size)
{
	_cleanup_(docker_network_clear) struct docker_networks networks = { .has_gateway_mode =
										    true };
	struct error error;

	if (docker_network_read(text, size, &networks, &error) == 0) {
		struct inventory inventory = { .subnets = networks.subnets,
					       .subnets_count = networks.subnets_count };

		check_packed(&inventory);
	}
}

/* Twice: the second time from what is remembered of the first, which must be the same. */
static void read_list(char *text, size_t size)
{
	static const struct docker_networks none;
	_cleanup_(docker_list_clear) struct docker_list list = { .networks = &none };
	struct error error;
	size_t count;

	if (docker_list_read(text, size, &list, &error))
		return;
	for (size_t i = 0; i < list.count; i++)
		check_ports(&list.items[i].ports, &list.items[i].endpoints);
	count = list.count;
	if (docker_list_read(text, size, &list, &error) || list.count != count)
		abort();
	/* And from the middle, where the rest is another list or none. */
	if (size > 1)
		docker_list_read(text + size / 2, size - size / 2, &list, &error);
}

static void read_details(char *text, size_t size)
{
	static const struct docker_networks none;
	_cleanup_(docker_details_clear) struct docker_details details = { .networks = &none };
	struct error error;

	if (docker_details_read(text, size, &details, &error) == 0) {
		check_ports(&details.asked, &details.endpoints);
		check_ports(&details.mapped, &details.endpoints);
	}
}

static void read_services(char *text, size_t size)
{
	_cleanup_(inventory_freep) struct inventory *inventory = calloc(1, sizeof(*inventory));
	struct error error;

	if (docker_list_read_services(text, size, inventory, &error) == 0)
		check_packed(inventory);
}

/* In two pieces, as a stream may come: the same events, wherever it is cut. */
static void read_events(char *text, size_t size)
{
	_cleanup_free_ struct docker_change *change = calloc(1, sizeof(*change));
	struct error error;
	size_t used = 0, more = 0, cut = size ? (uint8_t)text[0] % size : 0;

	if (docker_change_read(text, cut, &used, change, &error))
		return;
	if (used > cut)
		abort();
	if (!docker_change_read(text + used, size - used, &more, change, &error) &&
	    more > size - used)
		abort();
}

static void read_info(char *text, size_t size)
{
	struct error error;
	bool is_manager;

	docker_list_read_info(text, size, &is_manager, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(char *text, size_t size) = {
		read_list, read_networks, read_details, read_services, read_events, read_info,
	};
	_cleanup_free_ char *text = malloc(size + 1);

	if (!size)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	readers[data[0] % ARRAY_SIZE(readers)](text, size - 1);
	return 0;
}
