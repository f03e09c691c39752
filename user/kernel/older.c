/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * older.c: layouts 6 and 7 as they were at their last commits (a4f6803, b7ea1df).  The numbers and
 * structs here never change again, whatever becomes of those that have the same names in include/.
 * Where layout 7 only added to a value, the reader of it reads both.
 */
#include "kernel/older.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#define MAPS "maps"

/* ---- state ------------------------------------------------------------------------------ */

struct state7 {
	__u32 abi, is_followed;
	__u64 generation, reconciled_at, docker_seen_at, refused[2];
	char docker_error[200], config_error[200];
	/* Layout 6 ends here. */
	__u64 unconfirmed_ns;
	__u32 hook, reserved;
	char refused_why[200];
	__u64 pins;
};
_Static_assert(offsetof(struct state7, unconfirmed_ns) == 448, "as layout 6 had it");
_Static_assert(sizeof(struct state7) == 672, "as layout 7 had it");

static int lookup(const struct kernel *kernel, const char *name, __u32 key, void *value,
		  struct error *error)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, name, error);

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &key, value) < 0)
		return error_set_errno(error, -errno, "cannot read the older map '%s'", name);
	return 0;
}

int older_read_state(const struct kernel *kernel, struct state *ret, struct error *error)
{
	struct state7 old = {};
	int err = lookup(kernel, "state", 0, &old, error);

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
	ret->unconfirmed_ns = old.unconfirmed_ns;
	ret->hook = old.hook;
	snprintf(ret->refused_why, sizeof(ret->refused_why), "%.199s", old.refused_why);
	return 0;
}

/* ---- interfaces and bound ports ------------------------------------------------------------- */

/* Somebody may delete as we go, and each time it starts over: enough is enough. */
#define ENTRIES_MAX (4 * 65536)

struct interface7 {
	__u32 flags;
	__u32 noted_s; /* not in layout 6 */
};

int older_read_interfaces(const struct kernel *kernel, struct carried_interface **ret,
			  size_t *ret_count, struct error *error)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, "interfaces", error);
	_cleanup_free_ struct carried_interface *list = NULL;
	__u32 ifindex, *previous = NULL;
	size_t count = 0;

	if (fd < 0)
		return fd;
	for (; count < ENTRIES_MAX && bpf_map_get_next_key(fd, previous, &ifindex) == 0;
	     previous = &ifindex) {
		struct carried_interface *one = util_append(&list, count, sizeof(*one));
		struct interface7 old = {};

		if (!one)
			return -ENOMEM;
		if (bpf_map_lookup_elem(fd, &ifindex, &old) < 0)
			continue;
		one->ifindex = ifindex;
		one->value = (struct interface){ .flags = old.flags, .noted_s = old.noted_s };
		count++;
	}
	*ret = TAKE_PTR(list);
	*ret_count = count;
	return 0;
}

struct learned_key7 {
	__be32 addr[4];
	__u8 family, proto;
	__u16 port;
};

struct learned7 {
	__u64 bound_ns;
	__u32 by, flags; /* no flags in layout 6 */
};

static void take_learned(const struct learned_key7 *key, const struct learned7 *value,
			 struct bound_port *port)
{
	memset(port, 0, sizeof(*port));
	memcpy(port->key.addr, key->addr, sizeof(key->addr));
	port->key.family = key->family;
	port->key.proto = key->proto;
	port->key.port = key->port;
	port->value.bound_ns = value->bound_ns;
	port->value.by = value->by;
	port->value.flags = value->flags;
}

/* Adds what the hash has to the list. */
static int read_learned(const struct kernel *kernel, const char *name, struct bound_port **list,
			size_t *count, struct error *error)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, name, error);
	struct learned_key7 key, *previous = NULL;
	struct learned7 value;

	if (fd < 0)
		return fd;
	for (size_t read = 0; read < ENTRIES_MAX && bpf_map_get_next_key(fd, previous, &key) == 0;
	     previous = &key, read++) {
		struct bound_port *port = util_append(list, *count, sizeof(*port));

		if (!port)
			return -ENOMEM;
		if (bpf_map_lookup_elem(fd, &key, &value) < 0)
			continue;
		take_learned(&key, &value, port);
		++*count;
	}
	return 0;
}

int older_read_bound(const struct kernel *kernel, struct bound_port **ret, size_t *ret_count,
		     struct error *error)
{
	_cleanup_free_ struct bound_port *ports = NULL;
	size_t count = 0;
	int err = read_learned(kernel, "learned", &ports, &count, error);

	/* In layout 6 one hash has them all. */
	if (err == 0 && kernel->older_layout > 6)
		err = read_learned(kernel, "learned_at", &ports, &count, error);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(ports);
	*ret_count = count;
	return 0;
}

/* ---- counters ------------------------------------------------------------------------------- */

#define FIRST6 64 /* ids below are the reasons' */
#define JOINT6 0x6a6f696eull

static __u32 counters_of(const struct kernel *kernel)
{
	return kernel->older_layout == 6 ? 32768 : 65536;
}

struct counter6 {
	__u64 packets, bytes;
};

struct owner6 {
	__u64 hash[2];
};

static void *map_array(const struct kernel *kernel, const char *name, size_t element,
		       size_t *ret_count, struct error *error)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, name, error);
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

/* Each element has one counter for each id; the sum over all CPUs is what was counted. */
static struct counter *read_totals(const struct kernel *kernel, __u32 counters, struct error *error)
{
	size_t element = counters * sizeof(struct counter6), count;
	struct counter *totals = calloc(counters, sizeof(*totals));
	const struct counter6 *elements;

