/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image_shapes.c: images of policies of every shape answer as the policy does when it
 * is read off its structs one prefix after the other.
 *
 * IMAGE_LOOKUPS=10000000 in the environment asks that many questions of each small shape.
 */
#include "image_fixture.h"

/* ---- shapes
 * ------------------------------------------------------------------------------------------ */

/* Rules of all kinds, ports of all kinds, prefixes near each other. */
static struct policy *random_policy(void)
{
	struct policy *policy = oracle_policy();
	__u64 base = random64(), low = random64();
	int rules = below(12), ports = below(12), addresses = 1 + below(5);

	policy->mode = below(3);
	policy->is_audit = below(2);
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
							     STATEMENT_BAN,   STATEMENT_FAILSAFE };
		unsigned int rule = oracle_add_rule(policy, kinds[below(6)]);

		if (policy->rules[rule].kind == STATEMENT_FAILSAFE)
			policy->rules[rule].is_everywhere = below(2);
		policy->rules[rule].until = below(4) ? 0 : ORACLE_EPOCH + below(1000);
		for (int j = below(8); j > 0; j--) {
			int length = below(33), length6 = below(129);

			oracle_add_source(policy, rule,
					  v4((base >> 32) ^ (below(4) << below(32)), length));
			oracle_add_source(policy, rule,
					  v6(base ^ below(4) << below(63),
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

		assert_agree_everywhere(policy, lookups(900000) / 300);
	}
}

static void nested_prefixes_of_every_length_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();

	for (int i = 0; i <= 128; i++) {
		unsigned int rule = add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY);

		if (i <= 32)
			oracle_add_source(policy, rule, v4(0xcafebabe, i));
		oracle_add_source(policy, rule,
				  v6(0x20010db812345678ull, 0x9abcdef012345678ull, i));
	}
	assert_agree_everywhere(policy, lookups(200000));
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
	assert_agree_everywhere(policy, lookups(200000));
}

/* Many prefixes: each question costs policy_evaluate() a look at all of them. */
static void assert_shape(struct policy *policy, size_t prefixes)
{
	assert_agree_everywhere(policy, 100 * lookups(200000) / (prefixes + 100));
}

static void mixed_lengths_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int rules[8];

	for (int i = 0; i < 8; i++)
		rules[i] = add_rule(policy, i % 3 ? STATEMENT_ALLOW : STATEMENT_DENY);
	for (int i = 0; i < 5000; i++) {
		oracle_add_source(policy, rules[below(8)], v4(random64(), 8 + below(25)));
		oracle_add_source(
			policy, rules[below(8)],
			v6(0x2000000000000000ull | random64() >> 3, random64(), 16 + below(113)));
	}
	assert_shape(policy, 10000);
}

static void every_second_address_of_one_sixteen_agrees(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int even = add_rule(policy, STATEMENT_ALLOW),
		     odd = add_rule(policy, STATEMENT_DENY);

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
	unsigned int some = add_rule(policy, STATEMENT_ALLOW),
		     more = add_rule(policy, STATEMENT_DENY);

	for (__u32 i = 0; i < 40000; i++)
		oracle_add_source(policy, i % 2 ? some : more,
				  v6(0x20010db800010002ull, i % 3 ? random64() : i * 5ull, 128));
	oracle_add_source(policy, more, v6(0x20010db800010003ull, 0, 64));
	assert_shape(policy, 40000);
}

