/* SPDX-License-Identifier: GPL-2.0-only */
/* diag.h: the sockets of this host, by sock_diag.  Private to this folder. */
#ifndef TIDEGATE_NETDEV_DIAG_H
#define TIDEGATE_NETDEV_DIAG_H

#include <linux/inet_diag.h>

#include "host/dump.h"
#include "addr/prefix.h"

/* How many were found, and when the dump that runs began: the first member of what `each` gets. */
struct netdev_found {
	size_t count, before;
};

/* The sockets of both families, in these states (1u << TCP_LISTEN).  None when this kernel has no
 * diag module for the protocol.  0 or -errno. */
int netdev_diag(struct netdev_found *found, __u8 proto, __u32 states, mnl_cb_t each);

/* NULL, with errno, when the message is none about a socket. */
const struct inet_diag_msg *netdev_diag_socket(const struct nlmsghdr *message);

/* Of full length.  An IPv4 address that an IPv6 socket has is an IPv4 address. */
struct prefix netdev_diag_address(const struct inet_diag_msg *socket, const __be32 *addr);

#endif
