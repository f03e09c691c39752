/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * classify.h: what the image says about an address, a port and a source.  One text for
 * the programs in bpf/ and for the host, so that what runs in the kernel can be fuzzed and
 * compared with a linear evaluator.  Reads the image, writes nothing, knows no packets.
 *
 * Memory safety does not depend on the image being well formed: every offset is masked
 * to its size and every loop is bounded.  What contradicts itself ends the look-up with
 * IMAGE_INVALID; the caller takes that for "nothing is known" and fails closed.
 */
#ifndef TIDEGATE_CLASSIFY_H
#define TIDEGATE_CLASSIFY_H

#include "policy_image.h"

#ifdef __bpf__
#include <bpf/bpf_helpers.h>
#else
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#endif

/* Keeps the compiler from proving something about the value, and then dropping a mask that the
 * verifier wants to see, or making a branch of what was written without one.  As libbpf has it. */
#ifndef barrier_var
#define barrier_var(value) asm volatile("" : "+r"(value))
#endif

#ifndef NULL
#define NULL ((void *)0)
#endif

#define IMAGE_INVALID (~0u) /* no value: the image contradicts itself */

/* ---- bytes --------------------------------------------------------------------- */

/*
 * In the kernel the image is the one value of a map, and its size one of IMAGE_SIZES: with
 * the size known, the verifier lets us read it like memory.  A look-up for each chunk of it
 * instead costs a helper call, and a dozen of those cost more than everything else here.
 */
#ifdef __bpf__
struct image_ref {
	const __u8 *bytes; /* NULL = there is none */
	__u64 mask;        /* size - 1 */
};

static __always_inline bool image_has(struct image_ref image, __u32 offset)
{
	return true;
}

static __always_inline __u64 image_bound(struct image_ref image, __u64 offset)
{
	return offset & image.mask;
}
#else
struct image_ref {
	const __u8 *bytes; /* accepted by image_check() */
};

static __always_inline int image_has(struct image_ref image, __u32 offset)
{
	const struct image_header *header = (const void *)image.bytes;

	return offset < header->size;
}

static __always_inline __u64 image_bound(struct image_ref image, __u64 offset)
{
	const struct image_header *header = (const void *)image.bytes;

	return offset < header->size ? offset : 0;
}
#endif

/* The element at the offset, which image_has(); its size is a power of two and so is its
 * alignment, which is why one mask keeps it inside the image. */
static __always_inline const void *image_within(struct image_ref image, __u32 offset, __u32 size)
{
	__u64 at = offset;

	barrier_var(at);
	return image.bytes + (image_bound(image, at) & ~((__u64)size - 1));
}

/* Where the writer keeps it inside the smallest image there is: a bound that is known when the
 * program is compiled. */
static __always_inline const void *image_at_fixed(struct image_ref image, __u32 offset, __u32 size)
{
	__u64 at = offset;

	barrier_var(at);
#ifdef __bpf__
	return image.bytes + (at & (IMAGE_SMALL - 1) & ~((__u64)size - 1));
#else
	return image_within(image, at, size);
#endif
}

/* NULL only if the image is shorter than that. */
static __always_inline const void *image_at(struct image_ref image, __u32 offset, __u32 size)
{
	return image_has(image, offset) ? image_within(image, offset, size) : NULL;
}

static __always_inline const struct image_header *image_header_of(struct image_ref image)
{
	return (const void *)image.bytes;
}

/* ---- address -> value ------------------------------------------------------------ */

/*
 * A table cuts the addresses between its first and last border into 1 << bits equal parts
 * and has a reference for each (one more for what lies behind).  Where a part has borders
 * inside, the reference leads to a list: sorted addresses at which the value changes.  A
 * part in which many of the borders crowd has a table of its own, once, and what is still
 * too long for one list is a list of lists; so the worst that prefixes can be costs a few
 * steps more, not a few times as much.
 *
 * An IPv6 address is searched by its upper 64 bits; where a value changes inside of them,
 * the reference leads to a table or list over the lower 64.
 *
 * A reference is a value, or IMAGE_REF_NODE, what is there, and offset / 8.
 */
#define IMAGE_REF_NODE        0x80000000u
#define IMAGE_REF_LOW         0x40000000u /* about the lower 64 bits */
#define IMAGE_REF_TABLE       0x20000000u /* a struct image_table; otherwise a struct image_list */
#define IMAGE_REF_OFFSET(ref) (((ref) & 0x1fffffffu) * 8)

