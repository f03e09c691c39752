/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * read.c: what user space reads out of an image: whether the bytes are one that this build may
 * read, what it decides, and when its rules expire.  What the look-ups follow inside of an image is
 * checked at each step (include/classify.h); here it is made sure that the arrays which user space
 * walks lie inside.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "classify.h"
#include "limit.h"
#include "map_values.h"
#include "policy_image.h"
#include "verdict_entry.h"
#include "addr/prefix.h"
#include "base/proto.h"
#include "image/image.h"
#include "image/ports.h"

/* ---- is it one ------------------------------------------------------------------------- */

static bool is_inside(const struct image_header *header, __u32 offset, __u64 size, __u32 align)
{
	return offset >= sizeof(*header) && offset % align == 0 && offset + size <= header->size;
}

static bool is_table(const struct image_header *header, const struct image_table *table)
{
	if (table->bits == 0)
		return true; /* the look-up finds out */
	return table->bits <= 31 && table->shift < 64 &&
	       is_inside(header, table->root, ((1ull << table->bits) + 1) * 4, 4);
}

static bool is_bitmap(const struct image_header *header, const struct image_bitmap *bitmap)
{
	if (bitmap->root == offsetof(struct image_header, prefilter_full))
		return bitmap->last < 32;
	return bitmap->shift < 64 && is_inside(header, bitmap->root, bitmap->last / 8 + 1, 1);
}

/* Packets to an own address are decided as such: without a look at what is there. */
static bool are_own(const void *bytes)
{
	struct image_ref image = { bytes };
	const struct image_header *header = bytes;

	for (int i = 0; i < OWN_ADDRS; i++)
		if (image_kind(image, header, header->own.destination4[i]) != DESTINATION_LOCAL ||
		    image_kind(image, header, header->own.destination6[i]) != DESTINATION_LOCAL)
			return false;
	return true;
}

static bool are_arrays_inside(const struct image_header *header)
{
	return is_inside(header, IMAGE_PORTS,
			 (__u64)header->port_entries_used * sizeof(struct port_entry), 16) &&
	       is_inside(header, header->overrides, 0, 8) &&
	       is_inside(header, header->endpoints,
			 (__u64)header->endpoints_used * sizeof(struct image_endpoint), 64) &&
	       is_inside(header, header->blocks, header->row_blocks * 4ull, 4) &&
	       is_inside(header, header->cells, CELL_BLOCK * sizeof(__u16), 128) &&
	       is_inside(header, header->rules, sizeof(struct image_rule), 16) &&
	       is_inside(header, header->destinations, 0, 1) &&
	       is_inside(header, header->snapshot, header->snapshot_size, 1);
}

int image_check(const void *bytes, size_t size)
{
	const struct image_header *header = bytes;

	if (size < IMAGE_CHUNK || size % IMAGE_CHUNK)
		return -EBADMSG;
	if (header->magic != IMAGE_MAGIC || header->abi != DATAPATH_ABI || header->size != size)
		return -EBADMSG;
	if (!header->port_entries_used || header->port_entries_used > IMAGE_PORTS_MAX ||
	    !header->endpoints_used || header->endpoints_used > LIMIT_PORTS + 1 ||
	    !header->classes || header->classes > LIMIT_CLASSES ||
	    header->row_blocks != (header->classes + CELL_BLOCK - 1) / CELL_BLOCK)
		return -EBADMSG;
	if (!is_table(header, &header->saddr4) || !is_table(header, &header->saddr6) ||
	    !is_table(header, &header->daddr4) || !is_table(header, &header->daddr6) ||
	    !is_bitmap(header, &header->prefilter6))
		return -EBADMSG;
	return are_arrays_inside(header) && are_own(bytes) ? 0 : -EBADMSG;
}

/* ---- when its rules expire -------------------------------------------------------------- */

#define EXPIRY_TOLERANCE_NS 2000000000ull /* `until` is in seconds */

static const struct image_rule *rules_of(const struct image *image)
{
	return (const void *)((const char *)image->bytes + image_header(image)->rules);
}

/* In front of the snapshot, and nothing in between but a gap smaller than a rule. */
static size_t count_rules(const struct image *image)
{
	const struct image_header *header = image_header(image);

	return (header->snapshot - header->rules) / sizeof(struct image_rule);
}

static bool expires_alike(__u64 a, __u64 b)
{
	if (!a || !b)
		return a == b;
	return (a > b ? a - b : b - a) <= EXPIRY_TOLERANCE_NS;
}

bool image_expires_alike(const struct image *a, const struct image *b)
{
	const struct image_rule *x = rules_of(a), *y = rules_of(b);
	size_t count = count_rules(a);

	if (count != count_rules(b))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!expires_alike(x[i].expires_ns, y[i].expires_ns))
			return false;
	return true;
}

/* ---- what it decides -------------------------------------------------------------------- */

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
	return rule->expires_ns && now_ns > rule->expires_ns && rule->action != ACTION_DENY;
}

