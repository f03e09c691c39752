// SPDX-License-Identifier: GPL-2.0-only
/* test_base_clock.c: units, and a clock that a test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static int read_fake(clockid_t clock, struct timespec *ret)
{
	*ret = clock == CLOCK_REALTIME ? (struct timespec){ 5000000000, 999999999 }
				       : (struct timespec){ clock, 2000001 };
	return 0;
}

static void each_clock_is_asked_in_each_unit(void **state)
{
	clock_replace(read_fake);
	assert_int_equal(clock_s(CLOCK_REALTIME), 5000000000);
	assert_int_equal(clock_ms(CLOCK_REALTIME), 5000000000999);
	assert_int_equal(clock_ns(CLOCK_REALTIME), 5000000000999999999);
	assert_int_equal(clock_s(CLOCK_BOOTTIME), CLOCK_BOOTTIME);
	assert_int_equal(clock_ms(CLOCK_BOOTTIME), CLOCK_BOOTTIME * 1000 + 2);
	assert_int_equal(clock_ns(CLOCK_MONOTONIC), CLOCK_MONOTONIC * CLOCK_SECOND_NS + 2000001);
	clock_replace(NULL);
}

static void otherwise_it_is_the_kernels(void **state)
{
	time_t before = time(NULL);
	struct timespec monotonic;
	__u64 at;

	assert_in_range(clock_s(CLOCK_REALTIME), before, before + 60);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	at = monotonic.tv_sec * CLOCK_SECOND_NS + monotonic.tv_nsec;
	assert_in_range(clock_ns(CLOCK_MONOTONIC), at, at + 60 * CLOCK_SECOND_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_clock_is_asked_in_each_unit),
		cmocka_unit_test(otherwise_it_is_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
