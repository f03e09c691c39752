/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * routes.c: default routes by rtnetlink.  The kernel has no request for these alone, so all
 * tables are dumped; the caller asks only where the answer matters.
 */
#include "host/routes.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "host/dump.h"
#include "base/cleanup.h"

static void mark(struct netdev_list *list, int ifindex)
{
	for (size_t i = 0; i < list->devices_count; i++)
		if (list->devices[i].ifindex == ifindex)
			list->devices[i].has_default_route = true;
}

/* Several ways out, which share the load. */
static void mark_each(struct netdev_list *list, const struct nlattr *attr)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	while (left >= (int)sizeof(*hop) && RTNH_OK(hop, left)) {
		mark(list, hop->rtnh_ifindex);
		left -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

/* Unicast: IPv6 has an `unreachable default` of its own. */
static bool is_default(const struct rtmsg *route)
{
	return (route->rtm_family == AF_INET || route->rtm_family == AF_INET6) &&
	       route->rtm_dst_len == 0 && route->rtm_type == RTN_UNICAST;
}

static int each_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*route)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (!is_default(route))
		return MNL_CB_OK;
	mnl_attr_for_each (attr, message, sizeof(*route)) {
		if (mnl_attr_get_type(attr) == RTA_OIF &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			mark(data, mnl_attr_get_u32(attr));
		else if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
			mark_each(data, attr);
	}
	return MNL_CB_OK;
}

static void forget_routes(void *data)
{
	struct netdev_list *list = data;

	for (size_t i = 0; i < list->devices_count; i++)
		list->devices[i].has_default_route = false;
}

int netdev_read_default_routes(struct netdev_list *list)
{
	const struct rtmsg every = { .rtm_family = AF_UNSPEC };
	char buf[NETDEV_REQUEST_SIZE];
	struct netdev_dump dump = {
		.bus = NETLINK_ROUTE,
		.request = netdev_request(buf, RTM_GETROUTE, &every, sizeof(every)),
		.each = each_route,
		.restart = forget_routes,
		.data = list,
	};

	return netdev_dump(&dump);
}
