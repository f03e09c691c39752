/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_counter_ids.c: which counter belongs to whom.  The hash "counter_ids" remembers it
 * across policies and processes, so that a number on the screen never changes its meaning.
 */
#include <errno.h>

#include "digest.h"
#include "kernel.h"
#include "kernel_private.h"
#include "util.h"

/* The value of counter_ids: the id, and whether the next one belongs to it as well. */
#define WIDE (1u << 31)

/* The upper half of the second word in the key of a joint counter.  That a digest has it there, and
 * small numbers in the three other places, is less likely than two equal digests. */
#define JOINT 0x6a6f696eull

/*
 * Read with a few system calls: one for each of ten thousand ports would be most of what a
 * container's start costs.
 */
struct counter_ids {
	struct kernel *kernel;
	struct counter_key *keys;
	__u32 *values;
	__u32 count;
	__u32 *places; /* number of an entry + 1, by the hash of its key; 0 = free */
	bool *used;    /* ids that somebody has */
	__u32 used_count;
	__u32 next;    /* none below is free */
	struct counters *totals; /* NULL until somebody asks */
};

/* Joint counters are a convenience, and leave room for the rules and ports that are to come. */
#define JOINT_MAX (LIMIT_COUNTERS / 8 * 7)

#define PLACES (2 * LIMIT_COUNTERS)
#define BATCH 4096

void counter_ids_free(struct counter_ids *ids)
{
	if (!ids)
		return;
	kernel_unmap_counters(ids->kernel);
	free(ids->keys);
	free(ids->values);
	free(ids->places);
	free(ids->used);
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
	struct digest digest = DIGEST_INIT;
	struct counter_key key;

	digest_add(&digest, identity, strlen(identity));
	memcpy(&key, &digest, sizeof(key));
	return key;
}

static struct counter_key joint_key(const struct joint_counter *joint)
{
	return (struct counter_key){ { (__u64)joint->rule << 32 | joint->port,
				       JOINT << 32 | joint->reason } };
}

static bool is_joint(const struct counter_key *key, struct joint_counter *ret)
{
	*ret = (struct joint_counter){ .port = (__u32)key->hash[0],
				       .rule = key->hash[0] >> 32,
				       .reason = (__u32)key->hash[1] };
	return key->hash[1] >> 32 == JOINT && ret->reason < REASON_MAX &&
	       ret->port < LIMIT_COUNTERS && ret->rule < LIMIT_COUNTERS;
}

static __u32 *place_of(const struct counter_ids *ids, const struct counter_key *key)
{
	__u32 place = digest_mix(key->hash[0] ^ key->hash[1]) % PLACES;

	for (;; place = (place + 1) % PLACES) {
		__u32 number = ids->places[place];

		if (!number || memcmp(&ids->keys[number - 1], key, sizeof(*key)) == 0)
			return &ids->places[place];
	}
}

/* 0 = it has none. */
static __u32 find(const struct counter_ids *ids, const struct counter_key *key)
{
	__u32 number = *place_of(ids, key);

	return number ? ids->values[number - 1] & ~WIDE : 0;
}

/* ---- reading ---------------------------------------------------------------------------- */

static int read_batches(struct counter_ids *ids)
{
	__u32 position = 0, count;
	bool is_first = true;
	int err = 0;

	while (err == 0 && ids->count < LIMIT_COUNTERS) {
		count = LIMIT_COUNTERS - ids->count;
		if (count > BATCH)
			count = BATCH;
		err = bpf_map_lookup_batch(ids->kernel->counter_ids_fd,
					   is_first ? NULL : &position, &position,
					   ids->keys + ids->count, ids->values + ids->count, &count,
					   NULL);
		if (err < 0 && errno != ENOENT)
			return kernel_fail(-errno, "cannot read which counters there are");
		ids->count += count;
		is_first = false;
	}
	return 0;
}

