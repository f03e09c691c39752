// SPDX-License-Identifier: GPL-2.0-only
/* test_base_order.c: where something is in a sorted array, or would be; and protocols by number,
 * name and place. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/order.h"
#include "base/proto.h"

static int compare(const void *a, const void *b)
{
	return order_numbers(*(const unsigned int *)a, *(const unsigned int *)b);
}

static void numbers_are_compared_and_not_subtracted(void **state)
{
	assert_int_equal(order_numbers(1, 2), -1);
	assert_int_equal(order_numbers(2, 1), 1);
	assert_int_equal(order_numbers(2, 2), 0);
	assert_int_equal(order_numbers(0, UINT32_MAX), -1);
	assert_int_equal(order_numbers(UINT32_MAX, 0), 1);
}

/* Against looking at each, with every length up to nine and several that are equal. */
static void the_first_that_is_not_before_is_found(void **state)
{
	static const unsigned int sorted[] = { 2, 2, 2, 4, 6, 6, 8, 8, 8 };

	for (size_t count = 0; count <= 9; count++) {
		for (unsigned int key = 0; key < 10; key++) {
			size_t expected = 0;

			while (expected < count && sorted[expected] < key)
				expected++;
			assert_int_equal(order_first(&key, sorted, count, sizeof(key), compare),
					 expected);
		}
	}
	assert_int_equal(order_first(sorted, NULL, 0, sizeof(*sorted), compare), 0);
}

static void each_protocol_has_one_number_name_and_place(void **state)
{
	static const struct {
		__u8 number;
		const char *name;
		enum proto_index index;
	} rows[] = {
		{ IPPROTO_TCP, "tcp", PROTO_TCP },
		{ IPPROTO_UDP, "udp", PROTO_UDP },
		{ IPPROTO_SCTP, "sctp", PROTO_SCTP },
		{ IPPROTO_ICMP, "?", PROTO_MAX },
	};

	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(proto_index(rows[i].number), rows[i].index);
		assert_string_equal(proto_name(rows[i].number), rows[i].name);
	}
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(proto_numbers[rows[i].index], rows[i].number);
		assert_int_equal(proto_find(rows[i].name, strlen(rows[i].name)), rows[i].index);
	}
	assert_int_equal(proto_find("UDP/", 3), PROTO_UDP);
	assert_int_equal(proto_find("udplite", 7), PROTO_MAX);
	assert_int_equal(proto_find("?", 1), PROTO_MAX);
	assert_int_equal(proto_find("", 0), PROTO_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_compared_and_not_subtracted),
		cmocka_unit_test(the_first_that_is_not_before_is_found),
		cmocka_unit_test(each_protocol_has_one_number_name_and_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
