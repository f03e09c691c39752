/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * counter_ids.c: which counter belongs to whom.  The array "counter_owners" remembers it
 * across policies and processes, so that a number on the screen never changes its meaning.  It is
 * mapped, because a system call for each of ten thousand ports would be most of what a container's
 * start costs.
 */
#include <errno.h>
#include <sys/mman.h>

#include "reason.h"
#include "base/hash.h"
#include "kernel/kernel.h"
#include "kernel/private.h"
#include "base/cleanup.h"

/* The upper half of the second word in the key of a combined counter.  That a digest has it there,
 * and small numbers in the three other places, is less likely than two equal digests. */
#define COMBINED_TAG 0x6a6f696eull

/* Joint counters are a convenience, and leave room for the rules and ports that are to come: these
 * get their ids from the other end. */
#define JOINT_MAX (LIMIT_COUNTERS / 8 * 7)

#define PLACES (2 * LIMIT_COUNTERS)

struct counter_ids {
	struct kernel *kernel;
	struct counter_key *owners; /* the map's memory */
	__u16 *places;              /* id, by the hash of its owner's key; 0 = free */
	__u32 used_count;
	__u32 next_combined;     /* none below is free */
	__u32 next[2];           /* none above is free; [1]: nor are two side by side */
	struct counters *totals; /* NULL until somebody asks */
	bool held[LIMIT_COUNTERS];
};
_Static_assert(LIMIT_COUNTERS <= 65536, "an id fits into a place");

#define OWNERS_SIZE (LIMIT_COUNTERS * sizeof(struct counter_key))

static const struct counter_key nobody, neighbour = { { ~0ull, ~0ull } };

void counter_ids_free(struct counter_ids *ids)
{
	if (!ids)
		return;
	kernel_unmap_counters(ids->kernel);
	if (ids->owners)
		munmap(ids->owners, OWNERS_SIZE);
	free(ids->places);
	free(ids->totals);
	free(ids);
}

void counter_ids_freep(struct counter_ids **ids)
{
	counter_ids_free(*ids);
}

/* ---- keys ------------------------------------------------------------------------------- */

static struct counter_key key_of(const char *identity)
{
	struct counter_key key;

	hash_text(identity, key.hash);
	return key;
}

/* What was carried over from layout 6 keeps the key that it had there. */
static struct counter_key older_key_of(const char *identity)
{
	struct counter_key key;

	hash_text_layout6(identity, key.hash);
	return key;
}

static struct counter_key combined_key(const struct combined_counter *combined)
{
	return (struct counter_key){ { (__u64)combined->rule << 32 | combined->port,
				       COMBINED_TAG << 32 | combined->reason } };
}

static bool is_combined(const struct counter_key *key, struct combined_counter *ret)
{
	*ret = (struct combined_counter){ .port = (__u32)key->hash[0],
					  .rule = key->hash[0] >> 32,
					  .reason = (__u32)key->hash[1] };
	return key->hash[1] >> 32 == COMBINED_TAG && ret->reason < COUNTER_FIRST &&
	       ret->port < LIMIT_COUNTERS && ret->rule < LIMIT_COUNTERS;
}

static bool is_same(const struct counter_key *a, const struct counter_key *b)
{
	return a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1];
}

/* Now, and not when the compiler finds it best: the memory outlives the process. */
static void set_owner(struct counter_ids *ids, __u32 id, const struct counter_key *key)
{
	volatile struct counter_key *owner = &ids->owners[id];

	owner->hash[0] = key->hash[0];
	owner->hash[1] = key->hash[1];
}

static bool is_used(const struct counter_ids *ids, __u32 id)
{
	return !is_same(&ids->owners[id], &nobody);
}

static bool is_wide(const struct counter_ids *ids, __u32 id)
{
	return id + 1 < LIMIT_COUNTERS && is_same(&ids->owners[id + 1], &neighbour);
}

static __u16 *place_of(const struct counter_ids *ids, const struct counter_key *key)
{
	__u32 place = hash_short(key, sizeof(*key)) % PLACES;

	while (ids->places[place] && !is_same(&ids->owners[ids->places[place]], key))
		place = (place + 1) % PLACES;
	return &ids->places[place];
}

/* 0 = it has none. */
static __u32 find(const struct counter_ids *ids, const struct counter_key *key)
{
	return *place_of(ids, key);
}

/* ---- reading ---------------------------------------------------------------------------- */

static void read_owners(struct counter_ids *ids)
{
	memset(ids->places, 0, PLACES * sizeof(*ids->places));
	ids->used_count = 0;
	ids->next_combined = COUNTER_FIRST;
	ids->next[0] = ids->next[1] = LIMIT_COUNTERS;
	for (__u32 id = COUNTER_FIRST; id < LIMIT_COUNTERS; id++) {
		ids->used_count += is_used(ids, id);
		if (is_used(ids, id) && !is_same(&ids->owners[id], &neighbour))
			*place_of(ids, &ids->owners[id]) = id;
	}
}

