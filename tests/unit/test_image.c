/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image.c: what the compiled image answers against what the policy says, read off its
 * structs one prefix after the other (image_oracle.h).
 *
 * IMAGE_LOOKUPS=10000000 in the environment asks that many questions of each shape.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "image_oracle.h"
#include "util.h"

static size_t lookups(size_t otherwise)
{
	const char *text = getenv("IMAGE_LOOKUPS");

	return text ? strtoul(text, NULL, 10) : otherwise;
}

/* xorshift64*: the same questions in each run. */
static __u64 random_state = 88172645463325252ull;

static __u64 random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 2685821657736338717ull;
}

static __u64 below(__u64 limit)
{
	return random64() % limit;
}

/* ---- prefixes ---------------------------------------------------------------------------- */

static struct prefix v4(__u32 addr, int length)
{
	struct prefix prefix = { .family = 4, .length = length };

	for (int i = 0; i < 4; i++)
		prefix.addr[i] = addr >> (24 - 8 * i);
	oracle_mask(&prefix);
	return prefix;
}

static struct prefix v6(__u64 hi, __u64 lo, int length)
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

static struct prefix address4(__u32 addr)
{
	return v4(addr, 32);
}

static struct prefix random_address(__u8 family)
{
	return family == 4 ? v4(random64(), 32) : v6(random64(), random64(), 128);
}

static struct prefix address_near(const struct prefix *prefix)
{
	return oracle_near(prefix, below(5), random64());
}

static struct prefix random_source(const struct policy *policy, __u8 family)
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

static struct prefix near_one_of(const struct prefix *prefixes, size_t count, __u8 family)
{
	if (count) {
		const struct prefix *prefix = &prefixes[below(count)];

		if (prefix->family == family)
			return address_near(prefix);
	}
	return random_address(family);
}

static struct prefix random_destination(const struct policy *policy, __u8 family)
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

static void build(const struct policy *policy, struct image *image)
{
	struct image_error error = {};

	*image = (struct image){};
	assert_int_equal(oracle_build(policy, image, &error), 0);
	assert_int_equal(image_check(image->bytes, image->size), 0);
}

static void assert_agree(const struct policy *policy, const struct image *image,
			 const struct prefix *saddr, const struct prefix *daddr, __u8 proto,
			 unsigned short dport)
{
	long port = oracle_port(policy, daddr, proto, dport);
	struct image_answer answer = image_ask(image->bytes, saddr, daddr, proto, dport);

	assert_int_equal(answer.kind, oracle_kind(policy, daddr));
	assert_int_equal(answer.port, port + 1);
	assert_int_equal(answer.rule, oracle_rule(policy, port, saddr));
}

static unsigned short random_port(const struct policy *policy)
{
	if (policy->ports_count && below(10)) {
		const struct policy_port *port = &policy->ports[below(policy->ports_count)];

		return (below(2) ? port->lo : port->hi) + (int)below(3) - 1;
	}
	return random64();
}

static void assert_agree_everywhere(const struct policy *policy, size_t count)
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	_cleanup_(image_clear) struct image image;

	build(policy, &image);
	for (size_t i = 0; i < count; i++) {
		__u8 family = below(2) ? 4 : 6;
		struct prefix saddr = random_source(policy, family);
		struct prefix daddr = random_destination(policy, family);

		assert_agree(policy, &image, &saddr, &daddr, protos[below(3)],
			     random_port(policy));
	}
}

/* Sources only: one port, closed, to which every rule applies. */
static struct policy *one_port(void)
{
	struct policy *policy = oracle_policy();

	oracle_add_port(policy, IPPROTO_TCP, ANY4, 80, 80);
	oracle_add_port(policy, IPPROTO_TCP, ANY6, 80, 80);
	return policy;
}

static unsigned int add_rule(struct policy *policy, enum statement_kind kind)
{
	unsigned int rule = oracle_add_rule(policy, kind);

	for (size_t i = 0; i < policy->ports_count && kind != STATEMENT_BAN; i++)
		oracle_bind(&policy->ports[i], rule);
	return rule;
}

