/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * grab.c: how long is a port open between its bind and the filter's knowing it?
 *
 *   grab NETNS DADDR COUNT
 *
 * Under docker-proxy's name binds COUNT UDP ports one after the other, while another thread, in
 * the network namespace that the file NETNS stands for, sends to the very port that is next as fast
 * as it can.  Says "bound N reached M": how many ports a datagram came in by.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST_PORT 10000
#define BEFORE_US  100 /* so that some are always under way */
#define AFTER_US   200

static _Atomic int next_port = FIRST_PORT;
static _Atomic bool is_over;
static const char *netns;
static struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };

static void die(const char *what)
{
	fprintf(stderr, "grab: %s: %s\n", what, strerror(errno));
	exit(3);
}

static void *flood(void *unused)
{
	struct sockaddr_in6 to = to6;
	int ns_fd = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns_fd < 0 || setns(ns_fd, CLONE_NEWNET) < 0)
		die(netns);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	while (!is_over) {
		to.sin6_port = htons(next_port);
		(void)sendto(fd, "PING", 4, MSG_DONTWAIT, (void *)&to, sizeof(to));
	}
	return NULL;
}

static void wait_us(long us)
{
	struct timespec time = { .tv_nsec = us * 1000 };

	nanosleep(&time, NULL);
}

/* Whether a datagram came in. */
static bool grab(int port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte;
	bool came;

	if (fd < 0)
		die("socket");
	next_port = port;
	wait_us(BEFORE_US);
	if (bind(fd, (void *)&addr, sizeof(addr)) < 0)
		die("bind");
	wait_us(AFTER_US);
	came = recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
	close(fd);
	return came;
}

int main(int argc, char **argv)
{
	int count = argc == 4 ? atoi(argv[3]) : 0, reached = 0;
	pthread_t flooder;
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "%s%s",
		 argc == 4 && strchr(argv[2], ':') ? "" : "::ffff:", argc == 4 ? argv[2] : "");
	if (count < 1 || count > 65536 - FIRST_PORT ||
	    inet_pton(AF_INET6, mapped, &to6.sin6_addr) != 1) {
		fprintf(stderr, "usage: grab NETNS DADDR COUNT\n");
		return 2;
	}
	netns = argv[1];
	prctl(PR_SET_NAME, "docker-proxy");
	if (pthread_create(&flooder, NULL, flood, NULL) != 0)
		die("pthread_create");
	wait_us(50000);
	for (int i = 0; i < count; i++)
		reached += grab(FIRST_PORT + i);
	is_over = true;
	pthread_join(flooder, NULL);
	printf("bound %d reached %d\n", count, reached);
	return 0;
}
