/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hammer.c: an outside host that tries to get in as fast as it can, on every port at once.
 *
 *   hammer [-r PACKETS_PER_SECOND] SADDR4 DADDR4 SADDR6 DADDR6 LO-HI...
 *
 * Sends TCP SYNs and UDP datagrams of both families to all these ports in turn, each from
 * another source port, until something comes on its standard input.  Says what the first answers
 * were when they come, and in the end "sent N answered M".  What counts as one:
 *   - a SYN ACK: somebody listens, a container or docker-proxy for it;
 *   - a datagram from one of the ports;
 *   - a RST or an ICMP error that was forwarded (its TTL says so): nobody listened yet, but the
 *     container's own stack was reached.  The docker host's own refusal is no answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE    "PING\r\n"
#define HOST_TTL   64 /* of what the docker host itself sends, one wire away */
#define RANGES_MAX 16
#define SHOWN      8
#define BURST      64 /* between two looks at the answers */

struct range {
	uint16_t lo, hi;
};

struct hammer {
	uint8_t saddr[2][16], daddr[2][16]; /* [0] IPv4, [1] IPv6 */
	int send_fd[2], receive_fd;
	struct range ranges[RANGES_MAX];
	int ranges_count;
	long rate;
	uint16_t sport;
	unsigned long sent, answered;
};

static void die(const char *what)
{
	fprintf(stderr, "hammer: %s: %s\n", what, strerror(errno));
	exit(3);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* ---- out ---------------------------------------------------------------------------- */

static uint32_t sum_bytes(const void *bytes, size_t size, uint32_t sum)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? byte[i] : byte[i] << 8;
	return sum;
}

/* RFC 1071, with the pseudo-header of RFC 9293 3.1 and RFC 8200 8.1.  A wrong one would never
 * get as far as conntrack. */
