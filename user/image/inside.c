/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside.c: which of the inside addresses have a slot among the own ones and which have a bit in
 * the prefilter.  A bit stands for a whole bucket of the address space and sends all that is in it
 * the long way; this host's own addresses have neighbours there.
 */
#include <errno.h>
#include <string.h>

#include "image/inside.h"
#include "image/own_addrs.h"
#include "image/ports.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/* IPv6 has none here: the fast path leaves ::/64, fe80::/9 and ff00::/8 to bpf/decide.h. */
static const struct prefix NEVER[] = {
	{ .family = 4, .length = 8, .addr = { 0 } },
	{ .family = 4, .length = 8, .addr = { 127 } },
	{ .family = 4, .length = 4, .addr = { 224 } },
	{ .family = 4, .length = 32, .addr = { 255, 255, 255, 255 } },
};

static bool is_among(const struct prefix *prefixes, size_t count, const struct prefix *address)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_contains(&prefixes[i], address))
			return true;
	return false;
}

/* Whether packets for this address of the host's own come from outside in any number: not for
 * loopback, link-local and group ones, nor for the host's ends of Docker's networks. */
static bool is_busy(const struct policy *policy, const struct prefix *address)
{
	if (address->family == 4 ? is_among(NEVER, ARRAY_SIZE(NEVER), address)
				 : address->addr[0] == 0 || address->addr[0] >= 0xfe)
		return false;
	return !is_among(policy->natted, policy->natted_count, address) &&
	       !is_among(policy->routed, policy->routed_count, address);
}

static int mark(struct inside *inside, const struct prefix *prefix)
{
	struct prefix *added = util_append(&inside->marks, inside->count, sizeof(*added));

	if (!added)
		return -ENOMEM;
	inside->count++;
	*added = *prefix;
	return 0;
}

static int mark_all(struct inside *inside, const struct prefix *prefixes, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = mark(inside, &prefixes[i]);
	return err;
}

/* Of private use: RFC 1918, RFC 6598, RFC 4193. */
static const struct prefix PRIVATE[] = {
	{ .family = 4, .length = 8, .addr = { 10 } },
	{ .family = 4, .length = 12, .addr = { 172, 16 } },
	{ .family = 4, .length = 16, .addr = { 192, 168 } },
	{ .family = 4, .length = 10, .addr = { 100, 64 } },
	{ .family = 6, .length = 7, .addr = { 0xfc } },
};

struct search {
	struct inside *inside;
	const struct policy *policy;
	struct image_ref image;
};

/* Whether it is one for the fast path. */
static bool is_candidate(const struct search *search, const struct prefix *address)
{
	__u32 destination;

	if (!is_busy(search->policy, address))
		return false;
	destination = destination_at(search->image, address);
	return image_kind(search->image, image_header_of(search->image), destination) ==
	       DESTINATION_LOCAL;
}

/* Where many addresses want a slot, those that everybody can reach come first. */
static void add_candidates(const struct search *search, const struct prefix *addresses,
			   size_t addresses_count, bool is_private,
			   struct own_candidates *candidates)
{
	for (size_t i = 0; i < addresses_count; i++) {
		const struct prefix *address = &addresses[i];

		if (address->family == candidates->family && is_candidate(search, address) &&
		    is_among(PRIVATE, ARRAY_SIZE(PRIVATE), address) == is_private)
			candidates->addrs[candidates->count++] = address;
	}
}

/* What has no slot has a bit. */
static int place(const struct search *search, struct own_candidates *candidates)
{
	int err = 0;

	own_addrs_place(&search->inside->own, search->image, candidates);
	for (size_t i = 0; i < candidates->count && !err; i++)
		if (!candidates->is_placed[i])
			err = mark(search->inside, candidates->addrs[i]);
	return err;
}

/* Broadcast addresses come last: who sends to them from outside is few. */
static int place_family(const struct search *search, __u8 family)
{
	const struct policy *policy = search->policy;
	size_t room = policy->local_count + policy->groups_count + 1;
	_cleanup_free_ const struct prefix **addrs = calloc(room, sizeof(*addrs));
	_cleanup_free_ bool *is_placed = calloc(room, sizeof(*is_placed));
	struct own_candidates candidates = { family, addrs, is_placed, 0 };

	if (!addrs || !is_placed)
		return -ENOMEM;
	add_candidates(search, policy->local, policy->local_count, false, &candidates);
	add_candidates(search, policy->local, policy->local_count, true, &candidates);
	add_candidates(search, policy->groups, policy->groups_count, false, &candidates);
	add_candidates(search, policy->groups, policy->groups_count, true, &candidates);
	return place(search, &candidates);
}

/* This host's addresses that are no candidates.  Of groups, multicast has bits already, and what is
 * for a network of containers has as well. */
static int mark_others(const struct search *search)
{
	const struct policy *policy = search->policy;
	int err = 0;

	for (size_t i = 0; i < policy->local_count && !err; i++)
		if (!is_candidate(search, &policy->local[i]))
			err = mark(search->inside, &policy->local[i]);
	for (size_t i = 0; i < policy->groups_count && !err; i++)
		if (is_busy(policy, &policy->groups[i]) &&
		    !is_candidate(search, &policy->groups[i]))
			err = mark(search->inside, &policy->groups[i]);
	return err;
}

int inside_init(struct inside *inside, const struct policy *policy, struct image_ref image)
{
	struct search search = { inside, policy, image };

	return mark_all(inside, NEVER, ARRAY_SIZE(NEVER)) ?: place_family(&search, 4)
	       ?: place_family(&search, 6)
	       ?: mark_others(&search)
	       ?: mark_all(inside, policy->natted, policy->natted_count)
	       ?: mark_all(inside, policy->routed, policy->routed_count);
}

void inside_clear(struct inside *inside)
{
	free(inside->marks);
	*inside = (struct inside){};
}
