/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image_oracle.c: the comparison that the tests of images rest on finds each thing that it
 * looks for: an image that agrees with its policy is changed in one place, or the policy is.
 */
#include "image_fixture.h"

static struct policy *policy;
static struct image image;

/* What is asked: who comes from where, to which port of 192.0.2.1. */
struct question {
	__u32 saddr;
	unsigned short dport;
};

static const struct question STRANGER = { 0xcb007109, 80 }, ALLOWED = { 0x0a010203, 80 },
			     UNNAMED = { 0xcb007109, 81 };

static int set_up(void **state)
{
	policy = one_port();
	oracle_add_source(policy, add_rule(policy, STATEMENT_ALLOW), v4(0x0a000000, 8));
	oracle_add_source(policy, add_rule(policy, STATEMENT_DENY), v4(0x0a800000, 9));
	oracle_add_prefix(&policy->local, &policy->local_count, address4(0xc0000201));
	build(policy, &image);
	return 0;
}

static int tear_down(void **state)
{
	image_clear(&image);
	oracle_free(policy);
	return 0;
}

static const char *ask(const struct question *question)
{
	struct prefix saddr = address4(question->saddr), daddr = address4(0xc0000201);

	return oracle_difference(policy, &image, &saddr, &daddr, IPPROTO_TCP, question->dport);
}

static void *at(__u32 offset)
{
	return (char *)image.bytes + offset;
}

static struct image_header *header(void)
{
	return image.bytes;
}

static struct image_endpoint *port_asked(void)
{
	return (struct image_endpoint *)at(header()->endpoints) + 1;
}

static struct image_rule *rule_of(unsigned int rule)
{
	return (struct image_rule *)at(header()->rules) + RULE_FIRST + rule;
}

static struct port_entry *entry_at(unsigned short dport)
{
	struct image_ref ref = { image.bytes };

	return (struct port_entry *)at(IMAGE_PORTS) +
	       image_port_number(ref, PROTO_TCP, htons(dport));
}

static struct verdict_entry *told_at(unsigned short dport)
{
	return &((struct image_endpoint *)at(header()->endpoints))[entry_at(dport)->any4].entry4;
}

static void assert_found(const struct question *question, const char *expected)
{
	const char *difference = ask(question);

	assert_string_equal(difference ?: "nothing", expected);
}

static void an_image_as_it_was_built_agrees(void **state)
{
	assert_found(&STRANGER, "nothing");
	assert_found(&ALLOWED, "nothing");
	assert_found(&UNNAMED, "nothing");
}

/* ---- where, which port, which rule --------------------------------------------------------- */

static void another_kind_of_destination_is_found(void **state)
{
	policy->local_count = 0;
	oracle_add_prefix(&policy->natted, &policy->natted_count, v4(0xc0000200, 24));
	assert_found(&STRANGER, "kind of the destination");
}

static void another_port_is_found(void **state)
{
	entry_at(80)->any4 = 2;
	assert_found(&STRANGER, "port");
}

static void another_port_range_is_found(void **state)
{
	policy->ports[0].hi = 81;
	assert_found(&UNNAMED, "port");
}

static void another_rule_is_found(void **state)
{
	policy->rules[0].sources[0].addr[0] = 0x0b;
	assert_found(&ALLOWED, "rule");
}

static void a_short_way_that_leads_elsewhere_is_found(void **state)
{
	port_asked()->default_rule4 = RULE_FIRST;
	assert_found(&STRANGER, "rule");
}

static void a_uniform_row_that_is_none_is_found(void **state)
{
	port_asked()->is_uniform = 1;
	assert_found(&ALLOWED, "rule");
}

static void a_ban_in_a_quiet_image_is_found(void **state)
{
	unsigned int ban = oracle_add_rule(policy, STATEMENT_BAN);

	oracle_add_source(policy, ban, v4(0xcb007100, 24));
	image_clear(&image);
	build(policy, &image);
	assert_found(&UNNAMED, "nothing");
	header()->flags |= IMAGE_QUIET;
	assert_found(&UNNAMED, "quiet");
}

static void a_source_from_inside_is_found(void **state)
{
	oracle_add_prefix(&policy->natted, &policy->natted_count, v4(0xcb007100, 24));
	assert_found(&STRANGER, "source from inside");
}

static void another_meaning_of_an_own_address_is_found(void **state)
{
	assert_true(own_agrees(&image));
	header()->own.destination4[own_slot4(&header()->own, htonl(0xc0000201))] ^=
		DESTINATION_LOCAL;
	assert_false(own_agrees(&image));
}

static void another_meaning_of_an_own_ipv6_address_is_found(void **state)
{
	struct prefix addr = v6(0x20010db800000000, 1, 128);

	oracle_add_prefix(&policy->local, &policy->local_count, addr);
	image_clear(&image);
	build(policy, &image);
	header()->own.destination6[own_slot6(&header()->own, 0x20010db800000000, 1)] ^=
		DESTINATION_LOCAL;
	assert_false(own_agrees(&image));
}

