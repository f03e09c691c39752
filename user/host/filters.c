/* SPDX-License-Identifier: GPL-2.0-only */
/* filters.c: see netdev.h.  The kernel lists them in the order in which packets meet them. */
#include "host/netdev.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "host/dump.h"
#include "base/cleanup.h"

static void forget(void *data)
{
	memset(data, 0, sizeof(struct netdev_filter));
}

/* Each chain's own entry, before those of its filters, has no handle. */
static int each_filter(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *filter = mnl_nlmsg_get_payload(message);
	struct netdev_filter *first = data;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWTFILTER || first->handle || !filter->tcm_handle)
		return MNL_CB_OK;
	first->handle = filter->tcm_handle;
	first->priority = TC_H_MAJ(filter->tcm_info) >> 16;
	mnl_attr_for_each (attr, message, sizeof(*filter))
		if (mnl_attr_get_type(attr) == TCA_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_STRING) >= 0)
			snprintf(first->kind, sizeof(first->kind), "%.*s",
				 (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

int netdev_first_filter(int ifindex, struct netdev_filter *ret)
{
	const struct tcmsg ingress = { .tcm_ifindex = ifindex,
				       .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) };
	char buf[NETDEV_REQUEST_SIZE];
	struct netdev_dump dump = {
		.bus = NETLINK_ROUTE,
		.request = netdev_request(buf, RTM_GETTFILTER, &ingress, sizeof(ingress)),
		.each = each_filter,
		.restart = forget,
		.data = ret,
	};
	int err;

	memset(ret, 0, sizeof(*ret));
	err = netdev_dump(&dump);
	return err < 0 ? err : ret->handle != 0;
}