/* Lists one below the other: 256 * 256 * 256 entries are more than a policy can have. */
#define IMAGE_LISTS 3

#define IMAGE_LIST_KEYS  255u
#define IMAGE_LIST_STEPS 8 /* to find a place among that many */

/* Followed, at the size of a key from its start, by the keys in rising order: 4 bytes each
 * in an IPv4 table, 8 in an IPv6 table; then by keys + 1 entries.  Entry i holds from key
 * i - 1 up to key i. */
struct image_list {
	__u16 keys;
	__u16 is_wide; /* entries are references of 32 bits, otherwise values of 16 */
};
_Static_assert(sizeof(struct image_list) == 4, "size of struct image_list");

/* All ones if a < b, otherwise 0, without a branch: which way it goes is a coin toss at
 * each step of a search, and a mispredicted branch costs more than the arithmetic. */
static __always_inline __u64 image_less4(__u64 a, __u64 b)
{
	__u64 difference = a - b;

	barrier_var(difference);
	return (__u64)((__s64)difference >> 63);
}

static __always_inline __u64 image_less6(__u64 a, __u64 b)
{
	__u64 borrow = (~a & b) | ((~a | b) & (a - b));

	barrier_var(borrow);
	return (__u64)((__s64)borrow >> 63);
}

/* Number of keys <= addr. */
static __always_inline __u32 image_search4(struct image_ref image, __u32 keys, __u32 count,
					   __u32 addr)
{
	__u32 found = 0;

	for (int i = 0; i < IMAGE_LIST_STEPS && count; i++) {
		__u32 half = (count + 1) / 2;
		const __u32 *key = image_within(image, keys + (found + half - 1) * 4, 4);

		found += half;
		found -= half & (__u32)image_less4(addr, *key);
		count /= 2;
	}
	return found;
}

static __always_inline __u32 image_search6(struct image_ref image, __u32 keys, __u32 count,
					   __u64 addr)
{
	__u32 found = 0;

	for (int i = 0; i < IMAGE_LIST_STEPS && count; i++) {
		__u32 half = (count + 1) / 2;
		const __u64 *key = image_within(image, keys + (found + half - 1) * 8, 8);

		found += half;
		found -= half & (__u32)image_less6(addr, *key);
		count /= 2;
	}
	return found;
}

/* The reference for an address in the list at this offset. */
static __always_inline __u32 image_list_ref(struct image_ref image, __u32 offset, __u64 addr,
					    __u32 key_size)
{
	const struct image_list *list = image_at(image, offset, sizeof(*list));
	__u32 keys, found;

	if (!list)
		return IMAGE_INVALID;
	keys = list->keys & IMAGE_LIST_KEYS;
	offset += key_size;
	if (key_size == 4)
		found = image_search4(image, offset, keys, addr);
	else
		found = image_search6(image, offset, keys, addr);
	offset += keys * key_size;
	if (list->is_wide)
		return *(const __u32 *)image_within(image, offset + found * 4, 4);
	return *(const __u16 *)image_within(image, offset + found * 2, 2);
}

/* The part that the address is in; the last one is what lies behind. */
static __always_inline __u32 image_part(const struct image_table *table, __u64 addr)
{
	__u64 part = 0, parts = 1ull << (table->bits & 31);

	if (addr >= table->base)
		part = (addr - table->base) >> (table->shift & 63);
	return part > parts ? parts : part;
}

static __always_inline __u32 image_table_ref(struct image_ref image,
					     const struct image_table *table, __u64 addr)
{
	const __u32 *ref;

	if (!table->bits)
		return table->root;
	ref = image_at(image, table->root + image_part(table, addr) * 4, 4);
	return ref ? *ref : IMAGE_INVALID;
}

/* From a table's reference down to a value, or to the lower half. */
static __always_inline __u32 image_descend(struct image_ref image, __u32 ref, __u64 addr,
					   __u32 key_size)
{
	const struct image_table *table;

	if ((ref & (IMAGE_REF_NODE | IMAGE_REF_LOW | IMAGE_REF_TABLE)) ==
	    (IMAGE_REF_NODE | IMAGE_REF_TABLE)) {
		table = image_at(image, IMAGE_REF_OFFSET(ref), sizeof(*table));
		if (!table)
			return IMAGE_INVALID;
		ref = image_table_ref(image, table, addr);
	}
	for (int i = 0; i < IMAGE_LISTS; i++) {
		if ((ref & (IMAGE_REF_NODE | IMAGE_REF_LOW)) != IMAGE_REF_NODE)
			break;
		ref = image_list_ref(image, IMAGE_REF_OFFSET(ref), addr, key_size);
	}
	return ref;
}