/* ---- counters and time ------------------------------------------------------------------------
 */

static void another_counter_of_the_port_is_found(void **state)
{
	port_asked()->counter += 2;
	assert_found(&STRANGER, "counter of the port");
}

static void another_counter_of_the_rule_is_found(void **state)
{
	rule_of(0)->counter = rule_of(1)->counter;
	assert_found(&ALLOWED, "counter of the rule");
}

static void another_expiry_is_found(void **state)
{
	policy->rules[0].until = ORACLE_EPOCH + 7;
	assert_found(&ALLOWED, "expiry");
	rule_of(0)->expires_ns = 12000000000ull;
	assert_found(&ALLOWED, "nothing");
	rule_of(0)->expires_ns++;
	assert_found(&ALLOWED, "expiry");
}

/* ---- what is told beforehand -------------------------------------------------------------------
 */

static void another_reason_of_the_entry_is_found(void **state)
{
	told_at(80)->reason = DROP_DENIED;
	assert_found(&STRANGER, "reason of the entry");
}

static void another_verdict_of_the_entry_is_found(void **state)
{
	told_at(80)->verdict = VERDICT_PASS;
	assert_found(&STRANGER, "verdict of the entry");
}

static void an_audit_that_drops_is_found(void **state)
{
	policy->is_audit = true;
	assert_found(&STRANGER, "verdict of the entry");
}

static void other_counters_of_the_entry_are_found(void **state)
{
	told_at(80)->port_counter--;
	assert_found(&STRANGER, "counters of the entry");
	told_at(80)->port_counter++;
	assert_found(&STRANGER, "nothing");
	told_at(80)->rule_counter = rule_of(0)->counter;
	assert_found(&STRANGER, "counters of the entry");
}

static void other_flags_of_the_entry_are_found(void **state)
{
	told_at(80)->flags ^= ENTRY_SYN_ONLY;
	assert_found(&STRANGER, "flags of the entry");
	told_at(80)->flags ^= ENTRY_SYN_ONLY | ENTRY_CHECK_BOUND;
	assert_found(&STRANGER, "flags of the entry");
	told_at(80)->flags ^= ENTRY_CHECK_BOUND;
	assert_found(&STRANGER, "nothing");
	told_at(81)->flags ^= ENTRY_CHECK_BOUND;
	assert_found(&UNNAMED, "flags of the entry");
}

static void an_entry_for_all_that_is_only_for_most_is_found(void **state)
{
	assert_found(&ALLOWED, "nothing");
	told_at(80)->flags |= ENTRY_ANY_SOURCE;
	assert_found(&STRANGER, "nothing");
	assert_found(&ALLOWED, "reason of the entry");
}

static void a_pass_for_all_sources_is_found(void **state)
{
	told_at(81)->flags |= ENTRY_ANY_SOURCE;
	assert_found(&UNNAMED, "flags of the entry");
}

static void an_entry_for_a_rule_that_expires_is_found(void **state)
{
	unsigned int rule = add_rule(policy, STATEMENT_ALLOW);
	struct verdict_entry told;

	oracle_add_source(policy, rule, ANY4);
	image_clear(&image);
	build(policy, &image);
	assert_found(&STRANGER, "nothing");
	told = *told_at(80);
	policy->rules[rule].until = ORACLE_EPOCH + 7;
	image_clear(&image);
	build(policy, &image);
	assert_found(&STRANGER, "nothing");
	*told_at(80) = told;
	assert_found(&STRANGER, "entry for a rule that expires");
}

/* ---- what `up` asks
 * --------------------------------------------------------------------------------- */

static void another_decision_is_found(void **state)
{
	rule_of(0)->action = ACTION_DENY;
	assert_found(&ALLOWED, "decision");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_image_as_it_was_built_agrees),
		TEST(another_kind_of_destination_is_found),
		TEST(another_port_is_found),
		TEST(another_port_range_is_found),
		TEST(another_rule_is_found),
		TEST(a_short_way_that_leads_elsewhere_is_found),
		TEST(a_uniform_row_that_is_none_is_found),
		TEST(a_ban_in_a_quiet_image_is_found),
		TEST(a_source_from_inside_is_found),
		TEST(another_meaning_of_an_own_address_is_found),
		TEST(another_meaning_of_an_own_ipv6_address_is_found),
		TEST(another_counter_of_the_port_is_found),
		TEST(another_counter_of_the_rule_is_found),
		TEST(another_expiry_is_found),
		TEST(another_reason_of_the_entry_is_found),
		TEST(another_verdict_of_the_entry_is_found),
		TEST(an_audit_that_drops_is_found),
		TEST(other_counters_of_the_entry_are_found),
		TEST(other_flags_of_the_entry_are_found),
		TEST(an_entry_for_all_that_is_only_for_most_is_found),
		TEST(a_pass_for_all_sources_is_found),
		TEST(an_entry_for_a_rule_that_expires_is_found),
		TEST(another_decision_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