static uint16_t checksum(const struct hammer *hammer, int family, uint8_t proto,
			 const void *segment, size_t size)
{
	size_t length = family ? 16 : 4;
	uint32_t sum = proto + size;

	sum = sum_bytes(hammer->saddr[family], length, sum);
	sum = sum_bytes(hammer->daddr[family], length, sum);
	sum = sum_bytes(segment, size, sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

static size_t put_tcp(const struct hammer *hammer, int family, uint16_t port, void *segment)
{
	struct tcphdr *tcp = segment;

	memset(tcp, 0, sizeof(*tcp));
	tcp->source = htons(hammer->sport);
	tcp->dest = htons(port);
	tcp->seq = htonl(hammer->sent);
	tcp->doff = sizeof(*tcp) / 4;
	tcp->syn = 1;
	tcp->window = htons(65535);
	tcp->check = checksum(hammer, family, IPPROTO_TCP, tcp, sizeof(*tcp));
	return sizeof(*tcp);
}

static size_t put_udp(const struct hammer *hammer, int family, uint16_t port, void *segment)
{
	size_t size = sizeof(struct udphdr) + strlen(MESSAGE);
	struct udphdr *udp = segment;

	memset(udp, 0, sizeof(*udp));
	udp->source = htons(hammer->sport);
	udp->dest = htons(port);
	udp->len = htons(size);
	memcpy(udp + 1, MESSAGE, strlen(MESSAGE));
	udp->check = checksum(hammer, family, IPPROTO_UDP, udp, size);
	return size;
}

static size_t put_ipv4(const struct hammer *hammer, uint8_t proto, size_t size, void *packet)
{
	struct iphdr *ip = packet; /* the kernel fills in the rest */

	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = HOST_TTL;
	ip->protocol = proto;
	ip->tot_len = htons(sizeof(*ip) + size);
	memcpy(&ip->saddr, hammer->saddr[0], 4);
	memcpy(&ip->daddr, hammer->daddr[0], 4);
	return sizeof(*ip) + size;
}

static size_t put_ipv6(const struct hammer *hammer, uint8_t proto, size_t size, void *packet)
{
	struct ip6_hdr *ip6 = packet;

	memset(ip6, 0, sizeof(*ip6));
	ip6->ip6_vfc = 6 << 4;
	ip6->ip6_plen = htons(size);
	ip6->ip6_nxt = proto;
	ip6->ip6_hlim = HOST_TTL;
	memcpy(&ip6->ip6_src, hammer->saddr[1], 16);
	memcpy(&ip6->ip6_dst, hammer->daddr[1], 16);
	return sizeof(*ip6) + size;
}

static void send_one(struct hammer *hammer, int family, uint8_t proto, uint16_t port)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	uint8_t packet[128] __attribute__((aligned(8)));
	uint8_t *segment = packet + (family ? sizeof(struct ip6_hdr) : sizeof(struct iphdr));
	size_t size = proto == IPPROTO_TCP ? put_tcp(hammer, family, port, segment)
					   : put_udp(hammer, family, port, segment);

	memcpy(&to4.sin_addr, hammer->daddr[0], 4);
	memcpy(&to6.sin6_addr, hammer->daddr[1], 16);
	size = family ? put_ipv6(hammer, proto, size, packet)
		      : put_ipv4(hammer, proto, size, packet);
	/* A full queue loses a packet; the next is under way. */
	(void)sendto(hammer->send_fd[family], packet, size, MSG_DONTWAIT,
		     family ? (void *)&to6 : (void *)&to4, family ? sizeof(to6) : sizeof(to4));
	hammer->sent++;
}

/* ---- back --------------------------------------------------------------------------- */

static bool is_ours(const struct hammer *hammer, uint16_t port)
{
	for (int i = 0; i < hammer->ranges_count; i++)
		if (port >= hammer->ranges[i].lo && port <= hammer->ranges[i].hi)
			return true;
	return false;
}

static void answer(struct hammer *hammer, int family, uint16_t port, const char *what)
{
	if (hammer->answered < SHOWN) {
		printf("%s from IPv%d port %u\n", what, family ? 6 : 4, port);
		fflush(stdout);
	}
	hammer->answered++;
}

static void take_tcp(struct hammer *hammer, int family, uint8_t ttl, const struct tcphdr *tcp)
{
	uint16_t port = ntohs(tcp->source);

	if (!is_ours(hammer, port))
		return;
	if (tcp->syn && tcp->ack)
		answer(hammer, family, port, "SYN ACK");
	else if (tcp->rst && ttl < HOST_TTL)
		answer(hammer, family, port, "forwarded RST");
}

static bool is_error(int family, uint8_t type)
{
	return family ? type < 128 : type == ICMP_DEST_UNREACH;
}

/* Behind the IP header. */
static void take_segment(struct hammer *hammer, int family, uint8_t proto, uint8_t ttl,
			 const uint8_t *segment, size_t size)
{
	uint16_t port;

	if (proto == IPPROTO_TCP && size >= sizeof(struct tcphdr)) {
		take_tcp(hammer, family, ttl, (const void *)segment);
	} else if (proto == IPPROTO_UDP && size >= sizeof(struct udphdr)) {
		port = ntohs(((const struct udphdr *)segment)->source);
		if (is_ours(hammer, port))
			answer(hammer, family, port, "datagram");
	} else if (proto == (family ? IPPROTO_ICMPV6 : IPPROTO_ICMP) && size >= 8) {
		if (is_error(family, segment[0]) && ttl < HOST_TTL)
			answer(hammer, family, 0, "forwarded ICMP error");
	}
}

/* What is for others of this network is theirs. */
static void take_packet(struct hammer *hammer, const uint8_t *packet, size_t size)
{
	const struct ip6_hdr *ip6 = (const void *)packet;
	const struct iphdr *ip = (const void *)packet;
	size_t header = sizeof(*ip);

	if (size >= sizeof(*ip) && ip->version == 4) {
		header = ip->ihl * 4;
		if (size >= header && !memcmp(&ip->daddr, hammer->saddr[0], 4))
			take_segment(hammer, 0, ip->protocol, ip->ttl, packet + header,
				     size - header);
	} else if (size >= sizeof(*ip6) && ip->version == 6 &&
		   !memcmp(&ip6->ip6_dst, hammer->saddr[1], 16)) {
		take_segment(hammer, 1, ip6->ip6_nxt, ip6->ip6_hlim, packet + sizeof(*ip6),
			     size - sizeof(*ip6));
	}
}

static void receive(struct hammer *hammer)
{
	uint8_t packet[2048] __attribute__((aligned(8)));
	struct sockaddr_ll from;
	socklen_t from_size = sizeof(from);
	ssize_t size;

	while ((size = recvfrom(hammer->receive_fd, packet, sizeof(packet), MSG_DONTWAIT,
				(void *)&from, &from_size)) >= 0)
		if (from.sll_pkttype != PACKET_OUTGOING)
			take_packet(hammer, packet, size);
}

/* ---- the run -------------------------------------------------------------------------- */

static bool is_over(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&input, 1, 0) > 0;
}

