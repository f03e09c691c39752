/* SPDX-License-Identifier: GPL-2.0-only */
/* netdev_watch.c: word that interfaces or addresses changed.  What changed is read anew. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netdev.h"
#include "util.h"

int netdev_subscribe(int *ret_fd)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
					NETLINK_ROUTE);
	struct sockaddr_nl self = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* The messages are not looked at, so it does not matter that long ones are cut off. */
int netdev_drain(int fd)
{
	char buf[256];
	int changed = 0;

	for (;;) {
		if (recv(fd, buf, sizeof(buf), 0) >= 0 || errno == ENOBUFS)
			changed = 1;
		else if (errno == EAGAIN)
			return changed;
		else if (errno != EINTR)
			return -errno;
	}
}
