/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proto.c: the one table of the protocols that have ports.
 */
#include "base/proto.h"

#include <netinet/in.h>
#include <string.h>

const __u8 proto_numbers[PROTO_MAX] = {
	[PROTO_TCP] = IPPROTO_TCP,
	[PROTO_UDP] = IPPROTO_UDP,
	[PROTO_SCTP] = IPPROTO_SCTP,
};

static const char *const names[PROTO_MAX + 1] = {
	[PROTO_TCP] = "tcp",
	[PROTO_UDP] = "udp",
	[PROTO_SCTP] = "sctp",
	[PROTO_MAX] = "?",
};

enum proto_index proto_index(__u8 proto)
{
	enum proto_index index = 0;

	while (index < PROTO_MAX && proto_numbers[index] != proto)
		index++;
	return index;
}

const char *proto_name(__u8 proto)
{
	return names[proto_index(proto)];
}

enum proto_index proto_find(const char *name, size_t length)
{
	enum proto_index index = 0;

	while (index < PROTO_MAX &&
	       (strlen(names[index]) != length || strncasecmp(names[index], name, length) != 0))
		index++;
	return index;
}
