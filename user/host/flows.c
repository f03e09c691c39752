/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flows.c: see flows.h.  Messages: include/uapi/linux/netfilter/nfnetlink_conntrack.h,
 * net/netfilter/nf_conntrack_netlink.c.
 */
#include "host/flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "host/dump.h"
#include "base/cleanup.h"

/* From here up clients get their ports; as in bpf/conntrack.h. */
#define CLIENT_PORTS 32768

/* One to delete: what names it. */
struct flow {
	unsigned char family; /* AF_* */
	__be32 id;
	__be16 zone;
	size_t size;
	char tuple[128]; /* payload of CTA_TUPLE_ORIG */
};

struct search {
	const struct flows_query *query;
	struct flow *found;
	size_t count;
};

static void search_clear(struct search *search)
{
	free(search->found);
}

/* ---- reading --------------------------------------------------------------------------- */

/* The attribute of this type inside another, if it is at least so long. */
static const struct nlattr *find(const struct nlattr *nest, int type, size_t size)
{
	const struct nlattr *attr;

	if (!nest)
		return NULL;
	mnl_attr_for_each_nested (attr, nest)
		if (mnl_attr_get_type(attr) == type && mnl_attr_get_payload_len(attr) >= size)
			return attr;
	return NULL;
}

static bool read_source(const struct nlattr *tuple, struct prefix *ret)
{
	const struct nlattr *ip = find(tuple, CTA_TUPLE_IP, 0);
	const struct nlattr *source4 = find(ip, CTA_IP_V4_SRC, 4);
	const struct nlattr *source6 = find(ip, CTA_IP_V6_SRC, 16);

	if (source4)
		*ret = prefix_from_address(4, mnl_attr_get_payload(source4));
	else if (source6)
		*ret = prefix_from_address(6, mnl_attr_get_payload(source6));
	return source4 || source6;
}

static bool is_from_service(const struct flows_query *query, const struct nlattr *tuple)
{
	const struct nlattr *proto = find(tuple, CTA_TUPLE_PROTO, 0);
	const struct nlattr *attr = find(proto, CTA_PROTO_SRC_PORT, 2);
	unsigned int port = attr ? ntohs(mnl_attr_get_u16(attr)) : CLIENT_PORTS;

	return attr && (port < CLIENT_PORTS || query->services[port / 8] >> port % 8 & 1);
}

static bool is_wanted(const struct search *search, const struct nlattr *tuple)
{
	const struct flows_query *query = search->query;
	struct prefix source;

	if (!read_source(tuple, &source))
		return false;
	for (size_t i = 0; i < query->count; i++)
		if (prefix_contains(&query->origins[i].prefix, &source) &&
		    (query->origins[i].is_new || is_from_service(query, tuple)))
			return true;
	return false;
}

static int add_flow(struct search *search, const struct flow *named, const struct nlattr *tuple)
{
	struct flow *flow = util_append(&search->found, search->count, sizeof(*flow));

	if (!flow)
		return MNL_CB_ERROR;
	*flow = *named;
	flow->size = mnl_attr_get_payload_len(tuple);
	if (flow->size > sizeof(flow->tuple))
		return MNL_CB_OK;
	memcpy(flow->tuple, mnl_attr_get_payload(tuple), flow->size);
	search->count++;
	return MNL_CB_OK;
}

static int each_flow(const struct nlmsghdr *message, void *data)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *tuple = NULL;
	struct flow named = {};

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	named.family = header->nfgen_family;
	mnl_attr_for_each (attr, message, sizeof(*header)) {
		size_t size = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == CTA_TUPLE_ORIG)
			tuple = attr;
		else if (mnl_attr_get_type(attr) == CTA_ID && size == sizeof(named.id))
			named.id = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == CTA_ZONE && size == sizeof(named.zone))
			named.zone = mnl_attr_get_u16(attr);
	}
	return tuple && is_wanted(data, tuple) ? add_flow(data, &named, tuple) : MNL_CB_OK;
}

static void restart(void *data)
{
	struct search *search = data;

	search->count = 0;
}

static struct nlmsghdr *begin_message(char *buffer, int type, int flags, unsigned char family)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = 1;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = family;
	header->version = NFNETLINK_V0;
	return message;
}

static int read_flows(struct search *search)
{
	char buffer[256];
	struct netdev_dump dump = {
		.bus = NETLINK_NETFILTER,
		.request = begin_message(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC),
		.each = each_flow,
		.restart = restart,
		.data = search,
	};

	return netdev_dump(&dump);
}

/* ---- deleting -------------------------------------------------------------------------- */

