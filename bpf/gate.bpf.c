/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gate.bpf.c: the backstop at the containers' side: what comes from the outside and is about to be
 * forwarded to a bridge of Docker's.  Conntrack still knows the address and the port that were
 * asked for, so the same policy decides; but here nobody passes because nobody knows.  The one
 * place that turns this into a verdict of netfilter.
 *
 * It sees what the filter cannot: a port that Docker forwards and binds a moment later, a
 * network that no policy knows yet, an interface that was plugged in a moment ago, a packet that
 * was put together from fragments.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "conntrack.h"
#include "count.h"
#include "map_values.h"
#include "policy_image.h"
#include "reason.h"
#include "listen.h"
#include "lookup.h"
#include "maps.h"
#include "parse.h"

/* include/uapi/linux/netfilter.h */
#define NF_DROP      0
#define NF_ACCEPT    1
#define NFPROTO_IPV4 2

/* include/uapi/linux/netfilter/nf_conntrack_common.h */
#define IP_CT_RELATED   1
#define IP_CT_IS_REPLY  3 /* and IP_CT_RELATED + IP_CT_IS_REPLY */
#define IP_CT_UNTRACKED 7
#define IPS_EXPECTED    (1 << 0)
#define IPS_DST_NAT     (1 << 5)

#define NFCT_INFOMASK 7ul

#define IFF_EBRIDGE      (1 << 1) /* include/linux/netdevice.h */
#define BRIDGE_PORTS_MAX 1024     /* net/bridge/br_private.h, BR_MAX_PORTS */

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u64 clock_ns(void)
{
	return bpf_ktime_get_ns();
}

/* ---- from where, where to --------------------------------------------------------------- */

union name {
	char text[16]; /* IFNAMSIZ */
	__u64 words[2];
};

/* Without a branch: twelve in a row are many ways for the verifier to follow. */
static __always_inline __u32 is_hex(__u8 c)
{
	__u32 digit = (__u32)(c - '0') - 10, letter = (__u32)(c - 'a') - 6;

	barrier_var(digit);
	barrier_var(letter);
	return (digit | letter) >> 31;
}

/* docker0, docker_gwbridge, and br-0123456789ab for a network that was not named otherwise
 * (moby, libnetwork/drivers/bridge): so one that was made a moment ago is known as well. */
static __always_inline bool is_docker_name(const union name *name)
{
	const union name docker = { "docker" }, docker_mask = { "\xff\xff\xff\xff\xff\xff" };
	const union name network = { "br-" }, network_mask = { "\xff\xff\xff" };
	__u32 is_network;

	if ((name->words[0] & docker_mask.words[0]) == docker.words[0])
		return true;
	is_network = (name->words[0] & network_mask.words[0]) == network.words[0];
	for (int i = 3; i < 15; i++)
		is_network &= is_hex(name->text[i]);
	return is_network && !name->text[15];
}

static __always_inline bool is_named_by_docker(const struct net_device *device)
{
	union name name = {};

	BPF_CORE_READ_INTO(&name.text, device, name);
	return is_docker_name(&name);
}

/* A network's bridge can have any name (com.docker.network.bridge.name), so each one is taken for
 * Docker's until somebody who has asked Docker says otherwise. */
static __always_inline bool is_new_bridge(const struct net_device *device)
{
	__u32 ifindex = device->ifindex;
	const struct interface *interface;

	if (!(BPF_CORE_READ_BITFIELD_PROBED(device, priv_flags) & IFF_EBRIDGE))
		return false;
	interface = bpf_map_lookup_elem(&interfaces, &ifindex);
	return !interface || (interface->flags & INTERFACE_NEW);
}

/* What comes in and goes out by the same bridge has not been kept out of it. */
static __always_inline bool is_docker_exit(const struct nf_hook_state *state)
{
	if (is_named_by_docker(state->out))
		return true;
	return state->in->ifindex != state->out->ifindex && is_new_bridge(state->out);
}

struct ports_search {
	const struct list_head *at, *end;
	__u32 is_outside;
};

