/* SPDX-License-Identifier: GPL-2.0-only */
/* netdev.c: interfaces and addresses by rtnetlink, and word of changes.  See netdev.h. */
#include "host/netdev.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "host/dump.h"
#include "host/routes.h"
#include "base/cleanup.h"
#include "base/order.h"

/* ---- devices ------------------------------------------------------------------- */

static void read_kind(const struct nlattr *info, struct netdev *device)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested (attr, info)
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_STRING) >= 0)
			snprintf(device->kind, sizeof(device->kind), "%.*s",
				 (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
}

static int number(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : (int)mnl_attr_get_u32(attr);
}

static void read_link(const struct nlmsghdr *message, struct netdev *device)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	device->ifindex = info->ifi_index;
	device->type = info->ifi_type;
	device->is_up = info->ifi_flags & IFF_UP;
	mnl_attr_for_each (attr, message, sizeof(*info)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(device->name, sizeof(device->name), "%.*s",
				 (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
			break;
		case IFLA_MASTER:
			device->master = number(attr);
			break;
		case IFLA_LINK:
			device->link = number(attr);
			break;
		case IFLA_LINK_NETNSID:
			device->is_link_elsewhere = true;
			break;
		case IFLA_LINKINFO:
			read_kind(attr, device);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attr) == sizeof(device->mac))
				memcpy(device->mac, mnl_attr_get_payload(attr),
				       sizeof(device->mac));
			break;
		}
	}
	/* The number is another namespace's then, and may be somebody else's here. */
	if (device->is_link_elsewhere || device->link == device->ifindex)
		device->link = 0;
}

static int each_link(const struct nlmsghdr *message, void *data)
{
	struct netdev_list *list = data;
	struct netdev *device;

	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	device = util_append(&list->devices, list->devices_count, sizeof(*device));
	if (!device)
		return MNL_CB_ERROR;
	list->devices_count++;
	read_link(message, device);
	return MNL_CB_OK;
}

static void forget_links(void *data)
{
	struct netdev_list *list = data;

	list->devices_count = 0;
}

static int compare_device(const void *a_, const void *b_)
{
	const struct netdev *a = a_, *b = b_;

	return order_numbers(a->ifindex, b->ifindex);
}

static int read_devices(struct netdev_list *list)
{
	const struct ifinfomsg every = { .ifi_family = AF_UNSPEC };
	char buf[NETDEV_REQUEST_SIZE];
	struct nlmsghdr *request = netdev_request(buf, RTM_GETLINK, &every, sizeof(every));
	struct netdev_dump dump = {
		.bus = NETLINK_ROUTE,
		.request = request,
		.each = each_link,
		.restart = forget_links,
		.data = list,
	};
	int err;

	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	err = netdev_dump(&dump);
	if (!err && list->devices_count)
		qsort(list->devices, list->devices_count, sizeof(*list->devices), compare_device);
	return err;
}

/* ---- addresses ----------------------------------------------------------------- */

static bool is_loopback(const struct prefix *addr)
{
	static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;

	return addr->family == 4 ? addr->addr[0] == 127
				 : memcmp(addr->addr, &loopback6, sizeof(loopback6)) == 0;
}

static int add_address(struct netdev_list *list, const struct prefix *addr)
{
	struct prefix *added;

	if (is_loopback(addr))
		return MNL_CB_OK;
	added = util_append(&list->addresses, list->addresses_count, sizeof(*added));
	if (!added)
		return MNL_CB_ERROR;
	list->addresses_count++;
	*added = *addr;
	return MNL_CB_OK;
}

static int add_broadcast(struct netdev_list *list, const void *addr)
{
	struct prefix *added = util_append(&list->groups, list->groups_count, sizeof(*added));

	if (!added)
		return MNL_CB_ERROR;
	list->groups_count++;
	*added = prefix_from_address(4, addr);
	return MNL_CB_OK;
}

/* On a point-to-point link IFA_ADDRESS is the peer; IFA_LOCAL, if there is one, is ours. */
static int each_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *local = NULL, *address = NULL, *broadcast = NULL;
	struct prefix addr;
	size_t size;

	if (message->nlmsg_type != RTM_NEWADDR)
		return MNL_CB_OK;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return MNL_CB_OK;
	mnl_attr_for_each (attr, message, sizeof(*info)) {
		if (mnl_attr_get_type(attr) == IFA_LOCAL)
			local = attr;
		else if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			address = attr;
		else if (mnl_attr_get_type(attr) == IFA_BROADCAST)
			broadcast = attr;
	}
	attr = local ?: address;
	size = info->ifa_family == AF_INET ? 4 : 16;
	if (!attr || mnl_attr_get_payload_len(attr) != size)
		return MNL_CB_OK;
	addr = prefix_from_address(info->ifa_family == AF_INET ? 4 : 6, mnl_attr_get_payload(attr));
	if (broadcast && size == 4 && mnl_attr_get_payload_len(broadcast) == size &&
	    add_broadcast(data, mnl_attr_get_payload(broadcast)) != MNL_CB_OK)
		return MNL_CB_ERROR;
	return add_address(data, &addr);
}

static void forget_addresses(void *data)
{
	struct netdev_list *list = data;

	list->addresses_count = list->groups_count = 0;
}

static int compare_prefix(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static void sort(struct prefix *addresses, size_t *count)
{
	size_t kept = 0;

	if (!*count)
		return;
	qsort(addresses, *count, sizeof(*addresses), compare_prefix);
	for (size_t i = 0; i < *count; i++)
		if (!kept || !prefix_equal(&addresses[kept - 1], &addresses[i]))
			addresses[kept++] = addresses[i];
	*count = kept;
}

static int read_addresses(struct netdev_list *list)
{
	const struct ifaddrmsg every = { .ifa_family = AF_UNSPEC };
	char buf[NETDEV_REQUEST_SIZE];
	struct netdev_dump dump = {
		.bus = NETLINK_ROUTE,
		.request = netdev_request(buf, RTM_GETADDR, &every, sizeof(every)),
		.each = each_address,
		.restart = forget_addresses,
		.data = list,
	};

	return netdev_dump(&dump);
}

/* Rarely asked for, because there may be a million routes. */
static bool are_routes_wanted(const struct netdev_list *list)
{
	for (size_t i = 0; i < list->devices_count; i++)
		if (netdev_may_be_outside(&list->devices[i]))
			return true;
	return false;
}

int netdev_read(struct netdev_list **ret)
{
	_cleanup_(netdev_list_freep) struct netdev_list *list = calloc(1, sizeof(*list));
	int err;

	if (!list)
		return -ENOMEM;
	err = read_devices(list) ?: read_addresses(list) ?: netdev_read_groups(list);
	if (!err && are_routes_wanted(list))
		err = netdev_read_default_routes(list);
	if (err)
		return err;
	sort(list->addresses, &list->addresses_count);
	sort(list->groups, &list->groups_count);
	*ret = TAKE_PTR(list);
	return 0;
}

void netdev_list_free(struct netdev_list *list)
{
	if (!list)
		return;
	free(list->devices);
	free(list->addresses);
	free(list->groups);
	free(list);
}

void netdev_list_freep(struct netdev_list **list)
{
	netdev_list_free(*list);
}
