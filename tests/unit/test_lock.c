/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_lock.c: two processes and one lock.  /run is a directory of this process alone, so that
 * the machine's own locks are never touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/lock.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"

#define PIN_DIR "/run/pins/tidegate"

static int enter_namespace(void **state)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, NULL) < 0)
		*state = (void *)"skipped: no right to make a mount namespace (run as root)";
	return 0;
}

static void need_namespace(void **state)
{
	if (!*state)
		return;
	print_message("%s\n", *(char **)state);
	skip();
}

/* A process that does this until it is ended, and dies with the test. */
static pid_t start(void (*run)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run();
	_exit(0);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void probe_for_ever(void)
{
	for (;;)
		(void)lock_is_daemon_running(PIN_DIR);
}

static void a_probe_never_keeps_a_daemon_from_starting(void **state)
{
	pid_t child;
	int fd = 0;

	need_namespace(state);
	close(lock_take_daemon(PIN_DIR)); /* the file is there */
	child = start(probe_for_ever);
	for (int i = 0; i < 20000 && fd >= 0; i++) {
		fd = lock_take_daemon(PIN_DIR);
		util_closep(&fd);
	}
	end(child);
	assert_true(fd >= 0);
}

static void the_probe_tells_a_daemon_from_none(void **state)
{
	int fd;

	need_namespace(state);
	assert_false(lock_is_daemon_running(PIN_DIR));
	fd = lock_take_daemon(PIN_DIR);
	assert_true(fd >= 0);
	assert_true(lock_is_daemon_running(PIN_DIR));
	assert_int_equal(lock_take_daemon(PIN_DIR), -EAGAIN);
	close(fd);
	assert_false(lock_is_daemon_running(PIN_DIR));
}

static void each_pin_directory_has_a_daemon_of_its_own(void **state)
{
	int fd, other;

	need_namespace(state);
	assert_int_equal(mkdir("/run/pins", 0700), 0);
	fd = lock_take_daemon(PIN_DIR);
	assert_true(fd >= 0);
	assert_false(lock_is_daemon_running("/run/pins/other"));
	other = lock_take_daemon("/run/pins/other");
	assert_true(other >= 0);
	close(other);
	assert_true(lock_is_daemon_running("/run/pins/../pins/tidegate/"));
	assert_int_equal(mkdir(PIN_DIR, 0700), 0);
	assert_true(lock_is_daemon_running(PIN_DIR "/"));
	close(fd);
	assert_false(lock_is_daemon_running(PIN_DIR));
}

/* A build with layout 7 of the maps has its lock on another byte. */
static void a_daemon_of_layout_7_is_one_as_well(void **state)
{
	struct flock range = { .l_type = F_WRLCK, .l_len = 1 };
	__u64 hash[2];
	int fd;

	need_namespace(state);
	close(lock_take_daemon(PIN_DIR)); /* the file is there */
	fd = open(LOCK_DIR "/daemon", O_RDWR | O_CLOEXEC);
	hash_text_layout6(PIN_DIR, hash);
	range.l_start = hash[0] >> 1;
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &range), 0);
	assert_true(lock_is_daemon_running(PIN_DIR));
	assert_int_equal(lock_take_daemon(PIN_DIR), -EAGAIN);
	close(fd);
	assert_false(lock_is_daemon_running(PIN_DIR));
}

static int64_t late_ms;

static int later(clockid_t clock, struct timespec *ret)
{
	int err = clock_gettime(clock, ret);

	ret->tv_sec += late_ms / 1000;
	return err;
}

static void a_daemon_that_hangs_is_told_by_when_it_last_beat(void **state)
{
	int fd;

	need_namespace(state);
	fd = lock_take_daemon("/run/beating");
	assert_true(fd >= 0);
	assert_int_equal(lock_beaten_ms("/run/beating"), -1);
	lock_beat(fd, "/run/beating");
	assert_in_range(lock_beaten_ms("/run/beating"), 0, 5000);
	clock_replace(later);
	late_ms = 60000;
	assert_in_range(lock_beaten_ms("/run/beating"), 60000, 65000);
	assert_int_equal(lock_beaten_ms("/run/quiet"), -1);
	lock_beat(fd, "/run/beating/");
	assert_in_range(lock_beaten_ms("/run/beating"), 0, 5000);
	clock_replace(NULL);
	close(fd);
}

static int told[2];

static void hold_the_lock(void)
{
	int fd = lock_take(0);

	if (fd >= 0 && write(told[1], "", 1) == 1)
		pause();
}

static void a_held_lock_names_who_holds_it(void **state)
{
	char text[LOCK_HOLDER_TEXT], wanted[32], byte;
	pid_t child;
	int fd;

	need_namespace(state);
	assert_int_equal(pipe(told), 0);
	child = start(hold_the_lock);
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(lock_take(50), -ETIMEDOUT);
	lock_describe_holder(text);
	snprintf(wanted, sizeof(wanted), "test_lock` (pid %d)", child);
	assert_non_null(strstr(text, wanted));
	end(child);
	lock_describe_holder(text);
	assert_string_equal(text, "another process");
	fd = lock_take(0);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_never_keeps_a_daemon_from_starting),
		cmocka_unit_test(the_probe_tells_a_daemon_from_none),
		cmocka_unit_test(each_pin_directory_has_a_daemon_of_its_own),
		cmocka_unit_test(a_daemon_of_layout_7_is_one_as_well),
		cmocka_unit_test(a_daemon_that_hangs_is_told_by_when_it_last_beat),
		cmocka_unit_test(a_held_lock_names_who_holds_it),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