	elements = totals ? map_array(kernel, "counters", element, &count, error) : NULL;
	if (!elements) {
		free(totals);
		return NULL;
	}
	for (size_t i = 0; i < count * counters; i++)
		add_counter(&totals[i % counters], &elements[i]);
	munmap((void *)elements, count * element);
	return totals;
}

static bool is_joint(const struct owner6 *owner, __u32 counters)
{
	return owner->hash[1] >> 32 == JOINT6 && (__u32)owner->hash[1] < FIRST6 &&
	       (__u32)owner->hash[0] < counters && owner->hash[0] >> 32 < counters;
}

static bool is_neighbour(const struct owner6 *owner)
{
	return owner->hash[0] == ~0ull && owner->hash[1] == ~0ull;
}

/* A joint counter stands for a reason and, unless 0, for the ids of a port and of a rule. */
static void share_out(const struct owner6 *owners, __u32 counters, struct counter *totals)
{
	for (__u32 id = FIRST6; id < counters; id++) {
		const struct counter6 own = { totals[id].packets, totals[id].bytes };
		__u32 port = (__u32)owners[id].hash[0], rule = owners[id].hash[0] >> 32;

		if (!is_joint(&owners[id], counters))
			continue;
		add_counter(&totals[(__u32)owners[id].hash[1]], &own);
		if (port)
			add_counter(&totals[port], &own);
		if (rule)
			add_counter(&totals[rule], &own);
	}
}

static int list_owned(const struct owner6 *owners, __u32 counters, const struct counter *totals,
		      struct carried_counters *ret)
{
	for (__u32 id = FIRST6; id < counters; id++) {
		struct carried_counter *one;

		if (!(owners[id].hash[0] | owners[id].hash[1]) || is_joint(&owners[id], counters) ||
		    is_neighbour(&owners[id]))
			continue;
		one = util_append(&ret->list, ret->count, sizeof(*one));
		if (!one)
			return -ENOMEM;
		memcpy(&one->key, &owners[id], sizeof(one->key));
		one->is_wide = id + 1 < counters && is_neighbour(&owners[id + 1]);
		one->of[0] = totals[id];
		if (one->is_wide)
			one->of[1] = totals[id + 1];
		ret->count++;
	}
	return 0;
}

int older_read_counters(const struct kernel *kernel, struct carried_counters *ret,
			struct error *error)
{
	__u32 counters = counters_of(kernel);
	_cleanup_free_ struct counter *totals = read_totals(kernel, counters, error);
	struct owner6 *owners;
	size_t count;
	int err;

	if (!totals)
		return error_set_errno(error, -EIO, "cannot read the older counters");
	owners = map_array(kernel, "counter_owners", sizeof(*owners), &count, error);
	if (!owners)
		return error_set_errno(error, -EIO, "cannot read the owners of the older counters");
	if (count == counters)
		share_out(owners, counters, totals);
	memcpy(ret->reasons, totals, sizeof(ret->reasons));
	err = count == counters ? list_owned(owners, counters, totals, ret) : 0;
	munmap(owners, count * sizeof(*owners));
	return err;
}

/* ---- what the policy was made from ---------------------------------------------------------- */

struct header6 {
	__u32 magic, abi, size, flags;
	__u64 generation, deadline_ns, digest[2], built_at;
	__u32 ports_used, classes, slots_used, variants, ports, blocks, row_blocks, cells, rules;
	__u32 destinations, snapshot, snapshot_size;
};
_Static_assert(offsetof(struct header6, snapshot) == 96, "as layouts 6 and 7 had it");

#define MAGIC6 0x65746167u
#define AUDIT6 1u

/* The map of the image in the slot. */
static int open_slot(const struct kernel *kernel, enum image_slot slot, struct error *error)
{
	static const char *const names[] = { "policy_small", "policy_medium", "policy_large" };
	__u32 key = slot, id;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, MAPS, names[i], error);

		if (fd < 0)
			return fd;
		if (bpf_map_lookup_elem(fd, &key, &id) == 0) {
			int image_fd = bpf_map_get_fd_by_id(id);

			return image_fd < 0 ? error_set_errno(error, -errno,
							      "cannot open the older policy")
					    : image_fd;
		}
		if (errno != ENOENT)
			return error_set_errno(error, -errno, "cannot find the older policy");
	}
	return -ENOENT;
}

static int take_source(const struct header6 *header, __u32 layout, size_t size,
		       struct image_source *ret, struct error *error)
{
	if (size < sizeof(*header) || header->magic != MAGIC6 || header->abi != layout ||
	    header->snapshot > size || header->snapshot_size > size - header->snapshot)
		return error_set(error, -EPROTO, "the older policy in the kernel is not an image");
	ret->snapshot = malloc(header->snapshot_size + 1);
	if (!ret->snapshot)
		return -ENOMEM;
	memcpy(ret->snapshot, (const char *)header + header->snapshot, header->snapshot_size);
	ret->snapshot_size = header->snapshot_size;
	ret->is_audit = header->flags & AUDIT6;
	ret->generation = header->generation;
	ret->deadline_ns = header->deadline_ns;
	return 0;
}

int older_read_source(const struct kernel *kernel, enum image_slot slot, struct image_source *ret,
		      struct error *error)
{
	_cleanup_close_ int fd = open_slot(kernel, slot, error);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	void *mapped;
	int err;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return error_set_errno(error, -errno, "cannot get the size of the older policy");
	mapped = mmap(NULL, info.value_size, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return error_set_errno(error, -errno, "cannot read the older policy");
	err = take_source(mapped, kernel->older_layout, info.value_size, ret, error);
	munmap(mapped, info.value_size);
	return err;
}
