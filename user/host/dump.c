/* SPDX-License-Identifier: GPL-2.0-only */
/* dump.c: one netlink dump, whole or not at all. */
#include "host/dump.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

/* The kernel fills up to 32 KiB at a time when the reader has room for it. */
#define BUFFER_SIZE 65536
#define ATTEMPTS    10

static void close_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

struct nlmsghdr *netdev_request(char buf[static NETDEV_REQUEST_SIZE], __u16 type,
				const void *header, size_t size)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = 1;
	memcpy(mnl_nlmsg_put_extra_header(request, size), header, size);
	return request;
}

static ssize_t receive(struct mnl_socket *nl, char *buf)
{
	ssize_t length;

	do
		length = mnl_socket_recvfrom(nl, buf, BUFFER_SIZE);
	while (length < 0 && errno == EINTR);
	return length;
}

static int dump_once(const struct netdev_dump *dump)
{
	_cleanup_(close_socket) struct mnl_socket *nl = NULL;
	_cleanup_free_ char *buf = malloc(BUFFER_SIZE);
	int state = MNL_CB_OK;

	if (!buf)
		return -ENOMEM;
	nl = mnl_socket_open2(dump->bus, SOCK_CLOEXEC);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, dump->request, dump->request->nlmsg_len) < 0)
		return -errno;
	while (state > MNL_CB_STOP) {
		ssize_t length = receive(nl, buf);

		if (length < 0)
			return -errno;
		state = mnl_cb_run(buf, length, dump->request->nlmsg_seq, mnl_socket_get_portid(nl),
				   dump->each, dump->data);
		if (state < 0)
			return -errno;
	}
	return 0;
}

/*
 * -EINTR is how libmnl says NLM_F_DUMP_INTR: the table changed while it was read, and an
 * entry may be missing.  A missing address or NIC would be a hole, so read again.
 */
int netdev_dump(const struct netdev_dump *dump)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	int err;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		err = dump_once(dump);
		if (err != -EINTR)
			return err;
		dump->restart(dump->data);
		nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
	}
	return -EAGAIN;
}
