/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_classify.c: bytes -> a small policy -> an image, which must answer as the policy
 * does when it is read off its structs; then the image is damaged, and whatever
 * image_check() lets through must not be read outside of its bytes.
 */
#include "../unit/image_oracle.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

/* The input; zeroes when it has run out. */
struct input {
	const __u8 *data;
	size_t size;
};

static __u64 take(struct input *input, int bytes)
{
	__u64 value = 0;

	for (; bytes && input->size; bytes--, input->size--)
		value = value << 8 | *input->data++;
	return value;
}

static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

/* Addresses of few kinds, so that they meet. */
static struct prefix take_prefix(struct input *input, bool is_address)
{
	__u8 shape = take(input, 1);
	struct prefix prefix = { .family = shape & 1 ? 4 : 6 };
	int width = oracle_width(prefix.family), bytes = width / 8;
	int length = take(input, 1);

	for (int i = 0; i < bytes; i++)
		prefix.addr[i] = shape & 2 ? 0xff * !!(shape & 4) : 0x20 + i;
	prefix.addr[shape >> 4 & (bytes - 1)] = take(input, 1);
	prefix.addr[bytes - 1] ^= shape & 8 ? take(input, 1) : 0;
	prefix.length = is_address ? width : length % (width + 1);
	oracle_mask(&prefix);
	return prefix;
}

static void take_port(struct input *input, struct policy *policy)
{
	__u8 shape = take(input, 1), proto = protos[shape % 3];
	unsigned short lo = take(input, 1) * 257, hi = lo + take(input, 1);
	struct prefix addr = { .family = shape & 8 ? 4 : 6 };
	struct policy_port *port;

	if (shape & 16)
		addr = take_prefix(input, true);
	if (hi < lo)
		hi = lo;
	if (oracle_is_taken(policy, proto, &addr, lo, hi))
		return;
	port = oracle_add_port(policy, proto, addr, lo, hi);
	port->is_closed = shape & 32;
	port->origin = shape >> 6 & 1 ? PORT_DIRECT : PORT_PUBLISHED;
}

static void take_rule(struct input *input, struct policy *policy)
{
	static const enum statement_kind kinds[] = { STATEMENT_ALLOW, STATEMENT_DENY, STATEMENT_BAN,
						     STATEMENT_FAILSAFE };
	__u8 shape = take(input, 1);
	unsigned int rule = oracle_add_rule(policy, kinds[shape & 3]);
	__u32 bound = take(input, 2);

	if (kinds[shape & 3] == STATEMENT_FAILSAFE)
		policy->rules[rule].is_everywhere = shape & 4;
	for (int i = shape >> 4; i > 0; i--)
		oracle_add_source(policy, rule, take_prefix(input, false));
	for (size_t i = 0; i < policy->ports_count && !policy->rules[rule].is_everywhere; i++) {
		if (bound >> i % 16 & 1)
			oracle_bind(&policy->ports[i], rule);
	}
}

static struct policy *take_policy(struct input *input)
{
	struct policy *policy = oracle_policy();
	__u8 ports = take(input, 1) % 16, rules = take(input, 1) % 16, others = take(input, 1);

	while (ports--)
		take_port(input, policy);
	while (rules--)
		take_rule(input, policy);
	for (int i = others & 3; i > 0; i--)
		oracle_add_prefix(&policy->local, &policy->local_count, take_prefix(input, true));
	for (int i = others >> 2 & 3; i > 0; i--)
		oracle_add_prefix(&policy->natted, &policy->natted_count,
				  take_prefix(input, false));
	for (int i = others >> 4 & 3; i > 0; i--)
		oracle_add_prefix(&policy->routed, &policy->routed_count,
				  take_prefix(input, false));
	return policy;
}

/* ---- questions -------------------------------------------------------------------------- */

typedef void ask_fn(const struct policy *policy, const struct image *image,
		    const struct prefix *saddr, const struct prefix *daddr, __u8 proto,
		    unsigned short dport);