static long look_at_port(__u64 turn, void *arg)
{
	struct ports_search *search = arg;
	const struct list_head *at = search->at;
	const struct netdev_adjacent *lower;
	const char *name;
	char kind[8] = {};

	if (!at || at == search->end)
		return 1;
	lower = (const void *)at - bpf_core_field_offset(struct netdev_adjacent, list);
	search->at = BPF_CORE_READ(at, next);
	name = BPF_CORE_READ(lower, dev, rtnl_link_ops, kind);
	bpf_probe_read_kernel_str(kind, sizeof(kind), name);
	search->is_outside = kind[0] != 'v' || kind[1] != 'e' || kind[2] != 't' || kind[3] != 'h' ||
			     kind[4] || zone_of(BPF_CORE_READ(lower, dev, ifindex)) == ZONE_OUTSIDE;
	return search->is_outside;
}

/* A bridge of Docker's has one end of a veth for each container, and nothing else.  Where the
 * machine's own NIC is a veth, that one is guarded before anybody puts it into a bridge. */
static __always_inline bool has_only_containers(const struct net_device *device)
{
	struct ports_search search = {
		.end = (const void *)device +
		       bpf_core_field_offset(struct net_device, adj_list.lower),
		.at = BPF_CORE_READ(device, adj_list.lower.next),
	};

	bpf_loop(BRIDGE_PORTS_MAX, look_at_port, &search, 0);
	return !search.is_outside;
}

/* A bridge of Docker's that nobody has seen yet is as new as the containers behind it. */
static __always_inline enum zone zone_of_entry(const struct nf_hook_state *state)
{
	enum zone zone = zone_of(state->in->ifindex);

	if (zone != ZONE_UNSEEN)
		return zone;
	if (is_named_by_docker(state->in))
		return ZONE_INSIDE;
	return is_new_bridge(state->in) && has_only_containers(state->in) ? ZONE_INSIDE : zone;
}

/* ---- what ------------------------------------------------------------------------------- */

static __always_inline __u8 kind_of(__u8 protocol)
{
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP)
		return PACKET_PORTS;
	return PACKET_NO_PORTS;
}

/* Source and destination port; where the flow is not tracked.  What hides them behind an
 * extension header stays without, and is kept out. */
static __always_inline void read_ports(const void *transport, struct packet *pkt)
{
	__be16 ports[2];

	if (kind_of(pkt->protocol) != PACKET_PORTS ||
	    bpf_probe_read_kernel(ports, sizeof(ports), transport) < 0)
		return;
	pkt->sport = ports[0];
	pkt->dport = ports[1];
	pkt->kind = PACKET_PORTS;
}

/* As it is now, behind the NAT.  The stack has checked the header. */
static __always_inline void read_ipv4(const void *network, struct packet *pkt)
{
	struct iphdr ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), network) < 0)
		return;
	pkt->family = 4;
	pkt->protocol = ip.protocol;
	pkt->saddr[0] = ip.saddr;
	pkt->daddr[0] = ip.daddr;
	pkt->kind = ip.frag_off & bpf_htons(IP_OFFSET) ? PACKET_FRAGMENT : PACKET_NO_PORTS;
	if (pkt->kind != PACKET_FRAGMENT)
		read_ports(network + ip.ihl * 4, pkt);
}

static __always_inline void read_ipv6(const void *network, struct packet *pkt)
{
	struct ipv6hdr ip6;

	if (bpf_probe_read_kernel(&ip6, sizeof(ip6), network) < 0)
		return;
	pkt->family = 6;
	pkt->protocol = ip6.nexthdr;
	__builtin_memcpy(pkt->saddr, ip6.saddr, sizeof(pkt->saddr));
	__builtin_memcpy(pkt->daddr, ip6.daddr, sizeof(pkt->daddr));
	pkt->kind = PACKET_NO_PORTS;
	read_ports(network + sizeof(ip6), pkt);
}

static __always_inline void read_packet(const struct sk_buff *skb, __u8 pf, struct packet *pkt)
{
	const void *network = skb->head + skb->network_header;

	pkt->kind = PACKET_MALFORMED;
	if (pf == NFPROTO_IPV4)
		read_ipv4(network, pkt);
	else
		read_ipv6(network, pkt);
}

