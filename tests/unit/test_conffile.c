// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_conffile.c: a file is replaced whole or not at all.  Each case has a directory of its
 * own; the full disk is a tmpfs of a few pages in a mount namespace of a child.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/cleanup.h"

static char directory[64];

static int enter_directory(void **state)
{
	strcpy(directory, "/tmp/test_conffile.XXXXXX");
	umask(077);
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *path, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t length;

	assert_int_equal(conffile_read(path, 1 << 20, &text, &length), 0);
	assert_int_equal(length, strlen(expected));
	assert_string_equal(text, expected);
}

static size_t count_entries(const char *path)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	return count - 2;
}

static mode_t mode_of(const char *path)
{
	struct stat stat;

	assert_int_equal(lstat(path, &stat), 0);
	return stat.st_mode;
}

/* ---- reading --------------------------------------------------------------------- */

static void reads_whole_files_of_any_size_up_to_the_limit(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 8192, 100000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *text = calloc(sizes[i] + 1, 1);
		_cleanup_free_ char *got = NULL;
		size_t length;

		memset(text, 'x', sizes[i]);
		put("f", text);
		assert_holds("f", text);
		assert_int_equal(conffile_read("f", sizes[i], &got, &length), 0);
		if (sizes[i]) {
			assert_int_equal(conffile_read("f", sizes[i] - 1, &text, &length), -EFBIG);
			assert_int_equal(length, sizes[i]);
		}
	}
}

static void zero_bytes_are_kept_and_counted(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *file = fopen("f", "w");

	fwrite("a\0b", 1, 3, file);
	fclose(file);
	assert_int_equal(conffile_read("f", 3, &text, &length), 0);
	assert_int_equal(length, 3);
	assert_memory_equal(text, "a\0b\0", 4);
}

