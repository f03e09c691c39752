/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usual.h: bytes + image -> what becomes of the packet, for those that most are: plain, with
 * ports, for one of this host's addresses.  Where no list is near its source, the image says it
 * beforehand; otherwise the source is looked up.  Either says what decide.h would say; of every
 * other packet this says nothing.
 */
#ifndef TIDEGATE_USUAL_H
#define TIDEGATE_USUAL_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "answer.h"
#include "classify.h"
#include "datapath.h"
#include "decide.h"
#include "lookup.h"
#include "parse.h"

#define likely(condition) __builtin_expect(!!(condition), 1)

/* In .bss, whose address is part of the program: no look-up. */
struct lane lane;

/* The front of the image, asked before the headers are read, so that only a pointer has to be kept
 * meanwhile.  That the place comes out of the word which opens the lane keeps the order of the two
 * readings on every processor. */
static __always_inline struct image_ref usual_image(void)
{
	__u64 offset = *(volatile __u64 *)&lane.offset & LANE_OFFSET;
	struct image_ref image = { .mask = IMAGE_SMALL - 1 };

	image_opaque(offset);
	if (offset)
		image.bytes = (const __u8 *)&lane + offset;
	return image;
}

/* Whether the address is known for this host's own without a search, and no port names it. */
static __always_inline bool is_own(const struct image_header *header, const struct packet *pkt)
{
	if (pkt->family == 4) {
		for (int i = 0; i < IMAGE_NEAR; i++)
			if (header->near4[i].is == IMAGE_NEAR4(pkt->daddr[0], DESTINATION_LOCAL))
				return true;
		return false;
	}
	for (int i = 0; i < IMAGE_NEAR; i++)
		if (header->near6[i].lo == word64(pkt->daddr + 2) &&
		    header->near6[i].hi == word64(pkt->daddr))
			return header->near6[i].destination == DESTINATION_LOCAL;
	return false;
}

static __always_inline const struct image_slot_entry *usual_slot(struct image_ref image,
								 const struct packet *pkt)
{
	if (pkt->kind != PACKET_PORTS || !is_own(image_header_of(image), pkt))
		return NULL;
	return image_near_slot(
		image, image_slot_number(image, proto_index(pkt->protocol), pkt->dport));
}

/* Whether no list has an address near the source. */
static __always_inline bool is_usual(struct image_ref image, const struct packet *pkt)
{
	if (pkt->family == 4)
		return image_is_usual4(image, bpf_ntohl(pkt->saddr[0]));
	return image_is_usual6(image, image_header_of(image), word64(pkt->saddr));
}

/* The flags that say something about this packet. */
static __always_inline __u16 flags_for(const struct image_answer *answer, const struct packet *pkt)
{
	return answer->flags & (ANSWER_SAID | ANSWER_UNIFORM | ANSWER_UNBOUND |
				(is_opening(pkt) ? 0 : ANSWER_OPENING));
}

/*
 * Whether the answer is all there is to say.  Conntrack is to be asked about what may be a reply,
 * and the ports that Docker bound about what passes because nobody named it.
 */
static __always_inline bool is_final(__u16 flags, const struct packet *pkt)
{
	flags &= ~ANSWER_UNIFORM;
	return flags == ANSWER_SAID ||
	       (flags == (ANSWER_SAID | ANSWER_UNBOUND) && !is_marked(learned_ports_of(), pkt));
}

/* What becomes of the packet; NULL = ask answer_listed(), if it may be listed, or else decide.h.
 * *ret_may_be_listed is false before. */
static __always_inline const struct image_answer *
answer_packet(struct image_ref image, const struct packet *pkt, bool *ret_may_be_listed)
{
	const struct image_slot_entry *slot = usual_slot(image, pkt);
	const struct image_answer *answer;
	__u16 flags;

	if (!slot)
		return NULL;
	answer = pkt->family == 4 ? &slot->answer4 : &slot->answer6;
	flags = flags_for(answer, pkt);
	/* Of a flood to a closed port one comparison tells. */
	if (flags == (ANSWER_SAID | ANSWER_UNIFORM))
		return answer;
	if (flags == ANSWER_SAID && is_usual(image, pkt))
		return answer;
	if (!(flags & ANSWER_UNIFORM) && !is_usual(image, pkt)) {
		*ret_may_be_listed = true;
		return NULL;
	}
	return is_final(flags, pkt) ? answer : NULL;
}

/* Each protocol by itself: what TCP and UDP have in common would cost more in registers than it
 * saves in code. */
static __always_inline const struct image_answer *
answer_transport(struct image_ref image, struct cursor *cursor, const struct packet *ip,
		 bool *ret_may_be_listed)
{
	struct packet pkt = *ip;

	if (likely(ip->protocol == IPPROTO_TCP) && parse_tcp(cursor, &pkt))
		return answer_packet(image, &pkt, ret_may_be_listed);
	if (ip->protocol == IPPROTO_UDP && parse_udp(cursor, &pkt))
		return answer_packet(image, &pkt, ret_may_be_listed);
	return NULL;
}

/* As are the families.  From the network header on. */
static __always_inline const struct image_answer *
answer_network(struct image_ref image, struct cursor *cursor, __be16 ethertype,
	       bool *ret_may_be_listed)
{
	struct packet pkt = {};

	if (!image.bytes)
		return NULL;
	if (likely(ethertype == bpf_htons(ETH_P_IP)) && parse_plain_ipv4(cursor, &pkt))
		return answer_transport(image, cursor, &pkt, ret_may_be_listed);
	if (ethertype == bpf_htons(ETH_P_IPV6) && parse_plain_ipv6(cursor, &pkt))
		return answer_transport(image, cursor, &pkt, ret_may_be_listed);
	return NULL;
}

/* From the Ethernet header on. */
static __always_inline const struct image_answer *
answer_frame(struct image_ref image, struct cursor *cursor, bool *ret_may_be_listed)
{
	struct ethhdr *eth = cursor->pos;

	if (cursor->pos + sizeof(*eth) + PLAIN_BYTES > cursor->end)
		return NULL;
	cursor->pos += sizeof(*eth);
	return answer_network(image, cursor, eth->h_proto, ret_may_be_listed);
}

/* The same for a source that has to be looked up, in the image itself; false = ask decide.h. */
static __always_inline bool answer_listed(const struct packet *pkt, struct image_answer *ret)
{
	struct image_ref image = image_in(SLOT_ACTIVE);
	const struct image_header *header = image_header_of(image);
	const struct image_slot_entry *slot;
	const struct image_port *port;
	const struct image_rule *rule;
	__u32 number, class, rule_number;

	/* A trial may have begun meanwhile, and ended. */
	if (!image.bytes || header->deadline_ns)
		return false;
	slot = usual_slot(image, pkt);
	if (!slot)
		return false;
	if (pkt->family == 4) {
		number = slot->any4;
		class = classify4(image, &header->saddr4, bpf_ntohl(pkt->saddr[0]));
	} else {
		number = slot->any6;
		class = classify6(image, &header->saddr6, word64(pkt->saddr),
				  word64(pkt->saddr + 2));
	}
	port = image_port_at(image, header, number);
	rule_number = port ? image_rule(image, header, port, class) : IMAGE_BAD;
	if (rule_number == IMAGE_BAD)
		return false;
	rule = image_rule_at(image, header, rule_number);
	if (!rule)
		return false;
	*ret = image_make_answer(header, number, port, rule);
	return is_final(flags_for(ret, pkt), pkt);
}

#endif
