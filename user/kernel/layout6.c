/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layout6.c: layout 6 as include/datapath.h was at its last commit (a4f6803).  The numbers
 * and structs here never change again, whatever becomes of those that have the same names there.
 */
#include "kernel/layout6.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#define MAPS "maps"

/* ---- state ------------------------------------------------------------------------------ */

struct state6 {
	__u32 abi, is_followed;
	__u64 generation, reconciled_at, docker_seen_at, refused[2];
	char docker_error[200], config_error[200];
};
_Static_assert(sizeof(struct state6) == 448, "as layout 6 had it");

static int lookup(const struct kernel *kernel, const char *name, __u32 key, void *value)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, name);

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &key, value) < 0)
		return kernel_fail(-errno, "cannot read the older map '%s'", name);
	return 0;
}

int layout6_read_state(const struct kernel *kernel, struct state *ret)
{
	struct state6 old;
	int err = lookup(kernel, "state", 0, &old);

	if (err < 0)
		return err;
	memset(ret, 0, sizeof(*ret));
	ret->abi = old.abi;
	ret->is_followed = old.is_followed;
	ret->generation = old.generation;
	ret->reconciled_at = old.reconciled_at;
	ret->docker_seen_at = old.docker_seen_at;
	memcpy(ret->refused, old.refused, sizeof(old.refused));
	snprintf(ret->docker_error, sizeof(ret->docker_error), "%.199s", old.docker_error);
	snprintf(ret->config_error, sizeof(ret->config_error), "%.199s", old.config_error);
	return 0;
}

/* ---- interfaces and learned ports ----------------------------------------------------------- */

/* Somebody may delete as we go, and each time it starts over: enough is enough. */
#define ENTRIES_MAX (4 * 65536)

int layout6_read_interfaces(const struct kernel *kernel, struct other_interface **ret,
			    size_t *ret_count)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, "interfaces");
	_cleanup_free_ struct other_interface *list = NULL;
	__u32 ifindex, flags, *previous = NULL;
	size_t count = 0;

	if (fd < 0)
		return fd;
	for (; count < ENTRIES_MAX && bpf_map_get_next_key(fd, previous, &ifindex) == 0;
	     previous = &ifindex) {
		struct other_interface *one = util_append(&list, count, sizeof(*one));

		if (!one)
			return -ENOMEM;
		if (bpf_map_lookup_elem(fd, &ifindex, &flags) < 0)
			continue;
		*one = (struct other_interface){ .ifindex = ifindex, .flags = flags };
		count++;
	}
	*ret = TAKE_PTR(list);
	*ret_count = count;
	return 0;
}

struct learned_key6 {
	__be32 addr[4];
	__u8 family, proto;
	__u16 port;
};

struct learned6 {
	__u64 bound_ns;
	__u32 by, reserved;
};

static void take_learned(const struct learned_key6 *key, const struct learned6 *value,
			 struct bound_port *port)
{
	memset(port, 0, sizeof(*port));
	memcpy(port->key.addr, key->addr, sizeof(key->addr));
	port->key.family = key->family;
	port->key.proto = key->proto;
	port->key.port = key->port;
	port->value.bound_ns = value->bound_ns;
	port->value.by = value->by;
}

int layout6_read_learned(const struct kernel *kernel, struct bound_port **ret, size_t *ret_count)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, "learned");
	_cleanup_free_ struct bound_port *ports = NULL;
	struct learned_key6 key, *previous = NULL;
	struct learned6 value;
	size_t count = 0;

	if (fd < 0)
		return fd;
	for (; count < ENTRIES_MAX && bpf_map_get_next_key(fd, previous, &key) == 0;
	     previous = &key) {
		struct bound_port *port = util_append(&ports, count, sizeof(*port));

		if (!port)
			return -ENOMEM;
		if (bpf_map_lookup_elem(fd, &key, &value) < 0)
			continue;
		take_learned(&key, &value, port);
		count++;
	}
	*ret = TAKE_PTR(ports);
	*ret_count = count;
	return 0;
}

/* ---- counters ------------------------------------------------------------------------------- */

#define COUNTERS6 32768
#define FIRST6    64 /* ids below are the reasons' */
#define JOINT6    0x6a6f696eull

struct counter6 {
	__u64 packets, bytes;
};

struct counters6 {
	struct counter6 of[COUNTERS6];
};

struct owner6 {
	__u64 hash[2];
};

static void *map_array(const struct kernel *kernel, const char *name, size_t element,
		       size_t *ret_count)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, name);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	void *mapped;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.value_size != element)
		return NULL;
	*ret_count = info.max_entries;
	mapped = mmap(NULL, info.max_entries * element, PROT_READ, MAP_SHARED, fd, 0);
	return mapped == MAP_FAILED ? NULL : mapped;
}

static void add_counter(struct counter *to, const struct counter6 *more)
{
	to->packets += more->packets;
	to->bytes += more->bytes;
}

/* The sum over all CPUs. */
static struct counter sum_of(const struct counters6 *elements, size_t count, __u32 id)
{
	struct counter sum = {};

	for (size_t i = 0; i < count; i++)
		add_counter(&sum, &elements[i].of[id]);
	return sum;
}

static struct counter *read_totals(const struct kernel *kernel)
{
	struct counter *totals = calloc(COUNTERS6, sizeof(*totals));
	struct counters6 *elements;
	size_t count;