/* The rule that the image finds for this source and port 80/tcp. */
static __u32 rule_for(const struct policy *policy, struct prefix saddr)
{
	struct prefix daddr = saddr.family == 4 ? v4(0xc0000201, 32) : v6(0x20010db8ull << 32, 1, 128);
	_cleanup_(image_clear) struct image image;

	build(policy, &image);
	return image_ask(image.bytes, &saddr, &daddr, IPPROTO_TCP, 80).rule;
}

/* ---- what decides ------------------------------------------------------------------------------ */

static void most_specific_source_wins(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int wide = add_rule(policy, STATEMENT_DENY), narrow = add_rule(policy, STATEMENT_ALLOW);

	oracle_add_source(policy, wide, v4(0x0a000000, 8));
	oracle_add_source(policy, narrow, v4(0x0a010000, 16));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + narrow);
	assert_int_equal(rule_for(policy, address4(0x0a020203)), 3 + wide);
	assert_int_equal(rule_for(policy, address4(0x0b000000)), 2);
}

static void deny_wins_at_equal_length(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int deny = add_rule(policy, STATEMENT_DENY), allow = add_rule(policy, STATEMENT_ALLOW);

	oracle_add_source(policy, allow, v4(0x0a000000, 8));
	oracle_add_source(policy, deny, v4(0x0a000000, 8));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + deny);
}

static void first_of_equal_rules_is_named(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int first = add_rule(policy, STATEMENT_ALLOW), second = add_rule(policy, STATEMENT_ALLOW);

	oracle_add_source(policy, second, v4(0x0a000000, 8));
	oracle_add_source(policy, first, v4(0x0a000000, 8));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + first);
}

static void ban_wins_against_a_more_specific_allow(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int allow = add_rule(policy, STATEMENT_ALLOW), ban = add_rule(policy, STATEMENT_BAN);

	oracle_add_source(policy, ban, v4(0x0a000000, 8));
	oracle_add_source(policy, allow, v4(0x0a010203, 32));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + ban);
}

static void failsafe_wins_against_a_ban(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int ban = add_rule(policy, STATEMENT_BAN), safe = add_rule(policy, STATEMENT_FAILSAFE);

	oracle_add_source(policy, safe, v4(0x0a000000, 8));
	oracle_add_source(policy, ban, v4(0x0a010203, 32));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + safe);
}

static void ban_applies_where_no_port_is_guarded(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int ban = add_rule(policy, STATEMENT_BAN), allow = add_rule(policy, STATEMENT_ALLOW);
	struct prefix banned = address4(0x0a010203), other = address4(0x0b010203);
	_cleanup_(image_clear) struct image image;

	oracle_add_source(policy, ban, v4(0x0a000000, 8));
	oracle_add_source(policy, allow, ANY4);
	build(policy, &image);
	assert_int_equal(image_ask(image.bytes, &banned, &other, IPPROTO_UDP, 9).rule, 3 + ban);
	assert_int_equal(image_ask(image.bytes, &other, &other, IPPROTO_UDP, 9).rule, 0);
}

static void failsafe_with_a_port_applies_to_that_port_only(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int safe = add_rule(policy, STATEMENT_FAILSAFE), ban = add_rule(policy, STATEMENT_BAN);
	struct prefix source = address4(0x0a010203);
	_cleanup_(image_clear) struct image image;

	oracle_add_source(policy, safe, ANY4);
	oracle_add_source(policy, ban, ANY4);
	build(policy, &image);
	assert_int_equal(image_ask(image.bytes, &source, &source, IPPROTO_TCP, 80).rule, 3 + safe);
	assert_int_equal(image_ask(image.bytes, &source, &source, IPPROTO_TCP, 81).rule, 3 + ban);
}

static void rule_from_anywhere_makes_a_uniform_row(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int allow = add_rule(policy, STATEMENT_ALLOW);
	_cleanup_(image_clear) struct image image;
	const struct image_port *ports;

	oracle_add_source(policy, allow, ANY4);
	oracle_add_source(policy, allow, ANY6);
	build(policy, &image);
	ports = (void *)((char *)image.bytes + image_header(&image)->ports);
	assert_int_equal(image_header(&image)->classes, 1);
	assert_int_equal(ports[0].uniform, 1);
	assert_int_equal(ports[1].uniform, 3 + allow + 1);
}

