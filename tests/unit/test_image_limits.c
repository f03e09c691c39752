/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image_limits.c: large policies build soon and into little, and what is over a limit
 * is refused by its name.
 */
#include "image_fixture.h"

/* ---- sizes and limits
 * --------------------------------------------------------------------------------- */

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

	for (int i = 0; i < LIMIT_RULES; i++)
		oracle_add_source(policy,
				  add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY),
				  v4(random64(), 16 + below(17)));
	assert_large(policy, "8192 rules of one prefix", 200);
}

/* Every port has a rule of its own, so the table has as many rows as columns. */
static void many_ports_with_a_rule_each_build(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	for (int i = 0; i < LIMIT_PORTS; i++) {
		struct policy_port *port = oracle_add_port(policy, IPPROTO_TCP, ANY4, i + 1, i + 1);
		unsigned int rule = i < LIMIT_RULES ? oracle_add_rule(policy, STATEMENT_ALLOW)
						    : below(LIMIT_RULES);

		oracle_bind(port, rule);
		oracle_add_source(policy, rule, v4(random64(), 24));
	}
	assert_large(policy, "16384 ports and 8192 rules", 500);
}

/* Which ports a rule is for is random, so there is nothing that rows could share. */
static struct policy *table_of_noise(int size)
{
	struct policy *policy = oracle_policy();

	for (int i = 0; i < size; i++)
		oracle_add_port(policy, IPPROTO_TCP, ANY4, i + 1, i + 1);
	for (int i = 0; i < size; i++) {
		unsigned int rule =
			oracle_add_rule(policy, i % 2 ? STATEMENT_ALLOW : STATEMENT_DENY);

		for (int j = 0; j < size; j += 1 + below(2))
			oracle_bind(&policy->ports[j], rule);
		oracle_add_source(policy, rule, v4(random64(), 24));
	}
	return policy;
}

static void many_ports_with_many_rules_build(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = table_of_noise(3000);

	assert_large(policy, "3000 ports with 2000 of 3000 rules each", 50);
}

static void small_policy_gives_a_small_image(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	_cleanup_(image_clear) struct image image;

	for (int i = 0; i < 20; i++)
		oracle_add_source(policy, add_rule(policy, STATEMENT_ALLOW), v4(random64(), 24));
	build(policy, &image);
	assert_in_range(image.size, 1, 9 * IMAGE_CHUNK);
}

static void assert_too_big(struct policy *policy, const char *text)
{
	struct image image = { (void *)1, 2 };
	struct error error = {};

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

	for (int i = 0; i < LIMIT_RULES + 1; i++)
		oracle_add_rule(policy, STATEMENT_ALLOW);
	assert_too_big(policy, "8193 rules, the limit is 8192");
}

static void too_many_ports_are_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	for (int i = 0; i < LIMIT_PORTS + 1; i++)
		oracle_add_port(policy, IPPROTO_TCP, ANY4, i + 1, i + 1);
	assert_too_big(policy, "16385 guarded ports, the limit is 16384");
}

static void too_many_destinations_are_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	for (int i = 0; i <= LIMIT_DESTINATIONS; i++)
		oracle_add_prefix(&policy->local, &policy->local_count, v4(0x0a000000 + i, 32));
	assert_too_big(policy, "8193 destination addresses and subnets, the limit is 8192");
}

static void too_large_an_image_is_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = table_of_noise(4500);

	assert_too_big(policy, "more than 32 MiB of kernel memory");
}

static struct policy *scattered(int count, __u8 family, __u8 length)
{
	struct policy *policy = one_port();
	unsigned int rule = add_rule(policy, STATEMENT_ALLOW);

	for (int i = 0; i < count; i++)
		oracle_add_source(policy, rule,
				  family == 4 ? v4(random64(), length)
					      : v6(0x2000000000000000ull | random64() >> 3,
						   random64(), length));
	return policy;
}

static void as_many_scattered_sources_as_documented_build(void **state)
{
	_cleanup_(oracle_freep) struct policy *addresses4 = scattered(1500000, 4, 32);
	_cleanup_(oracle_freep) struct policy *networks6 = scattered(1200000, 6, 64);
	_cleanup_(oracle_freep) struct policy *addresses6 = scattered(450000, 6, 128);

	assert_large(addresses4, "1 500 000 single IPv4 addresses", 20);
	assert_large(networks6, "1 200 000 IPv6 networks", 20);
	assert_large(addresses6, "450 000 single IPv6 addresses", 20);
}

static void more_scattered_sources_are_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = scattered(550000, 6, 128);

	assert_too_big(policy, "name networks in place of single addresses");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(too_large_an_image_is_refused),
		cmocka_unit_test(as_many_scattered_sources_as_documented_build),
		cmocka_unit_test(more_scattered_sources_are_refused),
		cmocka_unit_test(too_many_classes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
