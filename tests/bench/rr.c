/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rr.c: a client that asks a server and, when the answer is there, asks again, on 16 connections at
 * the same time.  Prints {"rate", "p50_us", "p99_us"} as JSON.
 *
 *   rr ADDRESS PORT SECONDS CPU [redis|http [TRACE]]
 *
 * TRACE is written a line for each answer: when it came and how long it took, in microseconds.
 * An answer has as many bytes as the first one has.
 *
 * Under a flood packets get lost: what a connection then waits, TCP's 200 ms and more, is part
 * of the rate.  With one connection the first loss would be all that is seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS     16
#define FIRST_ANSWER_US 50000
#define SAMPLES_MAX     (1 << 23)

struct connection {
	int fd;
	size_t received; /* bytes of the answer that is under way */
	double asked_at;
};

static const char *request = "PING\r\n";
static size_t answer_length;

static struct sample {
	double came_at;
	float us;
} samples[SAMPLES_MAX];
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

static struct sockaddr_in address_of(const char *address, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, address, &addr.sin_addr) != 1)
		fail("read the address");
	return addr;
}

/* Asks once, and waits until nothing more comes. */
static void learn_length(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char answer[4096];
	ssize_t length;

	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ||
	    send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		fail("ask for the first time");
	usleep(FIRST_ANSWER_US);
	length = recv(fd, answer, sizeof(answer), 0);
	if (length <= 0)
		fail("get a first answer");
	answer_length = length;
	close(fd);
}

/* Begins to connect; epoll says when it may ask. */
static void dial(struct connection *connection, int epoll_fd, const struct sockaddr_in *addr)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = connection };

	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connection->asked_at = 0;
	if (connect(connection->fd, (const struct sockaddr *)addr, sizeof(*addr)) &&
	    errno != EINPROGRESS)
		fail("connect");
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event))
		fail("watch a connection");
}

static void ask(struct connection *connection)
{
	connection->asked_at = now();
	connection->received = 0;
	if (send(connection->fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		fail("ask");
}

/* Whether the whole answer is there now. */
static bool receive(struct connection *connection)
{
	char answer[4096];
	ssize_t length = recv(connection->fd, answer, sizeof(answer), 0);
	double came_at = now();

	if (length <= 0)
		fail("get an answer");
	connection->received += length;
	if (connection->received < answer_length)
		return false;
	if (count < SAMPLES_MAX)
		samples[count++] =
			(struct sample){ came_at, (came_at - connection->asked_at) * 1e6 };
	return true;
}

/* The first time it is connected, later it has an answer. */
static void serve(struct connection *connection, int epoll_fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };

	if (!connection->asked_at)
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
	else if (!receive(connection))
		return;
	ask(connection);
}

static void run(const struct sockaddr_in *addr, double seconds)
{
	struct connection connections[CONNECTIONS];
	struct epoll_event events[CONNECTIONS];
	int epoll_fd = epoll_create1(0), ready, wait;
	double deadline = now() + seconds;

	for (int i = 0; i < CONNECTIONS; i++)
		dial(&connections[i], epoll_fd, addr);
	while ((wait = (deadline - now()) * 1000) > 0) {
		ready = epoll_wait(epoll_fd, events, CONNECTIONS, wait);
		for (int i = 0; i < ready; i++)
			serve(events[i].data.ptr, epoll_fd);
	}
}

static void write_trace(const char *path)
{
	FILE *file = fopen(path, "w");

	for (size_t i = 0; file && i < count; i++)
		fprintf(file, "%.0f %.1f\n", samples[i].came_at * 1e6, samples[i].us);
	if (!file || fclose(file))
		fail("write the trace");
}

static int compare(const void *a, const void *b)
{
	float x = ((const struct sample *)a)->us, y = ((const struct sample *)b)->us;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr;
	double seconds;
	cpu_set_t cpus;

	if (argc < 5 || argc > 7) {
		fprintf(stderr, "usage: rr ADDRESS PORT SECONDS CPU [redis|http [TRACE]]\n");
		return 2;
	}
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[4]), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	seconds = atof(argv[3]);
	if (argc > 5 && !strcmp(argv[5], "http"))
		request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
	addr = address_of(argv[1], atoi(argv[2]));
	learn_length(&addr);
	run(&addr, seconds);
	if (argc > 6)
		write_trace(argv[6]);
	qsort(samples, count, sizeof(*samples), compare);
	printf("{\"rate\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", count / seconds,
	       count ? samples[count / 2].us : -1.0, count ? samples[count * 99 / 100].us : -1.0);
	return 0;
}
