// SPDX-License-Identifier: GPL-2.0-only
/* test_prefix.c: addresses with a length, text to bits and back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "addr/prefix.h"
#include "base/cleanup.h"

static struct prefix parsed(const char *text)
{
	struct prefix prefix;

	char fault[PREFIX_FAULT_STRLEN];

	if (prefix_parse(text, &prefix, fault) < 0)
		fail_msg("'%s' is refused: %s", text, fault);
	return prefix;
}

static void assert_prints(const char *text, const char *expected)
{
	struct prefix prefix = parsed(text);
	char buf[PREFIX_STRLEN];

	assert_string_equal(prefix_format(&prefix, buf), expected);
	prefix = parsed(expected);
	assert_string_equal(prefix_format(&prefix, buf), expected);
}

static void canonical_text_is_a_fixed_point(void **state)
{
	assert_prints("192.0.2.0/24", "192.0.2.0/24");
	assert_prints("192.0.2.1", "192.0.2.1");
	assert_prints("192.0.2.1/32", "192.0.2.1");
	assert_prints("0.0.0.0/0", "0.0.0.0/0");
	assert_prints("255.255.255.255", "255.255.255.255");
	assert_prints("::/0", "::/0");
	assert_prints("::", "::");
	assert_prints("2001:DB8::/32", "2001:db8::/32");
	assert_prints("2001:db8:0:0:0:0:0:1/128", "2001:db8::1");
	assert_prints("::192.0.2.1", "::192.0.2.1");
	assert_prints("64:ff9b::192.0.2.1", "64:ff9b::c000:201");
	assert_prints("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
		      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127");
}

static void assert_host_bits(const char *text, const char *expected)
{
	struct prefix prefix = { .family = 9 };
	char fault[PREFIX_FAULT_STRLEN];

	assert_int_equal(prefix_parse(text, &prefix, fault), -ERANGE);
	assert_string_equal(fault, expected);
	assert_int_equal(prefix.family, 9);
	assert_int_equal(prefix_parse(text, &prefix, NULL), -ERANGE);
}

static void host_bits_are_refused_with_the_prefix_meant(void **state)
{
	assert_host_bits("203.0.113.5/24", "has host bits set, use 203.0.113.0/24 or 203.0.113.5");
	assert_host_bits("203.0.113.5/0", "has host bits set, use 0.0.0.0/0 or 203.0.113.5");
	assert_host_bits("198.51.100.3/3", "has host bits set, use 192.0.0.0/3 or 198.51.100.3");
	assert_host_bits("192.0.2.255/31", "has host bits set, use 192.0.2.254/31 or 192.0.2.255");
	assert_host_bits("2001:db8:ffff::1/33",
			 "has host bits set, use 2001:db8:8000::/33 or 2001:db8:ffff::1");
	assert_host_bits("2001:db8::/3", "has host bits set, use 2000::/3 or 2001:db8::");
}

static void host_bits_of_a_network_are_cleared(void **state)
{
	struct prefix prefix, expected = parsed("172.16.0.0/12");

	assert_int_equal(prefix_parse_network("172.16.5.5/12", &prefix), 0);
	assert_true(prefix_equal(&prefix, &expected));
	expected = parsed("2001:db8::1");
	assert_int_equal(prefix_parse_network("2001:db8::1", &prefix), 0);
	assert_true(prefix_equal(&prefix, &expected));
}

static void bytes_behind_the_address_are_zero(void **state)
{
	static const __u8 zero[16];
	struct prefix prefix;

	memset(&prefix, 0xff, sizeof(prefix));
	assert_int_equal(prefix_parse("192.0.2.1", &prefix, NULL), 0);
	assert_memory_equal(prefix.addr + 4, zero, 12);
	assert_int_equal(prefix.family, 4);
	assert_int_equal(prefix.length, 32);
}

static void bad_text_is_refused_with_a_reason(void **state)
{
	/* clang-format off */
	static const char *const bad[] = {
		"", "/", "/8", "any", "1.2.3", "1.2.3.4.5", "1.2.3.256", "256.1.1.1", "1.2.3.4/",
		"1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+8", "1.2.3.4/08", "1.2.3.4/00", "1.2.3.4/0x8",
		"1.2.3.4/8/8", "1.2.3.4/ 8", "1.2.3.4/999", "1.2.3.4/4294967304", " 1.2.3.4",
		"1.2.3.4 ", "010.0.0.1", "10.00.0.1", "1.2.3.04", "0x1.2.3.4", "1.2.3.4/255.0.0.0",
		"2001:db8::/129", "2001:db8::1::", "1:2:3", ":", ":::", "g::", "fe80::1%eth0",
		"fe80::1%eth0/64", "::ffff:192.0.2.1", "::ffff:0:0/96", "::FFFF:c000:201/128",
		"::ffff:010.0.0.1", "12345::", "[::1]", "1.2.3.4:80",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999",
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000::",
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct prefix prefix = { .family = 9, .length = 9 }, before = prefix;
		char fault[PREFIX_FAULT_STRLEN] = "";

		if (prefix_parse(bad[i], &prefix, fault) != -EINVAL)
			fail_msg("'%s' is accepted", bad[i]);
		assert_int_equal(prefix_parse_network(bad[i], &prefix), -EINVAL);
		assert_memory_equal(&prefix, &before, sizeof(prefix));
		assert_true(fault[0]);
	}
}

