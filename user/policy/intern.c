/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * intern.c: a hash table over one block of bytes.
 */
#include <errno.h>

#include "base/hash.h"
#include "policy/intern.h"
#include "base/cleanup.h"

static void place(struct intern *intern, __u32 number)
{
	size_t mask = intern->slots_count - 1;
	size_t at = intern->items[number].hash & mask;

	while (intern->slots[at])
		at = (at + 1) & mask;
	intern->slots[at] = number + 1;
}

/* At most half of the slots are taken, so there are half as many items. */
static int grow_slots(struct intern *intern)
{
	size_t count = intern->slots_count ? intern->slots_count * 2 : 64;
	struct intern_item *items;
	__u32 *slots;

	if (intern->count < intern->slots_count / 2)
		return 0;
	items = reallocarray(intern->items, count / 2, sizeof(*items));
	if (!items)
		return -ENOMEM;
	intern->items = items;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(intern->slots);
	intern->slots = slots;
	intern->slots_count = count;
	for (__u32 i = 0; i < intern->count; i++)
		place(intern, i);
	return 0;
}

static bool find(const struct intern *intern, const void *bytes, size_t length, __u64 hash,
		 __u32 *ret_number)
{
	size_t mask = intern->slots_count - 1;

	for (size_t at = hash & mask; intern->slots[at]; at = (at + 1) & mask) {
		__u32 number = intern->slots[at] - 1;
		const struct intern_item *item = &intern->items[number];

		if (item->hash != hash || item->length != length)
			continue;
		if (length && memcmp(intern->strings.bytes + item->offset, bytes, length) != 0)
			continue;
		*ret_number = number;
		return true;
	}
	return false;
}

int intern_add(struct intern *intern, const void *bytes, size_t length, __u32 *ret_number)
{
	__u64 hash = hash_short(bytes, length);
	struct buffer *strings = &intern->strings;
	int err;

	err = grow_slots(intern);
	if (err)
		return err;
	if (find(intern, bytes, length, hash, ret_number))
		return 0;
	err = buffer_reserve(strings, length + 8);
	if (err)
		return err;
	intern->items[intern->count] = (struct intern_item){ strings->size, length, hash };
	if (length)
		memcpy(strings->bytes + strings->size, bytes, length);
	strings->size += (length + 7) & ~(size_t)7;
	*ret_number = intern->count++;
	place(intern, *ret_number);
	return 0;
}

void intern_clear(struct intern *intern)
{
	buffer_clear(&intern->strings);
	free(intern->items);
	free(intern->slots);
	*intern = (struct intern){};
}
