/* SPDX-License-Identifier: GPL-2.0-only */
/* diag.h: one dump of sockets, by sock_diag.  Private to this folder. */
#ifndef TIDEGATE_NETDEV_DIAG_H
#define TIDEGATE_NETDEV_DIAG_H

#include <linux/inet_diag.h>

#include "host/dump.h"
#include "addr/prefix.h"

/* The dump says what to do with each; bus and request are filled in here.  0 or -errno; -ENOENT
 * when this kernel has no diag module for the protocol. */
int netdev_diag(struct netdev_dump *dump, const struct inet_diag_req_v2 *sockets);

/* NULL, with errno, when the message is none about a socket. */
const struct inet_diag_msg *netdev_diag_socket(const struct nlmsghdr *message);

/* Of full length.  An IPv4 address that an IPv6 socket has is an IPv4 address. */
struct prefix netdev_diag_address(const struct inet_diag_msg *socket, const __be32 *addr);

#endif