/* As find_unbanned_rule() of bpf/lookup.h. */
static const struct image_rule *unbanned_rule(struct image_ref image,
					      const struct image_endpoint *endpoint,
					      const struct prefix *saddr)
{
	const struct image_header *header = image_header_of(image);
	__u32 class, rule;

	if (saddr->family == 4)
		class = classify4(image, &header->saddr4, addr_hi(saddr) >> 32);
	else
		class = classify6(image, &header->saddr6, addr_hi(saddr), addr_lo(saddr));
	rule = image_rule(image, header, endpoint, image_unbanned(image, header, class));
	return rule == IMAGE_INVALID ? NULL : image_rule_at(image, header, rule);
}

/* What is found on the way to a rule. */
struct found {
	__u32 destination, kind, number;
	const struct image_endpoint *endpoint; /* NULL = the image contradicts itself */
	const struct image_rule *rule;         /* likewise */
};

static struct found find(const struct image *image, const struct image_flow *flow, __u64 now_ns)
{
	struct image_ref ref = { image->bytes };
	const struct image_header *header = image_header(image);
	struct found found = { .destination = destination_at(ref, flow->daddr) };
	__u32 winner = IMAGE_INVALID;

	found.kind = image_kind(ref, header, found.destination);
	found.number = image_endpoint_number(
		ref, header, flow->proto ? proto_index(flow->proto) : PROTO_TCP, htons(flow->dport),
		found.destination, flow->daddr->family);
	if (found.number != IMAGE_INVALID)
		found.endpoint = image_endpoint_at(ref, header, found.number);
	if (found.endpoint)
		winner = winning_rule(ref, found.endpoint, flow->saddr);
	if (winner != IMAGE_INVALID)
		found.rule = image_rule_at(ref, header, winner);
	if (found.rule && found.rule->action == ACTION_BAN && is_expired(found.rule, now_ns))
		found.rule = unbanned_rule(ref, found.endpoint, flow->saddr);
	if (found.rule && is_expired(found.rule, now_ns))
		found.rule = image_rule_at(ref, header, found.endpoint->fallback);
	return found;
}

/* Knows nothing of replies: these pass whatever the image decides. */
enum reason image_decide(const struct image *image, const struct image_flow *flow, __u64 now_ns)
{
	struct found found = find(image, flow, now_ns);

	return found.rule ? image_reason(image_header(image), found.number, found.rule->action)
			  : DROP_NO_POLICY;
}

static bool is_group(const struct prefix *addr)
{
	if (addr->family == 4)
		return (addr->addr[0] & 0xf0) == 0xe0 || addr_wire4(addr) == 0xffffffff;
	return addr->addr[0] == 0xff;
}

/* Only this host, or what is behind it, has the address: as is_inside() of bpf/lookup.h. */
static bool is_inside_source(const struct image *image, const struct prefix *addr)
{
	struct image_ref ref = { image->bytes };
	__u32 source = destination_at(ref, addr);
	const __u8 *kind;

	if (is_group(addr) || (!addr_hi(addr) && !addr_lo(addr)))
		return true;
	if (source < DESTINATION_FIRST || source == IMAGE_INVALID)
		return source != DESTINATION_OTHER;
	kind = image_at(ref, image_header(image)->destinations + source - DESTINATION_FIRST, 1);
	return !kind || *kind & DESTINATION_INSIDE;
}

static bool is_container(__u32 kind)
{
	return kind == DESTINATION_CONTAINER || kind == DESTINATION_ROUTED ||
	       kind == DESTINATION_MACVLAN;
}

/* As apply_rule() of bpf/decide.h, for packets with ports. */
static enum reason reason_of(const struct image *image, const struct found *found)
{
	enum reason reason;

	if (found->rule->action == ACTION_FAILSAFE)
		return PASS_FAILSAFE;
	if (found->rule->action == ACTION_BAN)
		return DROP_BANNED;
	if (found->kind == DESTINATION_MARTIAN)
		return DROP_MARTIAN;
	reason = image_reason(image_header(image), found->number, found->rule->action);
	if (is_container(found->kind) && reason != PASS_ALLOWED && reason != PASS_DEFAULT)
		return DROP_DIRECT;
	return reason;
}

void image_answer(const struct image *image, const struct image_flow *flow, __u64 now_ns,
		  struct image_answer *ret)
{
	struct found found = find(image, flow, now_ns);

	*ret = (struct image_answer){ .reason = DROP_NO_POLICY, .kind = found.kind };
	if (!found.rule || found.kind > DESTINATION_MACVLAN)
		return;
	ret->is_guarded = found.number != 0;
	ret->reason = reason_of(image, &found);
	if (!reason_is_drop(ret->reason) && ret->reason != PASS_FAILSAFE &&
	    is_inside_source(image, flow->saddr)) {
		ret->reason = DROP_SPOOFED;
		return;
	}
	/* Where nobody is banned and no port is named, the programs look for no rule. */
	if (!found.number && image_header(image)->flags & IMAGE_QUIET)
		return;
	if (found.endpoint->counter)
		ret->port_counter = found.endpoint->counter + reason_is_drop(ret->reason);
	ret->rule_counter = found.rule->counter;
}

bool image_is_outside(const struct image *image, const struct prefix *addr)
{
	struct image_ref ref = { image->bytes };

	return image_kind(ref, image_header(image), destination_at(ref, addr)) == DESTINATION_OTHER;
}
