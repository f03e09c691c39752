/* SPDX-License-Identifier: GPL-2.0-only */
/* bridge.c: what br_netfilter does to a bridge, from /proc and /sys. */
#include "host/netdev.h"
#include "base/cleanup.h"

#define SETTINGS "/proc/sys/net/bridge/bridge-nf-call-"

static bool is_on(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	int value = 0;

	return file && fscanf(file, "%d", &value) == 1 && value;
}

bool netdev_is_translated_early(const char *bridge)
{
	static const char *const names[] = { "nf_call_iptables", "nf_call_ip6tables" };
	char path[64 + IFNAMSIZ];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/bridge/%s", bridge, names[i]);
		if (is_on(path))
			return true;
	}
	return is_on(SETTINGS "iptables") || is_on(SETTINGS "ip6tables");
}
