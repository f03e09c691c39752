/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_oracle.h: the meaning of a policy, read off its structs one prefix after the other,
 * and policies to try it on.  Shares no code with user/image/ but the structs: what is
 * fast there is looked up here, what is subtle there is spelled out here.
 */
#ifndef TIDEGATE_IMAGE_ORACLE_H
#define TIDEGATE_IMAGE_ORACLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "classify.h"
#include "image/image.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/* ---- an address as bits ------------------------------------------------------------ */

static inline bool oracle_bit(const struct prefix *prefix, int bit)
{
	return prefix->addr[bit / 8] >> (7 - bit % 8) & 1;
}

static inline bool oracle_covers(const struct prefix *prefix, const struct prefix *address)
{
	if (prefix->family != address->family)
		return false;
	for (int bit = 0; bit < prefix->length; bit++) {
		if (oracle_bit(prefix, bit) != oracle_bit(address, bit))
			return false;
	}
	return true;
}

static inline int oracle_width(__u8 family)
{
	return family == 4 ? 32 : 128;
}

/* Length of the longest source of the rule around the address, or -1. */
static inline int oracle_longest(const struct prefix *prefixes, size_t count,
				 const struct prefix *address)
{
	int longest = -1;

	for (size_t i = 0; i < count; i++) {
		if (prefixes[i].length > longest && oracle_covers(&prefixes[i], address))
			longest = prefixes[i].length;
	}
	return longest;
}

/* ---- destination and port ------------------------------------------------------------- */

/* Loopback, or no address. */
static inline bool oracle_is_martian(const struct prefix *address)
{
	static const __u8 zero[15];

	if (address->family == 4)
		return address->addr[0] == 127 || address->addr[0] == 0;
	return memcmp(address->addr, zero, 15) == 0 && address->addr[15] < 2;
}

/* One that this host receives whatever it has joined. */
static inline bool oracle_is_group(const struct prefix *address)
{
	static const __u8 all4[2][4] = { { 255, 255, 255, 255 }, { 224, 0, 0, 1 } };
	static const __u8 all6[3][16] = { { 0xff, 1, [15] = 1 },
					  { 0xff, 2, [15] = 1 },
					  { 0xff, 2, [15] = 2 } };
	static const __u8 solicited[13] = { 0xff, 2, [11] = 1, [12] = 0xff };

	for (int i = 0; i < 2 && address->family == 4; i++)
		if (memcmp(address->addr, all4[i], 4) == 0)
			return true;
	for (int i = 0; i < 3 && address->family == 6; i++)
		if (memcmp(address->addr, all6[i], 16) == 0)
			return true;
	return address->family == 6 && memcmp(address->addr, solicited, 13) == 0;
}

static inline bool oracle_same(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->length == b->length && !memcmp(a->addr, b->addr, 16);
}

static inline enum destination oracle_kind(const struct policy *policy, const struct prefix *daddr)
{
	int natted, routed;
	bool is_named = false, is_direct = false;

	for (size_t i = 0; i < policy->ports_count; i++) {
		if (!oracle_same(&policy->ports[i].addr, daddr))
			continue;
		is_named = true;
		is_direct |= policy->ports[i].origin == PORT_DIRECT;
	}
	if (oracle_is_martian(daddr))
		return DESTINATION_MARTIAN;
	if (oracle_longest(policy->local, policy->local_count, daddr) >= 0)
		return DESTINATION_LOCAL;
	natted = oracle_longest(policy->natted, policy->natted_count, daddr);
	routed = oracle_longest(policy->routed, policy->routed_count, daddr);
	if (routed > natted)
		return DESTINATION_ROUTED;
	if (natted >= 0)
		return DESTINATION_CONTAINER;
	if (is_direct)
		return DESTINATION_MACVLAN;
	if (oracle_is_group(daddr) ||
	    oracle_longest(policy->groups, policy->groups_count, daddr) >= 0)
		return DESTINATION_LOCAL;
	return is_named ? DESTINATION_LOCAL : DESTINATION_OTHER;
}

/* Whether no packet from outside can have it for its source; but for 0.0.0.0 and ::, which depend
 * on the rest of the packet. */
