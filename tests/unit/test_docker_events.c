/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event stream says when to look again: at once, for what matters and nothing else, and
 * whenever it broke or stands again; docker_watch() does not block, and wakes nobody for nothing.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <cmocka.h>

#include "docker/fixture.h"

/* A loop with nothing but Docker in it.  Counts how often it was woken. */
static bool wait_and_count(struct fixture *fixture, int timeout_ms, int *ret_woken)
{
	long long end = now_ms() + timeout_ms, left;
	struct pollfd fd = { .fd = docker_watch_fd(fixture->docker), .events = POLLIN };
	bool is_changed = false;

	assert_true(fd.fd >= 0);
	for (*ret_woken = 0;; ++*ret_woken) {
		int own;

		assert_int_equal(docker_watch(fixture->docker, &is_changed), 0);
		left = end - now_ms();
		if (is_changed || left <= 0)
			return is_changed;
		own = docker_watch_timeout_ms(fixture->docker);
		assert_true(own >= 0);
		poll(&fd, 1, own < left ? own : left);
	}
}

static bool wait_ms(struct fixture *fixture, int timeout_ms)
{
	int ignored;

	return wait_and_count(fixture, timeout_ms, &ignored);
}

static void connect_events(struct fixture *fixture)
{
	assert_true(wait_ms(fixture, 2000));
	assert_true(docker_is_connected(fixture->docker));
	while (__atomic_load_n(&fixture->engine->stream_fd, __ATOMIC_SEQ_CST) < 0)
		usleep(1000);
}

static void connecting_is_a_reason_to_look(void **state)
{
	struct fixture *fixture = *state;

	assert_false(docker_is_connected(fixture->docker));
	connect_events(fixture);
	assert_false(wait_ms(fixture, 50));
	assert_non_null(strstr(fixture->engine->last_query, "since="));
	assert_non_null(strstr(fixture->engine->last_query, "%22container%22"));
}

static void event_is_reported_at_once(void **state)
{
	static const char *const events[] = {
		EVENT("container", "create"), EVENT("container", "start"),
		EVENT("container", "die"),    EVENT("container", "destroy"),
		EVENT("container", "rename"), EVENT("container", "update"),
		EVENT("network", "connect"),  EVENT("network", "disconnect"),
		EVENT("network", "create"),   EVENT("network", "destroy"),
		EVENT("daemon", "reload"),    EVENT("service", "update"),
	};
	struct fixture *fixture = *state;

	connect_events(fixture);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		long long start = now_ms();

		fake_say(fixture->engine, events[i]);
		assert_true(wait_ms(fixture, 2000));
		assert_true(now_ms() - start < 200);
	}
}

#define JOINED                                                                    \
	"{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"Attributes\":" \
	"{\"container\":\"" ID_A "\"}}}\n"

static void list_one(struct fixture *fixture, const char *containers)
{
	fake_set(fixture->engine, "/containers/json", 200, containers);
	fake_set(fixture->engine, "/containers/" ID_A "/json", 200, DETAILS("created", "", ""));
	assert_reads(fixture);
}

static void network_of_one_that_starts_is_looked_at_with_its_start(void **state)
{
	struct fixture *fixture = *state;
	long long start;

	connect_events(fixture);
	list_one(fixture, "[" LISTED(ID_A, "a", "created", "") "]");
	start = now_ms();
	fake_say(fixture->engine, JOINED);
	assert_false(wait_ms(fixture, 100));
	fake_say(fixture->engine, EVENT("container", "start"));
	assert_true(wait_ms(fixture, 2000));
	assert_true(now_ms() - start < 400);
	assert_false(wait_ms(fixture, 700));
	/* And without, should it not come. */
	start = now_ms();
	fake_say(fixture->engine, JOINED);
	assert_true(wait_ms(fixture, 3000));
	assert_in_range(now_ms() - start, 400, 2000);
}

static void network_of_one_that_runs_is_looked_at_at_once(void **state)
{
	struct fixture *fixture = *state;
	long long start;

	connect_events(fixture);
	list_one(fixture, "[" LISTED(ID_A, "a", "running", "") "]");
	start = now_ms();
	fake_say(fixture->engine, JOINED);
	assert_true(wait_ms(fixture, 2000));
	assert_true(now_ms() - start < 200);
	/* One that nothing is known of as well. */
	list_one(fixture, "[]");
	start = now_ms();
	fake_say(fixture->engine, JOINED);
	assert_true(wait_ms(fixture, 2000));
	assert_true(now_ms() - start < 200);
}