/* One that has ended meanwhile, or made room for another, is no failure. */
static int delete_flow(struct mnl_socket *socket, const struct flow *flow)
{
	char buffer[512];
	struct nlmsghdr *message;
	ssize_t length;

	message = begin_message(buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, flow->family);
	mnl_attr_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED, flow->size, flow->tuple);
	mnl_attr_put_u32(message, CTA_ID, flow->id);
	if (flow->zone)
		mnl_attr_put_u16(message, CTA_ZONE, flow->zone);
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (length < 0)
		return -errno;
	if (mnl_cb_run(buffer, length, 1, mnl_socket_get_portid(socket), NULL, NULL) < 0 &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

static void close_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

static int delete_flows(const struct search *search)
{
	_cleanup_(close_socket) struct mnl_socket *socket = NULL;
	int err = 0;

	if (!search->count)
		return 0;
	socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (size_t i = 0; i < search->count && !err; i++)
		err = delete_flow(socket, &search->found[i]);
	return err;
}

/* What the kernel says where nf_conntrack, or its netlink, is not there. */
static bool is_not_there(int err)
{
	return err == -EINVAL || err == -EOPNOTSUPP || err == -EPROTONOSUPPORT || err == -ENOENT;
}

int flows_forget(const struct flows_query *query, size_t *ret_count)
{
	_cleanup_(search_clear) struct search search = { .query = query };
	int err = query->count ? read_flows(&search) : 0;

	if (!err)
		err = delete_flows(&search);
	if (err && !is_not_there(err))
		return err;
	*ret_count = search.count;
	return 0;
}

/* ---- all of them -------------------------------------------------------------------------- */

struct listing {
	struct flow_begun *found;
	size_t count;
};

static void listing_clear(struct listing *listing)
{
	free(listing->found);
}

static void forget_listing(void *data)
{
	((struct listing *)data)->count = 0;
}

static bool read_begun(const struct nlattr *tuple, struct flow_begun *ret)
{
	const struct nlattr *ip = find(tuple, CTA_TUPLE_IP, 0);
	const struct nlattr *proto = find(tuple, CTA_TUPLE_PROTO, 0);
	const struct nlattr *to4 = find(ip, CTA_IP_V4_DST, 4), *to6 = find(ip, CTA_IP_V6_DST, 16);
	const struct nlattr *number = find(proto, CTA_PROTO_NUM, 1);
	const struct nlattr *port = find(proto, CTA_PROTO_DST_PORT, 2);

	if (!read_source(tuple, &ret->saddr) || !number || !port || (!to4 && !to6))
		return false;
	ret->daddr = prefix_from_address(to4 ? 4 : 6, mnl_attr_get_payload(to4 ?: to6));
	ret->proto = mnl_attr_get_u8(number);
	ret->dport = ntohs(mnl_attr_get_u16(port));
	return true;
}

/* What TCP has closed stays in the table for minutes.  Other protocols do not say. */
static bool is_over(const struct nlattr *protoinfo)
{
	const struct nlattr *tcp = find(protoinfo, CTA_PROTOINFO_TCP, 0);
	const struct nlattr *state = find(tcp, CTA_PROTOINFO_TCP_STATE, 1);

	return state && mnl_attr_get_u8(state) != TCP_CONNTRACK_ESTABLISHED;
}

static int each_begun(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attr, *tuple = NULL, *protoinfo = NULL;
	struct flow_begun begun = {}, *added;
	struct listing *listing = data;
	__u32 status = 0;

	mnl_attr_for_each (attr, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == CTA_TUPLE_ORIG)
			tuple = attr;
		else if (mnl_attr_get_type(attr) == CTA_PROTOINFO)
			protoinfo = attr;
		else if (mnl_attr_get_type(attr) == CTA_STATUS &&
			 mnl_attr_get_payload_len(attr) == 4)
			status = ntohl(mnl_attr_get_u32(attr));
	}
	if (!tuple || !(status & IPS_SEEN_REPLY) || is_over(protoinfo) ||
	    !read_begun(tuple, &begun))
		return MNL_CB_OK;
	added = util_append(&listing->found, listing->count, sizeof(*added));
	if (!added)
		return MNL_CB_ERROR;
	listing->count++;
	*added = begun;
	return MNL_CB_OK;
}

int flows_read(struct flow_begun **ret, size_t *ret_count)
{
	_cleanup_(listing_clear) struct listing listing = {};
	char buffer[256];
	struct netdev_dump dump = {
		.bus = NETLINK_NETFILTER,
		.request = begin_message(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC),
		.each = each_begun,
		.restart = forget_listing,
		.data = &listing,
	};
	int err = netdev_dump(&dump);

	if (err && !is_not_there(err))
		return err;
	*ret = TAKE_PTR(listing.found);
	*ret_count = listing.count;
	return 0;
}