static void empty_policy_guards_nothing(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	assert_agree_everywhere(policy, lookups(20000));
}

/* ---- destinations --------------------------------------------------------------------------------- */

static void port_on_one_address_is_guarded_there_only(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();
	struct prefix source = address4(1), mine = address4(0xc0000205), other = address4(0xc0000206);
	_cleanup_(image_clear) struct image image;

	oracle_add_port(policy, IPPROTO_TCP, mine, 5432, 5432);
	oracle_add_prefix(&policy->local, &policy->local_count, mine);
	oracle_add_prefix(&policy->local, &policy->local_count, other);
	build(policy, &image);
	assert_int_equal(image_ask(image.bytes, &source, &mine, IPPROTO_TCP, 5432).port, 1);
	assert_int_equal(image_ask(image.bytes, &source, &other, IPPROTO_TCP, 5432).port, 0);
	assert_int_equal(image_ask(image.bytes, &source, &mine, IPPROTO_UDP, 5432).port, 0);
}

static void port_on_one_address_beats_the_port_on_all(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();
	struct prefix source = address4(1), mine = address4(0xc0000205), other = address4(0xc0000206);
	_cleanup_(image_clear) struct image image;

	oracle_add_port(policy, IPPROTO_TCP, ANY4, 1, 65535);
	oracle_add_port(policy, IPPROTO_TCP, mine, 5432, 5433);
	build(policy, &image);
	assert_int_equal(image_ask(image.bytes, &source, &mine, IPPROTO_TCP, 5433).port, 2);
	assert_int_equal(image_ask(image.bytes, &source, &mine, IPPROTO_TCP, 5434).port, 1);
	assert_int_equal(image_ask(image.bytes, &source, &other, IPPROTO_TCP, 5433).port, 1);
}

static void port_on_all_addresses_is_not_a_containers(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();
	struct prefix source = address4(1), inside = address4(0xac110002), bridge = address4(0xac110001);
	_cleanup_(image_clear) struct image image;

	oracle_add_port(policy, IPPROTO_TCP, ANY4, 80, 80);
	oracle_add_prefix(&policy->natted, &policy->natted_count, v4(0xac110000, 16));
	oracle_add_prefix(&policy->local, &policy->local_count, bridge);
	build(policy, &image);
	assert_int_equal(image_ask(image.bytes, &source, &inside, IPPROTO_TCP, 80).port, 0);
	assert_int_equal(image_ask(image.bytes, &source, &inside, IPPROTO_TCP, 80).kind,
			 DESTINATION_CONTAINER);
	assert_int_equal(image_ask(image.bytes, &source, &bridge, IPPROTO_TCP, 80).port, 1);
}

static void loopback_is_martian_even_when_named(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();
	struct prefix source = address4(1), loop = address4(0x7f000001), loop6 = v6(0, 1, 128);
	_cleanup_(image_clear) struct image image;

	oracle_add_port(policy, IPPROTO_TCP, loop, 80, 80);
	oracle_add_prefix(&policy->local, &policy->local_count, address4(0x7f000002));
	build(policy, &image);
	assert_int_equal(image_ask(image.bytes, &source, &loop, IPPROTO_TCP, 80).kind,
			 DESTINATION_MARTIAN);
	assert_int_equal(image_ask(image.bytes, &loop6, &loop6, IPPROTO_TCP, 80).kind,
			 DESTINATION_MARTIAN);
	loop = address4(0x7f000002);
	assert_int_equal(image_ask(image.bytes, &source, &loop, IPPROTO_TCP, 80).kind,
			 DESTINATION_MARTIAN);
}

/* ---- shapes ------------------------------------------------------------------------------------------ */

/* Rules of all kinds, ports of all kinds, prefixes near each other. */
static struct policy *random_policy(void)
{
	struct policy *policy = oracle_policy();
	__u64 base = random64(), low = random64();
	int rules = below(12), ports = below(12), addresses = 1 + below(5);

