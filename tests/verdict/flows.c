/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flows.c: entries in the conntrack table, made over netlink as conntrack(8) does, so that
 * each is exactly what a row needs: the direction it began in and what NAT made of it.
 */
#include "flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "stage.h"
#include "base/cleanup.h"

struct tuple {
	const char *saddr;
	__u16 sport;
	const char *daddr;
	__u16 dport;
};

struct flow {
	__u8 proto;
	struct tuple original, reply; /* as they are on the wire */
	bool is_picked_up;            /* TCP: conntrack came upon it in its middle */
};

/* What a flow does not say is not so. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
static const struct flow flows[] = {
	/* the host asks a server, from a port that is published */
	{ IPPROTO_UDP, { "192.0.2.1", 5300, "8.0.53.53", 53 },
	  { "8.0.53.53", 53, "192.0.2.1", 5300 } },
	{ IPPROTO_TCP, { "192.0.2.1", 6379, "8.0.53.53", 443 },
	  { "8.0.53.53", 443, "192.0.2.1", 6379 } },
	{ IPPROTO_UDP, { "2001:db8::1", 5300, "2001:db8:86dd:53::53", 53 },
	  { "2001:db8:86dd:53::53", 53, "2001:db8::1", 5300 } },
	{ IPPROTO_TCP, { "2001:db8::1", 6379, "2001:db8:86dd:53::53", 443 },
	  { "2001:db8:86dd:53::53", 443, "2001:db8::1", 6379 } },
	{ IPPROTO_SCTP, { "192.0.2.1", 3868, "8.0.53.53", 3869 },
	  { "8.0.53.53", 3869, "192.0.2.1", 3868 } },
	/* from ports that nobody names */
	{ IPPROTO_UDP, { "192.0.2.1", 33000, "8.0.53.53", 53 },
	  { "8.0.53.53", 53, "192.0.2.1", 33000 } },
	{ IPPROTO_TCP, { "192.0.2.1", 33000, "8.0.53.53", 443 },
	  { "8.0.53.53", 443, "192.0.2.1", 33000 } },
	/* from an address that was added a moment ago */
	{ IPPROTO_TCP, { "192.0.2.77", 6379, "8.0.53.53", 443 },
	  { "8.0.53.53", 443, "192.0.2.77", 6379 } },
	/* a container asks, masqueraded to a port that is published */
	{ IPPROTO_TCP, { "172.17.0.2", 44000, "8.0.53.53", 8443 },
	  { "8.0.53.53", 8443, "192.0.2.1", 6379 } },
	{ IPPROTO_UDP, { "172.17.0.2", 44000, "8.0.53.53", 123 },
	  { "8.0.53.53", 123, "192.0.2.1", 5300 } },
	/* … with its own address: masquerading is off, or the network is routed */
	{ IPPROTO_TCP, { "172.17.0.2", 44001, "8.0.53.53", 443 },
	  { "8.0.53.53", 443, "172.17.0.2", 44001 } },
	{ IPPROTO_TCP, { "172.30.0.2", 44001, "8.0.53.53", 443 },
	  { "8.0.53.53", 443, "172.30.0.2", 44001 } },
	{ IPPROTO_TCP, { "fd00:30::2", 44001, "2001:db8:86dd:53::53", 443 },
	  { "2001:db8:86dd:53::53", 443, "fd00:30::2", 44001 } },
	/* conntrack was at work only after a stranger had come in, and saw a service's answer first:
	 * at a published port, and under `default deny all` at another; and a client's question */
	{ IPPROTO_TCP, { "192.0.2.1", 6379, "8.0.113.9", 50002 },
	  { "8.0.113.9", 50002, "192.0.2.1", 6379 }, .is_picked_up = true },
	{ IPPROTO_TCP, { "192.0.2.1", 8000, "8.0.113.9", 50002 },
	  { "8.0.113.9", 50002, "192.0.2.1", 8000 }, .is_picked_up = true },
	{ IPPROTO_TCP, { "192.0.2.1", 44002, "8.0.53.53", 443 },
	  { "8.0.53.53", 443, "192.0.2.1", 44002 }, .is_picked_up = true },
	/* somebody forged the source of a container on a macvlan */
	{ IPPROTO_TCP, { "192.0.2.40", 80, "8.0.53.53", 443 },
	  { "8.0.53.53", 443, "192.0.2.40", 80 } },
	/* a stranger came in while it was still allowed, to the host and by DNAT */
	{ IPPROTO_TCP, { "8.0.113.9", 50000, "192.0.2.1", 6379 },
	  { "192.0.2.1", 6379, "8.0.113.9", 50000 } },
	{ IPPROTO_TCP, { "8.0.113.9", 50001, "192.0.2.1", 6379 },
	  { "172.17.0.2", 6379, "8.0.113.9", 50001 } },
	{ IPPROTO_UDP, { "8.0.113.9", 50001, "192.0.2.1", 5300 },
	  { "172.17.0.2", 53, "8.0.113.9", 50001 } },
	{ IPPROTO_TCP, { "2001:db8:86dd:113::9", 50001, "2001:db8::1", 6379 },
	  { "fd00:17::2", 6379, "2001:db8:86dd:113::9", 50001 } },
};
/* clang-format on */

