/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * holders.h: whose the listening sockets are: Docker's, or another process's of this host.  To
 * search all processes for it is dear (host/netdev.h), so the ports that Docker was seen to
 * bind are asked first, by the cookies of their sockets.
 */
#ifndef TIDEGATE_HOLDERS_H
#define TIDEGATE_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/netdev.h"

struct inventory;
struct bound_port;

/* The listeners of one protocol and port, of those that netdev_read_listeners() returned. */
struct listener *holders_at(struct listener *listeners, size_t count, __u8 proto,
			    unsigned short port, size_t *ret_count);

/*
 * Asks about the ports that a container wants that does not run: what another process of this host
 * has, Docker will not get, and it is not closed.  Whether there are any.
 */
bool holders_ask_wanted(const struct inventory *inventory, struct listener *listeners,
			size_t count);

/* Answers what is asked.  0 or -errno. */
int holders_find(struct listener *listeners, size_t count, const struct bound_port *ports,
		 size_t ports_count);

#endif
