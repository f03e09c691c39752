/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_netdev.c: what the kernel tells by real netlink.  Each test has a network namespace
 * of its own that this process makes and that ends with it: no interface of the machine is
 * ever touched.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "host/netdev.h"
#include "base/cleanup.h"

/* ---- a namespace of one's own --------------------------------------------------- */

static int enter_namespace(void **state)
{
	if (unshare(CLONE_NEWNET) < 0)
		*state = (void *)"skipped: no right to make a network namespace (run as root)";
	else if (system("ip link set lo up") != 0)
		*state = (void *)"skipped: ip(8) is missing";
	return 0;
}

/* Before anything that could touch an interface. */
static void need_namespace(void **state)
{
	if (!*state)
		return;
	print_message("%s\n", *(char **)state);
	skip();
}

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("'%s' failed", command);
}

static struct netdev_list *read_list(void)
{
	struct netdev_list *list = NULL;

	assert_int_equal(netdev_read(&list), 0);
	return list;
}

static void devices_are_read_with_kind_and_master(void **state)
{
	_cleanup_(netdev_list_freep) struct netdev_list *list = NULL;
	const struct netdev *bridge, *port, *peer;

	need_namespace(state);
	run("ip link add br0 type bridge && ip link add v0 type veth peer name v1 &&"
	    "ip link set v0 master br0 up");
	list = read_list();
	bridge = netdev_find(list, "br0");
	port = netdev_find(list, "v0");
	peer = netdev_find_index(list, port->link);
	assert_int_equal(netdev_find(list, "lo")->type, ARPHRD_LOOPBACK);
	assert_string_equal(bridge->kind, "bridge");
	assert_string_equal(port->kind, "veth");
	assert_int_equal(port->master, bridge->ifindex);
	assert_true(port->is_up);
	assert_string_equal(peer->name, "v1");
	assert_false(peer->is_up);
	assert_true(netdev_is_shared(list, port));
	assert_false(netdev_is_outside(list, port));
}

static void a_link_in_another_namespace_is_none(void **state)
{
	_cleanup_(netdev_list_freep) struct netdev_list *list = NULL;

	need_namespace(state);
	/* The other namespace lives as long as the sleep in it. */
	run("ip link add v0 type veth peer name v1; unshare -n sleep 2 & sleep 0.3;"
	    "ip link set v1 netns $!");
	list = read_list();
	assert_non_null(netdev_find(list, "v0"));
	assert_null(netdev_find(list, "v1"));
	assert_int_equal(netdev_find(list, "v0")->link, 0);
}

static bool is_way_out(const char *name)
{
	_cleanup_(netdev_list_freep) struct netdev_list *list = read_list();

	return netdev_is_outside(list, netdev_find(list, name));
}

/* v0 and w0, whose other ends are in a namespace that lives as long as the sleep in it. */
#define TWO_VETHS                                                                           \
	"ip link add v0 type veth peer name v1; ip link add w0 type veth peer name w1;"     \
	"unshare -n sleep 5 & sleep 0.3; ip link set v1 netns $!; ip link set w1 netns $!;" \
	"ip addr add 192.0.2.1/24 dev v0; ip addr add 198.51.100.1/24 dev w0;"              \
	"ip addr add 2001:db8::1/64 dev v0 nodad; ip link set v0 up; ip link set w0 up"

static void default_routes_of_either_family_are_read(void **state)
{
	need_namespace(state);
	run(TWO_VETHS);
	assert_false(is_way_out("v0"));
	run("ip route add 203.0.113.0/24 via 192.0.2.254");
	assert_false(is_way_out("v0"));
	run("ip route add default via 192.0.2.254");
	assert_true(is_way_out("v0"));
	assert_false(is_way_out("w0"));
	run("ip route replace default nexthop via 192.0.2.254 nexthop via 198.51.100.254");
	assert_true(is_way_out("v0"));
	assert_true(is_way_out("w0"));
	run("ip route del default && ip -6 route add default via 2001:db8::2 table 7");
	assert_true(is_way_out("v0"));
	assert_false(is_way_out("w0"));
	run("ip -6 route del default table 7 && ip route add unreachable default");
	assert_false(is_way_out("v0"));
}

static bool has_address(const struct netdev_list *list, const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix, NULL), 0);
	for (size_t i = 0; i < list->addresses_count; i++)
		if (prefix_equal(&list->addresses[i], &prefix))
			return true;
	return false;
}