static void put_address(struct nlmsghdr *message, int type4, int type6, const char *text)
{
	bool is_ipv6 = strchr(text, ':');
	__u8 address[16];

	if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, address) != 1)
		die("no address: '%s'", text);
	mnl_attr_put(message, is_ipv6 ? type6 : type4, is_ipv6 ? 16 : 4, address);
}

static void put_tuple(struct nlmsghdr *message, int type, __u8 proto, const struct tuple *tuple)
{
	struct nlattr *outer = mnl_attr_nest_start(message, type), *inner;

	inner = mnl_attr_nest_start(message, CTA_TUPLE_IP);
	put_address(message, CTA_IP_V4_SRC, CTA_IP_V6_SRC, tuple->saddr);
	put_address(message, CTA_IP_V4_DST, CTA_IP_V6_DST, tuple->daddr);
	mnl_attr_nest_end(message, inner);
	inner = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, proto);
	mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(tuple->sport));
	mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(tuple->dport));
	mnl_attr_nest_end(message, inner);
	mnl_attr_nest_end(message, outer);
}

static void put_state(struct nlmsghdr *message, const struct flow *flow)
{
	const struct nf_ct_tcp_flags liberal = { IP_CT_TCP_FLAG_BE_LIBERAL,
						 IP_CT_TCP_FLAG_BE_LIBERAL };
	struct nlattr *outer = mnl_attr_nest_start(message, CTA_PROTOINFO), *inner;

	if (flow->proto == IPPROTO_TCP) {
		inner = mnl_attr_nest_start(message, CTA_PROTOINFO_TCP);
		mnl_attr_put_u8(message, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
		if (flow->is_picked_up) {
			mnl_attr_put(message, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(liberal),
				     &liberal);
			mnl_attr_put(message, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(liberal),
				     &liberal);
		}
	} else {
		inner = mnl_attr_nest_start(message, CTA_PROTOINFO_SCTP);
		mnl_attr_put_u8(message, CTA_PROTOINFO_SCTP_STATE, 4 /* established */);
		mnl_attr_put_u32(message, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, htonl(1));
		mnl_attr_put_u32(message, CTA_PROTOINFO_SCTP_VTAG_REPLY, htonl(1));
	}
	mnl_attr_nest_end(message, inner);
	mnl_attr_nest_end(message, outer);
}

static void put_flow(struct nlmsghdr *message, const struct flow *flow, unsigned int number)
{
	struct nfgenmsg *header;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	message->nlmsg_seq = number;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = strchr(flow->original.saddr, ':') ? AF_INET6 : AF_INET;
	header->version = NFNETLINK_V0;
	put_tuple(message, CTA_TUPLE_ORIG, flow->proto, &flow->original);
	put_tuple(message, CTA_TUPLE_REPLY, flow->proto, &flow->reply);
	mnl_attr_put_u32(message, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED));
	mnl_attr_put_u32(message, CTA_TIMEOUT, htonl(3600));
	if (flow->proto != IPPROTO_UDP)
		put_state(message, flow);
}

void flows_make(void)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	char buffer[MNL_SOCKET_BUFFER_SIZE];

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		die("cannot talk to conntrack");
	for (unsigned int i = 0; i < ARRAY_SIZE(flows); i++) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		ssize_t length;

		put_flow(message, &flows[i], i);
		length = mnl_socket_sendto(socket, message, message->nlmsg_len);
		if (length >= 0)
			length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0 ||
		    mnl_cb_run(buffer, length, i, mnl_socket_get_portid(socket), NULL, NULL) < 0)
			die("cannot enter flow %u into conntrack's table", i);
	}
	mnl_socket_close(socket);
}
