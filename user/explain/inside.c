/* SPDX-License-Identifier: GPL-2.0-only */
/* inside.c: which sources and interfaces the filter never sees.  See private.h. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "docker/inventory.h"
#include "explain/private.h"
#include "host/netdev.h"

/* ---- interfaces -------------------------------------------------------------------------------
 */

/* A packet that came in by the device has met the filter at the guarded one: that itself, a VLAN on
 * it, or the bridge or bond that it is a port of. */
static bool is_seen_at(const struct netdev_list *netdevs, const struct netdev *device, int ifindex)
{
	const struct netdev *guarded = netdev_find_index(netdevs, ifindex);

	return device->ifindex == ifindex || netdev_is_upper(netdevs, device, ifindex) ||
	       (guarded && guarded->master == device->ifindex);
}

bool explain_is_seen(const struct explain *explain, size_t number, const char *name)
{
	const struct netdev_list *netdevs = explain->input.desired->netdevs;
	const struct netdev *device = netdev_find(netdevs, name);

	return device && is_seen_at(netdevs, device, explain->attachments[number].ifindex);
}

bool explain_is_guarded(const struct explain *explain, const char *name)
{
	for (size_t i = 0; i < explain->count; i++)
		if (explain_is_seen(explain, i, name))
			return true;
	return false;
}

/* ---- sources ------------------------------------------------------------------------------------
 */

static bool is_in(const struct prefix *prefixes, size_t count, const struct prefix *addr)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_contains(&prefixes[i], addr))
			return true;
	return false;
}

static bool is_loopback(const struct prefix *addr)
{
	static const __u8 loopback6[16] = { [15] = 1 };

	return addr->family == 4 ? addr->addr[0] == 127
				 : memcmp(addr->addr, loopback6, sizeof(loopback6)) == 0;
}

char *explain_inside(const struct explain_input *input, const struct prefix *saddr)
{
	const struct policy *policy = input->desired->policy;
	const struct inventory *inventory = input->desired->inventory;
	char *text = NULL;

	if (is_loopback(saddr))
		return strdup("a loopback address");
	if (is_in(policy->local, policy->local_count, saddr))
		return strdup("this host's own");
	for (size_t i = 0; inventory && i < inventory->subnets_count; i++)
		if (prefix_contains(&inventory->subnets[i].prefix, saddr))
			return asprintf(&text, "in Docker's network '%s', behind the filter",
					inventory->subnets[i].network) < 0
				       ? NULL
				       : text;
	return NULL;
}

static const __u8 *bytes_of(const struct sockaddr *addr)
{
	return addr->sa_family == AF_INET
		       ? (const void *)&((const struct sockaddr_in *)addr)->sin_addr
		       : (const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr;
}

/* Length of the network there that has the address; 0 = it has not. */
static int length_in(const struct ifaddrs *at, const struct prefix *addr)
{
	int family = addr->family == 4 ? AF_INET : AF_INET6, length = 0;
	size_t size = addr->family == 4 ? 4 : 16;

	if (!at->ifa_addr || !at->ifa_netmask || at->ifa_addr->sa_family != family)
		return 0;
	for (size_t i = 0; i < size; i++) {
		__u8 mask = bytes_of(at->ifa_netmask)[i];

		if ((bytes_of(at->ifa_addr)[i] ^ addr->addr[i]) & mask)
			return 0;
		length += __builtin_popcount(mask);
	}
	return length;
}

static void free_ifaddrs(struct ifaddrs **list)
{
	if (*list)
		freeifaddrs(*list);
}

/* fe80::/64 is at each interface. */
static bool is_link_local(const struct prefix *addr)
{
	return addr->family == 6 && addr->addr[0] == 0xfe && (addr->addr[1] & 0xc0) == 0x80;
}

char *explain_behind(const struct explain *explain, const struct prefix *saddr)
{
	_cleanup_(free_ifaddrs) struct ifaddrs *list = NULL;
	const char *best = NULL;
	char *text = NULL;
	int longest = 0;

	if (is_link_local(saddr) || getifaddrs(&list) < 0)
		return NULL;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		int length = length_in(at, saddr);

		/* Where two say the same, it is seen if it is seen at one of them. */
		if (length > longest ||
		    (length && length == longest && explain_is_guarded(explain, at->ifa_name))) {
			longest = length;
			best = at->ifa_name;
		}
	}
	if (!best || explain_is_guarded(explain, best))
		return NULL;
	return asprintf(&text, "in the network of '%s', which is not guarded", best) < 0 ? NULL
											 : text;
}
