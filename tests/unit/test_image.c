/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image.c: which rule decides, what is at a destination, what the digest covers, and
 * which bytes are no image.
 */
#include "map_values.h"
#include "image_fixture.h"

/* The rule that the image finds for this source and port 80/tcp. */
static __u32 rule_for(const struct policy *policy, struct prefix saddr)
{
	struct prefix daddr =
		saddr.family == 4 ? v4(0xc0000201, 32) : v6(0x20010db8ull << 32, 1, 128);
	_cleanup_(image_clear) struct image image;

	build(policy, &image);
	return image_ask(image.bytes, &saddr, &daddr, IPPROTO_TCP, 80).rule;
}

/* ---- what decides ------------------------------------------------------------------------------
 */

static void most_specific_source_wins(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int wide = add_rule(policy, STATEMENT_DENY),
		     narrow = add_rule(policy, STATEMENT_ALLOW);

	oracle_add_source(policy, wide, v4(0x0a000000, 8));
	oracle_add_source(policy, narrow, v4(0x0a010000, 16));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + narrow);
	assert_int_equal(rule_for(policy, address4(0x0a020203)), 3 + wide);
	assert_int_equal(rule_for(policy, address4(0x0b000000)), 2);
}

static void deny_wins_at_equal_length(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int deny = add_rule(policy, STATEMENT_DENY),
		     allow = add_rule(policy, STATEMENT_ALLOW);

	oracle_add_source(policy, allow, v4(0x0a000000, 8));
	oracle_add_source(policy, deny, v4(0x0a000000, 8));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + deny);
}

static void first_of_equal_rules_is_named(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int first = add_rule(policy, STATEMENT_ALLOW),
		     second = add_rule(policy, STATEMENT_ALLOW);

	oracle_add_source(policy, second, v4(0x0a000000, 8));
	oracle_add_source(policy, first, v4(0x0a000000, 8));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + first);
}

static void ban_wins_against_a_more_specific_allow(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int allow = add_rule(policy, STATEMENT_ALLOW),
		     ban = add_rule(policy, STATEMENT_BAN);

	oracle_add_source(policy, ban, v4(0x0a000000, 8));
	oracle_add_source(policy, allow, v4(0x0a010203, 32));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + ban);
}

static void failsafe_wins_against_a_ban(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int ban = add_rule(policy, STATEMENT_BAN),
		     safe = add_rule(policy, STATEMENT_FAILSAFE);

	oracle_add_source(policy, safe, v4(0x0a000000, 8));
	oracle_add_source(policy, ban, v4(0x0a010203, 32));
	assert_int_equal(rule_for(policy, address4(0x0a010203)), 3 + safe);
}

static void ban_applies_where_no_port_is_guarded(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int ban = add_rule(policy, STATEMENT_BAN),
		     allow = add_rule(policy, STATEMENT_ALLOW);
	struct prefix banned = address4(0x0a010203), other = address4(0x0b010203);
	_cleanup_(image_clear) struct image image;

	oracle_add_source(policy, ban, v4(0x0a000000, 8));
	oracle_add_source(policy, allow, ANY4);
	build(policy, &image);
	assert_int_equal(image_ask(image.bytes, &banned, &other, IPPROTO_UDP, 9).rule, 3 + ban);
	assert_int_equal(image_ask(image.bytes, &other, &other, IPPROTO_UDP, 9).rule, 0);
}

static void image_is_quiet_unless_a_rule_speaks_everywhere(void **state)
{
	const struct {
		enum statement_kind kind;
		bool is_everywhere;
	} rows[] = { { STATEMENT_DENY, false },
		     { STATEMENT_FAILSAFE, false },
		     { STATEMENT_FAILSAFE, true },
		     { STATEMENT_BAN, true } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(oracle_freep) struct policy *policy = one_port();
		unsigned int rule = add_rule(policy, rows[i].kind);
		_cleanup_(image_clear) struct image image;

		policy->rules[rule].is_everywhere = rows[i].is_everywhere;
		oracle_add_source(policy, rule, v4(0x0a000000, 8));
		build(policy, &image);
		assert_int_equal(!(image_header(&image)->flags & IMAGE_QUIET),
				 rows[i].is_everywhere);
	}
}