	for (int i = 0; i < ports; i++) {
		static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
		unsigned short lo = 1000 * (1 + below(6)), hi = lo + below(4) * below(1000);
		__u8 proto = protos[below(3)];
		struct prefix addr = below(2) ? ANY4 : ANY6;
		struct policy_port *port;

		if (!below(3))
			addr = below(2) ? v4((base >> 32) + below(4), 32)
					: v6(base, low + below(4), 128);
		if (oracle_is_taken(policy, proto, &addr, lo, hi))
			continue;
		port = oracle_add_port(policy, proto, addr, lo, hi);
		port->is_closed = below(2);
		port->origin = below(3);
	}
	for (int i = 0; i < rules; i++) {
		static const enum statement_kind kinds[] = { STATEMENT_ALLOW, STATEMENT_DENY,
							     STATEMENT_ALLOW, STATEMENT_DENY,
							     STATEMENT_BAN, STATEMENT_FAILSAFE };
		unsigned int rule = oracle_add_rule(policy, kinds[below(6)]);

		if (policy->rules[rule].kind == STATEMENT_FAILSAFE)
			policy->rules[rule].is_everywhere = below(2);
		for (int j = below(8); j > 0; j--) {
			int length = below(33), length6 = below(129);

			oracle_add_source(policy, rule, v4((base >> 32) ^ (below(4) << below(32)), length));
			oracle_add_source(policy, rule, v6(base ^ below(4) << below(63),
							   low ^ below(4) << below(63), length6));
		}
		for (size_t j = 0; j < policy->ports_count; j++) {
			if (!policy->rules[rule].is_everywhere && below(2))
				oracle_bind(&policy->ports[j], rule);
		}
	}
	for (int i = 0; i < addresses; i++) {
		struct prefix **lists[] = { &policy->local, &policy->natted, &policy->routed };
		size_t *counts[] = { &policy->local_count, &policy->natted_count,
				     &policy->routed_count };
		int which = below(3);

		oracle_add_prefix(lists[which], counts[which],
				  v4((base >> 32) + below(4), which ? 8 + below(24) : 32));
		oracle_add_prefix(lists[which], counts[which],
				  v6(base, low + below(4), which ? below(129) : 128));
	}
	return policy;
}

static void random_policies_agree(void **state)
{
	for (int i = 0; i < 300; i++) {
		_cleanup_(oracle_freep) struct policy *policy = random_policy();

		assert_agree_everywhere(policy, lookups(400000) / 300);
	}
}

static void nested_prefixes_of_every_length_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();

	for (int i = 0; i <= 128; i++) {
		unsigned int rule = add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY);

		if (i <= 32)
			oracle_add_source(policy, rule, v4(0xcafebabe, i));
		oracle_add_source(policy, rule, v6(0x20010db812345678ull, 0x9abcdef012345678ull, i));
	}
	assert_agree_everywhere(policy, lookups(50000));
}

static void prefixes_at_both_ends_of_the_space_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();

	for (int i = 1; i <= 128; i += 3) {
		unsigned int rule = add_rule(policy, STATEMENT_ALLOW);

		oracle_add_source(policy, rule, v6(0, 0, i));
		oracle_add_source(policy, rule, v6(~0ull, ~0ull, i));
		oracle_add_source(policy, rule, v4(0, i % 33));
		oracle_add_source(policy, rule, v4(~0u, i % 33));
	}
	assert_agree_everywhere(policy, lookups(50000));
}

/* Many prefixes: looking one up costs the oracle its time, so fewer questions. */
static void assert_shape(struct policy *policy, size_t prefixes)
{
	assert_agree_everywhere(policy, lookups(20000000 / (prefixes + 100)));
}

static void mixed_lengths_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int rules[8];

	for (int i = 0; i < 8; i++)
		rules[i] = add_rule(policy, i % 3 ? STATEMENT_ALLOW : STATEMENT_DENY);
	for (int i = 0; i < 5000; i++) {
		oracle_add_source(policy, rules[below(8)], v4(random64(), 8 + below(25)));
		oracle_add_source(policy, rules[below(8)],
				  v6(0x2000000000000000ull | random64() >> 3, random64(),
				     16 + below(113)));
	}
	assert_shape(policy, 10000);
}

