/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_oracle.h: policies to try images on, and the comparison of an image with its policy.  What
 * decides is policy_evaluate()'s answer; what an address is and what an image tells beforehand is
 * spelled out here.  Shares no code with user/image/ and include/verdict_entry.h but the structs:
 * what is asked of these is what is under test.
 */
#ifndef TIDEGATE_IMAGE_ORACLE_H
#define TIDEGATE_IMAGE_ORACLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "verdict_entry.h"
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

/* ---- what decides ------------------------------------------------------------------------ */

/* As the image numbers them.  Ports: 0 none, 1 + i policy port i; rules: 0 none, 1 and 2 the
 * defaults, 3 + i policy rule i. */
struct expected {
	enum destination kind;
	__u32 port, rule;
	enum policy_verdict verdict;
};

#define RULE_FIRST 3

static inline struct expected oracle_expect(const struct policy *policy, const struct prefix *saddr,
					    const struct prefix *daddr, __u8 proto,
					    unsigned short dport)
{
	struct policy_answer answer = policy_evaluate(policy, saddr, daddr, proto, dport);
	struct expected expected = { .kind = oracle_kind(policy, daddr),
				     .verdict = answer.verdict };

	if (answer.port)
		expected.port = 1 + (answer.port - policy->ports);
	if (answer.rule)
		expected.rule = RULE_FIRST + (answer.rule - policy->rules);
	else if (answer.port)
		expected.rule = answer.port->is_closed ? 2 : 1;
	return expected;
}

/* What that comes to at an address of this host's own. */
static inline enum reason oracle_reason(const struct policy *policy,
					const struct expected *expected)
{
	static const enum reason reasons[] = {
		[STATEMENT_ALLOW] = PASS_ALLOWED,
		[STATEMENT_DENY] = DROP_DENIED,
		[STATEMENT_BAN] = DROP_BANNED,
		[STATEMENT_FAILSAFE] = PASS_FAILSAFE,
	};

	if (expected->rule >= RULE_FIRST)
		return reasons[policy->rules[expected->rule - RULE_FIRST].kind];
	if (!expected->port)
		return policy->mode == DEFAULT_DENY_ALL ? DROP_CLOSED : PASS_UNGUARDED;
	return expected->rule == 2 ? DROP_CLOSED : PASS_DEFAULT;
}

static inline bool oracle_drops(enum reason reason)
{
	return reason != PASS_ALLOWED && reason != PASS_DEFAULT && reason != PASS_UNGUARDED &&
	       reason != PASS_FAILSAFE;
}

/* ---- counters and clock: what oracle_build() hands in, and what is made of it ------------------
 */

/* No two have the same id. */
static inline __u32 oracle_rule_counter(__u32 rule)
{
	return rule < RULE_FIRST ? 0 : 100 + rule - RULE_FIRST;
}

static inline __u32 oracle_port_counter(__u32 port)
{
	return port ? 10000 + 2 * port : 0;
}

#define ORACLE_EPOCH        1000000
#define ORACLE_MONOTONIC_NS 5000000000ull

static inline __u64 oracle_expiry(const struct policy *policy, __u32 rule)
{
	time_t until = rule < RULE_FIRST ? 0 : policy->rules[rule - RULE_FIRST].until;

	return until ? ORACLE_MONOTONIC_NS + (until - ORACLE_EPOCH) * 1000000000ull : 0;
}

