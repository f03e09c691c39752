/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe.c: both ends of the conversations that the e2e scripts hold.  One static program
 * that runs in a bare network namespace as well as in a container without libraries.
 *
 *   probe ask   tcp|udp|sctp [-s SADDR] [-p SPORT] [-w MILLISECONDS] HOST PORT
 *   probe flow  tcp|udp      [-s SADDR] [-p SPORT] [-w MILLISECONDS] HOST PORT
 *   probe watch tcp|udp      [-s SADDR] [-i MILLISECONDS]            HOST PORT
 *   probe serve tcp:PORT|udp:PORT|sctp:PORT ...
 *
 * ask says on one line what came back: "open ANSWER", "closed" (nothing at all, which is
 * what a filter does), "refused" (RST, ABORT or an ICMP error: someone is there and says
 * no).  flow opens once, then asks again over the same flow for each line on its standard
 * input; its questions are numbered, and the answer to an earlier one is no answer.  watch
 * keeps trying until something comes on its standard input, then says how many attempts it
 * made and how many were answered.  serve answers every message with the peer's address as
 * it sees it, so that a test can tell who the service believes it is talking to, and with the
 * number that the message had.
 *
 * SCTP is spoken over a raw socket, INIT and INIT ACK only: the first packets are all a
 * filter can decide on, and kernels without SCTP sockets are common.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP 132
#endif

#define MESSAGE   "PING" /* a Redis command, and a line to everyone else */
#define RESEND_MS 300    /* datagrams get lost without anybody's fault */

enum outcome { OUTCOME_OPEN = 0, OUTCOME_CLOSED = 1, OUTCOME_REFUSED = 2, OUTCOME_ERROR = 3 };

struct question {
	int type; /* SOCK_STREAM, SOCK_DGRAM, or SOCK_RAW for SCTP */
	struct sockaddr_storage saddr, daddr;
	socklen_t saddr_len, daddr_len;
	uint16_t sport, dport;
	int wait_ms, interval_ms;
	unsigned int number; /* of a question that has one, from 1 */
};

struct answer {
	enum outcome outcome;
	char text[160];
};

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(OUTCOME_ERROR);
}

static void sockaddr_set_port(struct sockaddr_storage *addr, uint16_t port)
{
	if (addr->ss_family == AF_INET6)
		((struct sockaddr_in6 *)addr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)addr)->sin_port = htons(port);
}

/* Addresses only: a resolver would need the very network that is under test. */
static void sockaddr_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *in = (void *)ret;
	struct sockaddr_in6 *in6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		*ret_len = sizeof(*in);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		*ret_len = sizeof(*in6);
	} else {
		fprintf(stderr, "probe: '%s' is not an address\n", text);
		exit(OUTCOME_ERROR);
	}
}

/* "192.0.2.10 4711", an IPv4 address as such even when it came over an IPv6 socket. */
static void sockaddr_print(const struct sockaddr_storage *addr, char *ret, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";
	uint16_t port = 0;

	if (addr->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)addr;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		port = ntohs(in->sin_port);
	} else {
		const struct sockaddr_in6 *in6 = (const void *)addr;

		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, text, sizeof(text));
		else
			inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		port = ntohs(in6->sin6_port);
	}
	snprintf(ret, size, "%s %u", text, port);
}

/* ---- SCTP, as much of it as a handshake's first half (RFC 9260 section 3.3) ------- */

#define SCTP_INIT     1
#define SCTP_INIT_ACK 2
#define SCTP_ABORT    6

struct sctp_init {
	uint16_t sport, dport;
	uint32_t vtag, checksum;
	uint8_t type, flags;
	uint16_t length;
	uint32_t init_tag, window;
	uint16_t out_streams, in_streams;
	uint32_t tsn;
} __attribute__((packed));

