// SPDX-License-Identifier: GPL-2.0-only
/* test_base_buffer.c: bytes that become more, and sizes that no memory has. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"

static void what_is_appended_is_there(void **state)
{
	_cleanup_(buffer_clear) struct buffer buffer = {};

	for (unsigned int i = 0; i < 100000; i++) {
		__auto_type before = buffer.room;

		assert_int_equal(buffer_append(&buffer, &i, sizeof(i)), 0);
		assert_true(buffer.room == before || buffer.room >= 2 * before);
	}
	assert_int_equal(buffer.size, 100000 * sizeof(int));
	for (unsigned int i = 0; i < 100000; i++)
		assert_memory_equal(buffer.bytes + i * sizeof(i), &i, sizeof(i));
}

static void nothing_may_be_appended_and_consumed(void **state)
{
	_cleanup_(buffer_clear) struct buffer buffer = {};

	assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
	buffer_consume(&buffer, 0);
	assert_int_equal(buffer.size, 0);
	assert_null(buffer.bytes);
}

static void what_is_consumed_makes_room(void **state)
{
	_cleanup_(buffer_clear) struct buffer buffer = {};
	size_t room;

	assert_int_equal(buffer_append(&buffer, "first second", 12), 0);
	room = buffer.room;
	buffer_consume(&buffer, 6);
	assert_int_equal(buffer.size, 6);
	assert_memory_equal(buffer.bytes, "second", 6);
	assert_int_equal(buffer_reserve(&buffer, room - 6), 0);
	assert_int_equal(buffer.room, room);
	buffer_consume(&buffer, 6);
	assert_int_equal(buffer.size, 0);
}

static void a_size_that_wraps_is_refused(void **state)
{
	_cleanup_(buffer_clear) struct buffer buffer = {};
	const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 2, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX,
				 PTRDIFF_MAX - 3 };

	assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(buffer_reserve(&buffer, sizes[i]), -ENOMEM);
		assert_int_equal(buffer.size, 3);
		assert_memory_equal(buffer.bytes, "abc", 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_appended_is_there),
		cmocka_unit_test(nothing_may_be_appended_and_consumed),
		cmocka_unit_test(what_is_consumed_makes_room),
		cmocka_unit_test(a_size_that_wraps_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