/* As the outside sent it: conntrack's tuple in direction ORIGINAL. */
static __always_inline void read_original(const struct nf_conn *ct, struct packet *pkt)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[0].tuple;

	bpf_core_read(pkt->saddr, sizeof(pkt->saddr), &tuple->src.u3);
	bpf_core_read(pkt->daddr, sizeof(pkt->daddr), &tuple->dst.u3);
	bpf_core_read(&pkt->sport, sizeof(pkt->sport), &tuple->src.u.all);
	bpf_core_read(&pkt->dport, sizeof(pkt->dport), &tuple->dst.u.all);
	bpf_core_read(&pkt->protocol, sizeof(pkt->protocol), &tuple->dst.protonum);
	pkt->kind = kind_of(pkt->protocol);
}

/* ---- whether ------------------------------------------------------------------------------ */

/*
 * The two questions to the image are global functions, which the verifier checks once each;
 * inlined, each way through the first would be followed by each way through the second.
 */

/* Whether a subnet of Docker's is there, whatever its bridge is called. */
__noinline int is_to_container(const struct packet *pkt)
{
	struct image_ref image = current_image();
	const struct image_header *header;

	if (!pkt || !pkt->family || !image.bytes)
		return 0;
	header = image_header_of(image);
	return is_container(image_kind(image, header, destination_of(image, header, pkt)));
}

/*
 * Unlike the filter this does not let in what nobody named, unless the default is to allow.
 * `is_translated`: the packet was sent to this host and Docker turned it to the container;
 * otherwise it was sent to the container's own address.
 */
static __always_inline bool may_enter(struct image_ref image, const struct packet *pkt,
				      bool is_translated)
{
	const struct image_header *header = image_header_of(image);
	__u32 destination = destination_of(image, header, pkt);
	__u32 kind = image_kind(image, header, destination);
	__u32 number = lookup_endpoint(image, header, pkt, destination);
	bool is_open = header->flags & IMAGE_ALLOW_ALL;
	const struct image_endpoint *endpoint;
	const struct image_rule *rule;

	rule = find_rule(image, header, pkt, number, &endpoint);
	if (!rule || rule->action == ACTION_BAN || kind == DESTINATION_MARTIAN)
		return false;
	if (rule->action == ACTION_FAILSAFE)
		return true;
	/* A network that no policy knows: the ports of this host are not its containers'. */
	if (!is_translated && !is_container(kind))
		return is_open;
	if (pkt->kind != PACKET_PORTS)
		return is_translated ? is_open : kind != DESTINATION_CONTAINER;
	if (number == 0)
		return is_translated && is_open;
	if (rule->action == ACTION_DEFAULT_ALLOW)
		return is_open;
	return rule->action == ACTION_ALLOW && !is_expired(rule);
}

__noinline int decide_entry(const struct packet *pkt, int is_translated)
{
	struct image_ref image = current_image();

	if (!image.bytes)
		return DROP_NO_POLICY;
	if (pkt && pkt->family && may_enter(image, pkt, is_translated))
		return REASON_NONE;
	return image_header_of(image)->flags & IMAGE_AUDIT ? DROP_GATE | ONLY_AUDIT : DROP_GATE;
}

/*
 * Whether the packet claims to come from inside.  Asked of what came in by an interface that nobody
 * filters yet, wherever it goes: conntrack would take an answer to it for one that this side wants.
 */
__noinline int decide_source(const struct packet *pkt)
{
	struct image_ref image = current_image();
	const struct image_header *header;

	if (!pkt || !pkt->family || !image.bytes)
		return REASON_NONE;
	header = image_header_of(image);
	if (!is_inside(image, header, pkt))
		return REASON_NONE;
	return header->flags & IMAGE_AUDIT ? DROP_SPOOFED | ONLY_AUDIT : DROP_SPOOFED;
}

/* To what a container began, as far as the entry proves it. */
static __always_inline bool is_reply(unsigned long info, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[0].tuple;

	return info == IP_CT_IS_REPLY &&
	       has_begun(ct, BPF_CORE_READ(tuple, dst.protonum), BPF_CORE_READ(tuple, src.u.all));
}

