/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rr.c: a client that asks a redis-server and, when the answer is there, asks again, on 16
 * connections at the same time.  Prints {"rate", "p50_us", "p99_us"} as JSON.
 *
 *   rr ADDRESS PORT SECONDS CPU
 *
 * Under a flood packets get lost: what a connection then waits, TCP's 200 ms and more, is part
 * of the rate.  With one connection the first loss would be all that is seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST "PING\r\n"
#define CONNECTIONS 16
#define SAMPLES_MAX (1 << 21)

struct connection {
	int fd;
	double asked_at;
};

static float samples[SAMPLES_MAX];
static size_t count;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "rr: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Begins to connect; epoll says when it may ask. */
static void dial(struct connection *connection, int epoll_fd, const char *address, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = connection };

	if (inet_pton(AF_INET, address, &addr.sin_addr) != 1)
		fail("read the address");
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connection->asked_at = 0;
	if (connect(connection->fd, (struct sockaddr *)&addr, sizeof(addr)) && errno != EINPROGRESS)
		fail("connect");
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event))
		fail("watch a connection");
}

static void ask(struct connection *connection)
{
	connection->asked_at = now();
	if (send(connection->fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL) < 0)
		fail("ask");
}

/* The first time it is connected, later it has an answer. */
static void serve(struct connection *connection, int epoll_fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	char answer[64];

	if (!connection->asked_at) {
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
	} else {
		if (recv(connection->fd, answer, sizeof(answer), 0) <= 0)
			fail("get an answer");
		if (count < SAMPLES_MAX)
			samples[count++] = (now() - connection->asked_at) * 1e6;
	}
	ask(connection);
}

static void run(const char *address, int port, double deadline)
{
	struct connection connections[CONNECTIONS];
	struct epoll_event events[CONNECTIONS];
	int epoll_fd = epoll_create1(0), ready, wait;

	for (int i = 0; i < CONNECTIONS; i++)
		dial(&connections[i], epoll_fd, address, port);
	while ((wait = (deadline - now()) * 1000) > 0) {
		ready = epoll_wait(epoll_fd, events, CONNECTIONS, wait);
		for (int i = 0; i < ready; i++)
			serve(events[i].data.ptr, epoll_fd);
	}
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double seconds;
	cpu_set_t cpus;

	if (argc != 5) {
		fprintf(stderr, "usage: rr ADDRESS PORT SECONDS CPU\n");
		return 2;
	}
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[4]), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	seconds = atof(argv[3]);
	run(argv[1], atoi(argv[2]), now() + seconds);
	qsort(samples, count, sizeof(*samples), compare);
	printf("{\"rate\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", count / seconds,
	       count ? samples[count / 2] : -1.0, count ? samples[count * 99 / 100] : -1.0);
	return 0;
}
