/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usual.h: bytes + image -> what becomes of the packet, for those that most are: plain, with
 * ports, for one of this host's addresses, from a source that no list is near.  Of these the image
 * says it beforehand, and as decide.h would; of every other this says nothing.
 */
#ifndef TIDEGATE_USUAL_H
#define TIDEGATE_USUAL_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "classify.h"
#include "datapath.h"
#include "decide.h"
#include "lookup.h"
#include "parse.h"

/* Asked before the headers are read, so that only a pointer has to be kept meanwhile.  A trial is
 * nothing usual: it may have ended. */
static __always_inline struct image_ref usual_image(void)
{
	struct image_ref image = image_in(SLOT_ACTIVE);

	if (image.bytes && image_header_of(image)->deadline_ns)
		image.bytes = NULL;
	return image;
}

/* Whether the address is known for this host's own without a search, and no port names it. */
static __always_inline bool is_own(const struct image_header *header, const struct packet *pkt)
{
	if (pkt->family == 4) {
		__u64 own = IMAGE_NEAR4(bpf_ntohl(pkt->daddr[0]), DESTINATION_LOCAL);

		for (int i = 0; i < IMAGE_NEAR; i++)
			if (header->near4[i].is == own)
				return true;
		return false;
	}
	for (int i = 0; i < IMAGE_NEAR; i++)
		if (header->near6[i].lo == word64(pkt->daddr + 2) &&
		    header->near6[i].hi == word64(pkt->daddr))
			return header->near6[i].destination == DESTINATION_LOCAL;
	return false;
}

/* What becomes of the packet; NULL = ask decide.h. */
static __always_inline const struct image_answer *answer_packet(struct image_ref image,
								const struct packet *pkt)
{
	const struct image_header *header = image_header_of(image);
	const struct image_answer *answer;
	__u32 number;

	if (pkt->kind != PACKET_PORTS || !is_own(header, pkt))
		return NULL;
	number = image_slot_number(image, proto_index(pkt->protocol), bpf_ntohs(pkt->dport));
	if (pkt->family == 4)
		answer = image_answer4(image, header, number, bpf_ntohl(pkt->saddr[0]));
	else
		answer = image_answer6(image, header, number, word64(pkt->saddr));
	if (!answer)
		return NULL;
	if (answer->flags & ANSWER_OPENING && !is_opening(pkt))
		return NULL;
	if (answer->flags & ANSWER_UNBOUND && is_learned(pkt))
		return NULL;
	return answer;
}

/* Each protocol by itself: what TCP and UDP have in common would cost more in registers than it
 * saves in code. */
static __always_inline const struct image_answer *
answer_transport(struct image_ref image, struct cursor *cursor, const struct packet *ip)
{
	struct packet pkt = *ip;

	if (ip->protocol == IPPROTO_TCP)
		return parse_tcp(cursor, &pkt) ? answer_packet(image, &pkt) : NULL;
	if (ip->protocol == IPPROTO_UDP)
		return parse_udp(cursor, &pkt) ? answer_packet(image, &pkt) : NULL;
	return NULL;
}

/* As are the families. */
static __always_inline const struct image_answer *
answer_network(struct image_ref image, struct cursor *cursor, __be16 ethertype)
{
	struct packet pkt = {};

	if (ethertype == bpf_htons(ETH_P_IP) && parse_plain_ipv4(cursor, &pkt))
		return answer_transport(image, cursor, &pkt);
	if (ethertype == bpf_htons(ETH_P_IPV6) && parse_plain_ipv6(cursor, &pkt))
		return answer_transport(image, cursor, &pkt);
	return NULL;
}

static __always_inline const struct image_answer *answer_frame(struct image_ref image,
							       struct cursor *cursor)
{
	struct ethhdr *eth = cursor->pos;

	return cursor_skip(cursor, sizeof(*eth)) ? answer_network(image, cursor, eth->h_proto) :
						   NULL;
}

#endif
