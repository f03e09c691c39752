/* SPDX-License-Identifier: GPL-2.0-only */
/* routes.h: which interfaces carry a default route.  For netdev.c. */
#ifndef TIDEGATE_NETDEV_ROUTES_H
#define TIDEGATE_NETDEV_ROUTES_H

#include "host/netdev.h"

/* Sets has_default_route where one of any routing table, of IPv4 or IPv6, leads out by the
 * device.  0 or -errno. */
int netdev_read_default_routes(struct netdev_list *list);

#endif