static bool has_group(const struct netdev_list *list, const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix, NULL), 0);
	for (size_t i = 0; i < list->groups_count; i++)
		if (prefix_equal(&list->groups[i], &prefix))
			return true;
	return false;
}

static int join(int family, int level, int option, const void *request, socklen_t size)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, level, option, request, size), 0);
	return fd;
}

static void groups_are_read_as_they_are_joined(void **state)
{
	struct ip_mreqn four = { .imr_multiaddr.s_addr = inet_addr("239.1.2.3") };
	struct ipv6_mreq six = {};
	_cleanup_(netdev_list_freep) struct netdev_list *before = NULL, *after = NULL;
	_cleanup_close_ int fd4 = -1, fd6 = -1;

	need_namespace(state);
	run("ip link add d0 type bridge && ip link set d0 up &&"
	    "ip addr add 192.0.2.1/24 brd + dev d0 && ip addr add 2001:db8::1/64 dev d0 nodad");
	before = read_list();
	assert_true(has_group(before, "192.0.2.255"));
	assert_true(has_group(before, "224.0.0.1"));
	assert_true(has_group(before, "ff02::1"));
	assert_false(has_group(before, "ff02::1:ff00:1"));
	assert_false(has_group(before, "239.1.2.3"));
	four.imr_ifindex = six.ipv6mr_interface = if_nametoindex("d0");
	inet_pton(AF_INET6, "ff05::77", &six.ipv6mr_multiaddr);
	fd4 = join(AF_INET, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four));
	fd6 = join(AF_INET6, IPPROTO_IPV6, IPV6_JOIN_GROUP, &six, sizeof(six));
	after = read_list();
	assert_true(has_group(after, "239.1.2.3"));
	assert_true(has_group(after, "ff05::77"));
	for (size_t i = 1; i < after->groups_count; i++)
		assert_true(prefix_compare(&after->groups[i - 1], &after->groups[i]) < 0);
}

static void addresses_are_read_but_for_loopback(void **state)
{
	_cleanup_(netdev_list_freep) struct netdev_list *list = NULL;

	need_namespace(state);
	run("ip link add d0 type bridge && ip link set d0 up &&"
	    "ip addr add 192.0.2.1/24 dev d0 && ip addr add 192.0.2.1/32 dev lo &&"
	    "ip addr add 192.0.2.7 peer 192.0.2.8 dev d0 && ip addr add 2001:db8::1/64 dev d0");
	list = read_list();
	assert_true(has_address(list, "192.0.2.1"));
	assert_true(has_address(list, "192.0.2.7"));
	assert_false(has_address(list, "192.0.2.8"));
	assert_true(has_address(list, "2001:db8::1"));
	assert_false(has_address(list, "127.0.0.1"));
	assert_false(has_address(list, "::1"));
	for (size_t i = 1; i < list->addresses_count; i++)
		assert_true(prefix_compare(&list->addresses[i - 1], &list->addresses[i]) < 0);
}

/* More than fit into one answer of 32 KiB. */
#define ADDRESSES                                                                             \
	"for i in $(seq 0 999); do echo addr add 10.1.$((i / 250)).$((i % 250)) dev d1; done" \
	" | ip -batch -"

static void many_devices_take_more_than_one_message(void **state)
{
	_cleanup_(netdev_list_freep) struct netdev_list *list = NULL;

	need_namespace(state);
	run("for i in $(seq 60); do echo link add d$i type bridge; done | ip -batch -");
	run(ADDRESSES);
	list = read_list();
	assert_int_equal(list->devices_count, 61);
	assert_int_equal(list->addresses_count, 1000);
}

/* The kernel marks a dump as interrupted; what stayed all the time must be in each. */
static void a_changing_table_is_read_whole(void **state)
{
	pid_t child;

	need_namespace(state);
	run("ip link add d1 type bridge");
	run(ADDRESSES);
	child = fork();
	if (child == 0)
		_exit(system("for i in $(seq 3000); do echo addr add 10.2.0.1 dev d1; "
			     "echo addr del 10.2.0.1/32 dev d1; done | ip -batch -"));
	for (int i = 0; i < 200; i++) {
		_cleanup_(netdev_list_freep) struct netdev_list *list = NULL;
		int err = netdev_read(&list);

		if (err == -EAGAIN)
			continue;
		assert_int_equal(err, 0);
		assert_in_range(list->addresses_count, 1000, 1001);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* ---- changes -------------------------------------------------------------------- */

static bool is_readable(int fd, int milliseconds)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, milliseconds) == 1;
}

