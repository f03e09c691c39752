/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.c: whether bytes are an image that this build may read, and when its rules expire.  What
 * the look-ups follow inside of it is checked at each step (include/classify.h); here it is made
 * sure that the arrays that user space walks lie inside.
 */
#include <errno.h>
#include <stdbool.h>

#include "limit.h"
#include "map_values.h"
#include "classify.h"
#include "policy_image.h"
#include "image/image.h"

static bool is_inside(const struct image_header *header, __u32 offset, __u64 size, __u32 align)
{
	return offset >= sizeof(*header) && offset % align == 0 && offset + size <= header->size;
}

static bool is_table(const struct image_header *header, const struct image_table *table)
{
	if (table->bits == 0)
		return true; /* the look-up finds out */
	return table->bits <= 31 && table->shift < 64 &&
	       is_inside(header, table->root, ((1ull << table->bits) + 1) * 4, 4);
}

static bool is_bitmap(const struct image_header *header, const struct image_bitmap *bitmap)
{
	if (bitmap->root == offsetof(struct image_header, prefilter_full))
		return bitmap->last < 32;
	return bitmap->shift < 64 && is_inside(header, bitmap->root, bitmap->last / 8 + 1, 1);
}

/* Packets to an own address are decided as such: without a look at what is there. */
static bool are_own(const void *bytes)
{
	struct image_ref image = { bytes };
	const struct image_header *header = bytes;

	for (int i = 0; i < OWN_ADDRS; i++)
		if (image_kind(image, header, header->own.destination4[i]) != DESTINATION_LOCAL ||
		    image_kind(image, header, header->own.destination6[i]) != DESTINATION_LOCAL)
			return false;
	return true;
}

static bool are_arrays_inside(const struct image_header *header)
{
	return is_inside(header, IMAGE_PORTS,
			 (__u64)header->port_entries_used * sizeof(struct port_entry), 16) &&
	       is_inside(header, header->overrides, 0, 8) &&
	       is_inside(header, header->endpoints,
			 (__u64)header->endpoints_used * sizeof(struct image_endpoint), 64) &&
	       is_inside(header, header->blocks, header->row_blocks * 4ull, 4) &&
	       is_inside(header, header->cells, CELL_BLOCK * sizeof(__u16), 128) &&
	       is_inside(header, header->rules, sizeof(struct image_rule), 16) &&
	       is_inside(header, header->destinations, 0, 1) &&
	       is_inside(header, header->notes, header->notes_size, 1);
}

int image_check(const void *bytes, size_t size)
{
	const struct image_header *header = bytes;

	if (size < IMAGE_CHUNK || size % IMAGE_CHUNK)
		return -EBADMSG;
	if (header->magic != IMAGE_MAGIC || header->abi != DATAPATH_ABI || header->size != size)
		return -EBADMSG;
	if (!header->port_entries_used || header->port_entries_used > IMAGE_PORTS_MAX ||
	    !header->endpoints_used || header->endpoints_used > LIMIT_PORTS + 1 ||
	    !header->classes || header->classes > LIMIT_CLASSES ||
	    header->row_blocks != (header->classes + CELL_BLOCK - 1) / CELL_BLOCK)
		return -EBADMSG;
	if (!is_table(header, &header->saddr4) || !is_table(header, &header->saddr6) ||
	    !is_table(header, &header->daddr4) || !is_table(header, &header->daddr6) ||
	    !is_bitmap(header, &header->prefilter6))
		return -EBADMSG;
	return are_arrays_inside(header) && are_own(bytes) ? 0 : -EBADMSG;
}

#define EXPIRY_TOLERANCE_NS 2000000000ull /* `until` is in seconds */

static const struct image_rule *rules_of(const struct image *image)
{
	return (const void *)((const char *)image->bytes + image_header(image)->rules);
}

/* In front of the notes, and nothing in between but a gap smaller than a rule. */
static size_t count_rules(const struct image *image)
{
	const struct image_header *header = image_header(image);

	return (header->notes - header->rules) / sizeof(struct image_rule);
}

static bool expires_alike(__u64 a, __u64 b)
{
	if (!a || !b)
		return a == b;
	return (a > b ? a - b : b - a) <= EXPIRY_TOLERANCE_NS;
}

bool image_expires_alike(const struct image *a, const struct image *b)
{
	const struct image_rule *x = rules_of(a), *y = rules_of(b);
	size_t count = count_rules(a);

	if (count != count_rules(b))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!expires_alike(x[i].expires_ns, y[i].expires_ns))
			return false;
	return true;
}
