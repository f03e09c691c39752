/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * groups.c: the multicast groups that this host has joined, from /proc/net/igmp and igmp6:
 * rtnetlink tells only those of IPv6.  Formats: net/ipv4/igmp.c igmp_mc_seq_show(),
 * net/ipv6/mcast.c igmp6_mc_seq_show().
 */
#include <errno.h>
#include <stdio.h>

#include "host/netdev.h"
#include "host/dump.h"
#include "base/cleanup.h"

/* A group's line is indented, and begins with its address as the machine prints a __be32. */
static bool parse_igmp(const char *line, struct prefix *ret)
{
	unsigned int group;

	if (*line != '\t' || sscanf(line, " %8X", &group) != 1)
		return false;
	*ret = prefix_from_address(4, &group);
	return true;
}

/* RFC 4291 2.7.1.  One comes with each address, and each container's link has an address; the
 * image knows all that there can be. */
static bool is_solicited_node(const __u8 *addr)
{
	static const __u8 prefix[13] = { 0xff, 2, [11] = 1, [12] = 0xff };

	return memcmp(addr, prefix, sizeof(prefix)) == 0;
}

/* Number and name of the interface, then 32 hexadecimal digits. */
static bool parse_igmp6(const char *line, struct prefix *ret)
{
	unsigned int byte;
	__u8 addr[16];
	char text[33];

	if (sscanf(line, "%*u %*s %32[0-9a-f]", text) != 1 || strlen(text) != 32)
		return false;
	for (int i = 0; i < 16; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		addr[i] = byte;
	}
	*ret = prefix_from_address(6, addr);
	return !is_solicited_node(addr);
}

/* No such file: the kernel has no IPv6, or no multicast. */
static int read_groups(const char *path, bool (*parse)(const char *line, struct prefix *ret),
		       struct netdev_list *list)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	struct prefix group, *added;
	size_t size = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	errno = 0;
	while (getline(&line, &size, file) >= 0) {
		if (!parse(line, &group))
			continue;
		added = util_append(&list->groups, list->groups_count, sizeof(*added));
		if (!added)
			return -ENOMEM;
		list->groups_count++;
		*added = group;
	}
	return ferror(file) ? -EIO : 0;
}

int netdev_read_groups(struct netdev_list *list)
{
	return read_groups("/proc/self/net/igmp", parse_igmp, list)
		       ?: read_groups("/proc/self/net/igmp6", parse_igmp6, list);
}