/* Notes an entry that the arrays have. */
static int note(struct counter_ids *ids, __u32 number)
{
	__u32 id = ids->values[number] & ~WIDE;

	if (id + 1 >= LIMIT_COUNTERS)
		return kernel_fail(-EPROTO, "a counter's id is out of range");
	*place_of(ids, &ids->keys[number]) = number + 1;
	for (__u32 i = 0; i <= ids->values[number] / WIDE; i++) {
		ids->used_count += !ids->used[id + i];
		ids->used[id + i] = true;
	}
	return 0;
}

static int read_all(struct counter_ids *ids)
{
	int err;

	ids->count = 0;
	ids->used_count = 0;
	ids->next = COUNTER_FIRST;
	memset(ids->places, 0, PLACES * sizeof(*ids->places));
	memset(ids->used, 0, LIMIT_COUNTERS * sizeof(*ids->used));
	err = read_batches(ids);
	for (__u32 i = 0; err == 0 && i < ids->count; i++)
		err = note(ids, i);
	return err;
}

int counter_ids_read(struct kernel *kernel, struct counter_ids **ret)
{
	_cleanup_(counter_ids_freep) struct counter_ids *ids = calloc(1, sizeof(*ids));
	int err;

	if (!ids)
		return -ENOMEM;
	ids->kernel = kernel;
	ids->keys = calloc(LIMIT_COUNTERS, sizeof(*ids->keys));
	ids->values = calloc(LIMIT_COUNTERS, sizeof(*ids->values));
	ids->places = calloc(PLACES, sizeof(*ids->places));
	ids->used = calloc(LIMIT_COUNTERS, sizeof(*ids->used));
	if (!ids->keys || !ids->values || !ids->places || !ids->used)
		return -ENOMEM;
	err = read_all(ids);
	if (err == 0)
		*ret = TAKE_PTR(ids);
	return err;
}

__u32 counter_ids_find(const struct counter_ids *ids, const char *identity)
{
	struct counter_key key = key_of(identity);

	return find(ids, &key);
}

void counter_ids_find_joint(const struct counter_ids *ids, struct joint_counter *joints,
			    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct counter_key key = joint_key(&joints[i]);

		joints[i].id = find(ids, &key);
	}
}

static void add(struct counter *to, const struct counter *more)
{
	to->packets += more->packets;
	to->bytes += more->bytes;
}

/* What the joint counters counted moves to all that they stand for. */
static void share_out(const struct counter_ids *ids)
{
	struct counter *of = ids->totals->of;

	for (__u32 i = 0; i < ids->count; i++) {
		struct counter *own = &of[ids->values[i] & ~WIDE];
		struct joint_counter joint;

		if (!is_joint(&ids->keys[i], &joint))
			continue;
		add(&of[joint.reason], own);
		if (joint.port)
			add(&of[joint.port], own);
		if (joint.rule)
			add(&of[joint.rule], own);
		*own = (struct counter){};
	}
}

int counter_ids_totals(struct counter_ids *ids, const struct counters **ret)
{
	int err = kernel_map_counters(ids->kernel);

	if (err < 0)
		return err;
	if (!ids->totals)
		ids->totals = malloc(sizeof(*ids->totals));
	if (!ids->totals)
		return -ENOMEM;
	for (__u32 id = 0; id < LIMIT_COUNTERS; id++)
		ids->totals->of[id] = kernel_counter(ids->kernel, id);
	share_out(ids);
	*ret = ids->totals;
	return 0;
}

/* ---- forgetting --------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct counter_key));
}

/* The keys of the requests, sorted; allocated, NULL = no memory. */
static struct counter_key *sorted_keys(const struct counter_request *requests, size_t count)
{
	struct counter_key *keys = calloc(count + 1, sizeof(*keys));

	for (size_t i = 0; keys && i < count; i++)
		keys[i] = key_of(requests[i].identity);
	if (keys)
		qsort(keys, count, sizeof(*keys), compare_keys);
	return keys;
}

/* What a joint counter has counted moves to those that it stands for. */
static void take_apart(struct kernel *kernel, __u32 id, const struct joint_counter *joint)
{
	struct counter counter = kernel_counter(kernel, id);

	kernel_add_to_counter(kernel, joint->reason, &counter);
	if (joint->port)
		kernel_add_to_counter(kernel, joint->port, &counter);
	if (joint->rule)
		kernel_add_to_counter(kernel, joint->rule, &counter);
}

