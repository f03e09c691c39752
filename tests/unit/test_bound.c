/* SPDX-License-Identifier: GPL-2.0-only */
/* test_bound.c: which of the ports that Docker bound may be forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "engine/desired.h"
#include "kernel/kernel.h"
#include "engine/reconcile_private.h"
#include "host/netdev.h"
#include "policy/policy.h"

#define SECOND 1000000000ull
#define NOW    (1000 * SECOND)

#define EVERY(version) { .family = (version) }

/* Bound on every IPv4 address. */
static struct bound_port bound(__u32 by, __u8 proto, __u16 port, __u64 seconds_ago)
{
	return (struct bound_port){
		.key = { .family = 4, .proto = proto, .port = port },
		.value = { .by = by, .bound_ns = NOW - seconds_ago * SECOND },
	};
}

static bool is_stale(struct bound_port port, struct listener *listeners, size_t count,
		     const struct policy_port *published)
{
	struct policy policy = { .ports = (struct policy_port *)published,
				 .ports_count = published != NULL };
	struct desired desired = {
		.began_ns = NOW,
		.docker_source = DOCKER_FRESH,
		.listeners = listeners,
		.listeners_count = count,
		.policy = &policy,
	};

	return bound_is_stale(&port, &desired);
}

static void a_port_that_nobody_holds_is_stale(void **state)
{
	struct listener others[] = {
		{ .proto = IPPROTO_TCP, .addr = EVERY(6), .port = 8080 },
		{ .proto = IPPROTO_UDP, .addr = EVERY(4), .port = 8080 },
		{ .proto = IPPROTO_TCP, .addr = EVERY(4), .port = 8081 },
	};

	assert_true(is_stale(bound(BOUND_BY_PROXY, IPPROTO_TCP, 8080, 1), NULL, 0, NULL));
	assert_true(is_stale(bound(BOUND_BY_PROXY, IPPROTO_TCP, 8080, 1), others, 3, NULL));
}

static void a_port_that_docker_proxy_holds_is_not_however_old(void **state)
{
	struct listener held = {
		.proto = IPPROTO_TCP, .addr = EVERY(4), .port = 8080, .holder = HOLDER_DOCKER
	};

	assert_false(is_stale(bound(BOUND_BY_PROXY, IPPROTO_TCP, 8080, 900), &held, 1, NULL));
}

static void one_that_another_process_holds_by_now_is_stale_after_a_while(void **state)
{
	struct listener held = {
		.proto = IPPROTO_UDP, .addr = EVERY(4), .port = 5353, .holder = HOLDER_OTHER
	};

	assert_false(is_stale(bound(BOUND_BY_PROXY, IPPROTO_UDP, 5353, 9), &held, 1, NULL));
	assert_true(is_stale(bound(BOUND_BY_PROXY, IPPROTO_UDP, 5353, 11), &held, 1, NULL));
}

static void one_that_there_was_no_room_for_is_stale_once_docker_lists_it(void **state)
{
	struct bound_port old = bound(BOUND_BY_PROXY, IPPROTO_TCP, 8080, 11), port = old;
	struct listener held[] = {
		{ .proto = IPPROTO_TCP, .addr = EVERY(6), .port = 7946, .holder = HOLDER_DOCKER },
		{ .proto = IPPROTO_TCP, .addr = EVERY(4), .port = 8080, .holder = HOLDER_DOCKER },
	};
	__be32 second = htonl(0xc0000205);

	held[1].addr = prefix_from_address(4, &second);
	port.value.bound_ns = NOW - 9 * SECOND;
	port.value.flags = old.value.flags = BOUND_WIDENED;
	assert_true(is_stale(port, NULL, 0, NULL));
	assert_false(is_stale(port, &held[1], 1, NULL));
	assert_true(is_stale(old, &held[1], 1, NULL));
	assert_false(is_stale(old, held, 2, NULL));
}

static void one_whose_holder_nobody_asked_for_is_not(void **state)
{
	struct listener held = { .proto = IPPROTO_UDP, .addr = EVERY(4), .port = 5353 };

	assert_false(is_stale(bound(BOUND_BY_PROXY, IPPROTO_UDP, 5353, 11), &held, 1, NULL));
}

