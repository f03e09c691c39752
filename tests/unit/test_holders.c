/* SPDX-License-Identifier: GPL-2.0-only */
/* test_holders.c: of which sockets somebody wants to know whose they are, and who tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "docker/inventory.h"
#include "engine/desired_private.h"
#include "kernel/kernel.h"
#include "base/cleanup.h"

/* A socket of this process, which is none of Docker's, in front of all others that are there. */
struct own {
	int fd;
	struct listener *listeners, *listener;
	size_t count;
};

static struct own open_own(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(addr);
	struct own own = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	size_t found;

	assert_int_equal(bind(own.fd, (struct sockaddr *)&addr, size), 0);
	assert_int_equal(getsockname(own.fd, (struct sockaddr *)&addr, &size), 0);
	assert_int_equal(netdev_read_listeners(&own.listeners, &own.count), 0);
	own.listener =
		holders_at(own.listeners, own.count, IPPROTO_UDP, ntohs(addr.sin_port), &found);
	assert_int_equal(found, 1);
	return own;
}

static void close_own(struct own *own)
{
	close(own->fd);
	free(own->listeners);
}

static enum holder find(struct own *own, const struct bound_port *port)
{
	own->listener->holder = HOLDER_ASKED;
	assert_int_equal(holders_find(own->listeners, own->count, port, port != NULL), 0);
	return own->listener->holder;
}

/* As if Docker had been seen to bind it. */
static struct bound_port seen(const struct own *own, __u64 cookie)
{
	return (struct bound_port){
		.key = { .family = 4, .proto = IPPROTO_UDP, .port = own->listener->port },
		.value = { .by = BOUND_BY_PROXY, .flags = BOUND_COOKIE(cookie) },
	};
}

static void what_nobody_was_seen_to_bind_is_looked_for(void **state)
{
	struct own own = open_own();

	assert_int_equal(find(&own, NULL), HOLDER_OTHER);
	close_own(&own);
}

static void the_socket_that_docker_bound_is_dockers(void **state)
{
	struct own own = open_own();
	struct bound_port port = seen(&own, own.listener->cookie);

	assert_int_equal(find(&own, &port), HOLDER_DOCKER);
	port.key.port++;
	assert_int_equal(find(&own, &port), HOLDER_OTHER);
	close_own(&own);
}

static void another_socket_on_the_same_port_is_not(void **state)
{
	struct own own = open_own();
	struct bound_port port = seen(&own, own.listener->cookie + 1);

	assert_int_equal(find(&own, &port), HOLDER_OTHER);
	port = seen(&own, 0);
	assert_int_equal(find(&own, &port), HOLDER_OTHER);
	close_own(&own);
}

static void nor_is_one_that_docker_only_tried_to_bind(void **state)
{
	struct own own = open_own();
	struct bound_port port = seen(&own, own.listener->cookie);

	port.value.by = BOUND_PENDING;
	assert_int_equal(find(&own, &port), HOLDER_OTHER);
	close_own(&own);
}

static void only_what_a_container_wants_that_does_not_run_is_asked_for(void **state)
{
	struct binding bindings[] = {
		{ .proto = IPPROTO_TCP, .host_lo = 8080, .host_hi = 8082 },
		{ .proto = IPPROTO_UDP, .host_lo = 65535, .host_hi = 65535 },
	};
	struct container container = { .bindings = bindings, .bindings_count = 2 };
	struct inventory inventory = { .containers = &container, .containers_count = 1 };
	struct listener listeners[] = {
		{ .proto = IPPROTO_TCP, .port = 8079 },  { .proto = IPPROTO_TCP, .port = 8080 },
		{ .proto = IPPROTO_TCP, .port = 8082 },  { .proto = IPPROTO_TCP, .port = 8083 },
		{ .proto = IPPROTO_UDP, .port = 8081 },  { .proto = IPPROTO_UDP, .port = 65535 },
		{ .proto = IPPROTO_SCTP, .port = 8081 },
	};
	const size_t count = ARRAY_SIZE(listeners);
	static const bool asked[] = { false, true, true, false, false, true, false };

	assert_false(holders_ask_wanted(NULL, listeners, count));
	container.is_running = true;
	assert_false(holders_ask_wanted(&inventory, listeners, count));
	container.is_running = false;
	assert_false(holders_ask_wanted(&inventory, listeners, 1));
	assert_true(holders_ask_wanted(&inventory, listeners, count));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(listeners[i].holder, asked[i] ? HOLDER_ASKED : HOLDER_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_was_seen_to_bind_is_looked_for),
		cmocka_unit_test(the_socket_that_docker_bound_is_dockers),
		cmocka_unit_test(another_socket_on_the_same_port_is_not),
		cmocka_unit_test(nor_is_one_that_docker_only_tried_to_bind),
		cmocka_unit_test(only_what_a_container_wants_that_does_not_run_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