static void one_that_died_is_looked_at_once_more(void **state)
{
	struct fixture *fixture = *state;
	long long start;

	connect_events(fixture);
	start = now_ms();
	fake_say(fixture->engine, EVENT("container", "die"));
	assert_true(wait_ms(fixture, 2000));
	/* Another event does not stand for it. */
	fake_say(fixture->engine, EVENT("container", "create"));
	assert_true(wait_ms(fixture, 2000));
	assert_true(now_ms() - start < 400);
	assert_true(wait_ms(fixture, 3000));
	assert_in_range(now_ms() - start, 900, 2500);
	assert_false(wait_ms(fixture, 1500));
}

static void event_that_changes_nothing_is_not_reported(void **state)
{
	struct fixture *fixture = *state;

	connect_events(fixture);
	fake_say(fixture->engine,
		 EVENT("container", "exec_create: sh -c true") EVENT("container", "exec_start: sh")
			 EVENT("container", "health_status: healthy") EVENT("container", "pause")
				 EVENT("container", "kill") EVENT("image", "create")
					 EVENT("volume", "mount"));
	assert_false(wait_ms(fixture, 100));
}

static void event_cut_anywhere_is_put_together(void **state)
{
	static const char event[] = "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":"
				    "{\"Attributes\":{\"l\\u00e9\":\"\xc3\xa9}\\\"\"}}}\n";
	struct fixture *fixture = *state;

	connect_events(fixture);
	for (size_t cut = 1; cut < sizeof(event) - 2; cut++) {
		fake_send(fixture->engine, event, cut);
		assert_false(wait_ms(fixture, 2));
		fake_send(fixture->engine, event + cut, sizeof(event) - 1 - cut);
		assert_true(wait_ms(fixture, 2000));
	}
	assert_true(docker_is_connected(fixture->docker));
}

static void recorded_events_are_all_understood(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *text = NULL;
	char path[512];
	size_t size = 0;

	data_path(path, sizeof(path), "20.10", "events.json");
	text = read_file(path, &size);
	assert_non_null(text);
	connect_events(fixture);
	for (size_t at = 0; at < size; at += 997)
		fake_send(fixture->engine, text + at, size - at < 997 ? size - at : 997);
	assert_true(wait_ms(fixture, 2000));
	while (wait_ms(fixture, 50))
		;
	assert_true(docker_is_connected(fixture->docker));
}

static void created_container_is_asked_for_first(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture);
	connect_events(fixture);
	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "]");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 200,
		 DETAILS("created", "", "\"80/tcp\":[{\"HostPort\":\"80\"}]"));
	fake_say(fixture->engine, EVENT("container", "create"));
	assert_true(wait_ms(fixture, 2000));
	assert_reads(fixture);
	assert_int_equal(find(fixture, "a")->bindings_count, 2);
	assert_int_equal(fake_hits(fixture->engine, "/containers/" ID_A "/json"), 1);
	/* And each time as long as it does not run, because its start may have failed. */
	assert_reads(fixture);
	assert_int_equal(fake_hits(fixture->engine, "/containers/" ID_A "/json"), 2);
}

static void garbage_in_the_stream_breaks_it(void **state)
{
	struct fixture *fixture = *state;

	connect_events(fixture);
	fake_say(fixture->engine, "{\"Type\":}\n");
	assert_true(wait_ms(fixture, 2000));
	assert_non_null(strstr(docker_error(fixture->docker), "event is not JSON"));
	connect_events(fixture);
}

static void event_too_long_breaks_the_stream(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *text = malloc(100000);

	memset(text, 'x', 100000);
	connect_events(fixture);
	fake_say(fixture->engine, "{\"Type\":\"");
	for (int i = 0; i < 12 && docker_is_connected(fixture->docker); i++) {
		fake_send(fixture->engine, text, 100000);
		wait_ms(fixture, 20);
	}
	assert_false(docker_is_connected(fixture->docker));
	assert_non_null(strstr(docker_error(fixture->docker), "longer than 1048576 bytes"));
}

static void broken_stream_is_reported_and_connected_again(void **state)
{
	struct fixture *fixture = *state;
	long long start;

	connect_events(fixture);
	fake_stop(fixture->engine);
	assert_true(wait_ms(fixture, 2000));
	assert_false(docker_is_connected(fixture->docker));
	assert_false(wait_ms(fixture, 300));
	start = now_ms();
	fake_listen(fixture->engine);
	connect_events(fixture);
	assert_true(now_ms() - start < 1500);
}

static void stream_refused_is_not_connected(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/events", 400, "{\"message\":\"no\"}");
	assert_false(wait_ms(fixture, 400));
	assert_false(docker_is_connected(fixture->docker));
	assert_non_null(strstr(docker_error(fixture->docker), "HTTP 400"));
	/* 0, 100, 300 ms: not more often than the back-off says. */
	assert_in_range(fake_hits(fixture->engine, "/events"), 2, 4);
}

static void stream_that_ends_at_once_is_not_hurried_for(void **state)
{
	struct fixture *fixture = *state;
	long long end = now_ms() + 1000;

	fake_set_way(fixture->engine, "/events", FAKE_CLOSED);
	while (now_ms() < end)
		wait_ms(fixture, end - now_ms());
	assert_in_range(fake_hits(fixture->engine, "/events"), 3, 6);
}

