/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * group.c: bans -> groups that end at one time.  A million bans fall into some thousand groups, so
 * each finds its own by hash, and nothing is sorted but the groups.
 */
#include "bans/private.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"

struct key {
	__u64 until;
	__u32 owner;
	__u32 reserved;
};

/* As coarse as they have to be. */
struct grain {
	unsigned int shift; /* ends are multiples of 1 << shift */
	bool is_nobodys;    /* the owners are not told apart */
};

struct grouping {
	const struct bans *bans;
	time_t now;
	struct grain grain;
	struct key keys[BANS_GROUPS];
	size_t counts[BANS_GROUPS];
	__u16 places[4 * BANS_GROUPS]; /* number + 1, by the key's hash; 0 = free */
	size_t count;
};

static struct key key_of(const struct grouping *grouping, const struct ban *ban)
{
	__u64 mask = (1ull << grouping->grain.shift) - 1;

	return (struct key){ .until = ((__u64)ban->until + mask) & ~mask,
			     .owner = grouping->grain.is_nobodys ? 0 : ban->owner };
}

/* -E2BIG = there are too many. */
static long group_of(struct grouping *grouping, const struct ban *ban)
{
	struct key key = key_of(grouping, ban);
	size_t at = hash_short(&key, sizeof(key)) % ARRAY_SIZE(grouping->places);

	for (; grouping->places[at]; at = (at + 1) % ARRAY_SIZE(grouping->places))
		if (memcmp(&grouping->keys[grouping->places[at] - 1], &key, sizeof(key)) == 0)
			return grouping->places[at] - 1;
	if (grouping->count == BANS_GROUPS)
		return -E2BIG;
	grouping->keys[grouping->count] = key;
	grouping->places[at] = ++grouping->count;
	return grouping->count - 1;
}

static bool is_past(const struct grouping *grouping, const struct ban *ban)
{
	return ban->until && (time_t)key_of(grouping, ban).until <= grouping->now;
}

static int count_groups(struct grouping *grouping)
{
	const struct ban *ban;
	size_t at = 0;

	memset(grouping->places, 0, sizeof(grouping->places));
	memset(grouping->counts, 0, sizeof(grouping->counts));
	grouping->count = 0;
	while ((ban = bans_next(grouping->bans, &at))) {
		long number = is_past(grouping, ban) ? 0 : group_of(grouping, ban);

		if (number < 0)
			return number;
		if (!is_past(grouping, ban))
			grouping->counts[number]++;
	}
	return 0;
}

/* The finest grain with which there are few enough. */
static void choose_grain(struct grouping *grouping)
{
	/* Ends that are a week apart, before owners are mixed. */
	while (count_groups(grouping) < 0) {
		if (grouping->grain.shift < 20)
			grouping->grain.shift++;
		else if (!grouping->grain.is_nobodys)
			grouping->grain = (struct grain){ .is_nobodys = true };
		else
			grouping->grain.shift = 32;
	}
}

static int fill(struct grouping *grouping, struct ban_group *groups)
{
	const struct ban *ban;
	size_t at = 0;

	for (size_t i = 0; i < grouping->count; i++) {
		groups[i] = (struct ban_group){
			.owner = bans_owner(grouping->bans, grouping->keys[i].owner),
			.until = grouping->keys[i].until,
			.prefixes = calloc(grouping->counts[i], sizeof(struct prefix)),
		};
		if (!groups[i].prefixes)
			return -ENOMEM;
	}
	while ((ban = bans_next(grouping->bans, &at))) {
		long number = is_past(grouping, ban) ? -1 : group_of(grouping, ban);

		if (number >= 0)
			groups[number].prefixes[groups[number].count++] = ban->prefix;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct ban_group *one = a, *other = b;
	int order = strcmp(one->owner, other->owner);

	return order ?: (one->until > other->until) - (one->until < other->until);
}

int bans_group(const struct bans *bans, time_t now, struct ban_groups *ret)
{
	_cleanup_free_ struct grouping *grouping = calloc(1, sizeof(*grouping));
	struct ban_groups groups = {};
	int err;

	if (!grouping)
		return -ENOMEM;
	grouping->bans = bans;
	grouping->now = now;
	choose_grain(grouping);
	groups.count = grouping->count;
	groups.list = calloc(groups.count + 1, sizeof(*groups.list));
	err = groups.list ? fill(grouping, groups.list) : -ENOMEM;
	if (err < 0) {
		bans_groups_clear(&groups);
		return err;
	}
	qsort(groups.list, groups.count, sizeof(*groups.list), compare);
	*ret = groups;
	return 0;
}

void bans_groups_clear(struct ban_groups *groups)
{
	for (size_t i = 0; groups->list && i < groups->count; i++)
		free(groups->list[i].prefixes);
	free(groups->list);
	*groups = (struct ban_groups){};
}