/* What an image may tell beforehand of the packets that this is expected of. */
static inline struct verdict_entry oracle_entry(const struct policy *policy,
						const struct expected *expected)
{
	enum reason reason = oracle_reason(policy, expected);
	bool drops = oracle_drops(reason);
	struct verdict_entry answer = {
		.port_counter = oracle_port_counter(expected->port),
		.rule_counter = oracle_rule_counter(expected->rule),
		.reason = reason,
		.verdict = drops && !policy->is_audit ? VERDICT_DROP : VERDICT_PASS,
		.flags = ENTRY_VALID,
	};

	if (expected->port && drops)
		answer.port_counter++;
	if (drops && reason != DROP_BANNED)
		answer.flags |= ENTRY_SYN_ONLY;
	if (policy->mode != DEFAULT_ALLOW && (reason == PASS_UNGUARDED || reason == PASS_DEFAULT))
		answer.flags |= ENTRY_CHECK_BOUND;
	return answer;
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

/* The rule for this source, by whichever way is shorter; IMAGE_INVALID also where the long way,
 * through class and cells, leads to another one. */
static inline __u32 image_ask_rule(struct image_ref image, const struct image_endpoint *port,
				   const struct prefix *saddr)
{
	const struct image_header *header = image_header_of(image);
	__u32 class = image_value(image, &header->saddr4, &header->saddr6, saddr), rule;

	if (saddr->family == 4)
		rule = image_rule4(image, header, port, oracle_word(saddr->addr, 4));
	else
		rule = image_rule6(image, header, port, oracle_word(saddr->addr, 8),
				   oracle_word(saddr->addr + 8, 8));
	return rule == image_rule(image, header, port, class) ? rule : IMAGE_INVALID;
}

/* Whether the fast path may pass a packet from there by itself, as is_clear() of bpf/fastpath.h. */
static inline bool image_is_plain_source(struct image_ref image, const struct prefix *saddr)
{
	const struct image_header *header = image_header_of(image);
	__u64 hi = oracle_word(saddr->addr, 8), lo = oracle_word(saddr->addr + 8, 8);

	__be32 addr4;

	memcpy(&addr4, saddr->addr, sizeof(addr4));
	if (saddr->family == 4)
		return !is_own4(&header->own, addr4) &&
		       image_is_clear4(image, oracle_word(saddr->addr, 4));
	if (is_own6(&header->own, hi, lo))
		return false;
	return hi && saddr->addr[0] < 0xfe && image_is_clear6(image, header, hi);
}

struct asked {
	__u32 destination, kind, port, rule;
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
	struct asked answer = { .port = IMAGE_INVALID, .rule = IMAGE_INVALID };
	const struct image_endpoint *port;

	answer.destination = destination;
	answer.kind = image_kind(image, header, destination);
	answer.port = image_endpoint_number(image, header, index, htons(dport), destination,
					    daddr->family);
	if (answer.port == IMAGE_INVALID)
		return answer;
	port = image_endpoint_at(image, header, answer.port);
	if (port)
		answer.rule = image_ask_rule(image, port, saddr);
	return answer;
}

/* ---- the comparison: what differs, or NULL ----------------------------------------------------
 */

/* Before they drop a martian, the programs ask for failsafes and bans alone. */
static inline bool oracle_rule_agrees(const struct policy *policy, const struct expected *expected,
				      __u32 rule)
{
	enum statement_kind kind;

	if (expected->kind != DESTINATION_MARTIAN || expected->rule >= RULE_FIRST)
		return rule == expected->rule;
	if (rule < RULE_FIRST || rule - RULE_FIRST >= policy->rules_count)
		return rule < RULE_FIRST;
	kind = policy->rules[rule - RULE_FIRST].kind;
	return kind == STATEMENT_ALLOW || kind == STATEMENT_DENY;
}

static inline const char *oracle_differing_ids(const struct policy *policy,
					       const struct image *image, const struct asked *asked)
{
	struct image_ref ref = { image->bytes };
	const struct image_header *header = image_header(image);
	const struct image_endpoint *port = image_endpoint_at(ref, header, asked->port);
	const struct image_rule *rule = image_rule_at(ref, header, asked->rule);

	if (port->counter != oracle_port_counter(asked->port))
		return "counter of the port";
	if (rule->counter != oracle_rule_counter(asked->rule))
		return "counter of the rule";
	return rule->expires_ns == oracle_expiry(policy, asked->rule) ? NULL : "expiry";
}

/* The verdict entry that the image has there, unless it is for other sources. */
static inline const struct verdict_entry *
image_told(const struct image *image, const struct asked *asked, const struct prefix *saddr)
{
	struct image_ref ref = { image->bytes };
	const struct image_endpoint *endpoint;
	const struct verdict_entry *entry;
	bool is_clear;

	if (asked->port == IMAGE_INVALID || asked->kind != DESTINATION_LOCAL)
		return NULL;
	endpoint = image_endpoint_at(ref, image_header(image), asked->port);
	entry = saddr->family == 4 ? &endpoint->entry4 : &endpoint->entry6;
	is_clear = saddr->family == 4
			   ? image_is_clear4(ref, oracle_word(saddr->addr, 4))
			   : image_is_clear6(ref, image_header(image), oracle_word(saddr->addr, 8));
	return entry->flags && (is_clear || entry->flags & ENTRY_ANY_SOURCE) ? entry : NULL;
}

static inline const char *oracle_differing_entry(const struct policy *policy,
						 const struct expected *expected,
						 const struct verdict_entry *answer)
{
	struct verdict_entry right = oracle_entry(policy, expected);

	if (oracle_expiry(policy, expected->rule))
		return "entry for a rule that expires";
	if (answer->reason != right.reason)
		return "reason of the entry";
	if (answer->verdict != right.verdict)
		return "verdict of the entry";
	if (answer->port_counter != right.port_counter ||
	    answer->rule_counter != right.rule_counter)
		return "counters of the entry";
	if ((answer->flags & ~ENTRY_ANY_SOURCE) != right.flags ||
	    (answer->flags & ENTRY_ANY_SOURCE && !oracle_drops(right.reason)))
		return "flags of the entry";
	return NULL;
}

/* A TCP flow to an address of this host's own, as `up` asks for the SSH connections. */
static inline const char *oracle_differing_decision(const struct policy *policy,
						    const struct expected *expected,
						    const struct image *image,
						    const struct image_flow *flow)
{
	enum reason reason = oracle_reason(policy, expected);

	if (image_is_outside(image, flow->daddr) != (expected->kind == DESTINATION_OTHER))
		return "outside";
	if (expected->kind != DESTINATION_LOCAL && expected->kind != DESTINATION_OTHER)
		return NULL;
	if (oracle_drops(reason) != (expected->verdict == POLICY_DENY))
		return "verdict of the policy";
	return image_decide(image, flow, 0) == reason ? NULL : "decision";
}

/* saddr and daddr of one family. */
static inline const char *oracle_difference(const struct policy *policy, const struct image *image,
					    const struct prefix *saddr, const struct prefix *daddr,
					    __u8 proto, unsigned short dport)
{
	struct expected expected = oracle_expect(policy, saddr, daddr, proto, dport);
	struct asked asked = image_ask(image->bytes, saddr, daddr, proto, dport);
	const struct verdict_entry *told = image_told(image, &asked, saddr);
	const char *difference;

	if (asked.kind != expected.kind)
		return "kind of the destination";
	if (asked.port != expected.port)
		return "port";
	if (!oracle_rule_agrees(policy, &expected, asked.rule))
		return "rule";
	if (image_header(image)->flags & IMAGE_QUIET && !expected.port && expected.rule)
		return "quiet";
	if (oracle_is_inside(policy, saddr) &&
	    image_is_plain_source((struct image_ref){ image->bytes }, saddr))
		return "source from inside";
	difference = oracle_differing_ids(policy, image, &asked);
	if (!difference && told)
		difference = oracle_differing_entry(policy, &expected, told);
	if (!difference && proto == IPPROTO_TCP)
		difference = oracle_differing_decision(
			policy, &expected, image,
			&(struct image_flow){ .saddr = saddr, .daddr = daddr, .dport = dport });
	return difference;
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

static inline int oracle_build(const struct policy *policy, struct image *ret,
			       struct error *ret_error)
{
	__u32 *rules = calloc(policy->rules_count + 1, sizeof(*rules));
	__u32 *ports = calloc(policy->ports_count + 1, sizeof(*ports));
	struct image_input input = { .policy = policy,
				     .rule_counters = rules,
				     .port_counters = ports,
				     .now_epoch = ORACLE_EPOCH,
				     .now_monotonic_ns = ORACLE_MONOTONIC_NS };
	int err;

	for (size_t i = 0; i < policy->rules_count; i++)
		rules[i] = oracle_rule_counter(RULE_FIRST + i);
	for (size_t i = 0; i < policy->ports_count; i++)
		ports[i] = oracle_port_counter(1 + i);
	err = image_build(&input, ret, ret_error);
	free(rules);
	free(ports);
	return err;
}

#endif
