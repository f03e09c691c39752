/* SPDX-License-Identifier: GPL-2.0-only */
/* diag.c: one dump of sockets, by sock_diag.  See diag.h. */
#include "host/diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

int netdev_diag(struct netdev_dump *dump, const struct inet_diag_req_v2 *sockets)
{
	char buf[NETDEV_REQUEST_SIZE];

	dump->bus = NETLINK_SOCK_DIAG;
	dump->request = netdev_request(buf, SOCK_DIAG_BY_FAMILY, sockets, sizeof(*sockets));
	return netdev_dump(dump);
}

const struct inet_diag_msg *netdev_diag_socket(const struct nlmsghdr *message)
{
	if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    mnl_nlmsg_get_payload_len(message) >= sizeof(struct inet_diag_msg))
		return mnl_nlmsg_get_payload(message);
	errno = EBADMSG;
	return NULL;
}

static bool is_mapped(const struct prefix *addr)
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	return addr->family == 6 && memcmp(addr->addr, mapped, sizeof(mapped)) == 0;
}

struct prefix netdev_diag_address(const struct inet_diag_msg *socket, const __be32 *addr)
{
	struct prefix prefix = prefix_from_address(socket->idiag_family == AF_INET ? 4 : 6, addr);

	return is_mapped(&prefix) ? prefix_from_address(4, prefix.addr + 12) : prefix;
}
