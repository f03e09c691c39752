/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_counters.c: which counter belongs to whom.  The hash "counter_ids" remembers it
 * across policies and processes, so that a number on the screen never changes its meaning.
 */
#include "kernel.h"

#include <errno.h>

#include "digest.h"
#include "kernel_private.h"
#include "util.h"

/* The value of counter_ids: the id, and whether the next one belongs to it as well. */
#define WIDE (1u << 31)

static struct counter_key key_of(const char *identity)
{
	struct digest digest = DIGEST_INIT;
	struct counter_key key;

	digest_add(&digest, identity, strlen(identity));
	memcpy(&key, &digest, sizeof(key));
	return key;
}

/*
 * All that "counter_ids" holds, read with a few system calls: one for each of ten thousand ports
 * would be most of what a container's start costs.
 */
struct known {
	struct counter_key *keys;
	__u32 *values;
	__u32 count;
	__u32 *places; /* number of an entry + 1, by the hash of its key; 0 = free */
};

#define KNOWN_PLACES (2 * LIMIT_COUNTERS)
#define BATCH 4096

static void known_clear(struct known *known)
{
	free(known->keys);
	free(known->values);
	free(known->places);
}

/* The keys are digests: any part of one is a hash. */
static __u32 *place_of(const struct known *known, const struct counter_key *key)
{
	__u32 place;

	memcpy(&place, key, sizeof(place));
	for (place %= KNOWN_PLACES;; place = (place + 1) % KNOWN_PLACES) {
		__u32 number = known->places[place];

		if (!number || memcmp(&known->keys[number - 1], key, sizeof(*key)) == 0)
			return &known->places[place];
	}
}

static int read_batches(struct kernel *kernel, struct known *known)
{
	__u32 position = 0, count;
	bool is_first = true;
	int err = 0;

	while (err == 0 && known->count < LIMIT_COUNTERS) {
		count = LIMIT_COUNTERS - known->count;
		if (count > BATCH)
			count = BATCH;
		err = bpf_map_lookup_batch(kernel->counter_ids_fd, is_first ? NULL : &position,
					   &position, known->keys + known->count,
					   known->values + known->count, &count, NULL);
		if (err < 0 && errno != ENOENT)
			return kernel_fail(-errno, "cannot read which counters there are");
		known->count += count;
		is_first = false;
	}
	return 0;
}

static int read_known(struct kernel *kernel, struct known *known)
{
	int err;

	known->keys = calloc(LIMIT_COUNTERS, sizeof(*known->keys));
	known->values = calloc(LIMIT_COUNTERS, sizeof(*known->values));
	known->places = calloc(KNOWN_PLACES, sizeof(*known->places));
	if (!known->keys || !known->values || !known->places)
		return -ENOMEM;
	err = read_batches(kernel, known);
	for (__u32 i = 0; err == 0 && i < known->count; i++)
		*place_of(known, &known->keys[i]) = i + 1;
	return err;
}

static void find_ids(const struct known *known, struct counter_request *requests, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct counter_key key = key_of(requests[i].identity);
		__u32 number = *place_of(known, &key);

		requests[i].id = number ? known->values[number - 1] & ~WIDE : 0;
	}
}

int kernel_find_counter_ids(struct kernel *kernel, struct counter_request *requests, size_t count)
{
	_cleanup_(known_clear) struct known known = {};
	int err = read_known(kernel, &known);

	if (err == 0)
		find_ids(&known, requests, count);
	return err;
}

/* Marks the ids that somebody has. */
static int mark_used(const struct known *known, bool used[LIMIT_COUNTERS])
{
	for (__u32 i = 0; i < known->count; i++) {
		__u32 id = known->values[i] & ~WIDE;

		if (id + 1 >= LIMIT_COUNTERS)
			return kernel_fail(-EPROTO, "a counter's id is out of range");
		used[id] = true;
		if (known->values[i] & WIDE)
			used[id + 1] = true;
	}
	return 0;
}

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

/* Forgets the identities that the new policy does not have.  Only when ids run out: a
 * container that comes back finds its counters. */
