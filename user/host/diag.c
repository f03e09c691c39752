/* SPDX-License-Identifier: GPL-2.0-only */
/* diag.c: the sockets of this host, by sock_diag.  See diag.h. */
#include "host/diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static void forget_dump(void *data)
{
	struct netdev_found *found = data;

	found->count = found->before;
}

int netdev_diag(struct netdev_found *found, __u8 proto, __u32 states, mnl_cb_t each)
{
	static const __u8 families[] = { AF_INET, AF_INET6 };
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && !err; i++) {
		const struct inet_diag_req_v2 sockets = {
			.sdiag_family = families[i],
			.sdiag_protocol = proto,
			.idiag_states = states,
		};
		char buf[NETDEV_REQUEST_SIZE];
		const struct netdev_dump dump = {
			.bus = NETLINK_SOCK_DIAG,
			.request =
				netdev_request(buf, SOCK_DIAG_BY_FAMILY, &sockets, sizeof(sockets)),
			.each = each,
			.restart = forget_dump,
			.data = found,
		};

		found->before = found->count;
		err = netdev_dump(&dump);
	}
	return err == -ENOENT ? 0 : err;
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
