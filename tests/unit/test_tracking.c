/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table that asks for connection tracking is made, seen and removed, in a network namespace
 * of this test's own, and what libnftables cannot do does not end the process.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "host/tracking.h"
#include "base/cleanup.h"

/* There may be no nf_tables. */
static void skip_unless_possible(void)
{
	int err = tracking_turn_on();

	if (err == -EOPNOTSUPP)
		skip();
	assert_int_equal(err, 0);
}

static void it_is_on_from_turning_on_to_turning_off(void **state)
{
	skip_unless_possible();
	assert_true(tracking_is_on());
	assert_int_equal(tracking_turn_on(), 0);
	assert_true(tracking_is_on());
	assert_int_equal(tracking_turn_off(), 0);
	assert_false(tracking_is_on());
	assert_int_equal(tracking_turn_off(), 0);
}

static void who_subscribed_hears_of_a_change(void **state)
{
	_cleanup_close_ int fd = -1;
	struct pollfd poll_fd;

	skip_unless_possible();
	assert_int_equal(tracking_subscribe(&fd), 0);
	poll_fd = (struct pollfd){ .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	assert_int_equal(tracking_turn_off(), 0);
	assert_int_equal(poll(&poll_fd, 1, 1000), 1);
}

static void it_fails_where_no_descriptor_is_left(void **state)
{
	struct rlimit limit, none;
	int next = fcntl(0, F_DUPFD, 0);

	assert_true(next > 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ .rlim_cur = next, .rlim_max = limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(tracking_turn_on(), -EMFILE);
	assert_false(tracking_is_on());
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_on_from_turning_on_to_turning_off),
		cmocka_unit_test(who_subscribed_hears_of_a_change),
		cmocka_unit_test(it_fails_where_no_descriptor_is_left),
	};

	/* A plain user may not be allowed to. */
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