/* The next owner of the id begins at zero. */
static int forget(struct counter_ids *ids, __u32 number)
{
	const struct counter_key *key = &ids->keys[number];
	__u32 value = ids->values[number], id = value & ~WIDE;
	struct joint_counter joint;

	if (is_joint(key, &joint))
		take_apart(ids->kernel, id, &joint);
	kernel_zero_counter(ids->kernel, id);
	if (value & WIDE)
		kernel_zero_counter(ids->kernel, id + 1);
	if (bpf_map_delete_elem(ids->kernel->counter_ids_fd, key) < 0 && errno != ENOENT)
		return kernel_fail(-errno, "cannot forget a counter");
	return 0;
}

/*
 * Forgets the identities that the new policy does not have, and all joint counters.  Only when
 * ids run out: a container that comes back finds its counters.
 */
static int forget_others(struct counter_ids *ids, const struct counter_request *requests,
			 size_t count)
{
	_cleanup_free_ struct counter_key *wanted = sorted_keys(requests, count);
	int err = wanted ? kernel_map_counters(ids->kernel) : -ENOMEM;

	for (__u32 i = 0; err == 0 && i < ids->count; i++)
		if (!bsearch(&ids->keys[i], wanted, count, sizeof(*wanted), compare_keys))
			err = forget(ids, i);
	return err < 0 ? err : read_all(ids);
}

/* ---- giving ------------------------------------------------------------------------------- */

/* The first free id (and its neighbour); -E2BIG when there is none. */
static int take_id(struct counter_ids *ids, bool is_wide)
{
	while (ids->next < LIMIT_COUNTERS && ids->used[ids->next])
		ids->next++;
	for (__u32 id = ids->next; id + is_wide < LIMIT_COUNTERS; id++)
		if (!ids->used[id] && !(is_wide && ids->used[id + 1]))
			return id;
	return -E2BIG;
}

static int give(struct counter_ids *ids, const struct counter_key *key, bool is_wide, __u32 *ret)
{
	int id = take_id(ids, is_wide);
	__u32 number = ids->count;

	if (id < 0)
		return id;
	ids->keys[number] = *key;
	ids->values[number] = id | (is_wide ? WIDE : 0);
	if (bpf_map_update_elem(ids->kernel->counter_ids_fd, key, &ids->values[number],
				BPF_ANY) < 0)
		return kernel_fail(-errno, "cannot remember a counter");
	ids->count++;
	*ret = id;
	return note(ids, number);
}

static int give_all(struct counter_ids *ids, struct counter_request *requests, size_t count)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < count; i++) {
		struct counter_key key = key_of(requests[i].identity);

		requests[i].id = find(ids, &key);
		if (!requests[i].id)
			err = give(ids, &key, requests[i].is_wide, &requests[i].id);
	}
	return err;
}

int counter_ids_give(struct counter_ids *ids, struct counter_request *requests, size_t count)
{
	int err = give_all(ids, requests, count);

	if (err != -E2BIG)
		return err;
	err = forget_others(ids, requests, count);
	if (err == 0)
		err = give_all(ids, requests, count);
	if (err == -E2BIG)
		return kernel_fail(err, "more than %d counters are needed (one for each rule, two "
				   "for each port)", LIMIT_COUNTERS - COUNTER_FIRST);
	return err;
}

int counter_ids_give_joint(struct counter_ids *ids, struct joint_counter *joints, size_t count)
{
	int err = 0;

	counter_ids_find_joint(ids, joints, count);
	for (size_t i = 0; err == 0 && i < count && ids->used_count < JOINT_MAX; i++) {
		struct counter_key key = joint_key(&joints[i]);

		/* Several answers may be of the same port. */
		joints[i].id = find(ids, &key);
		if (!joints[i].id)
			err = give(ids, &key, false, &joints[i].id);
	}
	return err == -E2BIG ? 0 : err;
}