int counter_ids_read(struct kernel *kernel, struct counter_ids **ret, struct error *error)
{
	_cleanup_(counter_ids_freep) struct counter_ids *ids = calloc(1, sizeof(*ids));
	void *owners;

	if (!ids)
		return -ENOMEM;
	ids->kernel = kernel;
	owners = mmap(NULL, OWNERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      kernel->counter_owners_fd, 0);
	if (owners == MAP_FAILED)
		return error_set_errno(error, -errno, "cannot read the owners of the counters");
	ids->owners = owners;
	ids->places = calloc(PLACES, sizeof(*ids->places));
	if (!ids->places)
		return -ENOMEM;
	read_owners(ids);
	*ret = TAKE_PTR(ids);
	return 0;
}

__u32 counter_ids_find(const struct counter_ids *ids, const char *identity)
{
	struct counter_key key = key_of(identity), older = older_key_of(identity);

	return find(ids, &key) ?: find(ids, &older);
}

void counter_ids_find_combined(const struct counter_ids *ids, struct combined_counter *combined,
			       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct counter_key key = combined_key(&combined[i]);

		combined[i].id = find(ids, &key);
	}
}

bool counter_ids_split(const struct counter_ids *ids, __u32 id, struct combined_counter *ret)
{
	return id < LIMIT_COUNTERS && is_combined(&ids->owners[id], ret);
}

bool counter_ids_is_wide(const struct counter_ids *ids, __u32 id)
{
	return id < LIMIT_COUNTERS && (is_wide(ids, id) || is_same(&ids->owners[id], &neighbour));
}

static void add(struct counter *to, const struct counter *more)
{
	to->packets += more->packets;
	to->bytes += more->bytes;
}

/* What the combined counters counted moves to all that they stand for. */
static void share_out(const struct counter_ids *ids)
{
	struct counter *of = ids->totals->of;

	for (__u32 id = COUNTER_FIRST; id < LIMIT_COUNTERS; id++) {
		struct counter *own = &of[id];
		struct combined_counter combined;

		if (!is_combined(&ids->owners[id], &combined))
			continue;
		add(&of[combined.reason], own);
		if (combined.port)
			add(&of[combined.port], own);
		if (combined.rule)
			add(&of[combined.rule], own);
		*own = (struct counter){};
	}
}

static void add_families(struct counters *totals)
{
	for (__u32 reason = 0; reason < REASON_MAX; reason++)
		add(&totals->of[reason], &totals->of[COUNTER_OF_REASON(reason, true)]);
}

/* Where a probe's packet was taken out (probe_uncount()) before it was counted. */
static void raise_to_zero(struct counters *totals)
{
	for (__u32 id = 0; id < LIMIT_COUNTERS; id++)
		if ((__s64)totals->of[id].packets < 0)
			totals->of[id] = (struct counter){};
}

int counter_ids_totals(struct counter_ids *ids, const struct counters **ret, struct error *error)
{
	int err = kernel_map_counters(ids->kernel, error);

	if (err < 0)
		return err;
	if (!ids->totals)
		ids->totals = malloc(sizeof(*ids->totals));
	if (!ids->totals)
		return -ENOMEM;
	for (__u32 id = 0; id < LIMIT_COUNTERS; id++)
		ids->totals->of[id] = kernel_counter(ids->kernel, id);
	share_out(ids);
	add_families(ids->totals);
	raise_to_zero(ids->totals);
	*ret = ids->totals;
	return 0;
}

void counter_ids_hold(struct counter_ids *ids, __u32 id)
{
	if (id < LIMIT_COUNTERS)
		ids->held[id] = true;
}

/* ---- forgetting --------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct counter_key));
}

/* The keys of the requests, sorted; allocated, NULL = no memory. */
static struct counter_key *sorted_keys(const struct counter_request *requests, size_t count)
{
	struct counter_key *keys = calloc(2 * count + 1, sizeof(*keys));

	for (size_t i = 0; keys && i < count; i++) {
		keys[2 * i] = key_of(requests[i].identity);
		keys[2 * i + 1] = older_key_of(requests[i].identity);
	}
	if (keys)
		qsort(keys, 2 * count, sizeof(*keys), compare_keys);
	return keys;
}

/* What a combined counter has counted moves to those that it stands for. */
static void take_apart(struct kernel *kernel, __u32 id, const struct combined_counter *combined)
{
	struct counter counter = kernel_counter(kernel, id);

	kernel_add_to_counter(kernel, combined->reason, &counter);
	if (combined->port)
		kernel_add_to_counter(kernel, combined->port, &counter);
	if (combined->rule)
		kernel_add_to_counter(kernel, combined->rule, &counter);
}

/*
 * The next owner of the id begins at zero.  Here and in give(), who is killed on the way may leave
 * a neighbour of nobody's, which is an id less, but never an owner whose neighbour is another's.
 */
static void forget(struct counter_ids *ids, __u32 id)
{
	bool with_neighbour = is_wide(ids, id);
	struct combined_counter combined;

	if (is_combined(&ids->owners[id], &combined))
		take_apart(ids->kernel, id, &combined);
	for (__u32 i = 0; i <= with_neighbour; i++) {
		kernel_zero_counter(ids->kernel, id + i);
		set_owner(ids, id + i, &nobody);
	}
}

