// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_log.c: who gets priorities in front of lines.  systemd sets JOURNAL_STREAM for a unit, and
 * whatever the unit starts inherits it, wherever its stderr goes: only the file itself tells.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/cleanup.h"

/* What log_info() writes to a pipe, with JOURNAL_STREAM naming the pipe or, moved by one, not. */
static void log_to_pipe(char *ret, size_t size, const char *format, int move)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char stream[64];
	struct stat st;
	ssize_t count;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fstat(fds[1], &st), 0);
	snprintf(stream, sizeof(stream), format, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + move);
	setenv("JOURNAL_STREAM", stream, 1);
	dup2(fds[1], STDERR_FILENO);
	log_info("words");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	count = read(fds[0], ret, size - 1);
	close(fds[0]);
	ret[count > 0 ? count : 0] = '\0';
	unsetenv("JOURNAL_STREAM");
}

static void journal_gets_priorities(void **state)
{
	char text[128];

	log_to_pipe(text, sizeof(text), "%ju:%ju", 0);
	assert_string_equal(text, "<6>words\n");
}

static void another_file_than_the_journal_gets_none(void **state)
{
	char text[128];

	log_to_pipe(text, sizeof(text), "%ju:%ju", 1);
	assert_string_equal(text, "tidegate: words\n");
}

static void nonsense_in_the_environment_names_no_journal(void **state)
{
	static const char *const formats[] = { "",         "8",         "%ju",     "%ju:",
					       "a%ju:%ju", "%ju:%ju:1", "%ju %ju", "-%ju:%ju" };
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		log_to_pipe(text, sizeof(text), formats[i], 0);
		assert_string_equal(text, "tidegate: words\n");
	}
}

/* The last case: from then on nothing is printed. */
static void kept_messages_are_not_printed_and_keep_their_order(void **state)
{
	char text[128];

	log_keep();
	log_to_pipe(text, sizeof(text), "%ju:%ju", 0);
	assert_string_equal(text, "");
	assert_string_equal(log_kept(LOG_INFO, 0), "words");
	assert_null(log_kept(LOG_INFO, 1));
	assert_int_equal(log_error(-ENOENT, "cannot open '%s'", "x"), -ENOENT);
	assert_int_equal(log_error(2, "wrong"), 2);
	log_warning("careful");
	assert_string_equal(log_kept(LOG_ERROR, 0), "cannot open 'x': No such file or directory");
	assert_string_equal(log_kept(LOG_ERROR, 1), "wrong");
	assert_string_equal(log_kept(LOG_WARNING, 0), "careful");
	log_set_level(LOG_ERROR);
	log_warning("not asked for");
	assert_null(log_kept(LOG_WARNING, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(journal_gets_priorities),
		cmocka_unit_test(another_file_than_the_journal_gets_none),
		cmocka_unit_test(nonsense_in_the_environment_names_no_journal),
		cmocka_unit_test(kept_messages_are_not_printed_and_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
