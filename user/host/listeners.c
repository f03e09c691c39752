/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listeners.c: which ports this host's processes hold, by sock_diag.
 *
 * Docker binds a published port itself before the container runs (docker-proxy, or dockerd
 * without it), and the API may still call the container created.  Such a socket says
 * "published" and not "the host's own".  Only /proc tells who holds it, and with thousands of
 * docker-proxies it takes a second to say so; so it is asked for single sockets.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "host/netdev.h"
#include "host/diag.h"
#include "host/sockets.h"
#include "base/cleanup.h"
#include "base/order.h"

struct reading {
	struct netdev_found found;
	struct listener *array;
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

static int add(struct reading *reading, const struct listener *listener)
{
	struct listener *added = util_append(&reading->array, reading->found.count, sizeof(*added));

	if (!added)
		return MNL_CB_ERROR;
	reading->found.count++;
	*added = *listener;
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
	struct listener listener = { .proto = reading->proto }, twin;

	if (!diag)
		return MNL_CB_ERROR;
	listener.port = ntohs(diag->id.idiag_sport);
	listener.addr = any_or_address(diag);
	listener.inode = diag->idiag_inode;
	listener.cookie = (__u64)diag->id.idiag_cookie[1] << 32 | diag->id.idiag_cookie[0];
	if (!listener.port)
		return MNL_CB_OK;
	twin = listener;
	twin.addr.family = 4;
	if (listener.addr.family == 6 && !listener.addr.length && takes_ipv4(message) &&
	    add(reading, &twin) < 0)
		return MNL_CB_ERROR;
	return add(reading, &listener);
}

static int compare_listener(const void *a_, const void *b_)
{
	const struct listener *a = a_, *b = b_;

	return order_numbers(a->proto, b->proto) ?: order_numbers(a->port, b->port)
	       ?: prefix_compare(&a->addr, &b->addr);
}

static void reading_clear(struct reading *reading)
{
	free(reading->array);
}

static int read_sockets(struct reading *reading)
{
	int err;

	reading->proto = IPPROTO_TCP;
	err = netdev_diag(&reading->found, IPPROTO_TCP, 1u << TCP_LISTEN, each_socket);
	if (err)
		return err;
	/* A UDP socket that is bound and not connected is in the state called close. */
	reading->proto = IPPROTO_UDP;
	return netdev_diag(&reading->found, IPPROTO_UDP, 1u << TCP_CLOSE, each_socket);
}

int netdev_read_listeners(struct listener **ret, size_t *ret_count)
{
	_cleanup_(reading_clear) struct reading reading = { 0 };
	int err = read_sockets(&reading);

	if (err)
		return err;
	if (reading.found.count)
		qsort(reading.array, reading.found.count, sizeof(*reading.array), compare_listener);
	*ret = TAKE_PTR(reading.array);
	*ret_count = reading.found.count;
	return 0;
}

/* ---- holders ---------------------------------------------------------------------- */

/*
 * The sockets that were found to be Docker's, by cookie, ascending.  They are as long as they live,
 * whoever asks.  Of others nothing is remembered: where one of them is taken for the host's own, a
 * port may open, so that is found out each time.
 */
static struct {
	__u64 *cookies;
	size_t count;
} known;

static int compare_cookie(const void *a_, const void *b_)
{
	return order_numbers(*(const __u64 *)a_, *(const __u64 *)b_);
}

static bool is_known(__u64 cookie)
{
	return known.count &&
	       bsearch(&cookie, known.cookies, known.count, sizeof(cookie), compare_cookie);
}

/* Those of these listeners, in place of what was known. */
static int remember(const struct listener *listeners, size_t count)
{
	__u64 *cookies = calloc(count + 1, sizeof(*cookies));
	size_t kept = 0;

	if (!cookies)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (listeners[i].holder == HOLDER_DOCKER || is_known(listeners[i].cookie))
			cookies[kept++] = listeners[i].cookie;
	qsort(cookies, kept, sizeof(*cookies), compare_cookie);
	free(known.cookies);
	known.cookies = cookies;
	known.count = kept;
	return 0;
}

static size_t count_asked(const struct listener *listeners, size_t count)
{
	size_t asked = 0;

	for (size_t i = 0; i < count; i++)
		asked += listeners[i].holder == HOLDER_ASKED;
	return asked;
}

/* The cookies of all sockets that are there now, ascending. */
static int read_cookies(__u64 **ret, size_t *ret_count)
{
	_cleanup_(reading_clear) struct reading reading = { 0 };
	int err = read_sockets(&reading);
	__u64 *cookies = err ? NULL : calloc(reading.found.count + 1, sizeof(*cookies));

	if (!cookies)
		return err ?: -ENOMEM;
	for (size_t i = 0; i < reading.found.count; i++)
		cookies[i] = reading.array[i].cookie;
	qsort(cookies, reading.found.count, sizeof(*cookies), compare_cookie);
	*ret = cookies;
	*ret_count = reading.found.count;
	return 0;
}

/*
 * The processes are looked at behind the first dump and in front of the second.  A socket that both
 * have was there all the time, and is somebody else's if none of Docker's has it.  One that
 * was closed meanwhile, and taken for the host's own, would leave a port open.
 */
static int find(struct listener *listeners, size_t count)
{
	_cleanup_(sockets_clear) struct sockets docker = { 0 };
	_cleanup_free_ __u64 *cookies = NULL;
	size_t cookies_count;
	int err = sockets_add_docker(&docker) ?: read_cookies(&cookies, &cookies_count);

	for (size_t i = 0; i < count && !err; i++) {
		struct listener *listener = &listeners[i];

		if (listener->holder != HOLDER_ASKED)
			continue;
		listener->holder = HOLDER_DOCKER;
		if (!sockets_have(&docker, listener->inode) &&
		    bsearch(&listener->cookie, cookies, cookies_count, sizeof(*cookies),
			    compare_cookie))
			listener->holder = HOLDER_OTHER;
	}
	return err;
}

int netdev_find_holders(struct listener *listeners, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count; i++)
		if (listeners[i].holder == HOLDER_ASKED && is_known(listeners[i].cookie))
			listeners[i].holder = HOLDER_DOCKER;
	if (count_asked(listeners, count))
		err = find(listeners, count) ?: remember(listeners, count);
	return err;
}