static void reads_a_pipe_that_was_given(void **state)
{
	_cleanup_free_ char *text = NULL;
	char path[32];
	size_t length;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "allow 80\n", 9), 9);
	close(fds[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	assert_int_equal(conffile_read(path, 100, &text, &length), -EINVAL);
	assert_int_equal(conffile_read_given(path, 100, &text, &length), 0);
	assert_string_equal(text, "allow 80\n");
	close(fds[0]);
}

/* Nobody writes the FIFO: the alarm ends the test if it is waited for. */
static void what_is_no_file_is_refused_at_once(void **state)
{
	char *text = "untouched";
	size_t length = 7;

	alarm(5);
	assert_int_equal(mkfifo("fifo", 0644), 0);
	assert_int_equal(symlink("fifo", "link"), 0);
	assert_int_equal(conffile_read("fifo", 100, &text, &length), -EINVAL);
	assert_int_equal(conffile_read_given("link", 100, &text, &length), -EINVAL);
	assert_int_equal(conffile_read("/dev/null", 100, &text, &length), -EINVAL);
	assert_int_equal(conffile_read("/dev/zero", 100, &text, &length), -EINVAL);
	assert_string_equal(conffile_error(-EINVAL), "it is not a regular file");
	assert_string_equal(text, "untouched");
	alarm(0);
}

static void link_to_a_file_is_read(void **state)
{
	put("f", "allow 80\n");
	assert_int_equal(symlink("f", "link"), 0);
	assert_holds("link", "allow 80\n");
}

static void what_cannot_be_read_leaves_the_outputs(void **state)
{
	char *text = "untouched";
	size_t length = 7;

	assert_int_equal(conffile_read("missing", 100, &text, &length), -ENOENT);
	assert_int_equal(conffile_read(".", 100, &text, &length), -EISDIR);
	assert_int_equal(conffile_read_given("/dev/fd/99999", 100, &text, &length), -EBADF);
	assert_int_equal(conffile_read_given("/dev/fd/0x", 100, &text, &length), -ENOENT);
	assert_string_equal(text, "untouched");
	assert_int_equal(length, 7);
}

/* ---- writing --------------------------------------------------------------------- */

static void new_file_is_readable_whatever_the_umask(void **state)
{
	assert_int_equal(conffile_write("f", "allow 80\n"), 0);
	assert_holds("f", "allow 80\n");
	assert_int_equal(mode_of("f"), S_IFREG | 0644);
	assert_int_equal(count_entries("."), 1);
}

static void mode_stays(void **state)
{
	put("f", "old");
	chmod("f", 0640);
	assert_int_equal(conffile_write("f", "new"), 0);
	assert_holds("f", "new");
	assert_int_equal(mode_of("f"), S_IFREG | 0640);
}

static void owner_stays(void **state)
{
	struct stat stat;

	if (geteuid() != 0) {
		print_message("owner_stays: only root can give files away\n");
		skip();
	}
	put("f", "old");
	assert_int_equal(chown("f", 12, 34), 0);
	chmod("f", 02640);
	assert_int_equal(conffile_write("f", "new"), 0);
	assert_int_equal(lstat("f", &stat), 0);
	assert_int_equal(stat.st_uid, 12);
	assert_int_equal(stat.st_gid, 34);
	assert_int_equal(stat.st_mode, S_IFREG | 02640);
}

static void readers_of_the_old_file_keep_it(void **state)
{
	char text[8] = "";
	int fd;

	put("f", "old");
	fd = open("f", O_RDONLY);
	assert_int_equal(conffile_write("f", "new text"), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	close(fd);
}

static void symbolic_link_is_followed_and_stays(void **state)
{
	mkdir("real", 0755);
	put("real/f", "old");
	assert_int_equal(symlink("real/f", "link"), 0);
	assert_int_equal(symlink("link", "link to link"), 0);
	assert_int_equal(conffile_write("link to link", "new"), 0);
	assert_holds("real/f", "new");
	assert_true(S_ISLNK(mode_of("link")) && S_ISLNK(mode_of("link to link")));
	assert_true(S_ISREG(mode_of("real/f")));
	assert_int_equal(count_entries("."), 3);
	assert_int_equal(count_entries("real"), 1);
}

static void dangling_link_is_refused(void **state)
{
	assert_int_equal(symlink("nowhere", "link"), 0);
	assert_int_equal(conffile_write("link", "new"), -ENOENT);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(conffile_write("loop", "new"), -ELOOP);
	assert_int_equal(count_entries("."), 2);
}

static void only_regular_files_are_replaced(void **state)
{
	mkdir("d", 0755);
	assert_int_equal(mkfifo("fifo", 0644), 0);
	assert_int_equal(conffile_write("d", "x"), -EISDIR);
	assert_int_equal(conffile_write("fifo", "x"), -EINVAL);
	assert_int_equal(conffile_write("/dev/null", "x"), -EINVAL);
	assert_int_equal(conffile_write("no/such/f", "x"), -ENOENT);
	assert_int_equal(conffile_write("fifo/f", "x"), -ENOTDIR);
	assert_true(S_ISFIFO(mode_of("fifo")));
	assert_int_equal(count_entries("."), 2);
}

static void longest_name_has_a_temporary_one(void **state)
{
	char name[256] = "";

	memset(name, 'x', 255);
	assert_int_equal(conffile_write(name, "a"), 0);
	assert_int_equal(conffile_write(name, "b"), 0);
	assert_holds(name, "b");
	assert_int_equal(count_entries("."), 1);
}

/* ---- what killed edits left ---------------------------------------------------------- */

static bool is_there(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) == 0;
}

static void leftovers_of_killed_edits_are_swept(void **state)
{
	put("f", "old");
	put(".f.0123abcd", "half");
	put(".f.ffffffff", "");
	assert_int_equal(conffile_write("f", "new"), 0);
	assert_holds("f", "new");
	assert_int_equal(count_entries("."), 1);
}

static void what_is_no_leftover_stays(void **state)
{
	static const char *const names[] = { ".f.0123abc",  ".f.0123abcde", ".f.0123abcg",
					     ".g.0123abcd", "f.0123abcd",   ".f.0123ABCD",
					     ".f.",         ".f.0.23abcd" };
	_cleanup_close_ int writing = -1;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put(names[i], "x");
	put(".f.11111111", "being written");
	writing = open(".f.11111111", O_RDONLY);
	assert_int_equal(flock(writing, LOCK_EX), 0);
	assert_int_equal(symlink("f", ".f.22222222"), 0);
	assert_int_equal(mkdir(".f.33333333", 0755), 0);
	assert_int_equal(mkfifo(".f.44444444", 0644), 0);
	put("other", "x");
	assert_int_equal(link("other", ".f.55555555"), 0);
	assert_int_equal(conffile_write("f", "new"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(is_there(names[i]));
	assert_true(is_there(".f.11111111") && is_there(".f.22222222"));
	assert_true(is_there(".f.33333333") && is_there(".f.44444444"));
	assert_true(is_there(".f.55555555"));
}

static void leftover_of_somebody_else_stays(void **state)
{
	if (geteuid() != 0) {
		print_message("leftover_of_somebody_else_stays: only root can give files away\n");
		skip();
	}
	put("f", "old");
	put(".f.0123abcd", "x");
	put(".f.11111111", "x");
	assert_int_equal(chown(".f.0123abcd", 12, 34), 0);
	assert_int_equal(conffile_write("f", "new"), 0);
	assert_true(is_there(".f.0123abcd"));
	assert_false(is_there(".f.11111111"));
}

/* ---- failing --------------------------------------------------------------------- */

static char *large_text(void)
{
	size_t size = 256 << 10;
	char *text = malloc(size + 1);

	memset(text, 'x', size);
	text[size] = 0;
	return text;
}

static void file_size_limit_loses_nothing(void **state)
{
	_cleanup_free_ char *text = large_text();
	struct rlimit before, small = { 4096, 0 };

	put("f", "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(conffile_write("f", text), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_holds("f", "old");
	assert_int_equal(count_entries("."), 1);
}

/* In a child, because its mount namespace is not ours; 77 = this may not be done here. */
static int fill_small_disk(void)
{
	_cleanup_free_ char *text = large_text();
	int err;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", directory, "tmpfs", 0, "size=64k") < 0 || chdir(directory) < 0)
		return 77;
	put("f", "old");
	err = conffile_write("f", text);
	assert_holds("f", "old");
	assert_int_equal(count_entries("."), 1);
	assert_int_equal(conffile_write("f", "fits"), 0);
	assert_holds("f", "fits");
	return err == -ENOSPC ? 0 : 1;
}

static void full_disk_loses_nothing(void **state)
{
	int status;
	pid_t child;

	if (geteuid() != 0) {
		print_message("full_disk_loses_nothing: only root can mount a small disk\n");
		skip();
	}
	child = fork();
	if (child == 0)
		_exit(fill_small_disk());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("full_disk_loses_nothing: no mount namespace to be had here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void directory_without_write_permission_loses_nothing(void **state)
{
	int status;
	pid_t child;

	put("f", "old");
	chmod("f", 0666);
	chmod(".", 0555);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(1);
		_exit(conffile_write("f", "new") == -EACCES ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	chmod(".", 0755);
	assert_holds("f", "old");
	assert_int_equal(count_entries("."), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, enter_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reads_whole_files_of_any_size_up_to_the_limit),
		CASE(zero_bytes_are_kept_and_counted),
		CASE(reads_a_pipe_that_was_given),
		CASE(what_is_no_file_is_refused_at_once),
		CASE(link_to_a_file_is_read),
		CASE(what_cannot_be_read_leaves_the_outputs),
		CASE(new_file_is_readable_whatever_the_umask),
		CASE(mode_stays),
		CASE(owner_stays),
		CASE(readers_of_the_old_file_keep_it),
		CASE(symbolic_link_is_followed_and_stays),
		CASE(dangling_link_is_refused),
		CASE(only_regular_files_are_replaced),
		CASE(longest_name_has_a_temporary_one),
		CASE(leftovers_of_killed_edits_are_swept),
		CASE(what_is_no_leftover_stays),
		CASE(leftover_of_somebody_else_stays),
		CASE(file_size_limit_loses_nothing),
		CASE(full_disk_loses_nothing),
		CASE(directory_without_write_permission_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