static void every_second_address_of_one_sixteen_agrees(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int even = add_rule(policy, STATEMENT_ALLOW), odd = add_rule(policy, STATEMENT_DENY);

	for (__u32 i = 0; i < 65536; i += 2) {
		oracle_add_source(policy, even, v4(0x0a0a0000 + i, 32));
		if (i % 8 == 0)
			oracle_add_source(policy, odd, v4(0x0a0a0000 + i + 1, 32));
	}
	/* Far from there, so that the root covers the address space. */
	oracle_add_source(policy, odd, v4(0xfffffffe, 31));
	assert_shape(policy, 40000);
}

static void addresses_within_one_sixty_four_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int some = add_rule(policy, STATEMENT_ALLOW), more = add_rule(policy, STATEMENT_DENY);

	for (__u32 i = 0; i < 40000; i++)
		oracle_add_source(policy, i % 2 ? some : more,
				  v6(0x20010db800010002ull, i % 3 ? random64() : i * 5ull, 128));
	oracle_add_source(policy, more, v6(0x20010db800010003ull, 0, 64));
	assert_shape(policy, 40000);
}

static void neighbouring_sixty_fours_with_hosts_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int some = add_rule(policy, STATEMENT_ALLOW), more = add_rule(policy, STATEMENT_DENY);

	for (__u32 i = 0; i < 6000; i++) {
		__u64 hi = 0x20010db800000000ull + i;

		oracle_add_source(policy, some, v6(hi, i % 5 ? ~0ull : 0, 128));
		if (i % 7 == 0)
			oracle_add_source(policy, more, v6(hi, 0, 64));
		if (i % 3 == 0)
			oracle_add_source(policy, more, v6(hi, random64(), 65 + below(64)));
	}
	oracle_add_source(policy, some, v6(~0ull, ~0ull, 128));
	assert_shape(policy, 10000);
}

static void clusters_far_apart_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int some = add_rule(policy, STATEMENT_ALLOW), more = add_rule(policy, STATEMENT_DENY);

	for (int cluster = 0; cluster < 10; cluster++) {
		__u64 hi = random64() & ~0ull << 32;

		for (int i = 0; i < 1000; i++) {
			oracle_add_source(policy, i % 2 ? some : more,
					  v6(hi | below(1ull << 32), 0, 64));
			oracle_add_source(policy, i % 3 ? some : more,
					  v4((hi >> 32) ^ below(4096), 32));
		}
	}
	assert_shape(policy, 20000);
}

/* ---- sizes and limits --------------------------------------------------------------------------------- */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Builds a large policy, says what it took, and asks a few questions. */
static void assert_large(struct policy *policy, const char *what, size_t questions)
{
	_cleanup_(image_clear) struct image image;
	double start = seconds();

	build(policy, &image);
	printf("# %s: %.2f s, %.1f MiB, %u classes\n", what, seconds() - start,
	       image.size / 1048576.0, image_header(&image)->classes);
	for (size_t i = 0; i < questions; i++) {
		__u8 family = below(2) ? 4 : 6;
		struct prefix saddr = random_source(policy, family);
		struct prefix daddr = random_destination(policy, family);

		assert_agree(policy, &image, &saddr, &daddr, IPPROTO_TCP, random_port(policy));
	}
}

static void one_set_of_a_million_prefixes_builds(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int rule = add_rule(policy, STATEMENT_ALLOW);

	for (int i = 0; i < 1000000; i++)
		oracle_add_source(policy, rule, v4(random64(), below(5) < 3 ? 24 : 16 + below(17)));
	assert_large(policy, "one million IPv4 prefixes, unsorted", 20);
}

static void one_set_of_a_million_prefixes_builds_for_ipv6(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int rule = add_rule(policy, STATEMENT_ALLOW);

	for (int i = 0; i < 1000000; i++)
		oracle_add_source(policy, rule,
				  v6(0x2000000000000000ull | random64() >> 3, random64(),
				     below(5) < 3 ? 48 : 32 + below(33)));
	assert_large(policy, "one million IPv6 prefixes, unsorted", 20);
}