/* The kernel tells some changes in its own time, those of IPv6 above all. */
static void assert_told(int fd)
{
	assert_true(is_readable(fd, 5000));
	assert_int_equal(netdev_drain(fd), 1);
}

static void settle(int fd)
{
	while (is_readable(fd, 300))
		assert_int_equal(netdev_drain(fd), 1);
}

static void a_change_is_told_once_drained(void **state)
{
	_cleanup_close_ int fd = -1;

	need_namespace(state);
	run("ip link add d0 type bridge");
	assert_int_equal(netdev_subscribe(&fd), 0);
	assert_int_equal(netdev_drain(fd), 0);
	assert_false(is_readable(fd, 0));
	run("ip addr add 192.0.2.1/24 dev d0");
	assert_told(fd);
	assert_int_equal(netdev_drain(fd), 0);
	run("ip link set d0 up");
	assert_told(fd);
	settle(fd);
	run("ip addr add 2001:db8::1/64 dev d0 nodad");
	assert_told(fd);
}

static void of_routes_only_a_default_one_is_told(void **state)
{
	_cleanup_close_ int fd = -1;

	need_namespace(state);
	run("ip link add d0 type bridge && ip link set d0 up && ip addr add 192.0.2.1/24 dev d0 &&"
	    "ip addr add 2001:db8::1/64 dev d0 nodad");
	assert_int_equal(netdev_subscribe(&fd), 0);
	settle(fd);
	run("ip route add 203.0.113.0/24 via 192.0.2.254 && ip route del 203.0.113.0/24 &&"
	    "ip -6 route add 2001:db8:1::/48 via 2001:db8::2");
	assert_false(is_readable(fd, 100));
	run("ip route add default via 192.0.2.254");
	assert_told(fd);
	run("ip route del default");
	assert_told(fd);
	run("ip -6 route add default via 2001:db8::2");
	assert_told(fd);
}

