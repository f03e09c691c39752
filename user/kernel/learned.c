/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * learned.c: the ports that bpf/bindwatch.bpf.c saw Docker bind, read and forgotten.  The
 * program may add one at any moment; what it added is never lost here.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/mman.h>

#include "kernel/private.h"
#include "base/cleanup.h"

struct list {
	struct bound_port *ports;
	size_t count;
};

static int read_hash(int fd, size_t limit, struct list *list)
{
	struct bound_key key, *previous = NULL;
	size_t read = 0;

	while (fd >= 0 && bpf_map_get_next_key(fd, previous, &key) == 0) {
		struct bound_port *port = util_append(&list->ports, list->count, sizeof(*port));

		if (!port)
			return -ENOMEM;
		port->key = key;
		list->count += bpf_map_lookup_elem(fd, &key, &port->value) == 0;
		previous = &key;
		/* Somebody deletes as we go and each time it starts over: enough is enough. */
		if (++read > 4 * limit)
			return kernel_fail(-EAGAIN, "cannot read the bound ports");
	}
	return 0;
}

int kernel_read_bound(struct kernel *kernel, struct bound_port **ret, size_t *ret_count)
{
	struct list list = {};
	int err = read_hash(kernel->bound_ports_fd, BOUND_EVERY_MAX, &list);

	if (err == 0)
		err = read_hash(kernel->bound_at_fd, LIMIT_BOUND, &list);
	if (err < 0) {
		free(list.ports);
		return err;
	}
	*ret = list.ports;
	*ret_count = list.count;
	return 0;
}

static int fd_of(const struct kernel *kernel, const struct bound_key *key)
{
	static const __be32 every[4];

	return memcmp(key->addr, every, sizeof(every)) == 0 ? kernel->bound_ports_fd
							    : kernel->bound_at_fd;
}

/* Bound again since it was read: put it back, unless the program did. */
static int forget(struct kernel *kernel, const struct bound_port *port, __u64 before_ns)
{
	int fd = fd_of(kernel, &port->key);
	struct bound_value value;

	if (bpf_map_lookup_and_delete_elem(fd, &port->key, &value) < 0)
		return errno == ENOENT ? 0 : kernel_fail(-errno, "cannot remove a bound port");
	if (value.bound_ns < before_ns)
		return 0;
	if (bpf_map_update_elem(fd, &port->key, &value, BPF_NOEXIST) < 0 && errno != EEXIST)
		return kernel_fail(-errno, "cannot put a bound port back");
	return 0;
}

static enum proto_index proto_index(__u8 proto)
{
	return proto == IPPROTO_UDP ? PROTO_UDP : PROTO_TCP;
}

/*
 * Makes the set that is not read anew from the hashes, then turns to it.  The program marks in
 * both, behind its entry in the hash: what we do not find there it marks after we cleared.
 */
static int renew_bits(struct kernel *kernel, struct bound_marks *ports)
{
	_cleanup_free_ struct bound_port *list = NULL;
	__u32 next = !ports->current;
	size_t count = 0;
	int err;

	memset(ports->bits[next], 0, sizeof(ports->bits[next]));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	err = kernel_read_bound(kernel, &list, &count);
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
		  __u64 before_ns)
{
	struct bound_marks *ports;
	int err = 0;

	for (size_t i = 0; err == 0 && i < count; i++)
		err = forget(kernel, &stale[i], before_ns);
	if (err < 0)
		return err;
	ports = mmap(NULL, sizeof(*ports), PROT_READ | PROT_WRITE, MAP_SHARED,
		     kernel->bound_marks_fd, 0);
	if (ports == MAP_FAILED)
		return kernel_fail(-errno, "cannot map the marks of the bound ports");
	err = renew_bits(kernel, ports);
	munmap(ports, sizeof(*ports));
	return err;
}

int kernel_carry_bound(struct kernel *kernel, const struct bound_port *ports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bpf_map_update_elem(fd_of(kernel, &ports[i].key), &ports[i].key,
					&ports[i].value, BPF_NOEXIST) < 0 &&
		    errno != EEXIST)
			return kernel_fail(-errno, "cannot carry over a bound port");
	/* Marks all that are in the hashes. */
	return kernel_forget(kernel, NULL, 0, 0);
}
