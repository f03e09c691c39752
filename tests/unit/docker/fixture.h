/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fixture.h: a bad Engine with a client at it, for test_docker.c and test_docker_events.c,
 * which include cmocka.h first.
 */
#ifndef TIDEGATE_DOCKER_FIXTURE_H
#define TIDEGATE_DOCKER_FIXTURE_H

#include <time.h>

#include "docker/docker.h"
#include "fake_engine.h"
#include "docker/inventory.h"
#include "base/cleanup.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LISTED(id, name, state, ports)                                                           \
	"{\"Id\":\"" id "\",\"Names\":[\"/" name "\"],\"State\":\"" state "\",\"Ports\":[" ports \
	"],\"Labels\":{},\"NetworkSettings\":{\"Networks\":{}}}"
#define DETAILS(state, error, bindings)                                                     \
	"{\"State\":{\"Status\":\"" state "\",\"Error\":\"" error "\"},\"HostConfig\":"     \
	"{\"NetworkMode\":\"bridge\",\"PortBindings\":{" bindings "}},\"NetworkSettings\":" \
	"{\"Ports\":{},\"Networks\":{}}}"
#define PORT(ip, port) \
	"{\"IP\":\"" ip "\",\"PrivatePort\":" port ",\"PublicPort\":" port ",\"Type\":\"tcp\"}"
#define EVENT(type, action) \
	"{\"Type\":\"" type "\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" ID_A "\"}}\n"

struct fixture {
	struct fake_engine *engine;
	struct docker *docker;
	struct inventory *inventory;
};

static inline int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->engine = fake_new();
	fake_set_version(fixture->engine, "1.44", "inactive");
	fake_set(fixture->engine, "/containers/json", 200, "[]");
	fake_set(fixture->engine, "/networks", 200, "[]");
	fake_set_bytes(fixture->engine, "/events", 200, "", 0, FAKE_STREAM);
	assert_int_equal(docker_new(fixture->engine->url, &fixture->docker), 0);
	*state = fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	docker_free(fixture->docker);
	inventory_free(fixture->inventory);
	fake_free(fixture->engine);
	free(fixture);
	return 0;
}

static inline int read_again(struct fixture *fixture)
{
	inventory_free(fixture->inventory);
	fixture->inventory = NULL;
	return docker_read(fixture->docker, &fixture->inventory);
}

static inline void assert_reads(struct fixture *fixture)
{
	int err = read_again(fixture);

	if (err)
		fail_msg("%d: %s", err, docker_error(fixture->docker));
	assert_string_equal(docker_error(fixture->docker), "");
}

static inline void assert_fails(struct fixture *fixture, int expected, const char *text)
{
	int err = read_again(fixture);

	if (err != expected || !strstr(docker_error(fixture->docker), text))
		fail_msg("%d: %s", err, docker_error(fixture->docker));
	assert_null(fixture->inventory);
}

static inline const struct container *find(const struct fixture *fixture, const char *name)
{
	for (size_t i = 0; i < fixture->inventory->containers_count; i++)
		if (streq(fixture->inventory->containers[i].name, name))
			return &fixture->inventory->containers[i];
	return NULL;
}

static inline long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static inline char *read_file(const char *path, size_t *ret_size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "r");
	struct stat stat;
	char *text;

	if (!file || fstat(fileno(file), &stat))
		return NULL;
	text = calloc(1, stat.st_size + 1);
	*ret_size = fread(text, 1, stat.st_size, file);
	return text;
}

static inline void data_path(char *ret, size_t size, const char *engine, const char *name)
{
	const char *slash = strrchr(__FILE__, '/');

	snprintf(ret, size, "%.*s/%s/%s", (int)(slash - __FILE__), __FILE__, engine, name);
}

#define DOCKER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