/* Not faster than the rate, and often enough that the receiving queue does not overflow. */
static void pace(struct hammer *hammer, uint64_t began_ns)
{
	uint64_t due_ns = began_ns + hammer->sent * 1000000000ull / hammer->rate;

	if (hammer->sent % BURST)
		return;
	do
		receive(hammer);
	while (now_ns() < due_ns && usleep(50) == 0);
}

static void hit_port(struct hammer *hammer, uint16_t port, uint64_t began_ns)
{
	for (int family = 0; family < 2; family++) {
		send_one(hammer, family, IPPROTO_TCP, port);
		send_one(hammer, family, IPPROTO_UDP, port);
		pace(hammer, began_ns);
	}
}

static void run(struct hammer *hammer)
{
	uint64_t began_ns = now_ns();

	while (!is_over()) {
		/* A flow that was refused must not be taken for the one that gets in. */
		hammer->sport = 1024 + (hammer->sport + 1) % 60000;
		for (int i = 0; i < hammer->ranges_count; i++)
			for (int port = hammer->ranges[i].lo; port <= hammer->ranges[i].hi; port++)
				hit_port(hammer, port, began_ns);
	}
	usleep(300000); /* what is still under way */
	receive(hammer);
}

static void parse_address(int family, const char *text, uint8_t *ret)
{
	if (inet_pton(family ? AF_INET6 : AF_INET, text, ret) != 1) {
		fprintf(stderr, "hammer: '%s' is not an address\n", text);
		exit(2);
	}
}

static void parse_ranges(struct hammer *hammer, char **words)
{
	for (; *words && hammer->ranges_count < RANGES_MAX; words++) {
		struct range *range = &hammer->ranges[hammer->ranges_count++];
		int found = sscanf(*words, "%hu-%hu", &range->lo, &range->hi);

		if (found == 1)
			range->hi = range->lo;
		if (found < 1 || range->hi < range->lo) {
			fprintf(stderr, "hammer: '%s' is not a range of ports\n", *words);
			exit(2);
		}
	}
}

static void open_sockets(struct hammer *hammer)
{
	int bytes = 8 << 20;

	hammer->send_fd[0] = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	hammer->send_fd[1] = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	hammer->receive_fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	if (hammer->send_fd[0] < 0 || hammer->send_fd[1] < 0 || hammer->receive_fd < 0)
		die("socket");
	setsockopt(hammer->receive_fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

int main(int argc, char **argv)
{
	static struct hammer hammer = { .rate = 100000 };
	int option;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		if (option != 'r')
			return 2;
		hammer.rate = atol(optarg);
	}
	if (argc - optind < 5 || hammer.rate <= 0) {
		fprintf(stderr, "usage: hammer [-r PPS] SADDR4 DADDR4 SADDR6 DADDR6 LO-HI...\n");
		return 2;
	}
	for (int i = 0; i < 2; i++) {
		parse_address(i, argv[optind + 2 * i], hammer.saddr[i]);
		parse_address(i, argv[optind + 2 * i + 1], hammer.daddr[i]);
	}
	parse_ranges(&hammer, argv + optind + 4);
	open_sockets(&hammer);
	run(&hammer);
	printf("sent %lu answered %lu\n", hammer.sent, hammer.answered);
	return 0;
}