	elements = totals ? map_array(kernel, "counters", sizeof(*elements), &count) : NULL;
	if (!elements) {
		free(totals);
		return NULL;
	}
	for (__u32 id = 0; id < COUNTERS6; id++)
		totals[id] = sum_of(elements, count, id);
	munmap(elements, count * sizeof(*elements));
	return totals;
}

static bool is_joint(const struct owner6 *owner)
{
	return owner->hash[1] >> 32 == JOINT6 && (__u32)owner->hash[1] < FIRST6 &&
	       (__u32)owner->hash[0] < COUNTERS6 && owner->hash[0] >> 32 < COUNTERS6;
}

static bool is_neighbour(const struct owner6 *owner)
{
	return owner->hash[0] == ~0ull && owner->hash[1] == ~0ull;
}

/* A joint counter stands for a reason and, unless 0, for the ids of a port and of a rule. */
static void share_out(const struct owner6 *owners, struct counter *totals)
{
	for (__u32 id = FIRST6; id < COUNTERS6; id++) {
		const struct counter6 own = { totals[id].packets, totals[id].bytes };
		__u32 port = (__u32)owners[id].hash[0], rule = owners[id].hash[0] >> 32;

		if (!is_joint(&owners[id]))
			continue;
		add_counter(&totals[(__u32)owners[id].hash[1]], &own);
		if (port)
			add_counter(&totals[port], &own);
		if (rule)
			add_counter(&totals[rule], &own);
	}
}

static int list_owned(const struct owner6 *owners, const struct counter *totals,
		      struct carried_counters *ret)
{
	for (__u32 id = FIRST6; id < COUNTERS6; id++) {
		struct carried_counter *one;

		if (!(owners[id].hash[0] | owners[id].hash[1]) || is_joint(&owners[id]) ||
		    is_neighbour(&owners[id]))
			continue;
		one = util_append(&ret->list, ret->count, sizeof(*one));
		if (!one)
			return -ENOMEM;
		memcpy(&one->key, &owners[id], sizeof(one->key));
		one->is_wide = id + 1 < COUNTERS6 && is_neighbour(&owners[id + 1]);
		one->of[0] = totals[id];
		if (one->is_wide)
			one->of[1] = totals[id + 1];
		ret->count++;
	}
	return 0;
}

int layout6_read_counters(const struct kernel *kernel, struct carried_counters *ret)
{
	_cleanup_free_ struct counter *totals = read_totals(kernel);
	struct owner6 *owners;
	size_t count;
	int err;

	if (!totals)
		return kernel_fail(-EIO, "cannot read the older counters");
	owners = map_array(kernel, "counter_owners", sizeof(*owners), &count);
	if (!owners)
		return kernel_fail(-EIO, "cannot read the owners of the older counters");
	if (count == COUNTERS6)
		share_out(owners, totals);
	memcpy(ret->reasons, totals, sizeof(ret->reasons));
	err = count == COUNTERS6 ? list_owned(owners, totals, ret) : 0;
	munmap(owners, count * sizeof(*owners));
	return err;
}

/* ---- what the policy was made from ---------------------------------------------------------- */

struct header6 {
	__u32 magic, abi, size, flags;
	__u64 generation, deadline_ns, digest[2], built_at;
	__u32 ports_used, classes, slots_used, variants, ports, blocks, row_blocks, cells, rules;
	__u32 destinations, notes, notes_size;
};
_Static_assert(offsetof(struct header6, notes) == 96, "as layout 6 had it");

#define MAGIC6 0x65746167u
#define AUDIT6 1u

/* The map of the image in the slot. */
static int open_slot(const struct kernel *kernel, enum image_slot slot)
{
	static const char *const names[] = { "policy_small", "policy_medium", "policy_large" };
	__u32 key = slot, id;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, names[i]);

		if (fd < 0)
			return fd;
		if (bpf_map_lookup_elem(fd, &key, &id) == 0) {
			int image_fd = bpf_map_get_fd_by_id(id);

			return image_fd < 0 ? kernel_fail(-errno, "cannot open the older policy")
					    : image_fd;
		}
		if (errno != ENOENT)
			return kernel_fail(-errno, "cannot find the older policy");
	}
	return -ENOENT;
}

static int take_source(const struct header6 *header, size_t size, struct image_source *ret)
{
	if (size < sizeof(*header) || header->magic != MAGIC6 || header->abi != LAYOUT6 ||
	    header->notes > size || header->notes_size > size - header->notes)
		return kernel_fail(-EPROTO, "the older policy in the kernel is not an image");
	ret->notes = malloc(header->notes_size + 1);
	if (!ret->notes)
		return -ENOMEM;
	memcpy(ret->notes, (const char *)header + header->notes, header->notes_size);
	ret->notes_size = header->notes_size;
	ret->is_audit = header->flags & AUDIT6;
	ret->generation = header->generation;
	ret->deadline_ns = header->deadline_ns;
	return 0;
}

int layout6_read_source(const struct kernel *kernel, enum image_slot slot, struct image_source *ret)
{
	_cleanup_close_ int fd = open_slot(kernel, slot);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	void *mapped;
	int err;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return kernel_fail(-errno, "cannot get the size of the older policy");
	mapped = mmap(NULL, info.value_size, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return kernel_fail(-errno, "cannot read the older policy");
	err = take_source(mapped, info.value_size, ret);
	munmap(mapped, info.value_size);
	return err;
}
