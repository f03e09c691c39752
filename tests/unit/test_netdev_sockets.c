/* SPDX-License-Identifier: GPL-2.0-only */
/* test_netdev_sockets.c: whose sockets count as Docker's.  What only root can show is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "host/sockets.h"
#include "base/cleanup.h"

struct child {
	pid_t pid;
	unsigned long inode; /* of its socket */
};

static void nothing(void)
{
}

static void drop_net_admin(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) == 0)
		data[0].effective &= ~(1u << CAP_NET_ADMIN);
	if (syscall(SYS_capset, &header, data) < 0)
		_exit(1);
}

static void enter_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER) < 0)
		_exit(1);
}

static struct child start(const char *name, void (*prepare)(void))
{
	struct child child = {};
	struct stat stat;
	int fd, pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	child.pid = fork();
	if (child.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		prepare();
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		if (fd < 0 || fstat(fd, &stat) < 0 ||
		    write(pipe_fds[1], &stat.st_ino, sizeof(stat.st_ino)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &child.inode, sizeof(child.inode)), sizeof(child.inode));
	close(pipe_fds[0]);
	return child;
}

static bool is_docker(const char *name, void (*prepare)(void))
{
	struct child child = start(name, prepare);
	struct sockets sockets = {};
	bool has;

	assert_int_equal(sockets_add_docker(&sockets), 0);
	has = sockets_have(&sockets, child.inode);
	sockets_clear(&sockets);
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	return has;
}

static void those_of_docker_proxy_and_dockerd_are(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_true(is_docker("docker-proxy", nothing));
	assert_true(is_docker("dockerd", nothing));
}

static void those_of_another_name_are_not(void **state)
{
	assert_false(is_docker("docker-prox", nothing));
	assert_false(is_docker("docker", nothing));
}

static void the_name_alone_is_not_enough(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_false(is_docker("docker-proxy", drop_net_admin));
	assert_false(is_docker("dockerd", drop_net_admin));
}

static void nor_are_the_capabilities_of_another_user_namespace(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_false(is_docker("docker-proxy", enter_user_namespace));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_docker_proxy_and_dockerd_are),
		cmocka_unit_test(those_of_another_name_are_not),
		cmocka_unit_test(the_name_alone_is_not_enough),
		cmocka_unit_test(nor_are_the_capabilities_of_another_user_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