static void many_bans_and_a_few_rules_build(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int ban = add_rule(policy, STATEMENT_BAN);

	for (int i = 0; i < 100000; i++)
		oracle_add_source(policy, ban, v4(random64(), 32));
	for (int i = 0; i < 20; i++) {
		unsigned int rule = add_rule(policy, STATEMENT_ALLOW);

		for (int j = 0; j < 50; j++)
			oracle_add_source(policy, rule, v4(random64(), 8 + below(25)));
	}
	assert_large(policy, "100 000 bans and 20 rules", 200);
}

static void many_rules_of_one_prefix_build(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();

	for (int i = 0; i < LIMIT_RULES - 3; i++)
		oracle_add_source(policy, add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY),
				  v4(random64(), 16 + below(17)));
	assert_large(policy, "8189 rules of one prefix", 200);
}

/* Every port has a rule of its own, so the table has as many rows as columns. */
static void many_ports_with_a_rule_each_build(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	for (int i = 0; i < 5000; i++) {
		struct policy_port *port = oracle_add_port(policy, IPPROTO_TCP, ANY4, i + 1, i + 1);
		unsigned int rule = oracle_add_rule(policy, STATEMENT_ALLOW);

		oracle_bind(port, rule);
		oracle_add_source(policy, rule, v4(random64(), 24));
	}
	assert_large(policy, "5000 ports with a rule each", 500);
}

static void many_ports_with_many_rules_build(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	for (int i = 0; i < 5000; i++)
		oracle_add_port(policy, IPPROTO_TCP, ANY4, i + 1, i + 1);
	for (int i = 0; i < 5000; i++) {
		unsigned int rule = oracle_add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY);

		for (size_t j = 0; j < 5000; j += 1 + below(2))
			oracle_bind(&policy->ports[j], rule);
		oracle_add_source(policy, rule, v4(random64(), 24));
	}
	assert_large(policy, "5000 ports with 3300 of 5000 rules each", 50);
}

static void small_policy_gives_a_small_image(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	_cleanup_(image_clear) struct image image;

	for (int i = 0; i < 20; i++)
		oracle_add_source(policy, add_rule(policy, STATEMENT_ALLOW), v4(random64(), 24));
	build(policy, &image);
	assert_in_range(image.size, 1, 512 * 1024);
}

static void assert_too_big(struct policy *policy, const char *text)
{
	struct image image = { (void *)1, 2 };
	struct image_error error = {};

	assert_int_equal(oracle_build(policy, &image, &error), -E2BIG);
	assert_non_null(strstr(error.text, text));
	assert_ptr_equal(image.bytes, (void *)1);
	assert_int_equal(image.size, 2);
}

static void too_many_prefixes_are_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int rule = add_rule(policy, STATEMENT_ALLOW);

	free(policy->rules[rule].sources);
	policy->rules[rule].sources_count = LIMIT_PREFIXES + 1;
	policy->rules[rule].sources = calloc(LIMIT_PREFIXES + 1, sizeof(struct prefix));
	assert_too_big(policy, "2000001 source prefixes, the limit is 2000000");
}

static void too_many_rules_are_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	for (int i = 0; i < LIMIT_RULES - 2; i++)
		oracle_add_rule(policy, STATEMENT_ALLOW);
	assert_too_big(policy, "8190 rules, the limit is 8189");
}

static void too_many_ports_are_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	for (int i = 0; i < LIMIT_PORTS; i++)
		oracle_add_port(policy, IPPROTO_TCP, ANY4, i + 1, i + 1);
	assert_too_big(policy, "16384 guarded ports, the limit is 16383");
}

static void too_many_destinations_are_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	for (int i = 0; i < LIMIT_DESTINATIONS; i++)
		oracle_add_prefix(&policy->local, &policy->local_count, v4(0x0a000000 + i, 32));
	assert_too_big(policy, "8193 destination addresses and subnets, the limit is 8192");
}