/* CRC32c, little-endian on the wire.  Conntrack ignores packets whose sum is wrong. */
static uint32_t sctp_checksum(const void *data, size_t length)
{
	const uint8_t *byte = data;
	uint32_t crc = ~0u;

	for (size_t i = 0; i < length; i++) {
		crc ^= byte[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return htole32(~crc);
}

static struct sctp_init sctp_make(uint8_t type, uint16_t sport, uint16_t dport, uint32_t vtag,
				  uint32_t init_tag)
{
	struct sctp_init packet = {
		.sport = htons(sport),
		.dport = htons(dport),
		.vtag = vtag,
		.type = type,
		.length = htons(sizeof(packet) - 12),
		.init_tag = init_tag,
		.window = htonl(65536),
		.out_streams = htons(1),
		.in_streams = htons(1),
		.tsn = htonl(1),
	};

	packet.checksum = sctp_checksum(&packet, sizeof(packet));
	return packet;
}

/* A raw IPv4 socket gives the IP header too, a raw IPv6 socket does not. */
static const struct sctp_init *sctp_find(const char *buffer, ssize_t size, int family)
{
	ssize_t skip = family == AF_INET ? (buffer[0] & 15) * 4 : 0;

	if (size < skip + 16)
		return NULL;
	return (const void *)(buffer + skip);
}

/* ---- asking ----------------------------------------------------------------------- */

static struct answer answer_errno(int err)
{
	struct answer answer = { .outcome = OUTCOME_REFUSED };

	switch (err) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOPROTOOPT:
	case EPROTO:
	case EACCES: /* ICMP administratively prohibited */
		break;
	case ETIMEDOUT:
		answer.outcome = OUTCOME_CLOSED;
		break;
	default:
		answer.outcome = OUTCOME_ERROR;
	}
	snprintf(answer.text, sizeof(answer.text), "%s", strerror(err));
	return answer;
}

static const struct answer nothing = { .outcome = OUTCOME_CLOSED };

static int question_socket(const struct question *question)
{
	struct sockaddr_storage saddr = question->saddr;
	struct linger reset = { .l_onoff = 1 };
	int family = question->daddr.ss_family, one = 1;
	bool is_raw = question->type == SOCK_RAW;
	int fd = socket(family, question->type | SOCK_NONBLOCK | SOCK_CLOEXEC,
			is_raw ? IPPROTO_SCTP : 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* No TIME_WAIT: the next question may come from the same port. */
	if (question->type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
	if (!saddr.ss_family && question->sport)
		saddr.ss_family = family;
	if (saddr.ss_family) {
		sockaddr_set_port(&saddr, is_raw ? 0 : question->sport);
		if (bind(fd, (void *)&saddr,
			 family == AF_INET ? sizeof(struct sockaddr_in)
					   : sizeof(struct sockaddr_in6)))
			die("bind");
	}
	return fd;
}

static int question_connect(const struct question *question, int fd)
{
	struct sockaddr_storage daddr = question->daddr;

	sockaddr_set_port(&daddr, question->type == SOCK_RAW ? 0 : question->dport);
	return connect(fd, (void *)&daddr, question->daddr_len) ? errno : 0;
}

static int wait_for(int fd, short events, long deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	long left = deadline - now_ms();

	return poll(&pfd, 1, left > 0 ? left : 0);
}

static int socket_error(int fd)
{
	socklen_t length = sizeof(int);
	int err = 0;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length);
	return err;
}

/* Waits for the handshake of a TCP connection. */
static struct answer question_establish(const struct question *question, int fd, long deadline)
{
	int err = question_connect(question, fd);

	if (err && err != EINPROGRESS)
		return answer_errno(err);
	if (err && !wait_for(fd, POLLOUT, deadline))
		return nothing;
	err = socket_error(fd);
	return err ? answer_errno(err) : (struct answer){ .outcome = OUTCOME_OPEN };
}

/* Whether TEXT, one or more lines, holds the answer to the question of that number. */
static bool answers_number(const char *text, unsigned int number)
{
	char mark[16];

	snprintf(mark, sizeof(mark), "#%u\n", number);
	return strstr(text, mark);
}

/* Sends the message and waits for the answer: whatever comes back, unless it is numbered. */
static struct answer converse(const struct question *question, int fd, long deadline)
{
	struct answer answer = { .outcome = OUTCOME_OPEN };
	char message[32] = MESSAGE "\r\n";
	long resend = 0;
	ssize_t n;

	if (question->number)
		snprintf(message, sizeof(message), MESSAGE " #%u\r\n", question->number);

	while (now_ms() < deadline) {
		if (now_ms() >= resend) {
			if (send(fd, message, strlen(message), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
				return answer_errno(errno);
			/* TCP repeats itself. */
			resend = question->type == SOCK_DGRAM ? now_ms() + RESEND_MS : deadline;
		}
		if (wait_for(fd, POLLIN, resend < deadline ? resend : deadline) <= 0)
			continue;
		n = recv(fd, answer.text, sizeof(answer.text) - 1, 0);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			return answer_errno(errno);
		if (!n) /* docker-proxy hangs up when nobody is behind it */
			return answer_errno(ECONNRESET);
		answer.text[n] = 0;
		if (question->number && !answers_number(answer.text, question->number))
			continue;
		answer.text[strcspn(answer.text, "#\r\n")] = 0;
		return answer;
	}
	if (question->type == SOCK_STREAM)
		return (struct answer){ .outcome = OUTCOME_CLOSED, .text = "connected, no answer" };
	return nothing;
}

static struct answer ask_sctp(const struct question *question, int fd, long deadline)
{
	uint32_t init_tag = getpid() * 2654435761u | 1;
	uint16_t sport = question->sport ? question->sport : 32768 + getpid() % 28000;
	struct sctp_init init = sctp_make(SCTP_INIT, sport, question->dport, 0, init_tag);
	const struct sctp_init *reply;
	char buffer[2048];
	long resend = 0;
	int err = question_connect(question, fd);
	ssize_t n;

	if (err)
		return answer_errno(err);
	while (now_ms() < deadline) {
		if (now_ms() >= resend) {
			if (send(fd, &init, sizeof(init), 0) < 0)
				return answer_errno(errno);
			resend = now_ms() + RESEND_MS;
		}
		if (wait_for(fd, POLLIN, resend < deadline ? resend : deadline) <= 0)
			continue;
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			return answer_errno(errno);
		reply = sctp_find(buffer, n, question->daddr.ss_family);
		if (!reply || reply->vtag != init_tag || reply->dport != htons(sport))
			continue;
		if (reply->type == SCTP_ABORT)
			return answer_errno(ECONNREFUSED);
		if (reply->type == SCTP_INIT_ACK)
			return (struct answer){ .outcome = OUTCOME_OPEN, .text = "INIT ACK" };
	}
	return nothing;
}

static int report(struct answer answer)
{
	static const char *const names[] = { "open", "closed", "refused", "error" };

	printf("%s%s%s\n", names[answer.outcome], answer.text[0] ? " " : "", answer.text);
	fflush(stdout);
	return answer.outcome;
}

static int cmd_ask(const struct question *question)
{
	long deadline = now_ms() + question->wait_ms;
	int fd = question_socket(question);
	struct answer answer;

	if (question->type == SOCK_RAW)
		return report(ask_sctp(question, fd, deadline));
	answer = question_establish(question, fd, deadline);
	if (answer.outcome == OUTCOME_OPEN)
		answer = converse(question, fd, deadline);
	return report(answer);
}

static int cmd_flow(struct question *question)
{
	int fd = question_socket(question);
	struct answer answer = question_establish(question, fd, now_ms() + question->wait_ms);
	char line[64];

	if (answer.outcome != OUTCOME_OPEN)
		return report(answer);
	do {
		question->number++;
		answer.outcome = report(converse(question, fd, now_ms() + question->wait_ms));
	} while (fgets(line, sizeof(line), stdin));
	return answer.outcome;
}

/* ---- watching --------------------------------------------------------------------- */

#define WATCH_FLIGHTS 512

/* Not where there is no route: that is nobody's answer. */
static bool is_under_way(int err)
{
	return !err || err == EINPROGRESS;
}

/* One attempt after the other, each forgotten WATCH_FLIGHTS attempts later: what counts is
 * whether any got through in the moment when something behind the filter changed. */
static int cmd_watch(const struct question *question)
{
	struct pollfd flights[WATCH_FLIGHTS + 1];
	unsigned long sent = 0, answered = 0;
	long next = now_ms();
	unsigned int turn = 0;

	for (int i = 0; i < WATCH_FLIGHTS; i++)
		flights[i] = (struct pollfd){ .fd = -1 };
	flights[WATCH_FLIGHTS] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	for (;;) {
		long now = now_ms();

		if (now >= next) {
			unsigned int i = turn++ % WATCH_FLIGHTS;
			int fd = question_socket(question);

			if (flights[i].fd >= 0)
				close(flights[i].fd);
			if (!is_under_way(question_connect(question, fd))) {
				close(fd);
				fd = -1;
			}
			if (fd >= 0 && question->type == SOCK_DGRAM)
				send(fd, MESSAGE "\r\n", strlen(MESSAGE "\r\n"), 0);
			flights[i] = (struct pollfd){
				.fd = fd, .events = question->type == SOCK_DGRAM ? POLLIN : POLLOUT
			};
			sent++;
			next += question->interval_ms;
			if (next < now)
				next = now + question->interval_ms;
			continue;
		}
		if (poll(flights, WATCH_FLIGHTS + 1, next - now) <= 0)
			continue;
		if (flights[WATCH_FLIGHTS].revents)
			break;
		for (int i = 0; i < WATCH_FLIGHTS; i++) {
			if (flights[i].fd < 0 || !flights[i].revents)
				continue;
			if (!socket_error(flights[i].fd))
				answered++;
			close(flights[i].fd);
			flights[i].fd = -1;
		}
	}
	printf("sent %lu answered %lu\n", sent, answered);
	return 0;
}

/* ---- serving ---------------------------------------------------------------------- */

#define SERVE_MAX 256

struct service {
	int proto; /* of a listening socket; 0 for an accepted connection */
	uint16_t port;
};

static int serve_socket(int family, int type, uint16_t port)
{
	struct sockaddr_storage addr = { .ss_family = family };
	int fd = socket(family, type | SOCK_NONBLOCK, type == SOCK_RAW ? IPPROTO_SCTP : 0);
	int one = 1, off = 0;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	else
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	/* One IPv6 socket serves both families, but raw sockets never mix them. */
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, type == SOCK_RAW ? &one : &off,
			   sizeof(one));
	sockaddr_set_port(&addr, type == SOCK_RAW ? 0 : port);
	if (bind(fd, (void *)&addr,
		 family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) ||
	    (type == SOCK_STREAM && listen(fd, 128))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Turns the message of LENGTH bytes into its answer, "peer 192.0.2.10 4711\n", with "#3"
 * before the end of the line where the last question in it has that number; a stream may
 * bring several at once.  Returns the answer's length. */
static size_t answer_message(const struct sockaddr_storage *peer, char *buffer, size_t length,
			     size_t size)
{
	const char *mark = memrchr(buffer, '#', length);
	unsigned int number = 0;
	char address[64];

	buffer[length < size ? length : size - 1] = 0;
	if (mark)
		number = strtoul(mark + 1, NULL, 10);
	sockaddr_print(peer, address, sizeof(address));
	if (number)
		return snprintf(buffer, size, "peer %s#%u\n", address, number);
	return snprintf(buffer, size, "peer %s\n", address);
}

static void serve_sctp(int fd, uint16_t port)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer);
	char buffer[2048];
	ssize_t n = recvfrom(fd, buffer, sizeof(buffer), 0, (void *)&peer, &peer_len);
	const struct sctp_init *init = n > 0 ? sctp_find(buffer, n, peer.ss_family) : NULL;
	struct sctp_init reply;

	if (!init || init->type != SCTP_INIT || init->dport != htons(port))
		return;
	reply = sctp_make(SCTP_INIT_ACK, port, ntohs(init->sport), init->init_tag, htonl(0x7469u));
	sockaddr_set_port(&peer, 0);
	sendto(fd, &reply, sizeof(reply), 0, (void *)&peer, peer_len);
}

/* From the address that was asked: a host with several would choose another. */
static void serve_datagram(int fd)
{
	union {
		char bytes[256];
		struct cmsghdr align;
	} control;
	struct sockaddr_storage peer;
	char buffer[2048];
	struct iovec iov = { buffer, sizeof(buffer) - 1 };
	struct msghdr message = {
		.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0)
		return;
	/* Which interface it came in by must not decide where the answer leaves. */
	for (cmsg = CMSG_FIRSTHDR(&message); cmsg; cmsg = CMSG_NXTHDR(&message, cmsg)) {
		if (cmsg->cmsg_type == IPV6_PKTINFO && cmsg->cmsg_level == IPPROTO_IPV6)
			((struct in6_pktinfo *)CMSG_DATA(cmsg))->ipi6_ifindex = 0;
		if (cmsg->cmsg_type == IP_PKTINFO && cmsg->cmsg_level == IPPROTO_IP)
			((struct in_pktinfo *)CMSG_DATA(cmsg))->ipi_ifindex = 0;
	}
	iov.iov_len = answer_message(&peer, buffer, n, sizeof(buffer));
	sendmsg(fd, &message, 0);
}

/* Returns false when the peer has gone. */
static bool serve_stream(int fd)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer);
	char buffer[2048];
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	if (getpeername(fd, (void *)&peer, &peer_len))
		return false;
	n = answer_message(&peer, buffer, n, sizeof(buffer));
	return send(fd, buffer, n, MSG_NOSIGNAL) > 0;
}

static _Noreturn void cmd_serve(int argc, char **argv)
{
	static struct pollfd fds[SERVE_MAX];
	static struct service services[SERVE_MAX];
	nfds_t count = 0;

	for (int i = 0; i < argc; i++) {
		char *colon = strchr(argv[i], ':');
		struct service service = { .port = colon ? atoi(colon + 1) : 0 };
		int fd, type;

		service.proto = !strncmp(argv[i], "udp", 3)    ? IPPROTO_UDP
				: !strncmp(argv[i], "sctp", 4) ? IPPROTO_SCTP
							       : IPPROTO_TCP;
		type = service.proto == IPPROTO_TCP   ? SOCK_STREAM
		       : service.proto == IPPROTO_UDP ? SOCK_DGRAM
						      : SOCK_RAW;
		fd = serve_socket(AF_INET6, type, service.port);
		if (fd >= 0) {
			services[count] = service;
			fds[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		}
		if (fd >= 0 && type != SOCK_RAW)
			continue;
		fd = serve_socket(AF_INET, type, service.port);
		if (fd < 0)
			die(argv[i]);
		services[count] = service;
		fds[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(fds, count, -1) < 0)
			die("poll");
		for (nfds_t i = 0; i < count; i++) {
			int fd = fds[i].fd;

			if (!fds[i].revents)
				continue;
			if (services[i].proto == IPPROTO_SCTP) {
				serve_sctp(fd, services[i].port);
			} else if (services[i].proto == IPPROTO_TCP) {
				int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK);

				if (peer >= 0 && count == SERVE_MAX)
					close(peer);
				else if (peer >= 0) {
					services[count] = (struct service){ 0 };
					fds[count++] =
						(struct pollfd){ .fd = peer, .events = POLLIN };
				}
			} else if (services[i].proto == IPPROTO_UDP) {
				serve_datagram(fd);
			} else if (!serve_stream(fd)) {
				close(fd);
				count--;
				fds[i] = fds[count];
				services[i] = services[count];
				i--;
			}
		}
	}
}

/* ---- command line ----------------------------------------------------------------- */

static void stop(int signal)
{
	_exit(0);
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: probe ask|flow|watch tcp|udp|sctp [-s SADDR] [-p SPORT] "
			"[-w MILLISECONDS] [-i MILLISECONDS] HOST PORT\n"
			"       probe serve tcp:PORT|udp:PORT|sctp:PORT ...\n");
	exit(OUTCOME_ERROR);
}

