/* SPDX-License-Identifier: GPL-2.0-only */
/* place.c: places in their order, and layers that grow by a segment. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/order.h"
#include "policy/place.h"

int place_compare(const struct place *a, const struct place *b)
{
	return order_numbers(a->proto, b->proto) ?: prefix_compare(&a->addr, &b->addr);
}

struct prefix place_normalize(const struct prefix *addr)
{
	static const __u8 zero[sizeof(addr->addr)];
	struct prefix any = { .family = addr->family };

	return memcmp(addr->addr, zero, sizeof(zero)) == 0 ? any : *addr;
}

bool place_is_martian(const struct prefix *addr)
{
	static const __u8 zero[15];

	if (addr->family == 4)
		return addr->length && (addr->addr[0] == 127 || addr->addr[0] == 0);
	return addr->length == 128 && memcmp(addr->addr, zero, sizeof(zero)) == 0 &&
	       addr->addr[15] <= 1;
}

struct layer *layers_add(struct layers *layers, const struct place *place)
{
	struct layer *layer = util_append(&layers->array, layers->count, sizeof(*layer));

	if (!layer)
		return NULL;
	layers->count++;
	layer->place = *place;
	return layer;
}

int layer_append(struct layer *layer, const struct segment *segment)
{
	struct segment *last = layer->count ? &layer->segments[layer->count - 1] : NULL;

	if (last && last->hi + 1 == segment->lo && last->list == segment->list &&
	    last->claim == segment->claim) {
		last->hi = segment->hi;
		return 0;
	}
	last = util_append(&layer->segments, layer->count, sizeof(*last));
	if (!last)
		return -ENOMEM;
	layer->count++;
	*last = *segment;
	return 0;
}

static int compare_layer(const void *key, const void *layer)
{
	return place_compare(key, &((const struct layer *)layer)->place);
}

const struct layer *layers_find(const struct layers *layers, const struct place *place)
{
	if (!layers->count)
		return NULL;
	return bsearch(place, layers->array, layers->count, sizeof(*layers->array), compare_layer);
}

void layers_clear(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		free(layers->array[i].segments);
	free(layers->array);
	*layers = (struct layers){ 0 };
}