static void too_many_classes_are_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();
	unsigned int rules[17];

	/* Each port tells one rule from the others: 2^17 sets of rules, all different. */
	for (int i = 0; i < 17; i++) {
		struct policy_port *port = oracle_add_port(policy, IPPROTO_TCP, ANY4, i + 1, i + 1);

		rules[i] = oracle_add_rule(policy, STATEMENT_ALLOW);
		oracle_bind(port, rules[i]);
	}
	for (__u32 i = 0; i < 1 << 17; i++) {
		for (int bit = 0; bit < 17; bit++) {
			if (i >> bit & 1)
				oracle_add_source(policy, rules[bit], v4(0x0a000000 + i, 32));
		}
	}
	assert_too_big(policy, "classes of source address, the limit is 65535");
}

/* ---- digest, notes, expiry --------------------------------------------------------------------------- */

static void digest_of(const struct image_input *input, __u64 ret[2])
{
	_cleanup_(image_clear) struct image image = {};
	struct image_error error;

	assert_int_equal(image_build(input, &image, &error), 0);
	memcpy(ret, image_header(&image)->digest, 2 * sizeof(*ret));
}

static void digest_covers_the_policy_and_not_the_clock(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	__u32 counters[8] = {};
	struct image_input input = { .policy = policy, .rule_counters = counters,
				     .port_counters = counters, .now_epoch = 1000,
				     .now_monotonic_ns = 1 };
	__u64 before[2], after[2];
	char notes[1000] = "note";

	oracle_add_source(policy, add_rule(policy, STATEMENT_ALLOW), v4(0x0a000000, 8));
	policy->rules[0].until = 2000;
	digest_of(&input, before);
	input.now_epoch = 1500;
	input.now_monotonic_ns = 77;
	input.notes = notes;
	input.notes_size = sizeof(notes);
	digest_of(&input, after);
	assert_memory_equal(before, after, sizeof(before));
	policy->rules[0].until = 2001;
	digest_of(&input, after);
	assert_memory_not_equal(before, after, sizeof(before));
	policy->rules[0].until = 2000;
	policy->is_audit = true;
	digest_of(&input, after);
	assert_memory_not_equal(before, after, sizeof(before));
	policy->is_audit = false;
	policy->rules[0].sources[0].length = 9;
	digest_of(&input, after);
	assert_memory_not_equal(before, after, sizeof(before));
}

static void until_becomes_a_time_of_this_boot(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	_cleanup_(image_clear) struct image image;
	const struct image_rule *rule;
	struct image_ref ref;

	add_rule(policy, STATEMENT_ALLOW);
	add_rule(policy, STATEMENT_ALLOW);
	policy->rules[0].until = 1000007;
	build(policy, &image);
	ref.bytes = image.bytes;
	rule = image_rule_at(ref, image_header(&image), 3);
	assert_true(rule->expires_ns == 12000000000ull);
	assert_true(rule[1].expires_ns == 0);
}

static void notes_are_copied(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();
	_cleanup_(image_clear) struct image image = {};
	__u32 none = 0;
	struct image_input input = { .policy = policy, .rule_counters = &none,
				     .port_counters = &none, .notes = "tide", .notes_size = 4 };
	struct image_error error;

	assert_int_equal(image_build(&input, &image, &error), 0);
	assert_int_equal(image_header(&image)->notes_size, 4);
	assert_memory_equal((char *)image.bytes + image_header(&image)->notes, "tide", 4);
}

/* ---- image_check ---------------------------------------------------------------------------------------- */

static void assert_bad(struct image *image, size_t offset, __u32 value)
{
	__u32 *word = (__u32 *)((char *)image->bytes + offset), before = *word;

	*word = value;
	assert_int_equal(image_check(image->bytes, image->size), -EBADMSG);
	*word = before;
}

#define BAD(field, value) assert_bad(&image, offsetof(struct image_header, field), value)