static void compare(const struct policy *policy, const struct image *image,
		    const struct prefix *saddr, const struct prefix *daddr, __u8 proto,
		    unsigned short dport)
{
	if (oracle_difference(policy, image, saddr, daddr, proto, dport))
		abort();
}

static void only_ask(const struct policy *policy, const struct image *image,
		     const struct prefix *saddr, const struct prefix *daddr, __u8 proto,
		     unsigned short dport)
{
	image_ask(image->bytes, saddr, daddr, proto, dport);
}

/* This source, at each port's first, last and next number there. */
static void ask_ports(const struct policy *policy, const struct image *image,
		      const struct prefix *saddr, const struct prefix *daddr, ask_fn *ask)
{
	ask(policy, image, saddr, daddr, IPPROTO_TCP, 0);
	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		ask(policy, image, saddr, daddr, port->proto, port->lo);
		ask(policy, image, saddr, daddr, port->proto, port->hi + 1);
	}
}

/* Every border of every source, of this family, to this destination. */
static void ask_sources(const struct policy *policy, const struct image *image,
			const struct prefix *daddr, ask_fn *ask)
{
	struct prefix zero = { .family = daddr->family, .length = oracle_width(daddr->family) };

	ask_ports(policy, image, &zero, daddr, ask);
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		for (size_t j = 0; j < rule->sources_count; j++) {
			if (rule->sources[j].family != daddr->family)
				continue;
			for (int where = 0; where < NEAR_INSIDE; where++) {
				struct prefix saddr = oracle_near(&rule->sources[j], where, 0);

				ask_ports(policy, image, &saddr, daddr, ask);
			}
		}
	}
}

static void ask_destinations(const struct policy *policy, const struct image *image,
			     const struct prefix *prefixes, size_t count, ask_fn *ask)
{
	struct prefix saddr = { .family = 4, .length = 32 };

	for (size_t i = 0; i < count; i++) {
		for (int where = 0; where < NEAR_INSIDE; where++) {
			struct prefix daddr = oracle_near(&prefixes[i], where, 0);

			saddr.family = daddr.family;
			saddr.length = oracle_width(saddr.family);
			ask_ports(policy, image, &saddr, &daddr, ask);
		}
	}
}

static void ask_all(const struct policy *policy, const struct image *image, ask_fn *ask)
{
	struct prefix any4 = { .family = 4, .length = 32 }, any6 = { .family = 6, .length = 128 };

	ask_sources(policy, image, &any4, ask);
	ask_sources(policy, image, &any6, ask);
	ask_destinations(policy, image, policy->local, policy->local_count, ask);
	ask_destinations(policy, image, policy->natted, policy->natted_count, ask);
	ask_destinations(policy, image, policy->routed, policy->routed_count, ask);
	for (size_t i = 0; i < policy->ports_count; i++) {
		if (policy->ports[i].addr.length)
			ask_destinations(policy, image, &policy->ports[i].addr, 1, ask);
	}
}

/* ---- damage -------------------------------------------------------------------------------- */

/* Mostly the header; the rest of the image is large and mostly zero. */
static void damage(struct input *input, struct image *image)
{
	while (input->size) {
		__u32 place = take(input, 3), value = take(input, 1);
		size_t limit = place & 1 ? sizeof(struct image_header) : image->size;

		((__u8 *)image->bytes)[(place >> 1) % limit] ^= value;
	}
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct input input = { data, size };
	_cleanup_(oracle_freep) struct policy *policy = take_policy(&input);
	_cleanup_(image_clear) struct image image = {};
	struct error error;

	if (oracle_build(policy, &image, &error) || image_check(image.bytes, image.size))
		abort();
	ask_all(policy, &image, compare);
	damage(&input, &image);
	if (!image_check(image.bytes, image.size))
		ask_all(policy, &image, only_ask);
	return 0;
}
