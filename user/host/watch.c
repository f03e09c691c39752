/* SPDX-License-Identifier: GPL-2.0-only */
/* watch.c: word that interfaces, addresses or default routes changed.  All is read anew
 * then. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "host/netdev.h"
#include "base/cleanup.h"

/*
 * Of routes only the default ones are told: where BGP runs, others change all the time.  The
 * filter reads a number as it is on the wire, and a message has its own in the host's order.
 */
static int leave_out_routes(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_dst_len)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0u),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

int netdev_subscribe(int *ret_fd)
{
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct sockaddr_nl self = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int err = fd < 0 ? -errno : leave_out_routes(fd);

	if (err < 0)
		return err;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
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