static void header_that_lies_is_rejected(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	_cleanup_(image_clear) struct image image;

	build(policy, &image);
	BAD(magic, 0);
	BAD(abi, DATAPATH_ABI + 1);
	BAD(size, IMAGE_CHUNK);
	BAD(ports_used, 0);
	BAD(ports_used, 0xffffffff);
	BAD(classes, 0);
	BAD(classes, 70000);
	BAD(row_blocks, 2);
	BAD(slot_index, 3);
	BAD(slot_index, image.size - 65536);
	BAD(slots, 8);
	BAD(variants, image.size + 8);
	BAD(ports, 0xfffffff0);
	BAD(blocks, image.size);
	BAD(cells, 64);
	BAD(rules, image.size);
	BAD(destinations, image.size + 1);
	BAD(notes, image.size + 1);
	BAD(notes_size, image.size);
	assert_int_equal(image_check(image.bytes, image.size - 1), -EBADMSG);
	assert_int_equal(image_check(image.bytes, 0), -EBADMSG);
	assert_int_equal(image_check(image.bytes, image.size), 0);
}

/* Whatever the bytes are, a look-up ends and stays inside. */
static void look_ups_in_damaged_images_stay_inside(void **state)
{
	for (int i = 0; i < 200; i++) {
		_cleanup_(oracle_freep) struct policy *policy = random_policy();
		_cleanup_(image_clear) struct image image;

		build(policy, &image);
		for (int j = 0; j < 50; j++) {
			size_t limit = j % 2 ? image.size : 1024;

			((__u8 *)image.bytes)[below(limit)] = random64();
		}
		if (image_check(image.bytes, image.size))
			continue;
		for (int j = 0; j < 500; j++) {
			__u8 family = below(2) ? 4 : 6;
			struct prefix saddr = random_source(policy, family);
			struct prefix daddr = random_destination(policy, family);

			image_ask(image.bytes, &saddr, &daddr, IPPROTO_TCP, random_port(policy));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_specific_source_wins),
		cmocka_unit_test(deny_wins_at_equal_length),
		cmocka_unit_test(first_of_equal_rules_is_named),
		cmocka_unit_test(ban_wins_against_a_more_specific_allow),
		cmocka_unit_test(failsafe_wins_against_a_ban),
		cmocka_unit_test(ban_applies_where_no_port_is_guarded),
		cmocka_unit_test(failsafe_with_a_port_applies_to_that_port_only),
		cmocka_unit_test(rule_from_anywhere_makes_a_uniform_row),
		cmocka_unit_test(empty_policy_guards_nothing),
		cmocka_unit_test(port_on_one_address_is_guarded_there_only),
		cmocka_unit_test(port_on_one_address_beats_the_port_on_all),
		cmocka_unit_test(port_on_all_addresses_is_not_a_containers),
		cmocka_unit_test(loopback_is_martian_even_when_named),
		cmocka_unit_test(random_policies_agree),
		cmocka_unit_test(nested_prefixes_of_every_length_agree),
		cmocka_unit_test(prefixes_at_both_ends_of_the_space_agree),
		cmocka_unit_test(mixed_lengths_agree),
		cmocka_unit_test(every_second_address_of_one_sixteen_agrees),
		cmocka_unit_test(addresses_within_one_sixty_four_agree),
		cmocka_unit_test(neighbouring_sixty_fours_with_hosts_agree),
		cmocka_unit_test(clusters_far_apart_agree),
		cmocka_unit_test(one_set_of_a_million_prefixes_builds),
		cmocka_unit_test(one_set_of_a_million_prefixes_builds_for_ipv6),
		cmocka_unit_test(many_bans_and_a_few_rules_build),
		cmocka_unit_test(many_rules_of_one_prefix_build),
		cmocka_unit_test(many_ports_with_a_rule_each_build),
		cmocka_unit_test(many_ports_with_many_rules_build),
		cmocka_unit_test(small_policy_gives_a_small_image),
		cmocka_unit_test(too_many_prefixes_are_refused),
		cmocka_unit_test(too_many_rules_are_refused),
		cmocka_unit_test(too_many_ports_are_refused),
		cmocka_unit_test(too_many_destinations_are_refused),
		cmocka_unit_test(too_many_classes_are_refused),
		cmocka_unit_test(digest_covers_the_policy_and_not_the_clock),
		cmocka_unit_test(until_becomes_a_time_of_this_boot),
		cmocka_unit_test(notes_are_copied),
		cmocka_unit_test(header_that_lies_is_rejected),
		cmocka_unit_test(look_ups_in_damaged_images_stay_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