static void an_overrun_counts_as_a_change(void **state)
{
	_cleanup_close_ int fd = -1;
	int smallest = 1;

	need_namespace(state);
	assert_int_equal(netdev_subscribe(&fd), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
	run("for i in $(seq 20); do echo link add d$i type bridge; done | ip -batch -");
	assert_int_equal(netdev_drain(fd), 1);
	assert_int_equal(netdev_drain(fd), 0);
}

/* ---- listeners ------------------------------------------------------------------ */

struct wanted_socket {
	int family, type;
	const char *addr;
	unsigned short port;
	int is_v6only;
};

static int open_socket(const struct wanted_socket *wanted)
{
	int fd = socket(wanted->family, wanted->type, 0), on = 1;
	struct sockaddr_in6 addr6 = { .sin6_family = AF_INET6, .sin6_port = htons(wanted->port) };
	struct sockaddr_in addr4 = { .sin_family = AF_INET, .sin_port = htons(wanted->port) };
	bool is_v6 = wanted->family == AF_INET6;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (is_v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &wanted->is_v6only, sizeof(int));
	inet_pton(wanted->family, wanted->addr,
		  is_v6 ? (void *)&addr6.sin6_addr : (void *)&addr4.sin_addr);
	assert_int_equal(bind(fd, is_v6 ? (void *)&addr6 : (void *)&addr4,
			      is_v6 ? sizeof(addr6) : sizeof(addr4)),
			 0);
	if (wanted->type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* "tcp 0.0.0.0/0 22" for each, in the order of the list, and whose it is if it is Docker's. */
static char *print_listeners(void)
{
	_cleanup_free_ struct listener *listeners = NULL;
	char *text = NULL, buf[PREFIX_STRLEN];
	size_t size, count = 0;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(netdev_read_listeners(&listeners, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(listeners[i].holder, HOLDER_UNKNOWN);
		listeners[i].holder = HOLDER_ASKED;
	}
	assert_int_equal(netdev_find_holders(listeners, count), 0);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s %s %u%s\n", listeners[i].proto == IPPROTO_TCP ? "tcp" : "udp",
			prefix_format(&listeners[i].addr, buf), listeners[i].port,
			listeners[i].holder == HOLDER_OTHER ? "" : " docker");
	fclose(out);
	return text;
}

static void assert_listeners(const struct wanted_socket *wanted, size_t count, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	int fds[8];

	for (size_t i = 0; i < count; i++)
		fds[i] = open_socket(&wanted[i]);
	text = print_listeners();
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	assert_string_equal(text, expected);
}

static void listeners_are_read_with_their_addresses(void **state)
{
	static const struct wanted_socket wanted[] = {
		{ AF_INET, SOCK_STREAM, "127.0.0.1", 5432, 0 },
		{ AF_INET, SOCK_STREAM, "0.0.0.0", 22, 0 },
		{ AF_INET6, SOCK_STREAM, "::1", 5432, 0 },
		{ AF_INET, SOCK_DGRAM, "0.0.0.0", 53, 0 },
		{ AF_INET6, SOCK_DGRAM, "::ffff:127.0.0.1", 54, 0 },
	};

	need_namespace(state);
	assert_listeners(wanted, ARRAY_SIZE(wanted),
			 "tcp 0.0.0.0/0 22\n"
			 "tcp 127.0.0.1 5432\n"
			 "tcp ::1 5432\n"
			 "udp 0.0.0.0/0 53\n"
			 "udp 127.0.0.1 54\n");
}

static void a_listener_on_both_families_is_listed_twice(void **state)
{
	static const struct wanted_socket wanted[] = {
		{ AF_INET6, SOCK_STREAM, "::", 80, 0 },
		{ AF_INET6, SOCK_STREAM, "::", 81, 1 },
		{ AF_INET6, SOCK_STREAM, "::", 80, 0 },
	};

	need_namespace(state);
	assert_listeners(wanted, ARRAY_SIZE(wanted),
			 "tcp 0.0.0.0/0 80\n"
			 "tcp 0.0.0.0/0 80\n"
			 "tcp ::/0 80\n"
			 "tcp ::/0 80\n"
			 "tcp ::/0 81\n");
}

static void a_connected_udp_socket_is_no_listener(void **state)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons(53),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;

	need_namespace(state);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
	text = print_listeners();
	assert_string_equal(text, "");
}

/* A process of that name with that socket. */
static pid_t start_holder(const char *name, const struct wanted_socket *wanted)
{
	int ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		open_socket(wanted);
		_exit(write(ready[1], "x", 1) == 1 ? pause() : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void end_holder(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void one_that_is_closed_before_its_holder_is_found_counts_as_dockers(void **state)
{
	static const struct wanted_socket theirs = { AF_INET, SOCK_DGRAM, "0.0.0.0", 6379, 0 };
	_cleanup_free_ struct listener *listeners = NULL;
	size_t count = 0;
	pid_t child;

	need_namespace(state);
	child = start_holder("nginx", &theirs);
	assert_int_equal(netdev_read_listeners(&listeners, &count), 0);
	assert_int_equal(count, 1);
	listeners[0].holder = HOLDER_ASKED;
	assert_int_equal(netdev_find_holders(listeners, count), 0);
	assert_int_equal(listeners[0].holder, HOLDER_OTHER);
	end_holder(child);
	listeners[0].holder = HOLDER_ASKED;
	assert_int_equal(netdev_find_holders(listeners, count), 0);
	assert_int_equal(listeners[0].holder, HOLDER_DOCKER);
}

static void a_socket_of_docker_proxy_is_told_apart(void **state)
{
	static const struct wanted_socket theirs = { AF_INET, SOCK_STREAM, "0.0.0.0", 6379, 0 };
	static const struct wanted_socket ours = { AF_INET, SOCK_STREAM, "0.0.0.0", 22, 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	pid_t child;

	need_namespace(state);
	child = start_holder("docker-proxy", &theirs);
	fd = open_socket(&ours);
	text = print_listeners();
	end_holder(child);
	assert_string_equal(text, "tcp 0.0.0.0/0 22\ntcp 0.0.0.0/0 6379 docker\n");
}

#define TEST(name) cmocka_unit_test_setup(name, enter_namespace)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(devices_are_read_with_kind_and_master),
		TEST(a_link_in_another_namespace_is_none),
		TEST(default_routes_of_either_family_are_read),
		TEST(addresses_are_read_but_for_loopback),
		TEST(groups_are_read_as_they_are_joined),
		TEST(many_devices_take_more_than_one_message),
		TEST(a_changing_table_is_read_whole),
		TEST(a_change_is_told_once_drained),
		TEST(of_routes_only_a_default_one_is_told),
		TEST(an_overrun_counts_as_a_change),
		TEST(listeners_are_read_with_their_addresses),
		TEST(a_listener_on_both_families_is_listed_twice),
		TEST(a_connected_udp_socket_is_no_listener),
		TEST(a_socket_of_docker_proxy_is_told_apart),
		TEST(one_that_is_closed_before_its_holder_is_found_counts_as_dockers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