static inline bool oracle_is_inside(const struct policy *policy, const struct prefix *saddr)
{
	__u8 first = saddr->addr[0];

	return oracle_is_martian(saddr) || oracle_is_group(saddr) ||
	       (saddr->family == 4 ? first >> 4 == 14 : first == 0xff) ||
	       oracle_longest(policy->local, policy->local_count, saddr) >= 0 ||
	       oracle_longest(policy->groups, policy->groups_count, saddr) >= 0 ||
	       oracle_longest(policy->natted, policy->natted_count, saddr) >= 0 ||
	       oracle_longest(policy->routed, policy->routed_count, saddr) >= 0;
}

/* Index of the policy port, or -1. */
static inline long oracle_port(const struct policy *policy, const struct prefix *daddr, __u8 proto,
			       unsigned short dport)
{
	enum destination kind = oracle_kind(policy, daddr);
	long any = -1;

	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		if (port->proto != proto || dport < port->lo || dport > port->hi)
			continue;
		if (oracle_same(&port->addr, daddr))
			return i;
		if (!port->addr.length && port->addr.family == daddr->family)
			any = i;
	}
	return kind == DESTINATION_OTHER || kind == DESTINATION_LOCAL ? any : -1;
}

/* ---- rule ------------------------------------------------------------------------------- */

static inline bool oracle_applies(const struct policy *policy, long port, size_t rule)
{
	if (policy->rules[rule].is_everywhere)
		return true;
	for (size_t i = 0; port >= 0 && i < policy->ports[port].rules_count; i++) {
		if (policy->ports[port].rules[i] == rule)
			return true;
	}
	return false;
}

/* The best rule of these two kinds, or -1; at equal length `winner` wins, then the first. */
static inline long oracle_best(const struct policy *policy, long port, const struct prefix *saddr,
			       enum statement_kind loser, enum statement_kind winner)
{
	long best = -1;
	int best_length = -1;

	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		int length;

		if ((rule->kind != loser && rule->kind != winner) ||
		    !oracle_applies(policy, port, i))
			continue;
		length = oracle_longest(rule->sources, rule->sources_count, saddr);
		if (length > best_length ||
		    (length >= 0 && length == best_length && policy->rules[best].kind != winner &&
		     rule->kind == winner)) {
			best = i;
			best_length = length;
		}
	}
	return best;
}

/* Number of the rule entry: 0 none, 1 and 2 the defaults, 3 + i policy rule i. */
static inline __u32 oracle_rule(const struct policy *policy, long port, const struct prefix *saddr)
{
	long best = oracle_best(policy, port, saddr, STATEMENT_FAILSAFE, STATEMENT_FAILSAFE);

	if (best < 0)
		best = oracle_best(policy, port, saddr, STATEMENT_BAN, STATEMENT_BAN);
	if (best < 0 && port >= 0)
		best = oracle_best(policy, port, saddr, STATEMENT_ALLOW, STATEMENT_DENY);
	if (best >= 0)
		return 3 + best;
	if (port < 0)
		return 0;
	return policy->ports[port].is_closed ? 2 : 1;
}

/* ---- the image's answer -------------------------------------------------------------------- */

static inline __u64 oracle_word(const __u8 *bytes, int count)
{
	__u64 word = 0;

	while (count--)
		word = word << 8 | *bytes++;
	return word;
}

static inline __u32 image_value(struct image_ref image, const struct image_table *table4,
				const struct image_table *table6, const struct prefix *address)
{
	if (address->family == 4)
		return classify4(image, table4, oracle_word(address->addr, 4));
	return classify6(image, table6, oracle_word(address->addr, 8),
			 oracle_word(address->addr + 8, 8));
}

/* The rule for this source, by whichever way is shorter; IMAGE_BAD also where the long way, through
 * class and cells, leads to another one. */
static inline __u32 image_ask_rule(struct image_ref image, const struct image_port *port,
				   const struct prefix *saddr)
{
	const struct image_header *header = image_header_of(image);
	__u32 class = image_value(image, &header->saddr4, &header->saddr6, saddr), rule;

	if (saddr->family == 4)
		rule = image_rule4(image, header, port, oracle_word(saddr->addr, 4));
	else
		rule = image_rule6(image, header, port, oracle_word(saddr->addr, 8),
				   oracle_word(saddr->addr + 8, 8));
	return rule == image_rule(image, header, port, class) ? rule : IMAGE_BAD;
}

