/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bound.c: the ports that bpf/bindwatch.bpf.c saw Docker bind, read and forgotten.  The
 * program may add one at any moment; what it added is not lost here, but see forget().
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kernel/private.h"
#include "addr/prefix.h"
#include "base/cleanup.h"

struct list {
	struct bound_port *ports;
	size_t count;
};

/* As many as a system call gives. */
#define BATCH 1024

struct batch {
	struct bound_key keys[BATCH];
	struct bound_value values[BATCH];
};

static int add_batch(struct list *list, const struct batch *batch, __u32 count)
{
	for (__u32 i = 0; i < count; i++) {
		struct bound_port *port = util_append(&list->ports, list->count, sizeof(*port));

		if (!port)
			return -ENOMEM;
		*port = (struct bound_port){ batch->keys[i], batch->values[i] };
		list->count++;
	}
	return 0;
}

/* By its buckets, whole ones: what is there all the time is read, whatever comes and goes. */
static int read_hash(int fd, struct list *list, struct error *error)
{
	_cleanup_free_ struct batch *batch = malloc(sizeof(*batch));
	__u32 next = 0, count;
	bool is_last = fd < 0;
	int err = batch ? 0 : -ENOMEM;

	for (bool is_first = true; !err && !is_last; is_first = false) {
		count = BATCH;
		is_last = bpf_map_lookup_batch(fd, is_first ? NULL : &next, &next, batch->keys,
					       batch->values, &count, NULL) < 0;
		if (is_last && errno != ENOENT)
			return error_set_errno(error, -errno, "cannot read the bound ports");
		err = add_batch(list, batch, count);
	}
	return err;
}

int kernel_read_bound(struct kernel *kernel, struct bound_port **ret, size_t *ret_count,
		      struct error *error)
{
	struct list list = {};
	int err = read_hash(kernel->bound_ports_fd, &list, error);

	if (err == 0)
		err = read_hash(kernel->bound_at_fd, &list, error);
	if (err < 0) {
		free(list.ports);
		return err;
	}
	*ret = list.ports;
	*ret_count = list.count;
	return 0;
}

static bool is_bound(const struct bound_port *bound, const struct prefix *daddr)
{
	static const __be32 every[4];

	return bound->key.family == daddr->family && bound->value.by != BOUND_PENDING &&
	       (memcmp(bound->key.addr, every, sizeof(every)) == 0 ||
		memcmp(bound->key.addr, daddr->addr, daddr->family == 4 ? 4 : 16) == 0);
}

bool kernel_is_bound(const struct bound_port *ports, size_t count, const struct prefix *daddr,
		     __u8 proto, __u16 dport)
{
	for (size_t i = 0; i < count; i++)
		if (ports[i].key.proto == proto && ports[i].key.port == dport &&
		    is_bound(&ports[i], daddr))
			return true;
	return false;
}

static int fd_of(const struct kernel *kernel, const struct bound_key *key)
{
	static const __be32 every[4];

	return memcmp(key->addr, every, sizeof(every)) == 0 ? kernel->bound_ports_fd
							    : kernel->bound_at_fd;
}

static bool is_bound_since(int fd, const struct bound_key *key, __u64 since_ns)
{
	struct bound_value value;

	return bpf_map_lookup_elem(fd, key, &value) == 0 && value.bound_ns >= since_ns;
}

/*
 * No call deletes only what has not changed.  One that is bound again between the two calls, within
 * a microsecond, is put back, unless the program did: for another microsecond it is missing,
 * and of what comes in by an interface then the policy alone decides.
 */
static int forget(struct kernel *kernel, const struct bound_port *port, __u64 before_ns,
		  struct error *error)
{
	int fd = fd_of(kernel, &port->key);
	struct bound_value value;

	if (is_bound_since(fd, &port->key, before_ns))
		return 0;
	if (bpf_map_lookup_and_delete_elem(fd, &port->key, &value) < 0)
		return errno == ENOENT
			       ? 0
			       : error_set_errno(error, -errno, "cannot remove a bound port");
	if (value.bound_ns < before_ns)
		return 0;
	if (bpf_map_update_elem(fd, &port->key, &value, BPF_NOEXIST) < 0 && errno != EEXIST)
		return error_set_errno(error, -errno, "cannot put a bound port back");
	return 0;
}

/* Every packet that was under way is through: the command is synchronize_rcu() in the kernel. */
static void wait_for_packets(void)
{
	(void)syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static enum proto_index proto_index(__u8 proto)
{
	return proto == IPPROTO_UDP ? PROTO_UDP : PROTO_TCP;
}

/*
 * Makes the set that is not read anew from the hashes, then turns to it.  The program marks in
 * both, behind its entry in the hash: what we do not find there it marks after we cleared.
 */
static int renew_bits(struct kernel *kernel, struct bound_marks *ports, struct error *error)
{
	_cleanup_free_ struct bound_port *list = NULL;
	__u32 next = !ports->current;
	size_t count = 0;
	int err;

	/* Some may read this set yet, from before it was turned away from. */
	wait_for_packets();
	memset(ports->bits[next], 0, sizeof(ports->bits[next]));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	err = kernel_read_bound(kernel, &list, &count, error);
	if (err < 0)
		return err;
	for (size_t i = 0; i < count; i++) {
		const struct bound_key *key = &list[i].key;

		__atomic_fetch_or(
			&ports->bits[next][BOUND_WORD(proto_index(key->proto), key->port)],
			BOUND_BIT(key->port), __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&ports->current, next, __ATOMIC_SEQ_CST);
	return 0;
}

int kernel_forget(struct kernel *kernel, const struct bound_port *stale, size_t count,
		  __u64 before_ns, struct error *error)
{
	struct bound_marks *ports;
	int err = 0;

	for (size_t i = 0; err == 0 && i < count; i++)
		err = forget(kernel, &stale[i], before_ns, error);
	if (err < 0)
		return err;
	ports = mmap(NULL, sizeof(*ports), PROT_READ | PROT_WRITE, MAP_SHARED,
		     kernel->bound_marks_fd, 0);
	if (ports == MAP_FAILED)
		return error_set_errno(error, -errno, "cannot map the marks of the bound ports");
	err = renew_bits(kernel, ports, error);
	munmap(ports, sizeof(*ports));
	return err;
}

int kernel_carry_bound(struct kernel *kernel, const struct bound_port *ports, size_t count,
		       struct error *error)
{
	for (size_t i = 0; i < count; i++)
		if (bpf_map_update_elem(fd_of(kernel, &ports[i].key), &ports[i].key,
					&ports[i].value, BPF_NOEXIST) < 0 &&
		    errno != EEXIST)
			return error_set_errno(error, -errno, "cannot carry over a bound port");
	/* Marks all that are in the hashes. */
	return kernel_forget(kernel, NULL, 0, 0, error);
}
