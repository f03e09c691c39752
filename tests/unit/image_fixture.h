/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_fixture.h: questions to an image: sources and destinations near the borders of a
 * policy's prefixes, asked of the image and of image_oracle.h.
 */
#ifndef TIDEGATE_IMAGE_FIXTURE_H
#define TIDEGATE_IMAGE_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "../random.h"
#include "image_oracle.h"
#include "base/cleanup.h"

/* How many questions: a long run names the number in the environment. */
static inline size_t lookups(size_t otherwise)
{
	const char *text = getenv("IMAGE_LOOKUPS");

	return text ? strtoul(text, NULL, 10) : otherwise;
}

/* ---- prefixes ---------------------------------------------------------------------------- */

static inline struct prefix v4(__u32 addr, int length)
{
	struct prefix prefix = { .family = 4, .length = length };

	for (int i = 0; i < 4; i++)
		prefix.addr[i] = addr >> (24 - 8 * i);
	oracle_mask(&prefix);
	return prefix;
}

static inline struct prefix v6(__u64 hi, __u64 lo, int length)
{
	struct prefix prefix = { .family = 6, .length = length };

	for (int i = 0; i < 8; i++) {
		prefix.addr[i] = hi >> (56 - 8 * i);
		prefix.addr[8 + i] = lo >> (56 - 8 * i);
	}
	oracle_mask(&prefix);
	return prefix;
}

static const struct prefix ANY4 = { .family = 4 }, ANY6 = { .family = 6 };

static inline struct prefix address4(__u32 addr)
{
	return v4(addr, 32);
}

static inline struct prefix random_address(__u8 family)
{
	return family == 4 ? v4(random64(), 32) : v6(random64(), random64(), 128);
}

static inline struct prefix address_near(const struct prefix *prefix)
{
	return oracle_near(prefix, below(5), random64());
}

static inline struct prefix random_source(const struct policy *policy, __u8 family)
{
	for (int tries = 0; tries < 4 && policy->rules_count; tries++) {
		const struct policy_rule *rule = &policy->rules[below(policy->rules_count)];

		if (rule->sources_count) {
			const struct prefix *source = &rule->sources[below(rule->sources_count)];

			if (source->family == family && below(8))
				return address_near(source);
		}
	}
	return random_address(family);
}

static inline struct prefix near_one_of(const struct prefix *prefixes, size_t count, __u8 family)
{
	if (count) {
		const struct prefix *prefix = &prefixes[below(count)];

		if (prefix->family == family)
			return address_near(prefix);
	}
	return random_address(family);
}

static inline struct prefix random_destination(const struct policy *policy, __u8 family)
{
	const struct policy_port *port;

	switch (below(5)) {
	case 0:
		return near_one_of(policy->local, policy->local_count, family);
	case 1:
		return near_one_of(policy->natted, policy->natted_count, family);
	case 2:
		return near_one_of(policy->routed, policy->routed_count, family);
	case 3:
		port = policy->ports_count ? &policy->ports[below(policy->ports_count)] : NULL;
		if (port && port->addr.length && port->addr.family == family)
			return below(4) ? port->addr : address_near(&port->addr);
	}
	return below(8) ? random_address(family) : family == 4 ? v4(0x7f000001, 32) : v6(0, 1, 128);
}

/* ---- asking both ----------------------------------------------------------------------------- */

/* What is at an own address by its slot is what the table has for it. */
static inline bool own_agrees(const struct image *image)
{
	const struct image_header *header = image_header(image);
	const struct own_addrs *own = &header->own;
	struct image_ref ref = { image->bytes };
	bool agrees = true;

	for (__u32 i = 0; i < OWN_ADDRS; i++) {
		const struct own_addr6 *addr6 = &own->addr6[i];

		if (own_slot4(own, own->addr4[i]) == i)
			agrees &= own->destination4[i] ==
				  classify4(ref, &header->daddr4, ntohl(own->addr4[i]));
		if (own_slot6(own, addr6->hi, addr6->lo) == i)
			agrees &= own->destination6[i] ==
				  classify6(ref, &header->daddr6, addr6->hi, addr6->lo);
	}
	return agrees;
}

static inline void build(const struct policy *policy, struct image *image)
{
	struct error error = {};

	*image = (struct image){};
	assert_int_equal(oracle_build(policy, image, &error), 0);
	assert_int_equal(image_check(image->bytes, image->size), 0);
	assert_true(own_agrees(image));
}

static inline void assert_agree(const struct policy *policy, const struct image *image,
				const struct prefix *saddr, const struct prefix *daddr, __u8 proto,
				unsigned short dport)
{
	const char *difference = oracle_difference(policy, image, saddr, daddr, proto, dport);
	char from[PREFIX_STRLEN], to[PREFIX_STRLEN];

	if (difference)
		fail_msg("%s: from %s to %s port %u protocol %u", difference,
			 prefix_format(saddr, from), prefix_format(daddr, to), dport, proto);
}

static inline unsigned short random_port(const struct policy *policy)
{
	if (policy->ports_count && below(10)) {
		const struct policy_port *port = &policy->ports[below(policy->ports_count)];

		return (below(2) ? port->lo : port->hi) + (int)below(3) - 1;
	}
	return random64();
}

static inline void assert_agree_everywhere(const struct policy *policy, size_t count)
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	_cleanup_(image_clear) struct image image;

	build(policy, &image);
	for (size_t i = 0; i < count; i++) {
		__u8 family = below(2) ? 4 : 6;
		struct prefix saddr = random_source(policy, family);
		struct prefix daddr = random_destination(policy, family);

		assert_agree(policy, &image, &saddr, &daddr, protos[below(3)], random_port(policy));
	}
}

/* Sources only: one port, closed, to which every rule applies. */
static inline struct policy *one_port(void)
{
	struct policy *policy = oracle_policy();

	oracle_add_port(policy, IPPROTO_TCP, ANY4, 80, 80);
	oracle_add_port(policy, IPPROTO_TCP, ANY6, 80, 80);
	return policy;
}

static inline unsigned int add_rule(struct policy *policy, enum statement_kind kind)
{
	unsigned int rule = oracle_add_rule(policy, kind);

	for (size_t i = 0; i < policy->ports_count && kind != STATEMENT_BAN; i++)
		oracle_bind(&policy->ports[i], rule);
	return rule;
}

#endif
