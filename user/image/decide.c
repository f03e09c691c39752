/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decide.c: what an image says of a new flow to one of this host's own addresses, as the
 * programs in bpf/ find it out.  Knows nothing of replies: these pass whatever the image says.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "verdict_entry.h"
#include "classify.h"
#include "image/image.h"
#include "image/ports.h"
#include "addr/prefix.h"

/* Number of the rule that wins at the port for this source, or IMAGE_INVALID. */
static __u32 winning_rule(struct image_ref image, const struct image_endpoint *endpoint,
			  const struct prefix *saddr)
{
	const struct image_header *header = image_header_of(image);

	if (saddr->family == 4)
		return image_rule4(image, header, endpoint, addr_hi(saddr) >> 32);
	return image_rule6(image, header, endpoint, addr_hi(saddr), addr_lo(saddr));
}

static bool is_expired(const struct image_rule *rule, __u64 now_ns)
{
	return rule->expires_ns && now_ns > rule->expires_ns &&
	       (rule->action == ACTION_ALLOW || rule->action == ACTION_FAILSAFE);
}

enum reason image_decide(const struct image *image, const struct image_flow *flow, __u64 now_ns)
{
	struct image_ref ref = { image->bytes };
	const struct image_header *header = image_header(image);
	__u32 number = image_endpoint_number(ref, header, PROTO_TCP, htons(flow->dport),
					     destination_at(ref, flow->daddr), flow->daddr->family);
	const struct image_endpoint *endpoint =
		number == IMAGE_INVALID ? NULL : image_endpoint_at(ref, header, number);
	__u32 winner = endpoint ? winning_rule(ref, endpoint, flow->saddr) : IMAGE_INVALID;
	const struct image_rule *rule =
		winner == IMAGE_INVALID ? NULL : image_rule_at(ref, header, winner);

	if (rule && is_expired(rule, now_ns))
		rule = image_rule_at(ref, header, endpoint->fallback);
	return rule ? image_reason(header, number, rule->action) : DROP_NO_POLICY;
}

bool image_is_outside(const struct image *image, const struct prefix *addr)
{
	struct image_ref ref = { image->bytes };

	return image_kind(ref, image_header(image), destination_at(ref, addr)) == DESTINATION_OTHER;
}