static void quiet_stream_wakes_nobody(void **state)
{
	struct fixture *fixture = *state;
	int woken;

	connect_events(fixture);
	assert_false(wait_and_count(fixture, 1000, &woken));
	assert_in_range(woken, 1, 5);
}

static void engine_that_is_down_wakes_nobody_but_to_connect(void **state)
{
	struct fixture *fixture = *state;
	int woken;

	connect_events(fixture);
	fake_stop(fixture->engine);
	assert_true(wait_ms(fixture, 2000));
	/* It tries after 100, 200, 400 ms; libcurl wants a call or two for each. */
	assert_false(wait_and_count(fixture, 1000, &woken));
	assert_in_range(woken, 3, 20);
	fake_listen(fixture->engine);
}

static void watch_does_not_block(void **state)
{
	struct fixture *fixture = *state;
	bool is_changed;
	long long start;

	/* Connected, and no head of an answer. */
	fake_set_way(fixture->engine, "/events", FAKE_SILENT);
	assert_true(docker_watch_fd(fixture->docker) >= 0);
	start = now_ms();
	for (int i = 0; i < 100; i++)
		assert_int_equal(docker_watch(fixture->docker, &is_changed), 0);
	assert_true(now_ms() - start < 1000);
	assert_false(docker_is_connected(fixture->docker));
}

static void event_makes_the_descriptor_readable(void **state)
{
	struct fixture *fixture = *state;
	struct pollfd fd = { .events = POLLIN };
	bool is_changed;

	connect_events(fixture);
	wait_ms(fixture, 50);
	fd.fd = docker_watch_fd(fixture->docker);
	assert_int_equal(poll(&fd, 1, 0), 0);
	fake_say(fixture->engine, EVENT("container", "start"));
	assert_int_equal(poll(&fd, 1, 2000), 1);
	assert_int_equal(docker_watch(fixture->docker, &is_changed), 0);
	assert_true(is_changed);
	assert_int_equal(poll(&fd, 1, 0), 0);
}

/* A busy machine is late; a wait that forgot its end would not end at all. */
#define LATE_MS 5000

static void *flood(void *arg)
{
	struct fake_engine *engine = arg;
	int fd;

	while ((fd = __atomic_load_n(&engine->stream_fd, __ATOMIC_SEQ_CST)) >= 0)
		fake_chunk(fd, EVENT("container", "exec_die"),
			   strlen(EVENT("container", "exec_die")));
	return NULL;
}

static void time_is_kept_in_a_flood(void **state)
{
	struct fixture *fixture = *state;
	pthread_t thread;
	long long start;

	connect_events(fixture);
	pthread_create(&thread, NULL, flood, fixture->engine);
	start = now_ms();
	assert_false(wait_ms(fixture, 300));
	assert_in_range(now_ms() - start, 299, LATE_MS);
	docker_free(fixture->docker);
	fixture->docker = NULL;
	pthread_join(thread, NULL);
}

static void time_is_kept_while_docker_is_down(void **state)
{
	struct fixture *fixture = *state;
	long long start;

	fake_stop(fixture->engine);
	start = now_ms();
	assert_false(wait_ms(fixture, 250));
	assert_in_range(now_ms() - start, 249, LATE_MS);
	fake_listen(fixture->engine);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		DOCKER_TEST(connecting_is_a_reason_to_look),
		DOCKER_TEST(event_is_reported_at_once),
		DOCKER_TEST(network_of_one_that_starts_is_looked_at_with_its_start),
		DOCKER_TEST(network_of_one_that_runs_is_looked_at_at_once),
		DOCKER_TEST(one_that_died_is_looked_at_once_more),
		DOCKER_TEST(event_that_changes_nothing_is_not_reported),
		DOCKER_TEST(event_cut_anywhere_is_put_together),
		DOCKER_TEST(recorded_events_are_all_understood),
		DOCKER_TEST(created_container_is_asked_for_first),
		DOCKER_TEST(garbage_in_the_stream_breaks_it),
		DOCKER_TEST(event_too_long_breaks_the_stream),
		DOCKER_TEST(broken_stream_is_reported_and_connected_again),
		DOCKER_TEST(stream_refused_is_not_connected),
		DOCKER_TEST(stream_that_ends_at_once_is_not_hurried_for),
		DOCKER_TEST(quiet_stream_wakes_nobody),
		DOCKER_TEST(engine_that_is_down_wakes_nobody_but_to_connect),
		DOCKER_TEST(watch_does_not_block),
		DOCKER_TEST(event_makes_the_descriptor_readable),
		DOCKER_TEST(time_is_kept_in_a_flood),
		DOCKER_TEST(time_is_kept_while_docker_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