/* Whether the fast path may pass a packet from there by itself, as is_usual() of bpf/usual.h. */
static inline bool image_is_plain_source(struct image_ref image, const struct prefix *saddr)
{
	const struct image_header *header = image_header_of(image);
	__u64 hi = oracle_word(saddr->addr, 8), lo = oracle_word(saddr->addr + 8, 8);

	for (int i = 0; i < IMAGE_OWN4 && saddr->family == 4; i++)
		if (memcmp(&header->own4[i], saddr->addr, 4) == 0)
			return false;
	if (saddr->family == 4)
		return image_is_usual4(image, oracle_word(saddr->addr, 4));
	for (int i = 0; i < IMAGE_NEAR; i++)
		if (header->near6[i].hi == hi && header->near6[i].lo == lo)
			return false;
	return hi && saddr->addr[0] < 0xfe && image_is_usual6(image, header, hi);
}

/* Whether what is said beforehand, if anything, is what port and rule say. */
static inline bool image_answers_right(struct image_ref image, __u32 slot_number, __u32 port_number,
				       __u32 rule_number, const struct prefix *saddr)
{
	const struct image_header *header = image_header_of(image);
	const struct image_port *port = image_port_at(image, header, port_number);
	const struct image_rule *rule = image_rule_at(image, header, rule_number);
	const struct image_slot_entry *slot = image_near_slot(image, slot_number);
	const struct image_answer *answer;
	enum reason reason;
	bool is_usual;

	if (!slot)
		return true;
	if (saddr->family == 4) {
		answer = &slot->answer4;
		is_usual = image_is_usual4(image, oracle_word(saddr->addr, 4));
	} else {
		answer = &slot->answer6;
		is_usual = image_is_usual6(image, header, oracle_word(saddr->addr, 8));
	}
	if (!answer->flags || !(is_usual || answer->flags & ANSWER_UNIFORM))
		return true;
	reason = image_reason(header, port_number, rule->action);
	return answer->reason == reason && answer->rule_counter == rule->counter &&
	       answer->port_counter ==
		       (port->counter ? port->counter + !!(REASONS_DROP & 1u << reason) : 0) &&
	       !rule->expires_ns;
}

struct asked {
	__u32 kind, port, rule;
};

static inline struct asked image_ask(const void *bytes, const struct prefix *saddr,
				     const struct prefix *daddr, __u8 proto, unsigned short dport)
{
	struct image_ref image = { bytes };
	const struct image_header *header = image_header_of(image);
	__u32 destination = image_value(image, &header->daddr4, &header->daddr6, daddr);
	__u32 index = proto == IPPROTO_TCP   ? PROTO_TCP
		      : proto == IPPROTO_UDP ? PROTO_UDP
					     : PROTO_SCTP;
	struct asked answer = { IMAGE_BAD, IMAGE_BAD, IMAGE_BAD };
	const struct image_port *port;

	answer.kind = image_kind(image, header, destination);
	answer.port = image_port(image, header, index, htons(dport), destination, daddr->family);
	if (answer.port == IMAGE_BAD)
		return answer;
	port = image_port_at(image, header, answer.port);
	if (port)
		answer.rule = image_ask_rule(image, port, saddr);
	if (destination == DESTINATION_LOCAL && saddr->family == daddr->family &&
	    answer.rule != IMAGE_BAD &&
	    !image_answers_right(image, image_slot_number(image, index, htons(dport)), answer.port,
				 answer.rule, saddr))
		answer.rule = IMAGE_BAD;
	return answer;
}

/* ---- policies to try ------------------------------------------------------------------------ */

static inline void oracle_mask(struct prefix *prefix)
{
	for (int bit = prefix->length; bit < 128; bit++)
		prefix->addr[bit / 8] &= ~(1 << (7 - bit % 8));
}

enum oracle_where { NEAR_FIRST, NEAR_LAST, NEAR_BEHIND, NEAR_BEFORE, NEAR_INSIDE, NEAR_MAX };

