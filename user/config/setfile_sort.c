/* SPDX-License-Identifier: GPL-2.0-only */
/* setfile_sort.c: sorts prefixes. */
#include "config/setfile.h"
#include "base/cleanup.h"
#include "base/order.h"

#define RADIX_MIN 256 /* below, comparing is faster */

static int compare(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static bool is_sorted(const struct prefix *prefixes, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (prefix_compare(&prefixes[i - 1], &prefixes[i]) > 0)
			return false;
	return true;
}

/* prefix_compare is by family, address, length: least significant first. */
static int radix_sort(struct prefix *prefixes, size_t count)
{
	size_t offsets[ORDER_BYTES_MAX], bytes = 0;

	offsets[bytes++] = offsetof(struct prefix, length);
	for (size_t i = sizeof(prefixes->addr); i--;)
		offsets[bytes++] = offsetof(struct prefix, addr) + i;
	offsets[bytes++] = offsetof(struct prefix, family);
	return order_by_bytes(prefixes, count, sizeof(*prefixes), offsets, bytes);
}

int sets_sort(struct prefix *prefixes, size_t *count)
{
	size_t kept = 0;
	int err = 0;

	if (!is_sorted(prefixes, *count)) {
		if (*count < RADIX_MIN)
			qsort(prefixes, *count, sizeof(*prefixes), compare);
		else
			err = radix_sort(prefixes, *count);
	}
	if (err)
		return err;
	for (size_t i = 0; i < *count; i++)
		if (!kept || !prefix_equal(&prefixes[kept - 1], &prefixes[i]))
			prefixes[kept++] = prefixes[i];
	*count = kept;
	return 0;
}
