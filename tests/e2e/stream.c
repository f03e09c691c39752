/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.c: numbered datagrams, so that each verdict can be accounted for.
 *
 *   stream send [-r PACKETS_PER_SECOND] SADDR,DADDR,PORT...
 *   stream receive PORT
 *
 * send gives each flow in turn its next number until something comes on standard input, then says
 * "flow F sent N refused M" for each: the other end of the wire took the numbers 1 to N, and M
 * times its queue was full, which is said to the sender (IP_RECVERR) and the number is sent again.
 * So what is missing behind the filter, the filter or what follows it has dropped.
 *
 * receive says "flow F received N repeated M highest H" for each flow it heard of.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FLOWS_MAX   8
#define BATCH       32
#define NUMBERS_MAX (1ull << 30) /* a bit each, and memory only for those that came */

struct datagram {
	uint32_t flow;
	uint32_t reserved;
	uint64_t number;
};

struct flow {
	int fd;
	uint64_t sent, refused;               /* of the sender */
	uint64_t received, repeated, highest; /* of the receiver */
	uint8_t *seen;
};

static struct flow flows[FLOWS_MAX];

static void die(const char *what)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
	exit(3);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static bool is_over(int timeout_ms)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&input, 1, timeout_ms) > 0;
}

/* ---- send ----------------------------------------------------------------------------- */

static socklen_t parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *in6 = (void *)ret;
	struct sockaddr_in *in = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		return sizeof(*in6);
	}
	fprintf(stderr, "stream: '%s' is not an address\n", text);
	exit(2);
}

/* Without the option the kernel keeps to itself that it could not hand the datagram over. */
static int open_flow(const char *word)
{
	struct sockaddr_storage addr;
	char saddr[64], daddr[64];
	uint16_t port;
	socklen_t size;
	int on = 1, fd;

	if (sscanf(word, "%63[^,],%63[^,],%hu", saddr, daddr, &port) != 3) {
		fprintf(stderr, "stream: '%s' is not SADDR,DADDR,PORT\n", word);
		exit(2);
	}
	size = parse_address(saddr, 0, &addr);
	fd = socket(addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (void *)&addr, size) < 0)
		die(saddr);
	size = parse_address(daddr, port, &addr);
	if (connect(fd, (void *)&addr, size) < 0)
		die(daddr);
	if (addr.ss_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	return fd;
}

/* Number by number, because sendmmsg(2) would not say which were refused.  Other errors are ICMP's,
 * about earlier ones. */
static void send_batch(int index)
{
	struct flow *flow = &flows[index];
	struct datagram datagram = { .flow = index };

	for (int i = 0; i < BATCH; i++) {
		datagram.number = flow->sent + 1;
		if (send(flow->fd, &datagram, sizeof(datagram), 0) == sizeof(datagram)) {
			flow->sent++;
		} else if (errno == ENOBUFS) {
			flow->refused++;
			return;
		}
	}
}

static uint64_t sum_sent(int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += flows[i].sent;
	return sum;
}

/* What could not be sent in time is not made up for: that would be a burst. */
static void run_sender(int count, long rate)
{
	uint64_t due_ns = now_ns();

	while (!is_over(0)) {
		for (int i = 0; i < count; i++)
			send_batch(i);
		due_ns += (uint64_t)count * BATCH * 1000000000ull / rate;
		if (due_ns < now_ns())
			due_ns = now_ns();
		while (now_ns() < due_ns)
			usleep(50);
	}
}

static int send_flows(int argc, char **argv)
{
	long rate = 100000;
	uint64_t began_ns;
	int count = 0;

	if (argc > 1 && strcmp(argv[0], "-r") == 0) {
		rate = atol(argv[1]);
		argc -= 2;
		argv += 2;
	}
	if (rate <= 0 || argc < 1 || argc > FLOWS_MAX)
		return 2;
	for (; count < argc; count++)
		flows[count].fd = open_flow(argv[count]);
	began_ns = now_ns();
	run_sender(count, rate);
	for (int i = 0; i < count; i++)
		printf("flow %d sent %lu refused %lu\n", i, flows[i].sent, flows[i].refused);
	printf("rate %llu\n", sum_sent(count) * 1000000000ull / (now_ns() - began_ns + 1));
	return 0;
}

/* ---- receive -------------------------------------------------------------------------- */

static void take(const struct datagram *datagram)
{
	struct flow *flow = &flows[datagram->flow % FLOWS_MAX];
	uint64_t number = datagram->number % NUMBERS_MAX;
	uint8_t bit = 1 << number % 8;

	if (!flow->seen) {
		flow->seen = mmap(NULL, NUMBERS_MAX / 8, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (flow->seen == MAP_FAILED)
			die("mmap");
	}
	if (flow->seen[number / 8] & bit)
		flow->repeated++;
	else
		flow->received++;
	flow->seen[number / 8] |= bit;
	if (datagram->number > flow->highest)
		flow->highest = datagram->number;
}

static void receive_all(int fd)
{
	static struct datagram datagrams[BATCH];
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	int count;

	do {
		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ &datagrams[i], sizeof(datagrams[i]) };
			messages[i].msg_hdr = (struct msghdr){
				.msg_iov = &parts[i],
				.msg_iovlen = 1,
			};
		}
		count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < count; i++)
			if (messages[i].msg_len == sizeof(datagrams[i]))
				take(&datagrams[i]);
	} while (count == BATCH);
}

static int receive_flows(uint16_t port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = 64 << 20;

	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)) < 0)
		die("bind");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	printf("ready\n");
	fflush(stdout);
	while (!is_over(5))
		receive_all(fd);
	receive_all(fd);
	for (int i = 0; i < FLOWS_MAX; i++)
		if (flows[i].seen)
			printf("flow %d received %lu repeated %lu highest %lu\n", i,
			       flows[i].received, flows[i].repeated, flows[i].highest);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 2;

	if (argc > 2 && strcmp(argv[1], "send") == 0)
		status = send_flows(argc - 2, argv + 2);
	else if (argc == 3 && strcmp(argv[1], "receive") == 0)
		status = receive_flows(atoi(argv[2]));
	if (status == 2)
		fprintf(stderr, "usage: stream send [-r PPS] SADDR,DADDR,PORT... | receive PORT\n");
	return status;
}