int main(int argc, char **argv)
{
	struct question question = { .wait_ms = 1000, .interval_ms = 2 };
	int option;

	/* The first process of a container has no default action for SIGTERM. */
	signal(SIGTERM, stop);
	if (argc > 1 && !strcmp(argv[1], "serve"))
		cmd_serve(argc - 2, argv + 2);
	if (argc < 3)
		usage();

	question.type = !strcmp(argv[2], "udp")    ? SOCK_DGRAM
			: !strcmp(argv[2], "sctp") ? SOCK_RAW
						   : SOCK_STREAM;
	optind = 3;
	while ((option = getopt(argc, argv, "s:p:w:i:")) != -1) {
		if (option == 's')
			sockaddr_parse(optarg, &question.saddr, &question.saddr_len);
		else if (option == 'p')
			question.sport = atoi(optarg);
		else if (option == 'w')
			question.wait_ms = atoi(optarg);
		else if (option == 'i')
			question.interval_ms = atoi(optarg);
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	sockaddr_parse(argv[optind], &question.daddr, &question.daddr_len);
	question.dport = atoi(argv[optind + 1]);
	if (!strcmp(argv[1], "ask"))
		return cmd_ask(&question);
	if (!strcmp(argv[1], "flow"))
		return cmd_flow(&question);
	if (!strcmp(argv[1], "watch"))
		return cmd_watch(&question);
	usage();
}
