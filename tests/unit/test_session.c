/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_session.c: by which SSH connection somebody is logged in, as the environment has it: one's
 * own, or that of a process above, where sudo took the variable away.
 *
 * This program runs itself: `test_session ask [NAME]` prints what session_ssh() finds, from below a
 * process of that name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "host/session.h"

#define SESSION "203.0.113.9 50123 192.0.2.1 22"
#define FOUND   "203.0.113.9 192.0.2.1 22"

static void print_session(void)
{
	struct ssh_connection ssh;
	char client[PREFIX_STRLEN], server[PREFIX_STRLEN];

	if (session_ssh(&ssh))
		printf("%s %s %u\n", prefix_format(&ssh.client, client),
		       prefix_format(&ssh.server, server), ssh.port);
	else
		printf("none\n");
	fflush(stdout);
}

static int print_below(const char *name)
{
	int status = 1;
	pid_t child;

	prctl(PR_SET_NAME, name);
	child = fork();
	if (child == 0) {
		print_session();
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child ? status : 1;
}

/* What a shell command prints, in which $0 is this program. */
static void assert_prints(const char *command, const char *expected)
{
	char self[256] = "", line[1024], got[256] = "";
	FILE *out;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	snprintf(line, sizeof(line), "set -- '%s'; %s", self, command);
	out = popen(line, "r");
	assert_non_null(out);
	if (fgets(got, sizeof(got), out))
		got[strcspn(got, "\n")] = '\0';
	assert_int_equal(pclose(out), 0);
	assert_string_equal(got, expected);
}

static void assert_own(const char *variable, const char *expected)
{
	char command[512];

	snprintf(command, sizeof(command), "SSH_CONNECTION='%s' $1 ask", variable);
	assert_prints(command, expected);
}

static void ones_own_is_read(void **state)
{
	assert_own(SESSION, FOUND);
	assert_own("2001:db8::9 50123 2001:db8::1 2222", "2001:db8::9 2001:db8::1 2222");
}

static void what_is_none_is_none(void **state)
{
	assert_own("", "none");
	assert_own("203.0.113.9 50123 192.0.2.1", "none");
	assert_own("203.0.113.9 192.0.2.1 22", "none");
	assert_own("203.0.113.9 50123 2001:db8::1 22", "none");
	assert_own("somewhere 50123 192.0.2.1 22", "none");
	assert_own("203.0.113.9/24 50123 192.0.2.1 22", "none");
}

/* `:` behind it, so that the shell stays. */
#define BELOW_SHELL "SSH_CONNECTION='" SESSION "' sh -c '%s; :' \"$1\""

static void assert_below(const char *command, const char *expected)
{
	char line[512];

	snprintf(line, sizeof(line), BELOW_SHELL, command);
	assert_prints(line, expected);
}

static void the_one_of_a_process_above_is_found(void **state)
{
	assert_below("env -u SSH_CONNECTION \"$0\" ask", FOUND);
	assert_below("env -u SSH_CONNECTION sh -c \"env -u X sh -c \\\"$0 ask; :\\\"; :\"", FOUND);
}

static void the_nearest_one_counts(void **state)
{
	assert_below("SSH_CONNECTION=\"198.51.100.7 1 192.0.2.1 22\" sh -c "
		     "\"env -u SSH_CONNECTION $0 ask; :\"",
		     "198.51.100.7 192.0.2.1 22");
}

/* /proc/PID/stat has the name in parentheses, as it is. */
static void a_name_of_a_process_misleads_nobody(void **state)
{
	assert_below("env -u SSH_CONNECTION \"$0\" ask \") S 1 (\"", FOUND);
	assert_below("env -u SSH_CONNECTION \"$0\" ask \"a) R 0 1 2\"", FOUND);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ones_own_is_read),
		cmocka_unit_test(what_is_none_is_none),
		cmocka_unit_test(the_one_of_a_process_above_is_found),
		cmocka_unit_test(the_nearest_one_counts),
		cmocka_unit_test(a_name_of_a_process_misleads_nobody),
	};

	if (argc == 2) {
		print_session();
		return 0;
	}
	if (argc == 3)
		return print_below(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
