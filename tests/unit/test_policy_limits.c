/* SPDX-License-Identifier: GPL-2.0-only */
/* test_policy_limits.c: big policies: in time, in order, and refused by name when too big. */
#include <time.h>

#include "limit.h"
#include "policy_fixture.h"

static struct world world;

static int fresh_world(void **state)
{
	world_clear(&world);
	return 0;
}

static void fill_containers(size_t count)
{
	char name[32];

	for (size_t i = 0; i < count; i++) {
		struct container *container;

		snprintf(name, sizeof(name), "c%04zu", i);
		container = world_add(&world, name);
		container->project = (char *)"shop";
		container->service = container->name;
		for (unsigned short j = 0; j < 5; j++)
			publish(container, j % 2 ? "::" : "0.0.0.0", 1000 + 10 * i + j, 80 + j);
	}
}

static char *print(void (*line)(FILE *out, unsigned int i), unsigned int count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned int i = 0; i < count; i++)
		line(out, i);
	fclose(out);
	return text;
}

/* Processor time of policy_build alone, the best of three. */
static double milliseconds(const char *text)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct policy_input input = { .inventory = &world.inventory, .now = NOW };
	struct error config_error;
	struct error error;
	struct timespec before, after;
	double best = 1e9;

	assert_int_equal(config_parse(text, strlen(text), NOW, &config, &config_error), 0);
	input.config = config;
	for (int i = 0; i < 3; i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		double took;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		assert_int_equal(policy_build(&input, &policy, &error), 0);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		took = (after.tv_sec - before.tv_sec) * 1e3 +
		       (after.tv_nsec - before.tv_nsec) / 1e6;
		best = took < best ? took : best;
	}
	return best;
}

static void rule_on_one_container(FILE *out, unsigned int i)
{
	fprintf(out, "allow container c%04u port %u/tcp from 10.0.0.%u\n", i / 5, 80 + i % 5,
		i % 250);
}

static void rule_on_one_port(FILE *out, unsigned int i)
{
	fprintf(out, "allow %u/tcp from 10.0.%u.%u\n", 1000 + 10 * (i / 5) + i % 5, i / 250,
		i % 250);
}

static void rule_on_every_port(FILE *out, unsigned int i)
{
	fprintf(out, "deny 1-65535 from 10.0.%u.%u\n", i / 250, i % 250);
}

static void rule_on_every_container(FILE *out, unsigned int i)
{
	fprintf(out, "allow compose shop from 10.0.%u.%u\n", i / 250, i % 250);
}

static void rule_on_a_wide_range(FILE *out, unsigned int i)
{
	fprintf(out, "allow %u-%u/tcp from 10.0.%u.%u\n", 1 + i, 5001 + i, i / 250, i % 250);
}

/* 1 000 containers x 5 ports x 5 000 rules.  The figure is printed; what is asserted leaves
 * room for sanitizers and a busy machine, and still catches a product of the three. */
static void a_big_policy_resolves_in_time(void **state)
{
	static const struct {
		const char *what;
		void (*line)(FILE *out, unsigned int i);
	} rows[] = {
		{ "a rule for one container's port", rule_on_one_container },
		{ "a rule for one port", rule_on_one_port },
		{ "a rule for every port", rule_on_every_port },
		{ "a rule for every container", rule_on_every_container },
	};

	fill_containers(1000);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = print(rows[i].line, 5000);
		double took = milliseconds(text);

		print_message("5000 x %s: %.1f ms\n", rows[i].what, took);
		assert_true(took < 2000);
	}
}

static void the_same_input_gives_the_same_policy(void **state)
{
	_cleanup_(policy_freep) struct policy *first = NULL, *second = NULL;
	_cleanup_free_ char *text = print(rule_on_one_container, 500);
	_cleanup_free_ char *first_ports = NULL, *second_ports = NULL;

	fill_containers(200);
	first = build(&world, text);
	second = build(&world, text);
	first_ports = print_ports(first);
	second_ports = print_ports(second);
	assert_string_equal(first_ports, second_ports);
	for (size_t i = 1; i < first->ports_count; i++) {
		const struct policy_port *a = &first->ports[i - 1], *b = &first->ports[i];

		assert_true(a->proto < b->proto || a->lo < b->lo ||
			    (a->lo == b->lo && prefix_compare(&a->addr, &b->addr) < 0));
	}
}

static void equal_lists_are_shared(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;

	fill_containers(3);
	policy = build(&world, "allow compose shop from 203.0.113.1\n");
	assert_int_equal(policy->ports_count, 15);
	assert_int_equal(policy->rules[0].ports_count, 15);
	for (size_t i = 1; i < policy->ports_count; i++)
		assert_ptr_equal(policy->ports[i].rules, policy->ports[0].rules);
}

static void assert_too_big(const char *text, const char *expected)
{
	struct error error = { 0 };
	struct policy *policy = NULL;

	assert_int_equal(try_build(&world, text, &policy, &error), -E2BIG);
	assert_null(policy);
	assert_string_equal(error.text, expected);
}

static void rule_on_an_odd_port(FILE *out, unsigned int i)
{
	fprintf(out, "deny %u from 10.0.%u.%u\n", 2 * i + 1, i / 250, i % 250);
}

static void rule_on_an_odd_tcp_port(FILE *out, unsigned int i)
{
	fprintf(out, "deny %u/tcp from 10.0.%u.%u\n", 2 * i + 1, i / 250, i % 250);
}

static void as_many_ports_as_documented_resolve(void **state)
{
	_cleanup_free_ char *text = print(rule_on_an_odd_tcp_port, LIMIT_PORTS / 2);
	_cleanup_(policy_freep) struct policy *policy = build(&world, text);

	assert_int_equal(policy->ports_count, LIMIT_PORTS);
	assert_int_equal(policy->rules_count, LIMIT_RULES);
}

/* 2731 numbers x 3 protocols x 2 families. */
static void too_many_ports_are_named_with_their_limit(void **state)
{
	_cleanup_free_ char *text = print(rule_on_an_odd_port, LIMIT_PORTS / 6 + 1);

	assert_too_big(text, "16386 guarded ports, the limit is 16384 (each of tcp, udp and sctp "
			     "over IPv4 and IPv6 counts, a range once): write ranges, and the "
			     "protocol");
}

static void too_many_sources_are_named_with_their_limit(void **state)
{
	static struct prefix members[700000];

	for (unsigned int i = 0; i < ARRAY_SIZE(members); i++)
		members[i] = (struct prefix){ .family = 4,
					      .length = 32,
					      .addr = { i >> 24, i >> 16, i >> 8, i } };
	world.sets[world.sets_count++] = (struct policy_set){
		.name = "big",
		.members = members,
		.count = ARRAY_SIZE(members),
	};
	assert_too_big("set big file x\nban big\ndeny 80 from big\ndeny 81 from big\n",
		       "2100000 source prefixes over all rules, the limit is 2000000");
}

static void too_many_pairs_are_named_with_their_limit(void **state)
{
	_cleanup_free_ char *text = print(rule_on_a_wide_range, 8000);

	assert_too_big(text, "more than 33554432 pairs of a rule and a port it names");
}

#define TEST(name) cmocka_unit_test_setup(name, fresh_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(as_many_ports_as_documented_resolve),
		TEST(a_big_policy_resolves_in_time),
		TEST(the_same_input_gives_the_same_policy),
		TEST(equal_lists_are_shared),
		TEST(too_many_ports_are_named_with_their_limit),
		TEST(too_many_sources_are_named_with_their_limit),
		TEST(too_many_pairs_are_named_with_their_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
