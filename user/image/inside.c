/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside.c: which of the inside addresses are compared one by one and which get a bit.  A
 * bit stands for a whole part of the address space and sends all that is in it the long way; this
 * host's own addresses have neighbours there.
 */
#include <errno.h>
#include <string.h>

#include "image/inside.h"
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

static bool take_own4(struct inside *inside, const struct prefix *address)
{
	for (int i = 0; i < IMAGE_OWN4; i++) {
		if (inside->own4[i])
			continue;
		memcpy(&inside->own4[i], address->addr, sizeof(inside->own4[i]));
		return true;
	}
	return false;
}

static bool take_near(struct inside *inside, const struct prefix *address)
{
	const struct prefix **near = inside->near[address->family == 6];

	for (int i = 0; i < IMAGE_NEAR; i++) {
		if (near[i])
			continue;
		near[i] = address;
		return true;
	}
	return false;
}

/* What the fast path compares needs no bit. */
static bool is_compared(struct inside *inside, const struct prefix *address)
{
	bool is_near = take_near(inside, address);

	return address->family == 4 ? take_own4(inside, address) : is_near;
}

static int add_local(struct inside *inside, const struct policy *policy)
{
	int err = 0;

	for (size_t i = 0; i < policy->local_count && !err; i++) {
		const struct prefix *address = &policy->local[i];

		if (!is_busy(policy, address) || !is_compared(inside, address))
			err = mark(inside, address);
	}
	return err;
}

/* Broadcast addresses; multicast has bits already. */
static int add_groups(struct inside *inside, const struct policy *policy)
{
	int err = 0;

	for (size_t i = 0; i < policy->groups_count && !err; i++)
		if (is_busy(policy, &policy->groups[i]) && !take_own4(inside, &policy->groups[i]))
			err = mark(inside, &policy->groups[i]);
	return err;
}

int inside_init(struct inside *inside, const struct policy *policy)
{
	return mark_all(inside, NEVER, ARRAY_SIZE(NEVER)) ?: add_local(inside, policy)
	       ?: add_groups(inside, policy)
	       ?: mark_all(inside, policy->natted, policy->natted_count)
	       ?: mark_all(inside, policy->routed, policy->routed_count);
}

void inside_clear(struct inside *inside)
{
	free(inside->marks);
	*inside = (struct inside){};
}