static void failsafe_with_a_port_applies_to_that_port_only(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	unsigned int safe = add_rule(policy, STATEMENT_FAILSAFE),
		     ban = add_rule(policy, STATEMENT_BAN);
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
	const struct image_endpoint *ports;

	oracle_add_source(policy, allow, ANY4);
	oracle_add_source(policy, allow, ANY6);
	build(policy, &image);
	ports = (void *)((char *)image.bytes + image_header(&image)->endpoints);
	assert_int_equal(image_header(&image)->classes, 1);
	assert_true(ports[0].is_uniform && ports[1].is_uniform);
	assert_int_equal(ports[0].default_rule4, 0);
	assert_int_equal(ports[1].default_rule4, 3 + allow);
	assert_int_equal(ports[1].default_rule6, 3 + allow);
}

static void empty_policy_guards_nothing(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();

	assert_agree_everywhere(policy, lookups(20000));
}

/* ---- destinations
 * --------------------------------------------------------------------------------- */

static void port_on_one_address_is_guarded_there_only(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();
	struct prefix source = address4(1), mine = address4(0xc0000205),
		      other = address4(0xc0000206);
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
	struct prefix source = address4(1), mine = address4(0xc0000205),
		      other = address4(0xc0000206);
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
	struct prefix source = address4(1), inside = address4(0xac110002),
		      bridge = address4(0xac110001);
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

/* ---- digest, notes, expiry
 * --------------------------------------------------------------------------- */

static void digest_of(const struct image_input *input, __u64 ret[2])
{
	_cleanup_(image_clear) struct image image = {};
	struct error error;

	assert_int_equal(image_build(input, &image, &error), 0);
	memcpy(ret, image_header(&image)->digest, 2 * sizeof(*ret));
}

static void digest_covers_the_policy_and_not_the_clock(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	__u32 counters[8] = {};
	struct image_input input = { .policy = policy,
				     .rule_counters = counters,
				     .port_counters = counters,
				     .now_epoch = 1000,
				     .now_monotonic_ns = 1 };
	__u64 before[2], after[2];
	char snapshot[1000] = "note";

	oracle_add_source(policy, add_rule(policy, STATEMENT_ALLOW), v4(0x0a000000, 8));
	policy->rules[0].until = 2000;
	digest_of(&input, before);
	input.now_epoch = 1500;
	input.now_monotonic_ns = 77;
	input.snapshot = snapshot;
	input.snapshot_size = sizeof(snapshot);
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

/* The machine's clock and its time since boot, in seconds, when the same policy is compiled. */
static struct image compile_at(const struct policy *policy, __u64 epoch, __u64 uptime)
{
	static const __u32 none[8];
	struct image_input input = { .policy = policy,
				     .rule_counters = none,
				     .port_counters = none,
				     .snapshot = "notes",
				     .snapshot_size = 6,
				     .now_epoch = epoch,
				     .now_monotonic_ns = uptime * 1000000000ull };
	struct error error;
	struct image image = {};

	assert_int_equal(image_build(&input, &image, &error), 0);
	return image;
}

static bool expires_alike(const struct policy *policy, __u64 epoch, __u64 uptime)
{
	struct image before = compile_at(policy, 1000000, 500);
	struct image after = compile_at(policy, epoch, uptime);
	bool is_alike = image_expires_alike(&before, &after);

	assert_memory_equal(image_header(&before)->digest, image_header(&after)->digest, 16);
	image_clear(&before);
	image_clear(&after);
	return is_alike;
}

static void a_clock_that_is_set_moves_what_expires(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();

	oracle_add_source(policy, add_rule(policy, STATEMENT_ALLOW), v4(0x0a000000, 8));
	assert_true(expires_alike(policy, 1003600, 500));
	policy->rules[0].until = 1010000;
	assert_true(expires_alike(policy, 1000060, 560));
	assert_true(expires_alike(policy, 1000061, 560));
	assert_true(expires_alike(policy, 1000060, 562));
	assert_false(expires_alike(policy, 1003660, 560));
	assert_false(expires_alike(policy, 996460, 560));
	/* CLOCK_MONOTONIC stood still while the machine was suspended. */
	assert_false(expires_alike(policy, 1003600, 500));
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

static void a_rule_past_its_time_lets_nobody_in(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	_cleanup_(image_clear) struct image image;
	struct prefix saddr = v4(0x0a010203, 32), daddr = v4(0xc0000201, 32);
	struct image_flow flow = { .saddr = &saddr, .daddr = &daddr, .dport = 80 };

	oracle_add_source(policy, add_rule(policy, STATEMENT_ALLOW), ANY4);
	policy->rules[0].until = 1000007;
	build(policy, &image);
	assert_int_equal(image_decide(&image, &flow, 12000000000ull), PASS_ALLOWED);
	assert_int_equal(image_decide(&image, &flow, 12000000001ull), DROP_CLOSED);
}

static void notes_are_copied(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = oracle_policy();
	_cleanup_(image_clear) struct image image = {};
	__u32 none = 0;
	struct image_input input = { .policy = policy,
				     .rule_counters = &none,
				     .port_counters = &none,
				     .snapshot = "tide",
				     .snapshot_size = 4 };
	struct error error;

	assert_int_equal(image_build(&input, &image, &error), 0);
	assert_int_equal(image_header(&image)->snapshot_size, 4);
	assert_memory_equal((char *)image.bytes + image_header(&image)->snapshot, "tide", 4);
}

/* ---- image_check
 * ---------------------------------------------------------------------------------------- */

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
	BAD(endpoints_used, 0);
	BAD(endpoints_used, 0xffffffff);
	BAD(classes, 0);
	BAD(classes, 70000);
	BAD(row_blocks, 2);
	BAD(port_entries_used, 0);
	BAD(port_entries_used, IMAGE_PORTS_MAX + 1);
	BAD(port_entries_used, IMAGE_PORTS_MAX);
	BAD(overrides, image.size + 8);
	BAD(endpoints, 0xfffffff0);
	BAD(blocks, image.size);
	BAD(cells, 64);
	BAD(rules, image.size);
	BAD(destinations, image.size + 1);
	BAD(snapshot, image.size + 1);
	BAD(snapshot_size, image.size);
	BAD(prefilter6.root, image.size);
	assert_int_equal(image_check(image.bytes, image.size - 1), -EBADMSG);
	assert_int_equal(image_check(image.bytes, 0), -EBADMSG);
	assert_int_equal(image_check(image.bytes, image.size), 0);
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
		cmocka_unit_test(image_is_quiet_unless_a_rule_speaks_everywhere),
		cmocka_unit_test(failsafe_with_a_port_applies_to_that_port_only),
		cmocka_unit_test(rule_from_anywhere_makes_a_uniform_row),
		cmocka_unit_test(empty_policy_guards_nothing),
		cmocka_unit_test(port_on_one_address_is_guarded_there_only),
		cmocka_unit_test(port_on_one_address_beats_the_port_on_all),
		cmocka_unit_test(port_on_all_addresses_is_not_a_containers),
		cmocka_unit_test(loopback_is_martian_even_when_named),
		cmocka_unit_test(digest_covers_the_policy_and_not_the_clock),
		cmocka_unit_test(a_clock_that_is_set_moves_what_expires),
		cmocka_unit_test(until_becomes_a_time_of_this_boot),
		cmocka_unit_test(a_rule_past_its_time_lets_nobody_in),
		cmocka_unit_test(notes_are_copied),
		cmocka_unit_test(header_that_lies_is_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
