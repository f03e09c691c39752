/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image_bans.c: bans that end by themselves.  What an image decides at some time is what the
 * policy says without the bans that have ended by then.
 */
#include "image_fixture.h"

#define TEST(name) cmocka_unit_test(name)

static __u64 at_ns(time_t when)
{
	return ORACLE_MONOTONIC_NS + (when - ORACLE_EPOCH) * 1000000000ull + 500000000;
}

/* The bans that have ended name nobody; *kept is what they named. */
static size_t end_bans(struct policy *policy, time_t now, size_t *kept)
{
	size_t ended = 0;

	for (size_t i = 0; i < policy->rules_count; i++) {
		struct policy_rule *rule = &policy->rules[i];

		kept[i] = rule->sources_count;
		if (rule->kind != STATEMENT_BAN || !rule->until || rule->until > now)
			continue;
		rule->sources_count = 0;
		ended++;
	}
	return ended;
}

static void give_back(struct policy *policy, const size_t *kept)
{
	for (size_t i = 0; i < policy->rules_count; i++)
		policy->rules[i].sources_count = kept[i];
}

static void assert_decides(struct policy *policy, const struct image *image, time_t now)
{
	const struct prefix host4 = address4(0xc0000201);
	struct prefix saddr = random_source(policy, below(4) ? 4 : 6);
	const struct prefix host6 = v6(0x20010db800000000, 1, 128);
	struct image_flow flow = { .saddr = &saddr,
				   .daddr = saddr.family == 4 ? &host4 : &host6,
				   .dport = below(4) ? 80 : 81,
				   .proto = IPPROTO_TCP };
	size_t kept[64];
	struct policy_answer answer;
	enum reason reason;
	char text[PREFIX_STRLEN];

	(void)end_bans(policy, now, kept);
	answer = policy_evaluate(policy, &saddr, flow.daddr, flow.proto, flow.dport);
	give_back(policy, kept);
	reason = image_decide(image, &flow, at_ns(now));
	if ((answer.verdict == POLICY_DENY) != reason_is_drop(reason) ||
	    (answer.rule && answer.rule->kind == STATEMENT_BAN) != (reason == DROP_BANNED))
		fail_msg("%s at %ld: %s", prefix_format(&saddr, text), (long)now,
			 reason_name(reason));
}

/* A few networks around the same addresses, so that they nest. */
static struct prefix random_network(void)
{
	static const __u64 high = 0x20010db8000a0000;

	if (below(4))
		return v4(0x0a000000 | below(256) << 8 | below(4), 8 + below(25));
	return v6(high | below(4) << 8, below(4), 24 + below(105));
}

static struct policy *random_policy(void)
{
	struct policy *policy = one_port();

	oracle_add_prefix(&policy->local, &policy->local_count, address4(0xc0000201));
	oracle_add_prefix(&policy->local, &policy->local_count, v6(0x20010db800000000, 1, 128));
	for (size_t i = 2 + below(20); i; i--) {
		static const enum statement_kind kinds[] = { STATEMENT_ALLOW, STATEMENT_DENY,
							     STATEMENT_BAN,   STATEMENT_BAN,
							     STATEMENT_BAN,   STATEMENT_FAILSAFE };
		unsigned int rule = add_rule(policy, kinds[below(ARRAY_SIZE(kinds))]);

		if (policy->rules[rule].kind == STATEMENT_BAN && below(4))
			policy->rules[rule].until = ORACLE_EPOCH + 10 * (1 + below(4));
		for (size_t j = 1 + below(6); j; j--)
			oracle_add_source(policy, rule, random_network());
	}
	return policy;
}

static void a_ban_that_has_ended_leaves_what_was_there_without_it(void **state)
{
	size_t questions = lookups(200000) / 500;

	for (int i = 0; i < 500; i++) {
		struct policy *policy = random_policy();
		_cleanup_(image_clear) struct image image = {};

		build(policy, &image);
		for (size_t j = 0; j < questions; j++)
			assert_decides(policy, &image, ORACLE_EPOCH + 10 * below(6));
		oracle_free(policy);
	}
}

/* The same column of the table, and not the same class. */
static void two_that_are_banned_alike_are_not_the_same_afterwards(void **state)
{
	const struct prefix allowed = address4(0x0a000001), stranger = address4(0x0a000002),
			    host = address4(0xc0000201);
	struct policy *policy = one_port();
	unsigned int allow = add_rule(policy, STATEMENT_ALLOW),
		     ban = add_rule(policy, STATEMENT_BAN);
	_cleanup_(image_clear) struct image image = {};
	struct image_flow flow = {
		.daddr = &host, .dport = 80, .proto = IPPROTO_TCP, .saddr = &allowed
	};

	oracle_add_prefix(&policy->local, &policy->local_count, host);
	oracle_add_source(policy, allow, allowed);
	oracle_add_source(policy, ban, v4(0x0a000000, 8));
	policy->rules[ban].until = ORACLE_EPOCH + 10;
	build(policy, &image);
	assert_int_equal(image_decide(&image, &flow, at_ns(ORACLE_EPOCH)), DROP_BANNED);
	assert_int_equal(image_decide(&image, &flow, at_ns(ORACLE_EPOCH + 10)), PASS_ALLOWED);
	flow.saddr = &stranger;
	assert_int_equal(image_decide(&image, &flow, at_ns(ORACLE_EPOCH)), DROP_BANNED);
	assert_int_equal(image_decide(&image, &flow, at_ns(ORACLE_EPOCH + 10)), DROP_CLOSED);
	oracle_free(policy);
}

static void bans_without_an_end_cost_no_table(void **state)
{
	struct policy *policy = one_port();
	unsigned int ban = add_rule(policy, STATEMENT_BAN);
	_cleanup_(image_clear) struct image image = {};

	oracle_add_source(policy, ban, v4(0x0a000000, 8));
	build(policy, &image);
	assert_int_equal(image_header(&image)->unbanned, 0);
	oracle_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ban_that_has_ended_leaves_what_was_there_without_it),
		TEST(two_that_are_banned_alike_are_not_the_same_afterwards),
		TEST(bans_without_an_end_cost_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