static bool is_held(const struct counter_ids *ids, __u32 id)
{
	return ids->held[id] || (is_wide(ids, id) && ids->held[id + 1]);
}

/* Also of combined counters.  Only when ids run out: a container that comes back finds its
 * counters.
 */
int counter_ids_make_room(struct counter_ids *ids, const struct counter_request *requests,
			  size_t count, struct error *error)
{
	_cleanup_free_ struct counter_key *wanted = sorted_keys(requests, count);
	int err = wanted ? kernel_map_counters(ids->kernel, error) : -ENOMEM;

	for (__u32 id = COUNTER_FIRST; err == 0 && id < LIMIT_COUNTERS; id++) {
		const struct counter_key *owner = &ids->owners[id];

		if (is_used(ids, id) && !is_same(owner, &neighbour) && !is_held(ids, id) &&
		    !bsearch(owner, wanted, 2 * count, sizeof(*wanted), compare_keys))
			forget(ids, id);
	}
	if (err == 0)
		read_owners(ids);
	return err;
}

/* ---- giving ------------------------------------------------------------------------------- */

/* The last free id, or two side by side; 0 = there is none.  Two begin at an even one, so that
 * each of all others takes room from one port at most. */
static __u32 find_free(struct counter_ids *ids, bool with_neighbour)
{
	__u32 *next = &ids->next[with_neighbour], step = 1 + with_neighbour;

	for (; *next - step >= COUNTER_FIRST; *next -= step)
		if (!is_used(ids, *next - step) && !is_used(ids, *next - 1))
			return *next - step;
	return 0;
}

static __u32 find_free_combined(struct counter_ids *ids)
{
	for (; ids->next_combined < COUNTERS_COMBINED; ids->next_combined++)
		if (!is_used(ids, ids->next_combined))
			return ids->next_combined;
	return 0;
}

/* An id that nobody has counts nothing, and was zeroed when it was taken from somebody. */
static int give(struct counter_ids *ids, const struct counter_key *key, bool with_neighbour,
		__u32 *ret)
{
	struct combined_counter combined;
	__u32 id = is_combined(key, &combined) ? find_free_combined(ids)
					       : find_free(ids, with_neighbour);

	if (!id)
		return -E2BIG;
	*place_of(ids, key) = id;
	if (with_neighbour)
		set_owner(ids, id + 1, &neighbour);
	set_owner(ids, id, key);
	ids->used_count += 1 + with_neighbour;
	*ret = id;
	return 0;
}

bool counter_ids_have_room(const struct counter_ids *ids, const struct counter_request *requests,
			   size_t count)
{
	size_t needed = COUNTER_FIRST + ids->used_count;

	for (size_t i = 0; i < count; i++)
		needed += 1 + requests[i].is_wide;
	for (size_t i = 0; needed > LIMIT_COUNTERS && i < count; i++)
		if (counter_ids_find(ids, requests[i].identity))
			needed -= 1 + requests[i].is_wide;
	return needed <= LIMIT_COUNTERS;
}

int counter_ids_give(struct counter_ids *ids, struct counter_request *requests, size_t count)
{
	int left_out = 0;

	for (size_t i = 0; i < count; i++) {
		struct counter_key key = key_of(requests[i].identity);

		requests[i].id = counter_ids_find(ids, requests[i].identity);
		if (!requests[i].id && give(ids, &key, requests[i].is_wide, &requests[i].id) < 0)
			left_out++;
	}
	return left_out;
}

int counter_ids_give_combined(struct counter_ids *ids, struct combined_counter *combined,
			      size_t count)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < count && ids->used_count < JOINT_MAX; i++) {
		struct counter_key key = combined_key(&combined[i]);

		if (!find(ids, &key))
			err = give(ids, &key, false, &combined[i].id);
	}
	/* All that have one, as counter_ids_find_combined() will say it to who comes later. */
	counter_ids_find_combined(ids, combined, count);
	return err == -E2BIG ? 0 : err;
}

/* ---- carrying over ------------------------------------------------------------------------- */

static int carry(struct counter_ids *ids, const struct carried_counter *carried)
{
	__u32 id = find(ids, &carried->key);
	int err = id ? 0 : give(ids, &carried->key, carried->is_wide, &id);

	for (__u32 i = 0; err == 0 && i <= carried->is_wide; i++)
		kernel_set_carried(ids->kernel, id + i, &carried->of[i]);
	return err;
}

int kernel_carry_counters(struct kernel *kernel, const struct carried_counters *carried,
			  struct error *error)
{
	_cleanup_(counter_ids_freep) struct counter_ids *ids = NULL;
	int err = counter_ids_read(kernel, &ids, error);

	if (err == 0)
		err = kernel_map_counters(kernel, error);
	for (__u32 id = 0; err == 0 && id < COUNTER_FIRST; id++)
		kernel_set_carried(kernel, id, &carried->reasons[id]);
	for (size_t i = 0; err == 0 && i < carried->count; i++)
		err = carry(ids, &carried->list[i]);
	/* What has no room is of containers that are gone. */
	return err == -E2BIG ? 0 : err;
}
