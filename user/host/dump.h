/* SPDX-License-Identifier: GPL-2.0-only */
/* dump.h: one netlink dump, whole or not at all.  Private to this folder. */
#ifndef TIDEGATE_NETDEV_DUMP_H
#define TIDEGATE_NETDEV_DUMP_H

#include <libmnl/libmnl.h>

struct netdev_dump {
	int bus;                     /* NETLINK_ROUTE, NETLINK_SOCK_DIAG */
	struct nlmsghdr *request;    /* NLM_F_REQUEST | NLM_F_DUMP */
	mnl_cb_t each;               /* MNL_CB_OK, or MNL_CB_ERROR with errno */
	void (*restart)(void *data); /* forget what an interrupted attempt delivered */
	void *data;
};

/* A request in `buf` for all that there is, with this header of its family; attributes may
 * follow. */
#define NETDEV_REQUEST_SIZE 128
struct nlmsghdr *netdev_request(char buf[static NETDEV_REQUEST_SIZE], __u16 type,
				const void *header, size_t size);

/* 0 or -errno; -EAGAIN when the tables did not hold still for several attempts. */
int netdev_dump(const struct netdev_dump *dump);

/* Adds to list->groups.  0 or -errno. */
struct netdev_list;
int netdev_read_groups(struct netdev_list *list);

#endif
