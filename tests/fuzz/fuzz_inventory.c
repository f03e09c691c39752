/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * No bytes crash inventory_unpack(), and what it accepts is packed to bytes that are
 * accepted again and packed to themselves.
 */
#include <stdint.h>

#include "docker/inventory.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL, *back = NULL;
	_cleanup_free_ void *packed = NULL, *again = NULL;
	size_t packed_size, again_size;

	if (inventory_unpack(data, size, &inventory))
		return 0;
	if (inventory_pack(inventory, &packed, &packed_size) || packed_size > size)
		abort();
	if (inventory_unpack(packed, packed_size, &back) ||
	    inventory_pack(back, &again, &again_size))
		abort();
	if (again_size != packed_size || memcmp(packed, again, packed_size))
		abort();
	return 0;
}
