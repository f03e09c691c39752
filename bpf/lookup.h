/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lookup.h: packet + image -> the rule that decides, or whether Docker bound the port that no rule
 * names.  Knows the image and its clock; knows no hook, and does not say what follows.
 */
#ifndef TIDEGATE_LOOKUP_H
#define TIDEGATE_LOOKUP_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "classify.h"
#include "map_values.h"
#include "policy_image.h"
#include "image.h"
#include "bound.h"
#include "parse.h"

static __always_inline __u64 word64(const __be32 *words)
{
	return (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
}

/* In host order.  What a change of byte order leaves, older verifiers know no bound of. */
static __always_inline __u16 dport_of(const struct packet *pkt)
{
	__u64 port = bpf_ntohs(pkt->dport);

	barrier_var(port);
	return port & 0xffff;
}

/* What is at an address, on the wire: of a packet's source or destination. */
static __always_inline __u32 destination_at(struct image_ref image,
					    const struct image_header *header, __u8 family,
					    const __be32 *addr)
{
	__u64 hi, lo;

	if (family == 4) {
		if (is_own4(&header->own, addr[0]))
			return header->own.destination4[own_slot4(&header->own, addr[0])];
		return classify4(image, &header->daddr4, bpf_ntohl(addr[0]));
	}
	hi = word64(addr);
	lo = word64(addr + 2);
	if (is_own6(&header->own, hi, lo))
		return header->own.destination6[own_slot6(&header->own, hi, lo)];
	return classify6(image, &header->daddr6, hi, lo);
}

static __always_inline __u32 destination_of(struct image_ref image,
					    const struct image_header *header,
					    const struct packet *pkt)
{
	return destination_at(image, header, pkt->family, pkt->daddr);
}

/* Multicast, and IPv4's limited broadcast. */
static __always_inline bool is_group_address(__u8 family, const __be32 *addr)
{
	if (family == 4)
		return (addr[0] & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) ||
		       addr[0] == 0xffffffff;
	return (addr[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

static __always_inline bool is_unspecified(const struct packet *pkt)
{
	return pkt->family == 4 ? !pkt->saddr[0]
				: !(pkt->saddr[0] | pkt->saddr[1] | pkt->saddr[2] | pkt->saddr[3]);
}

/* What a host sends that has no address yet: IPv4's discovery of a DHCP server and its membership
 * of groups, and the latter and router discovery in IPv6.  Never to one host alone. */
static __always_inline bool may_be_unspecified(const struct packet *pkt)
{
	if (!is_group_address(pkt->family, pkt->daddr))
		return false;
	if (pkt->kind == PACKET_PORTS)
		return pkt->family == 4 && pkt->protocol == IPPROTO_UDP &&
		       pkt->dport == bpf_htons(67);
	return pkt->kind == PACKET_CONTROL || pkt->kind == PACKET_NO_PORTS;
}

/*
 * Whether the source can only be inside: an address of this host or of a container behind it,
 * loopback, a group.  From outside, such a source is forged, and an answer to it would make
 * conntrack take the forger's flow for one that began here.  Also where the image does not answer.
 */
static __always_inline bool is_inside(struct image_ref image, const struct image_header *header,
				      const struct packet *pkt)
{
	const __u8 *kind;
	__u32 source;

	if (is_unspecified(pkt))
		return !may_be_unspecified(pkt);
	if (is_group_address(pkt->family, pkt->saddr))
		return true;
	source = destination_at(image, header, pkt->family, pkt->saddr);
	if (source < DESTINATION_FIRST)
		return source != DESTINATION_OTHER;
	if (source == IMAGE_INVALID)
		return true;
	kind = image_at(image, header->destinations + (source - DESTINATION_FIRST), 1);
	return !kind || *kind & DESTINATION_INSIDE;
}

static __always_inline __u32 proto_index(__u8 protocol)
{
	if (protocol == IPPROTO_TCP)
		return PROTO_TCP;
	return protocol == IPPROTO_UDP ? PROTO_UDP : PROTO_SCTP;
}

static __always_inline bool is_container(__u32 kind)
{
	return kind == DESTINATION_CONTAINER || kind == DESTINATION_ROUTED ||
	       kind == DESTINATION_MACVLAN;
}

/* Whether its time is up.  A deny goes on until the policy is made anew. */
static __always_inline bool is_expired(const struct image_rule *rule)
{
	return rule->expires_ns && rule->action != ACTION_DENY && clock_ns() > rule->expires_ns;
}

/* The rule that wins at the port for this source.  NULL when the image does not answer. */
static __always_inline const struct image_rule *winning_rule(struct image_ref image,
							     const struct image_header *header,
							     const struct packet *pkt,
							     const struct image_endpoint *endpoint)
{
	__u32 rule;

	if (pkt->family == 4)
		rule = image_rule4(image, header, endpoint, bpf_ntohl(pkt->saddr[0]));
	else
		rule = image_rule6(image, header, endpoint, word64(pkt->saddr),
				   word64(pkt->saddr + 2));
	return rule == IMAGE_INVALID ? NULL : image_rule_at(image, header, rule);
}

/*
 * Number of the rule that decides at the endpoint once the bans of this source have ended, or
 * IMAGE_INVALID.  A global function, which the verifier checks once; it asks the image anew, and
 * knows nothing of another one than the caller's.
 */
__noinline int find_unbanned_rule(const struct packet *pkt, __u32 number, __u64 generation)
{
	struct image_ref image = current_image();
	const struct image_endpoint *endpoint;
	const struct image_header *header;
	__u32 class;

	if (!pkt || !image.bytes)
		return IMAGE_INVALID;
	header = image_header_of(image);
	endpoint = image_endpoint_at(image, header, number);
	if (!endpoint || header->generation != generation)
		return IMAGE_INVALID;
	if (pkt->family == 4)
		class = classify4(image, &header->saddr4, bpf_ntohl(pkt->saddr[0]));
	else
		class = classify6(image, &header->saddr6, word64(pkt->saddr),
				  word64(pkt->saddr + 2));
	return image_rule(image, header, endpoint, image_unbanned(image, header, class));
}

/* Number of the guarded port that the packet is for; 0 = nobody named it, or there is none.
 * IMAGE_INVALID when the image does not answer. */
static __always_inline __u32 lookup_endpoint(struct image_ref image,
					     const struct image_header *header,
					     const struct packet *pkt, __u32 destination)
{
	if (pkt->kind != PACKET_PORTS)
		return 0;
	return image_endpoint_number(image, header, proto_index(pkt->protocol), pkt->dport,
				     destination, pkt->family);
}

/* The rule that decides there, and the port itself.  NULL when the image does not answer. */
static __always_inline const struct image_rule *
find_rule(struct image_ref image, const struct image_header *header, const struct packet *pkt,
	  __u32 number, const struct image_endpoint **ret_endpoint)
{
	const struct image_endpoint *endpoint;
	const struct image_rule *rule;
	__u32 unbanned;

	if (number == IMAGE_INVALID)
		return NULL;
	endpoint = image_endpoint_at(image, header, number);
	if (!endpoint)
		return NULL;
	*ret_endpoint = endpoint;
	rule = winning_rule(image, header, pkt, endpoint);
	if (rule && rule->action == ACTION_BAN && is_expired(rule)) {
		unbanned = find_unbanned_rule(pkt, number, header->generation);
		rule = unbanned == IMAGE_INVALID ? NULL : image_rule_at(image, header, unbanned);
	}
	if (rule && is_expired(rule))
		return image_rule_at(image, header, endpoint->fallback);
	return rule;
}

static __always_inline bool is_held_by_docker(const struct bound_value *entry)
{
	if (!entry)
		return false;
	/* The clock may be another processor's, and behind. */
	return entry->by != BOUND_PENDING ||
	       (__s64)(clock_ns() - entry->bound_ns) < (__s64)BOUND_PENDING_NS;
}

/* Whether Docker bound the port at this address, or at every one. */
static __always_inline bool is_bound(const struct packet *pkt, __u16 port)
{
	struct bound_key key = { .family = pkt->family, .proto = pkt->protocol, .port = port };

	if (is_held_by_docker(bpf_map_lookup_elem(&bound_ports, &key)))
		return true;
	__builtin_memcpy(key.addr, pkt->daddr, sizeof(key.addr));
	return is_held_by_docker(bpf_map_lookup_elem(&bound_ports_at, &key));
}

/* Whether Docker bound the port at some address.  The bit says no of nearly all packets. */
static __always_inline bool is_marked(const struct bound_marks *ports, const struct packet *pkt)
{
	__u16 port = dport_of(pkt);
	__u32 word = BOUND_WORD(proto_index(pkt->protocol), port);

	/* clang 19 sees that it is in range; the verifier of Linux 6.1 does not. */
	barrier_var(word);
	return ports && word < BOUND_WORDS &&
	       ports->bits[ports->current & 1][word] & BOUND_BIT(port);
}

/* Whether Docker bound the port. */
static __always_inline bool is_unknown_bound(const struct packet *pkt)
{
	const struct bound_marks *ports = bound_marks_of();

	return is_marked(ports, pkt) && is_bound(pkt, dport_of(pkt));
}

#endif
