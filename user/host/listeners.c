/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listeners.c: which ports this host's processes hold, by sock_diag.
 *
 * Docker binds a published port itself before the container runs (docker-proxy, or dockerd
 * without it), and the API may still call the container created.  Such a socket says
 * "published" and not "the host's own", so /proc is asked who holds it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "host/netdev.h"
#include "host/diag.h"
#include "host/sockets.h"
#include "base/cleanup.h"

struct held {
	struct listener listener;
	unsigned long inode;
};

struct reading {
	struct held *array;
	size_t count;
	size_t before; /* the dump that runs began here */
	__u8 proto;
};

/* "Every address" has no length. */
static struct prefix any_or_address(const struct inet_diag_msg *diag)
{
	static const __u8 zero[16];
	struct prefix prefix = netdev_diag_address(diag, diag->id.idiag_src);

	if (memcmp(prefix.addr, zero, sizeof(zero)) == 0)
		prefix.length = 0;
	return prefix;
}

static int add_held(struct reading *reading, const struct held *held)
{
	struct held *added = util_append(&reading->array, reading->count, sizeof(*added));

	if (!added)
		return MNL_CB_ERROR;
	reading->count++;
	*added = *held;
	return MNL_CB_OK;
}

/* Without the attribute (it is older than every kernel we load on) assume that it may. */
static bool takes_ipv4(const struct nlmsghdr *message)
{
	const struct nlattr *attr;

	mnl_attr_for_each (attr, message, sizeof(struct inet_diag_msg))
		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY &&
		    mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
			return !mnl_attr_get_u8(attr);
	return true;
}

static int each_socket(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *diag = netdev_diag_socket(message);
	struct reading *reading = data;
	struct held held = { 0 }, twin;

	if (!diag)
		return MNL_CB_ERROR;
	held.inode = diag->idiag_inode;
	held.listener.proto = reading->proto;
	held.listener.port = ntohs(diag->id.idiag_sport);
	held.listener.addr = any_or_address(diag);
	if (!held.listener.port)
		return MNL_CB_OK;
	twin = held;
	twin.listener.addr.family = 4;
	if (held.listener.addr.family == 6 && !held.listener.addr.length && takes_ipv4(message) &&
	    add_held(reading, &twin) < 0)
		return MNL_CB_ERROR;
	return add_held(reading, &held);
}

static void forget_dump(void *data)
{
	struct reading *reading = data;

	reading->count = reading->before;
}

static int read_family(struct reading *reading, int family)
{
	struct netdev_dump dump = {
		.each = each_socket,
		.restart = forget_dump,
		.data = reading,
	};
	struct inet_diag_req_v2 sockets = {
		.sdiag_family = family,
		.sdiag_protocol = reading->proto,
		/* A UDP socket that is bound and not connected is in the state called close. */
		.idiag_states = 1u << (reading->proto == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE),
	};
	int err;

	reading->before = reading->count;
	err = netdev_diag(&dump, &sockets);
	/* No diag module for it: then nothing is known, and every port is armed. */
	return err == -ENOENT ? 0 : err;
}

static int compare_listener(const void *a_, const void *b_)
{
	const struct listener *a = a_, *b = b_;

	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return prefix_compare(&a->addr, &b->addr) ?: a->is_docker - b->is_docker;
}

/* SO_REUSEPORT gives duplicates.  Where one of them is the host's own, that one counts. */
static int sort(const struct reading *reading, struct listener **ret, size_t *ret_count)
{
	struct listener *sorted = calloc(reading->count ?: 1, sizeof(*sorted));
	size_t kept = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < reading->count; i++)
		sorted[i] = reading->array[i].listener;
	qsort(sorted, reading->count, sizeof(*sorted), compare_listener);
	for (size_t i = 0; i < reading->count; i++) {
		const struct listener *last = kept ? &sorted[kept - 1] : NULL;

		if (last && last->proto == sorted[i].proto && last->port == sorted[i].port &&
		    prefix_equal(&last->addr, &sorted[i].addr))
			continue;
		sorted[kept++] = sorted[i];
	}
	*ret = sorted;
	*ret_count = kept;
	return 0;
}

static void reading_clear(struct reading *reading)
{
	free(reading->array);
}

/*
 * Docker's sockets are listed before and behind the dump.  One that only one of the two
 * saw was opened or closed meanwhile; taken for the host's own, it would leave a port open.
 */
int netdev_read_listeners(struct listener **ret, size_t *ret_count)
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	_cleanup_(sockets_clear) struct sockets docker = { 0 };
	_cleanup_(reading_clear) struct reading reading = { 0 };
	int err = sockets_add_docker(&docker);

	for (size_t i = 0; i < ARRAY_SIZE(protos) && !err; i++) {
		reading.proto = protos[i];
		err = read_family(&reading, AF_INET) ?: read_family(&reading, AF_INET6);
	}
	err = err ?: sockets_add_docker(&docker);
	if (err)
		return err;
	for (size_t i = 0; i < reading.count; i++)
		reading.array[i].listener.is_docker = sockets_have(&docker, reading.array[i].inode);
	return sort(&reading, ret, ret_count);
}