/* Class or destination of an IPv4 address in host order, or IMAGE_INVALID. */
static __always_inline __u32 classify4(struct image_ref image, const struct image_table *table,
				       __u32 addr)
{
	__u32 ref = image_table_ref(image, table, addr);

	ref = image_descend(image, ref, addr, 4);
	return ref & IMAGE_REF_NODE ? IMAGE_INVALID : ref;
}

/* The same for IPv6: upper and lower 64 bits in host order. */
static __always_inline __u32 classify6(struct image_ref image, const struct image_table *table,
				       __u64 hi, __u64 lo)
{
	__u32 ref = image_table_ref(image, table, hi);

	ref = image_descend(image, ref, hi, 8);
	if (ref & IMAGE_REF_NODE)
		ref = image_descend(image, ref & ~IMAGE_REF_LOW, lo, 8);
	return ref & IMAGE_REF_NODE ? IMAGE_INVALID : ref;
}

/* ---- own addresses ----------------------------------------------------------------- */

/* The slot that the address has, if it has one. */
static __always_inline __u32 own_slot4(const struct own_addrs *own, __be32 addr)
{
	return addr * own->factor4 >> OWN_SHIFT;
}

/* Two products, so that neither half of the addresses alone makes two of them collide for ever. */
static __always_inline __u32 own_slot6(const struct own_addrs *own, __u64 hi, __u64 lo)
{
	return (lo * own->factor6 ^ hi) * own->factor6 >> OWN_SHIFT;
}

static __always_inline int is_own4(const struct own_addrs *own, __be32 addr)
{
	return own->addr4[own_slot4(own, addr)] == addr;
}

static __always_inline int is_own6(const struct own_addrs *own, __u64 hi, __u64 lo)
{
	const struct own_addr6 *addr = &own->addr6[own_slot6(own, hi, lo)];

	return addr->lo == lo && addr->hi == hi;
}

/* ---- port ------------------------------------------------------------------------- */

#define IMAGE_OVERRIDE_STEPS 14 /* LIMIT_DESTINATIONS and the kinds fit into 14 bits */

/* enum destination below DESTINATION_FIRST, or IMAGE_INVALID. */
static __always_inline __u32 image_kind(struct image_ref image, const struct image_header *header,
					__u32 destination)
{
	const __u8 *kind;

	if (destination < DESTINATION_FIRST)
		return destination;
	kind = image_at(image, header->destinations + (destination - DESTINATION_FIRST), 1);
	return kind ? *kind & ~DESTINATION_INSIDE : IMAGE_INVALID;
}

/* The endpoint that this destination has for itself; 0 = none. */
static __always_inline __u32 image_override(struct image_ref image,
					    const struct image_header *header,
					    const struct port_entry *entry, __u32 destination)
{
	__u32 first = entry->first_override, count = entry->overrides;

	for (int i = 0; i < IMAGE_OVERRIDE_STEPS && count; i++) {
		__u32 middle = first + count / 2;
		const struct addr_override *override = image_at(
			image, header->overrides + middle * sizeof(*override), sizeof(*override));

		if (!override)
			return IMAGE_INVALID;
		if (override->destination == destination)
			return override->endpoint;
		if (override->destination < destination) {
			first = middle + 1;
			count = (count - 1) / 2;
		} else {
			count /= 2;
		}
	}
	return 0;
}

/* Number of the port entry of (protocol, port); 0 = nothing, anywhere. */
static __always_inline __u32 image_port_number(struct image_ref image, __u32 proto_index,
					       __be16 dport)
{
	__u32 index = (proto_index < PROTO_MAX ? proto_index : 0) * 65536 + dport;

	return *(const __u16 *)(image.bytes + IMAGE_PORT_INDEX + index * 2);
}

/*
 * Number of the endpoint that (protocol, dport) at this destination is; 0 = nobody guards it.
 * Container addresses have only the endpoints that name them.
 */
