/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kind.c: what an interface is to us, from what the kernel says it is.  Pure.
 * Kinds are rtnl_link_ops.kind in the kernel's drivers/net; a NIC's driver has none.
 */
#include <net/if_arp.h>

#include "host/netdev.h"
#include "base/cleanup.h"

/* Lower devices are a tree, but a list made of two reads may show a ring. */
#define DEPTH_MAX 8

static bool is_one_of(const char *kind, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (streq(kind, *kinds))
			return true;
	return false;
}

const struct netdev *netdev_find(const struct netdev_list *list, const char *name)
{
	for (size_t i = 0; i < list->devices_count; i++)
		if (streq(list->devices[i].name, name))
			return &list->devices[i];
	return NULL;
}

const struct netdev *netdev_find_index(const struct netdev_list *list, int ifindex)
{
	for (size_t i = 0; i < list->devices_count; i++)
		if (list->devices[i].ifindex == ifindex)
			return &list->devices[i];
	return NULL;
}

/*
 * The master takes this device's frames as its own and is guarded itself: a bond, a team,
 * a failover pair (the master of an Azure or virtio VF is a NIC without a kind).  A bridge,
 * a VRF or an Open vSwitch is no reason to look away from the NIC.
 */
static bool is_member(const struct netdev_list *list, const struct netdev *device)
{
	static const char *const kinds[] = { "bond", "team", "", NULL };
	const struct netdev *master = netdev_find_index(list, device->master);

	return device->master && master && is_one_of(master->kind, kinds);
}

/* A container's veth looks the same from here, but nothing is routed to the Internet by it. */
static bool is_veth_elsewhere(const struct netdev *device)
{
	static const char *const kinds[] = { "veth", "netkit", NULL };

	return device->is_link_elsewhere && device->type == ARPHRD_ETHER &&
	       is_one_of(device->kind, kinds);
}

bool netdev_may_be_outside(const struct netdev *device)
{
	return is_veth_elsewhere(device) && !device->master && !device->has_default_route;
}

bool netdev_is_outside(const struct netdev_list *list, const struct netdev *device)
{
	/* "dsa": a port of a switch chip; its frames are tagged where the host sees them first.
	 * "macsec": below it they are encrypted. */
	static const char *const own[] = { "", "bond", "team", "dsa", "macsec", NULL };
	static const char *const stacked[] = { "vlan", "macvlan", "ipvlan", NULL };

	/* No Ethernet or InfiniBand: PPP, WireGuard, tun, SLIP, CAN, monitor devices. */
	if (device->type != ARPHRD_ETHER && device->type != ARPHRD_INFINIBAND)
		return false;
	if (is_member(list, device))
		return false;
	if (is_one_of(device->kind, own) ||
	    (is_veth_elsewhere(device) && device->has_default_route))
		return true;
	return is_one_of(device->kind, stacked) && !netdev_find_index(list, device->link);
}

bool netdev_is_bridge(const struct netdev *device)
{
	return streq(device->kind, "bridge");
}

bool netdev_is_outer_port(const struct netdev_list *list, const struct netdev *device)
{
	static const char *const inner[] = { "tun",    "veth",  "netkit", "macvtap",
					     "ipvtap", "dummy", "ifb",    NULL };
	const struct netdev *bridge = netdev_find_index(list, device->master);

	return device->master && bridge && netdev_is_bridge(bridge) &&
	       !is_one_of(device->kind, inner);
}

bool netdev_is_docker_bridge(const struct netdev *device)
{
	return netdev_is_bridge(device) &&
	       (strncmp(device->name, "docker", 6) == 0 ||
		(strncmp(device->name, "br-", 3) == 0 && strlen(device->name) == 15 &&
		 strspn(device->name + 3, "0123456789abcdef") == 12));
}

const char *netdev_kind_text(const struct netdev *device)
{
	if (device->kind[0])
		return device->kind;
	return netdev_is_ethernet(device) ? "NIC" : "no Ethernet";
}

static bool has_others(const struct netdev_list *list, const struct netdev *device, int depth)
{
	static const char *const switches[] = { "bridge", "openvswitch", NULL };
	static const char *const private[] = { "macvlan", "macvtap", "ipvlan", "ipvtap", NULL };
	const struct netdev *master = netdev_find_index(list, device->master);

	if (device->master && master && is_one_of(master->kind, switches))
		return true;
	for (size_t i = 0; i < list->devices_count && depth; i++) {
		const struct netdev *upper = &list->devices[i];

		if (upper->link != device->ifindex || streq(upper->kind, "veth"))
			continue;
		if (is_one_of(upper->kind, private) || has_others(list, upper, depth - 1))
			return true;
	}
	return false;
}

bool netdev_is_shared(const struct netdev_list *list, const struct netdev *device)
{
	return has_others(list, device, DEPTH_MAX);
}

static bool is_above(const struct netdev_list *list, const struct netdev *device, int ifindex,
		     int depth)
{
	static const char *const kinds[] = { "vlan", "macvlan", "ipvlan", NULL };
	const struct netdev *lower = netdev_find_index(list, device->link);

	if (!depth || !device->link || !is_one_of(device->kind, kinds))
		return false;
	return device->link == ifindex || (lower && is_above(list, lower, ifindex, depth - 1));
}

bool netdev_is_upper(const struct netdev_list *list, const struct netdev *device, int ifindex)
{
	if (is_above(list, device, ifindex, DEPTH_MAX))
		return true;
	for (size_t i = 0; i < list->devices_count && streq(device->kind, "vrf"); i++) {
		const struct netdev *member = &list->devices[i];

		if (member->master == device->ifindex &&
		    (member->ifindex == ifindex || is_above(list, member, ifindex, DEPTH_MAX)))
			return true;
	}
	return false;
}

bool netdev_receives(const struct netdev_list *list, const struct netdev *device)
{
	const struct netdev *master = netdev_find_index(list, device->master);

	return device->is_up && (!device->master || (master && streq(master->kind, "vrf")));
}

bool netdev_is_ethernet(const struct netdev *device)
{
	return device->type == ARPHRD_ETHER;
}