static void prefixes_around_the_mapped_range_are_fine(void **state)
{
	assert_prints("::fffe:0:0/95", "::fffe:0:0/95");
	assert_prints("::fffe:0:0/96", "::fffe:0:0/96");
	assert_prints("::ffff:0:0:0/96", "::ffff:0:0:0/96");
}

static bool contains(const char *outer, const char *inner)
{
	struct prefix a = parsed(outer), b = parsed(inner);

	return prefix_contains(&a, &b);
}

static void contains_itself_and_what_is_inside(void **state)
{
	assert_true(contains("10.0.0.0/8", "10.0.0.0/8"));
	assert_true(contains("10.0.0.0/8", "10.255.255.255"));
	assert_true(contains("0.0.0.0/0", "203.0.113.4"));
	assert_true(contains("10.128.0.0/9", "10.255.0.0/16"));
	assert_false(contains("10.128.0.0/9", "10.127.0.0/16"));
	assert_false(contains("10.0.0.0/8", "11.0.0.0/8"));
	assert_false(contains("10.0.0.0/9", "10.0.0.0/8"));
	assert_true(contains("2001:db8::/33", "2001:db8:7fff::/48"));
	assert_false(contains("2001:db8::/33", "2001:db8:8000::/48"));
	assert_true(contains("2001:db8::1", "2001:db8::1"));
}

static void families_do_not_contain_each_other(void **state)
{
	assert_false(contains("0.0.0.0/0", "::/0"));
	assert_false(contains("::/0", "0.0.0.0/0"));
	assert_false(contains("::/0", "192.0.2.1"));
}

static void order_is_family_then_address_then_length(void **state)
{
	/* clang-format off */
	static const char *const sorted[] = {
		"0.0.0.0/0", "0.0.0.0", "10.0.0.0/8", "10.0.0.0/9", "10.0.0.0", "192.0.2.1",
		"255.0.0.0/8", "::/0", "::", "::1", "2001:db8::/32", "2001:db8::/48",
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
			struct prefix a = parsed(sorted[i]), b = parsed(sorted[j]);
			int order = prefix_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(prefix_equal(&a, &b), i == j);
		}
	}
}

static void address_bytes_become_a_full_prefix(void **state)
{
	static const __u8 addr6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	static const __u8 addr4[16] = { 192, 0, 2, 1, 9, 9, 9 };
	struct prefix four = prefix_from_address(4, addr4), six = prefix_from_address(6, addr6);
	struct prefix expected = parsed("192.0.2.1");
	char buf[PREFIX_STRLEN];

	assert_true(prefix_is_address(&four) && prefix_is_address(&six));
	assert_memory_equal(&four, &expected, sizeof(four));
	assert_string_equal(prefix_format(&six, buf), "2001:db8::1");
	four.length = 31;
	assert_false(prefix_is_address(&four));
}

static void prefix_not_set_is_no_address_and_prints_nothing(void **state)
{
	struct prefix none = { 0 };
	char buf[PREFIX_STRLEN] = "x";

	assert_false(prefix_is_address(&none));
	assert_string_equal(prefix_format(&none, buf), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_text_is_a_fixed_point),
		cmocka_unit_test(host_bits_are_refused_with_the_prefix_meant),
		cmocka_unit_test(host_bits_of_a_network_are_cleared),
		cmocka_unit_test(bytes_behind_the_address_are_zero),
		cmocka_unit_test(bad_text_is_refused_with_a_reason),
		cmocka_unit_test(prefixes_around_the_mapped_range_are_fine),
		cmocka_unit_test(contains_itself_and_what_is_inside),
		cmocka_unit_test(families_do_not_contain_each_other),
		cmocka_unit_test(order_is_family_then_address_then_length),
		cmocka_unit_test(address_bytes_become_a_full_prefix),
		cmocka_unit_test(prefix_not_set_is_no_address_and_prints_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