static __always_inline __u32 image_endpoint_number(struct image_ref image,
						   const struct image_header *header,
						   __u32 proto_index, __be16 dport,
						   __u32 destination, int family)
{
	const struct port_entry *entry;
	__u32 number = image_port_number(image, proto_index, dport);
	__u32 kind = destination, endpoint;

	if (!number)
		return 0;
	entry = image_at(image, IMAGE_PORTS + number * sizeof(*entry), sizeof(*entry));
	if (!entry)
		return IMAGE_INVALID;
	if (destination >= DESTINATION_FIRST) {
		endpoint = image_override(image, header, entry, destination);
		if (endpoint)
			return endpoint;
		kind = image_kind(image, header, destination);
	}
	if (kind == DESTINATION_OTHER || kind == DESTINATION_LOCAL)
		return family == 6 ? entry->any6 : entry->any4;
	return kind == IMAGE_INVALID ? IMAGE_INVALID : 0;
}

/* NULL = bad. */
static __always_inline const struct image_endpoint *
image_endpoint_at(struct image_ref image, const struct image_header *header, __u32 number)
{
	return image_at(image, header->endpoints + number * sizeof(struct image_endpoint),
			sizeof(struct image_endpoint));
}

/* ---- rule ------------------------------------------------------------------------- */

/* Number of the rule that decides about this class of source, or IMAGE_INVALID. */
static __always_inline __u32 image_rule(struct image_ref image, const struct image_header *header,
					const struct image_endpoint *endpoint, __u32 class)
{
	__u32 index = endpoint->row * header->row_blocks + class / CELL_BLOCK;
	const __u32 *block;
	const __u16 *cell;

	if (class == IMAGE_INVALID)
		return IMAGE_INVALID;
	block = image_at(image, header->blocks + index * 4, 4);
	if (!block)
		return IMAGE_INVALID;
	index = *block * CELL_BLOCK + class % CELL_BLOCK;
	cell = image_at(image, header->cells + index * 2, 2);
	return cell ? *cell : IMAGE_INVALID;
}

/* The class that its sources are of now that the bans in it have ended. */
static __always_inline __u32 image_unbanned(struct image_ref image,
					    const struct image_header *header, __u32 class)
{
	const __u16 *unbanned;

	if (!header->unbanned || class == IMAGE_INVALID)
		return class;
	unbanned = image_at(image, header->unbanned + class * 2, 2);
	return unbanned ? *unbanned : IMAGE_INVALID;
}

/* Whether the address's bucket is clear: all addresses in it have the default class. */
static __always_inline int is_clear4(const __u8 *prefilter, __u32 addr)
{
	__u32 bucket = addr >> IMAGE_PREFILTER4_SHIFT;

	return !(prefilter[bucket / 8] >> bucket % 8 & 1);
}

static __always_inline __u32 prefilter6_bucket(const struct image_bitmap *prefilter, __u64 hi)
{
	__u64 bucket = (hi - prefilter->base) >> (prefilter->shift & 63);

	return bucket > prefilter->last ? prefilter->last : bucket;
}

static __always_inline int image_is_clear4(struct image_ref image, __u32 addr)
{
	return is_clear4(image.bytes + IMAGE_PREFILTER4, addr);
}

static __always_inline int image_is_clear6(struct image_ref image,
					   const struct image_header *header, __u64 hi)
{
	__u32 bucket = prefilter6_bucket(&header->prefilter6, hi);
	const __u8 *byte = image_at_fixed(image, header->prefilter6.root + bucket / 8, 1);

	return !(*byte >> bucket % 8 & 1);
}

/* Number of the rule that decides about this source, or IMAGE_INVALID. */
static __always_inline __u32 image_rule4(struct image_ref image, const struct image_header *header,
					 const struct image_endpoint *endpoint, __u32 addr)
{
	if (endpoint->is_uniform || image_is_clear4(image, addr))
		return endpoint->default_rule4;
	return image_rule(image, header, endpoint, classify4(image, &header->saddr4, addr));
}

static __always_inline __u32 image_rule6(struct image_ref image, const struct image_header *header,
					 const struct image_endpoint *endpoint, __u64 hi, __u64 lo)
{
	if (endpoint->is_uniform || image_is_clear6(image, header, hi))
		return endpoint->default_rule6;
	return image_rule(image, header, endpoint, classify6(image, &header->saddr6, hi, lo));
}

/* NULL = bad. */
static __always_inline const struct image_rule *
image_rule_at(struct image_ref image, const struct image_header *header, __u32 rule)
{
	return image_at(image, header->rules + rule * sizeof(struct image_rule),
			sizeof(struct image_rule));
}

#endif