static void nor_one_that_docker_has_beside_another_process(void **state)
{
	struct listener held[] = {
		{ .proto = IPPROTO_UDP, .addr = EVERY(4), .port = 53, .holder = HOLDER_OTHER },
		{ .proto = IPPROTO_UDP, .addr = EVERY(4), .port = 53, .holder = HOLDER_DOCKER },
		{ .proto = IPPROTO_UDP, .addr = EVERY(4), .port = 53, .holder = HOLDER_OTHER },
	};

	assert_false(is_stale(bound(BOUND_BY_PROXY, IPPROTO_UDP, 53, 11), held, 3, NULL));
}

static void what_dockerd_has_bound_and_not_listened_on_yet_is_not(void **state)
{
	assert_false(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_TCP, 8080, 9), NULL, 0, NULL));
	assert_true(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_TCP, 8080, 11), NULL, 0, NULL));
	assert_true(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_UDP, 8080, 1), NULL, 0, NULL));
}

static void one_bound_while_we_were_reading_is_not(void **state)
{
	assert_false(is_stale(bound(BOUND_BY_PROXY, IPPROTO_TCP, 8080, 0), NULL, 0, NULL));
}

static void an_address_is_not_every_address(void **state)
{
	struct bound_port port = bound(BOUND_BY_PROXY, IPPROTO_TCP, 8080, 1);
	struct listener every = { .proto = IPPROTO_TCP, .addr = EVERY(4), .port = 8080 },
			one = every;

	port.key.addr[0] = htonl(0xc0000201);
	one.addr = prefix_from_address(4, port.key.addr);
	one.holder = HOLDER_DOCKER;
	assert_true(is_stale(port, &every, 1, NULL));
	assert_false(is_stale(port, &one, 1, NULL));
}

static void the_engines_own_port_is_stale_after_a_while(void **state)
{
	struct listener held = {
		.proto = IPPROTO_TCP, .addr = EVERY(4), .port = 4243, .holder = HOLDER_DOCKER
	};

	assert_false(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_TCP, 4243, 9), &held, 1, NULL));
	assert_true(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_TCP, 4243, 11), &held, 1, NULL));
}

static void what_dockerd_holds_and_publishes_is_not(void **state)
{
	struct listener held = {
		.proto = IPPROTO_TCP, .addr = EVERY(4), .port = 8080, .holder = HOLDER_DOCKER
	};
	struct policy_port published = {
		.proto = IPPROTO_TCP,
		.addr = EVERY(4),
		.lo = 8000,
		.hi = 8100,
		.origin = PORT_PUBLISHED,
	};

	assert_false(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_TCP, 8080, 60), &held, 1, &published));
	published.origin = PORT_NAMED;
	assert_true(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_TCP, 8080, 60), &held, 1, &published));
}

static void nor_what_dockerd_holds_in_a_swarm(void **state)
{
	struct listener held[] = {
		{ .proto = IPPROTO_TCP, .addr = EVERY(6), .port = 7946, .holder = HOLDER_DOCKER },
		{ .proto = IPPROTO_TCP, .addr = EVERY(4), .port = 8080, .holder = HOLDER_DOCKER },
	};

	assert_false(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_TCP, 8080, 60), held, 2, NULL));
	held[0].holder = HOLDER_OTHER;
	assert_true(is_stale(bound(BOUND_BY_ENGINE, IPPROTO_TCP, 8080, 60), held, 2, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_that_nobody_holds_is_stale),
		cmocka_unit_test(a_port_that_docker_proxy_holds_is_not_however_old),
		cmocka_unit_test(one_that_another_process_holds_by_now_is_stale_after_a_while),
		cmocka_unit_test(one_that_there_was_no_room_for_is_stale_once_docker_lists_it),
		cmocka_unit_test(one_whose_holder_nobody_asked_for_is_not),
		cmocka_unit_test(nor_one_that_docker_has_beside_another_process),
		cmocka_unit_test(what_dockerd_has_bound_and_not_listened_on_yet_is_not),
		cmocka_unit_test(one_bound_while_we_were_reading_is_not),
		cmocka_unit_test(an_address_is_not_every_address),
		cmocka_unit_test(the_engines_own_port_is_stale_after_a_while),
		cmocka_unit_test(what_dockerd_holds_and_publishes_is_not),
		cmocka_unit_test(nor_what_dockerd_holds_in_a_swarm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
