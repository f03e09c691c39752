/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * connections.c: who is connected to this host, by sock_diag, and who of them is logged in
 * by SSH, by the processes that hold the sockets.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "host/netdev.h"
#include "host/diag.h"
#include "host/sockets.h"
#include "base/cleanup.h"

#define SSH_PORT 22

struct reading {
	struct netdev_found found;
	struct connection *array;
};

static int each_socket(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *diag = netdev_diag_socket(message);
	struct reading *reading = data;
	struct connection *added;

	if (!diag)
		return MNL_CB_ERROR;
	/* No process has accepted it yet. */
	if (!diag->idiag_inode)
		return MNL_CB_OK;
	added = util_append(&reading->array, reading->found.count, sizeof(*added));
	if (!added)
		return MNL_CB_ERROR;
	reading->found.count++;
	added->peer = netdev_diag_address(diag, diag->id.idiag_dst);
	added->local = netdev_diag_address(diag, diag->id.idiag_src);
	added->port = ntohs(diag->id.idiag_sport);
	added->inode = diag->idiag_inode;
	return MNL_CB_OK;
}

static void reading_clear(struct reading *reading)
{
	free(reading->array);
}

int netdev_read_connections(struct connection **ret, size_t *ret_count)
{
	_cleanup_(reading_clear) struct reading reading = { 0 };
	int err = netdev_diag(&reading.found, IPPROTO_TCP, 1u << TCP_ESTABLISHED, each_socket);

	if (err)
		return err;
	*ret_count = reading.found.count;
	*ret = TAKE_PTR(reading.array);
	return 0;
}

int netdev_keep_ssh(struct connection *connections, size_t *count)
{
	_cleanup_(sockets_clear) struct sockets sshd = { 0 }, logins = { 0 };
	size_t kept = 0;
	int err = *count ? sockets_add_sshd(&sshd) ?: sockets_add_logins(&logins) : 0;

	if (err < 0)
		return err;
	for (size_t i = 0; i < *count; i++) {
		unsigned long inode = connections[i].inode;

		if (sshd.count ? sockets_have(&sshd, inode) && sockets_have(&logins, inode)
			       : connections[i].port == SSH_PORT)
			connections[kept++] = connections[i];
	}
	*count = kept;
	return 0;
}