/* What a flow brings with it, by conntrack's word: errors, and the helpers' second channels. */
static __always_inline bool is_answer(unsigned long info, const struct nf_conn *ct)
{
	if (info == IP_CT_UNTRACKED || !ct)
		return false;
	return info == IP_CT_RELATED || info == IP_CT_RELATED + IP_CT_IS_REPLY ||
	       is_reply(info, ct) || (BPF_CORE_READ(ct, status) & IPS_EXPECTED);
}

/* *pkt, zero before, is what was decided about in the end. */
static __always_inline int decide_gate(const struct nf_hook_state *state, const struct sk_buff *skb,
				       enum zone zone, struct packet *pkt)
{
	unsigned long nfct = skb->_nfct, info = nfct & NFCT_INFOMASK;
	const struct nf_conn *ct = (const void *)(nfct & ~NFCT_INFOMASK);
	bool is_translated = false;
	int reason;

	if (zone == ZONE_OUTSIDE && is_answer(info, ct))
		return REASON_NONE;
	read_packet(skb, state->pf, pkt);
	reason = zone == ZONE_UNSEEN ? decide_source(pkt) : REASON_NONE;
	if (reason || is_answer(info, ct))
		return reason;
	if (!is_docker_exit(state) && !is_to_container(pkt))
		return REASON_NONE;
	if (ct && info != IP_CT_UNTRACKED) {
		is_translated = BPF_CORE_READ(ct, status) & IPS_DST_NAT;
		read_original(ct, pkt);
	}
	return decide_entry(pkt, is_translated);
}

/* ---- told --------------------------------------------------------------------------------- */

/* From the IP header on, what is in one piece. */
static __always_inline void copy_bytes(const struct sk_buff *skb, struct event *event)
{
	const void *network = skb->head + skb->network_header;
	__u32 count = count_to_copy(skb->len - skb->data_len, EVENT_SHORT);

	if (bpf_probe_read_kernel(event->bytes, count, network) == 0)
		event->captured = count;
}

static __always_inline void write_event(__u32 slot, const struct sk_buff *skb, __u32 ifindex,
					const struct packet *pkt, __u32 told)
{
	struct event *event = reserve_event(slot, false);

	if (!event)
		return;
	fill_event(event, EVENT_GATE, told);
	fill_flow(event, pkt);
	event->ifindex = ifindex;
	event->length = skb->len;
	copy_bytes(skb, event);
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void tell_gate(const struct bpf_nf_ctx *ctx, const struct packet *pkt,
				      int reason, enum zone zone)
{
	__u32 flags = EVENT_L3 | (reason & ONLY_AUDIT ? EVENT_AUDIT : EVENT_DROP) |
		      (zone == ZONE_UNSEEN ? EVENT_UNSEEN : 0);
	__u32 told = TOLD(reason & (ONLY_AUDIT - 1), flags);
	__u64 now_ns = clock_ns();

	for (__u32 slot = 0; slot < LISTENERS_MAX; slot++)
		if (listener_at(slot, now_ns) && take_token(slot, now_ns))
			write_event(slot, ctx->skb, ctx->state->in->ifindex, pkt, told);
}

SEC("netfilter")
int gate(struct bpf_nf_ctx *ctx)
{
	const struct nf_hook_state *state = ctx->state;
	enum zone zone = zone_of_entry(state);
	struct packet pkt = {};
	int reason;

	if (zone == ZONE_INSIDE)
		return NF_ACCEPT;
	reason = decide_gate(state, ctx->skb, zone, &pkt);
	if (reason == REASON_NONE)
		return NF_ACCEPT;
	/* Before the first policy the interfaces have not been looked at either. */
	if (reason == DROP_NO_POLICY && zone == ZONE_UNSEEN)
		return NF_ACCEPT;
	count(reason & (ONLY_AUDIT - 1), pkt.family, 1, ctx->skb->len);
	tell_gate(ctx, &pkt, reason, zone);
	return reason & ONLY_AUDIT ? NF_ACCEPT : NF_DROP;
}