static int forget_others(struct kernel *kernel, const struct counter_request *requests,
			 size_t count)
{
	_cleanup_free_ struct counter_key *wanted = sorted_keys(requests, count), *gone = NULL;
	struct counter_key key, *previous = NULL;
	size_t gone_count = 0;

	if (!wanted)
		return -ENOMEM;
	while (bpf_map_get_next_key(kernel->counter_ids_fd, previous, &key) == 0) {
		previous = &key;
		if (bsearch(&key, wanted, count, sizeof(key), compare_keys))
			continue;
		if (!util_append(&gone, gone_count, sizeof(*gone)))
			return -ENOMEM;
		gone[gone_count++] = key;
	}
	for (size_t i = 0; i < gone_count; i++)
		if (bpf_map_delete_elem(kernel->counter_ids_fd, &gone[i]) < 0 && errno != ENOENT)
			return kernel_fail(-errno, "cannot forget a counter");
	return 0;
}

static int zero_counter(struct kernel *kernel, __u32 id)
{
	_cleanup_free_ struct counter *zeros = NULL;
	int cpus = libbpf_num_possible_cpus();

	zeros = cpus > 0 ? calloc(cpus, sizeof(*zeros)) : NULL;
	if (!zeros)
		return -ENOMEM;
	if (bpf_map_update_elem(kernel->counters_fd, &id, zeros, BPF_ANY) < 0)
		return kernel_fail(-errno, "cannot zero a counter");
	return 0;
}

/* The first free id (and its neighbour) from *next on; -E2BIG when there is none. */
static int take_id(const bool used[LIMIT_COUNTERS], bool is_wide, __u32 *next)
{
	for (; *next + is_wide < LIMIT_COUNTERS; (*next)++)
		if (!used[*next] && !(is_wide && used[*next + 1]))
			return *next;
	return -E2BIG;
}

static int give_id(struct kernel *kernel, struct counter_request *request,
		   bool used[LIMIT_COUNTERS], __u32 *next)
{
	struct counter_key key = key_of(request->identity);
	int id = take_id(used, request->is_wide, next);
	__u32 value;
	int err = 0;

	if (id < 0)
		return id;
	for (__u32 i = 0; err == 0 && i <= request->is_wide; i++) {
		used[id + i] = true;
		err = zero_counter(kernel, id + i);
	}
	if (err < 0)
		return err;
	value = id | (request->is_wide ? WIDE : 0);
	if (bpf_map_update_elem(kernel->counter_ids_fd, &key, &value, BPF_ANY) < 0)
		return kernel_fail(-errno, "cannot remember a counter");
	request->id = id;
	return 0;
}

static int give_missing(struct kernel *kernel, const struct known *known,
			struct counter_request *requests, size_t count)
{
	_cleanup_free_ bool *used = calloc(LIMIT_COUNTERS, sizeof(*used));
	__u32 next = COUNTER_FIRST;
	int err;

	if (!used)
		return -ENOMEM;
	err = mark_used(known, used);
	for (size_t i = 0; err == 0 && i < count; i++)
		if (!requests[i].id)
			err = give_id(kernel, &requests[i], used, &next);
	return err;
}

static int find_and_give(struct kernel *kernel, struct counter_request *requests, size_t count)
{
	_cleanup_(known_clear) struct known known = {};
	bool is_complete = true;
	int err = read_known(kernel, &known);

	if (err < 0)
		return err;
	find_ids(&known, requests, count);
	for (size_t i = 0; i < count; i++)
		is_complete = is_complete && requests[i].id;
	return is_complete ? 0 : give_missing(kernel, &known, requests, count);
}

int kernel_counter_ids(struct kernel *kernel, struct counter_request *requests, size_t count)
{
	int err = find_and_give(kernel, requests, count);

	if (err != -E2BIG)
		return err;
	err = forget_others(kernel, requests, count);
	if (err == 0)
		err = find_and_give(kernel, requests, count);
	if (err == -E2BIG)
		return kernel_fail(err, "more than %d counters are needed (one for each rule, two "
				   "for each port)", LIMIT_COUNTERS - COUNTER_FIRST);
	return err;
}

int kernel_read_counter(struct kernel *kernel, __u32 id, struct counter *ret)
{
	_cleanup_free_ struct counter *values = NULL;
	int cpus = libbpf_num_possible_cpus();
	struct counter sum = {};

	values = cpus > 0 ? calloc(cpus, sizeof(*values)) : NULL;
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(kernel->counters_fd, &id, values) < 0)
		return kernel_fail(-errno, "cannot read counter %u", id);
	for (int i = 0; i < cpus; i++) {
		sum.packets += values[i].packets;
		sum.bytes += values[i].bytes;
	}
	*ret = sum;
	return 0;
}
