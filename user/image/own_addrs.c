/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * own_addrs.c: finds the factor with which this host's addresses have a slot each.
 */
#include <string.h>

#include "addr/prefix.h"
#include "image/own_addrs.h"
#include "image/ports.h"

/* With sixteen addresses one factor in eight will do, with twenty-four one in a hundred. */
#define FACTORS 4096

/* Odd, and with bits all over; the same ones each time. */
static __u64 factor(__u64 number)
{
	number = (number + 1) * 0x9e3779b97f4a7c15;
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return (number ^ number >> 31) | 1;
}

static __u32 slot_of(const struct own_addrs *own, const struct prefix *addr)
{
	if (addr->family == 4)
		return own_slot4(own, addr_wire4(addr));
	return own_slot6(own, addr_hi(addr), addr_lo(addr));
}

/* How many of the first addresses have a slot each. */
static size_t count_apart(const struct own_addrs *own, const struct own_candidates *candidates)
{
	__u64 used = 0;

	for (size_t i = 0; i < candidates->count; i++) {
		__u64 slot = 1ull << slot_of(own, candidates->addrs[i]);

		if (used & slot)
			return i;
		used |= slot;
	}
	return candidates->count;
}

static void choose_factor(struct own_addrs *own, const struct own_candidates *candidates)
{
	__u64 *of = candidates->family == 4 ? &own->factor4 : &own->factor6, best = factor(0);
	size_t most = 0;

	for (int i = 0; i < FACTORS && most < candidates->count; i++) {
		size_t apart;

		*of = factor(i);
		apart = count_apart(own, candidates);
		if (apart > most) {
			most = apart;
			best = *of;
		}
	}
	*of = best;
}

static void put(struct own_addrs *own, struct image_ref image, __u32 slot,
		const struct prefix *addr)
{
	__u32 destination = destination_at(image, addr);

	if (addr->family == 4) {
		own->addr4[slot] = addr_wire4(addr);
		own->destination4[slot] = destination;
	} else {
		own->addr6[slot].hi = addr_hi(addr);
		own->addr6[slot].lo = addr_lo(addr);
		own->destination6[slot] = destination;
	}
}

/* What an empty slot has: an address of another slot. */
static __u32 elsewhere(const struct own_addrs *own, __u8 family, __u32 slot)
{
	__u32 addr = 0;

	while (slot == (family == 4 ? own_slot4(own, addr) : own_slot6(own, 0, addr)))
		addr++;
	return addr;
}

static void clear(struct own_addrs *own, __u8 family)
{
	for (__u32 slot = 0; slot < OWN_ADDRS; slot++) {
		__u32 addr = elsewhere(own, family, slot);

		if (family == 4) {
			own->addr4[slot] = addr;
			own->destination4[slot] = DESTINATION_LOCAL;
		} else {
			own->addr6[slot] = (struct own_addr6){ 0, addr };
			own->destination6[slot] = DESTINATION_LOCAL;
		}
	}
}

void own_addrs_place(struct own_addrs *own, struct image_ref image,
		     const struct own_candidates *candidates)
{
	__u64 used = 0;

	choose_factor(own, candidates);
	clear(own, candidates->family);
	for (size_t i = 0; i < candidates->count; i++) {
		__u32 slot = slot_of(own, candidates->addrs[i]);

		candidates->is_placed[i] = !(used >> slot & 1);
		used |= 1ull << slot;
		if (candidates->is_placed[i])
			put(own, image, slot, candidates->addrs[i]);
	}
}