/* The first or last address of the prefix, or the one beside it, or one inside. */
static inline struct prefix oracle_near(const struct prefix *prefix, enum oracle_where where,
					__u64 bits)
{
	int width = oracle_width(prefix->family), step = where == NEAR_BEHIND ? 1 : -1;
	struct prefix address = *prefix;

	address.length = width;
	for (int bit = prefix->length; bit < width; bit++) {
		bool is_set = where == NEAR_LAST || where == NEAR_BEHIND ||
			      (where == NEAR_INSIDE && bits >> (bit % 64) & 1);

		address.addr[bit / 8] |= is_set << (7 - bit % 8);
	}
	for (int i = width / 8 - 1; i >= 0 && (where == NEAR_BEHIND || where == NEAR_BEFORE); i--) {
		int sum = address.addr[i] + step;

		address.addr[i] = sum;
		if (sum == (__u8)sum)
			break;
	}
	return address;
}

static inline struct policy *oracle_policy(void)
{
	return calloc(1, sizeof(struct policy));
}

/* array points to some struct's pointer. */
static inline void *oracle_grow(void *array, size_t *count, size_t size)
{
	char *element = util_append(array, *count, size);

	(*count)++;
	return element;
}

/* Returns the rule's index. */
static inline unsigned int oracle_add_rule(struct policy *policy, enum statement_kind kind)
{
	struct policy_rule *rule = oracle_grow(&policy->rules, &policy->rules_count, sizeof(*rule));

	rule->kind = kind;
	rule->is_everywhere = kind == STATEMENT_BAN;
	return policy->rules_count - 1;
}

static inline void oracle_add_source(struct policy *policy, unsigned int rule, struct prefix prefix)
{
	struct policy_rule *to = &policy->rules[rule];
	struct prefix *source;

	oracle_mask(&prefix);
	source = oracle_grow(&to->sources, &to->sources_count, sizeof(*source));
	*source = prefix;
}

static inline struct policy_port *oracle_add_port(struct policy *policy, __u8 proto,
						  struct prefix addr, unsigned short lo,
						  unsigned short hi)
{
	struct policy_port *port = oracle_grow(&policy->ports, &policy->ports_count, sizeof(*port));

	port->proto = proto;
	port->addr = addr;
	port->lo = lo;
	port->hi = hi;
	port->is_closed = true;
	return port;
}

/* The contract of struct policy_port: ranges of one protocol and destination are disjoint. */
static inline bool oracle_is_taken(const struct policy *policy, __u8 proto,
				   const struct prefix *addr, unsigned short lo, unsigned short hi)
{
	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		if (port->proto == proto && oracle_same(&port->addr, addr) && port->lo <= hi &&
		    port->hi >= lo)
			return true;
	}
	return false;
}

static inline void oracle_bind(struct policy_port *port, unsigned int rule)
{
	unsigned int *to = oracle_grow(&port->rules, &port->rules_count, sizeof(*to));

	*to = rule;
}

static inline void oracle_add_prefix(struct prefix **prefixes, size_t *count, struct prefix prefix)
{
	struct prefix *to;

	oracle_mask(&prefix);
	to = oracle_grow(prefixes, count, sizeof(*to));
	*to = prefix;
}

static inline void oracle_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->rules_count; i++)
		free(policy->rules[i].sources);
	for (size_t i = 0; i < policy->ports_count; i++)
		free(policy->ports[i].rules);
	free(policy->rules);
	free(policy->ports);
	free(policy->local);
	free(policy->natted);
	free(policy->routed);
	free(policy);
}

static inline void oracle_freep(struct policy **policy)
{
	if (*policy)
		oracle_free(*policy);
}

/* Counters are not looked at here, so they are all "not counted". */
static inline int oracle_build(const struct policy *policy, struct image *ret,
			       struct image_error *ret_error)
{
	__u32 *zeroes = calloc(policy->rules_count + policy->ports_count + 1, sizeof(*zeroes));
	struct image_input input = { .policy = policy,
				     .rule_counters = zeroes,
				     .port_counters = zeroes,
				     .now_epoch = 1000000,
				     .now_monotonic_ns = 5000000000 };
	int err = image_build(&input, ret, ret_error);

	free(zeroes);
	return err;
}

#endif