static void neighbouring_sixty_fours_with_hosts_agree(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int some = add_rule(policy, STATEMENT_ALLOW),
		     more = add_rule(policy, STATEMENT_DENY);

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
	unsigned int some = add_rule(policy, STATEMENT_ALLOW),
		     more = add_rule(policy, STATEMENT_DENY);

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

/* ---- sizes; a million prefixes are tests/bench/correct.c's -------------------------------------
 */

typedef struct prefix make_fn(void);

static struct prefix mixed4(void)
{
	return v4(random64() >> 32, below(5) < 3 ? 24 : 8 + below(25));
}

static struct prefix crowded4(void)
{
	return v4((below(64) * 0x9e3779b9u & 0xffff0000u) | below(65536), 20 + below(13));
}

static struct prefix mixed6(void)
{
	return v6(0x2000000000000000ull | random64() >> 3, random64(),
		  below(5) < 3 ? 48 : 16 + below(113));
}

static struct prefix crowded6(void)
{
	__u64 site = 0x20010db800000000ull | below(200) * 0x9e3779b9u % 65536 << 16;

	return v6(site | below(4), below(3) ? random64() : below(100000), 60 + below(69));
}

static void assert_sizes(make_fn *make)
{
	for (size_t prefixes = 10; prefixes <= 100000; prefixes *= 10) {
		_cleanup_(oracle_freep) struct policy *policy = one_port();

		for (int i = 0; i < 5; i++)
			add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY);
		for (size_t i = 0; i < prefixes; i++)
			oracle_add_source(policy, below(5), make());
		assert_shape(policy, prefixes);
	}
}

static void mixed_ipv4_agrees_at_every_size(void **state)
{
	assert_sizes(mixed4);
}

static void crowded_ipv4_agrees_at_every_size(void **state)
{
	assert_sizes(crowded4);
}

static void mixed_ipv6_agrees_at_every_size(void **state)
{
	assert_sizes(mixed6);
}

static void crowded_ipv6_agrees_at_every_size(void **state)
{
	assert_sizes(crowded6);
}

/* ---- what one bit tells, and damage -------------------------------------------------------- */

/* In percent. */
static unsigned int clear_addresses(const struct image *image, __u8 family)
{
	const struct image_header *header = image_header(image);
	struct image_ref ref = { .bytes = image->bytes };
	unsigned int clear = 0;

	for (int i = 0; i < 10000; i++)
		clear += family == 4 ? image_is_clear4(ref, random64() >> 32)
				     : image_is_clear6(ref, header, random64());
	return clear / 100;
}

static void most_strangers_are_told_by_one_bit(void **state)
{
	for (int count = 0; count <= 10000; count = count * 10 + 10 * !count) {
		_cleanup_(oracle_freep) struct policy *policy = one_port();
		unsigned int allow = add_rule(policy, STATEMENT_ALLOW);
		_cleanup_(image_clear) struct image image;

		for (int i = 0; i < count; i++) {
			oracle_add_source(policy, allow, v4(random64(), 24));
			oracle_add_source(policy, allow, v6(random64(), 0, 48));
		}
		build(policy, &image);
		assert_in_range(clear_addresses(&image, 4), 90, 100);
		assert_in_range(clear_addresses(&image, 6), 90, 100);
	}
}

/* Whole lists of countries: each address is on one of three. */
static void where_all_are_listed_the_longest_list_is_told_by_one_bit(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int rules[3];
	_cleanup_(image_clear) struct image image;

	for (int i = 0; i < 3; i++)
		rules[i] = add_rule(policy, STATEMENT_ALLOW);
	for (__u32 i = 0; i < 65536; i++)
		oracle_add_source(policy, rules[i % 3], v4(i << 16, 16));
	build(policy, &image);
	assert_in_range(clear_addresses(&image, 4), 30, 36);
	assert_shape(policy, 65536);
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
		cmocka_unit_test(random_policies_agree),
		cmocka_unit_test(nested_prefixes_of_every_length_agree),
		cmocka_unit_test(prefixes_at_both_ends_of_the_space_agree),
		cmocka_unit_test(mixed_lengths_agree),
		cmocka_unit_test(every_second_address_of_one_sixteen_agrees),
		cmocka_unit_test(addresses_within_one_sixty_four_agree),
		cmocka_unit_test(neighbouring_sixty_fours_with_hosts_agree),
		cmocka_unit_test(clusters_far_apart_agree),
		cmocka_unit_test(mixed_ipv4_agrees_at_every_size),
		cmocka_unit_test(crowded_ipv4_agrees_at_every_size),
		cmocka_unit_test(mixed_ipv6_agrees_at_every_size),
		cmocka_unit_test(crowded_ipv6_agrees_at_every_size),
		cmocka_unit_test(most_strangers_are_told_by_one_bit),
		cmocka_unit_test(where_all_are_listed_the_longest_list_is_told_by_one_bit),
		cmocka_unit_test(look_ups_in_damaged_images_stay_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
