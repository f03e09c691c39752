/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_engine.h: what answers on a unix socket in place of the Engine, as badly as a test
 * wants it to.  For test_docker.c only.
 */
#ifndef TIDEGATE_FAKE_ENGINE_H
#define TIDEGATE_FAKE_ENGINE_H

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"

enum fake_way {
	FAKE_WHOLE,
	FAKE_CHUNKED,   /* three bytes at a time */
	FAKE_TRUNCATED, /* less than promised, then the end */
	FAKE_SILENT,    /* nothing at all */
	FAKE_LATE,      /* two seconds late */
	FAKE_DRIP,      /* a byte now and then */
	FAKE_GARBAGE,   /* not HTTP */
	FAKE_STREAM,    /* the head, then what fake_send() sends */
	FAKE_CLOSED,    /* the head, then the end */
};

struct fake_route {
	char path[128];
	int status;
	char *body;
	size_t size;
	enum fake_way way;
	char headers[128];
	unsigned int hits;
};

#define FAKE_MAX 64

struct fake_engine {
	char dir[32], url[80], version[16]; /* version: of the last request, "/v1.41" or "" */
	int listen_fd, stream_fd;
	pthread_t thread, workers[1024];
	int fds[1024];
	size_t workers_count;
	pthread_mutex_t lock;
	struct fake_route routes[FAKE_MAX];
	size_t routes_count;
	char *old_bodies[FAKE_MAX * 2]; /* may be on their way out still */
	size_t old_count;
	char last_query[1024];
};

struct fake_worker {
	struct fake_engine *engine;
	int fd;
};

static inline void fake_write(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size) {
		ssize_t written = send(fd, at, size, MSG_NOSIGNAL);

		if (written <= 0)
			return;
		at += written;
		size -= written;
	}
}

static inline void fake_print(int fd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static inline void fake_print(int fd, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	assert(length >= 0);
	fake_write(fd, text, length);
	free(text);
}

static inline void fake_chunk(int fd, const char *bytes, size_t size)
{
	fake_print(fd, "%zx\r\n", size);
	fake_write(fd, bytes, size);
	fake_write(fd, "\r\n", 2);
}

static inline void fake_wait_for_hangup(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		;
}

static inline void fake_answer_chunked(int fd, const struct fake_route *route)
{
	for (size_t at = 0; at < route->size; at += 3)
		fake_chunk(fd, route->body + at, route->size - at < 3 ? route->size - at : 3);
	fake_write(fd, "0\r\n\r\n", 5);
}

static inline void fake_drip(int fd, const struct fake_route *route)
{
	char byte;

	for (size_t at = 0; at < route->size; at++) {
		fake_chunk(fd, route->body + at, 1);
		usleep(50000);
		if (recv(fd, &byte, 1, MSG_DONTWAIT) == 0)
			return;
	}
}

/* Whether the connection may be used again. */
static inline bool fake_answer(struct fake_engine *engine, int fd, const struct fake_route *route)
{
	bool is_chunked =
		route->way != FAKE_WHOLE && route->way != FAKE_LATE && route->way != FAKE_TRUNCATED;

	if (route->way == FAKE_SILENT)
		fake_wait_for_hangup(fd);
	if (route->way == FAKE_GARBAGE)
		fake_write(fd, route->body, route->size);
	if (route->way == FAKE_SILENT || route->way == FAKE_GARBAGE)
		return false;
	if (route->way == FAKE_LATE)
		usleep(2000000);
	fake_print(fd, "HTTP/1.1 %d Whatever\r\n%s", route->status, route->headers);
	if (is_chunked)
		fake_print(fd, "Transfer-Encoding: chunked\r\n\r\n");
	else
		fake_print(fd, "Content-Length: %zu\r\n\r\n", route->size);
	if (route->way == FAKE_WHOLE || route->way == FAKE_LATE)
		fake_write(fd, route->body, route->size);
	if (route->way == FAKE_TRUNCATED)
		fake_write(fd, route->body, route->size / 2);
	if (route->way == FAKE_CHUNKED)
		fake_answer_chunked(fd, route);
	if (route->way == FAKE_DRIP)
		fake_drip(fd, route);
	if (route->way == FAKE_STREAM) {
		__atomic_store_n(&engine->stream_fd, fd, __ATOMIC_SEQ_CST);
		fake_wait_for_hangup(fd);
		__atomic_store_n(&engine->stream_fd, -1, __ATOMIC_SEQ_CST);
	}
	return route->way == FAKE_WHOLE || route->way == FAKE_CHUNKED;
}

static inline struct fake_route fake_find(struct fake_engine *engine, char *target)
{
	struct fake_route found = { .status = 404,
				    .body = (char *)"{\"message\":\"page not found\"}",
				    .size = 28 };
	char *query = strchr(target, '?'), *path = target;

	pthread_mutex_lock(&engine->lock);
	if (query)
		*query++ = 0;
	engine->version[0] = 0;
	if (strncmp(path, "/v1.", 4) == 0) {
		path = strchr(target + 1, '/');
		snprintf(engine->version, sizeof(engine->version), "%.*s", (int)(path - target),
			 target);
	}
	if (query && strcmp(path, "/events") == 0)
		snprintf(engine->last_query, sizeof(engine->last_query), "%s", query);
	for (size_t i = 0; i < engine->routes_count; i++) {
		if (strcmp(engine->routes[i].path, path))
			continue;
		engine->routes[i].hits++;
		found = engine->routes[i];
	}
	pthread_mutex_unlock(&engine->lock);
	return found;
}

static inline void *fake_work(void *arg)
{
	struct fake_worker worker = *(struct fake_worker *)arg;
	char head[4096], target[2048];
	size_t size = 0;

	free(arg);
	for (;;) {
		ssize_t got = recv(worker.fd, head + size, sizeof(head) - 1 - size, 0);
		struct fake_route route;

		if (got <= 0)
			break;
		size += got;
		head[size] = 0;
		if (!strstr(head, "\r\n\r\n"))
			continue;
		assert(sscanf(head, "GET %2047s HTTP/1.1\r\n", target) == 1);
		size = 0;
		route = fake_find(worker.engine, target);
		if (!fake_answer(worker.engine, worker.fd, &route))
			break;
	}
	shutdown(worker.fd, SHUT_RDWR);
	return NULL;
}

static inline void *fake_accept(void *arg)
{
	struct fake_engine *engine = arg;
	int fd;

	while ((fd = accept(engine->listen_fd, NULL, NULL)) >= 0) {
		struct fake_worker *worker = malloc(sizeof(*worker));

		assert(engine->workers_count < ARRAY_SIZE(engine->workers));
		*worker = (struct fake_worker){ engine, fd };
		engine->fds[engine->workers_count] = fd;
		pthread_create(&engine->workers[engine->workers_count++], NULL, fake_work, worker);
	}
	return NULL;
}

static inline void fake_listen(struct fake_engine *engine)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/docker.sock", engine->dir);
	engine->stream_fd = -1;
	engine->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(!bind(engine->listen_fd, (struct sockaddr *)&address, sizeof(address)));
	assert(!listen(engine->listen_fd, 64));
	pthread_create(&engine->thread, NULL, fake_accept, engine);
}

/* As when dockerd stops: the connections end, the socket is gone. */
static inline void fake_stop(struct fake_engine *engine)
{
	shutdown(engine->listen_fd, SHUT_RDWR);
	pthread_join(engine->thread, NULL);
	close(engine->listen_fd);
	for (size_t i = 0; i < engine->workers_count; i++)
		shutdown(engine->fds[i], SHUT_RDWR);
	for (size_t i = 0; i < engine->workers_count; i++) {
		pthread_join(engine->workers[i], NULL);
		close(engine->fds[i]);
	}
	engine->workers_count = 0;
	unlink(engine->url + strlen("unix://"));
}

static inline struct fake_engine *fake_new(void)
{
	struct fake_engine *engine = calloc(1, sizeof(*engine));

	strcpy(engine->dir, "/tmp/tidegate-fake-XXXXXX");
	assert(mkdtemp(engine->dir));
	snprintf(engine->url, sizeof(engine->url), "unix://%s/docker.sock", engine->dir);
	pthread_mutex_init(&engine->lock, NULL);
	fake_listen(engine);
	return engine;
}

static inline void fake_free(struct fake_engine *engine)
{
	fake_stop(engine);
	rmdir(engine->dir);
	for (size_t i = 0; i < engine->routes_count; i++)
		free(engine->routes[i].body);
	for (size_t i = 0; i < engine->old_count; i++)
		free(engine->old_bodies[i]);
	free(engine);
}

static inline struct fake_route *fake_route(struct fake_engine *engine, const char *path)
{
	for (size_t i = 0; i < engine->routes_count; i++)
		if (strcmp(engine->routes[i].path, path) == 0)
			return &engine->routes[i];
	return NULL;
}

/* What is answered to GET path from now on; a later call replaces an earlier one. */
static inline void fake_set_bytes(struct fake_engine *engine, const char *path, int status,
				  const char *body, size_t size, enum fake_way way)
{
	struct fake_route *route;
	char *copy = memcpy(malloc(size + 1), body, size);

	copy[size] = 0;
	pthread_mutex_lock(&engine->lock);
	route = fake_route(engine, path);
	if (!route) {
		assert(engine->routes_count < FAKE_MAX);
		route = &engine->routes[engine->routes_count++];
		snprintf(route->path, sizeof(route->path), "%s", path);
	}
	assert(engine->old_count < ARRAY_SIZE(engine->old_bodies));
	engine->old_bodies[engine->old_count++] = route->body;
	route->body = copy;
	route->size = size;
	route->status = status;
	route->way = way;
	pthread_mutex_unlock(&engine->lock);
}

static inline void fake_set(struct fake_engine *engine, const char *path, int status,
			    const char *body)
{
	fake_set_bytes(engine, path, status, body, strlen(body), FAKE_WHOLE);
}

static inline void fake_set_way(struct fake_engine *engine, const char *path, enum fake_way way)
{
	pthread_mutex_lock(&engine->lock);
	fake_route(engine, path)->way = way;
	pthread_mutex_unlock(&engine->lock);
}

static inline void fake_set_version(struct fake_engine *engine, const char *version,
				    const char *swarm)
{
	struct fake_route *route;

	fake_set(engine, "/_ping", 200, "OK");
	pthread_mutex_lock(&engine->lock);
	route = fake_route(engine, "/_ping");
	snprintf(route->headers, sizeof(route->headers), "Api-Version: %s\r\n%s%s%s", version,
		 swarm ? "Swarm: " : "", swarm ? swarm : "", swarm ? "\r\n" : "");
	pthread_mutex_unlock(&engine->lock);
}

static inline unsigned int fake_hits(struct fake_engine *engine, const char *path)
{
	struct fake_route *route;
	unsigned int hits;

	pthread_mutex_lock(&engine->lock);
	route = fake_route(engine, path);
	hits = route ? route->hits : 0;
	pthread_mutex_unlock(&engine->lock);
	return hits;
}

/* Sends bytes down the event stream, which must stand. */
static inline void fake_send(struct fake_engine *engine, const char *bytes, size_t size)
{
	int fd = __atomic_load_n(&engine->stream_fd, __ATOMIC_SEQ_CST);

	assert(fd >= 0);
	fake_chunk(fd, bytes, size);
}

static inline void fake_say(struct fake_engine *engine, const char *text)
{
	fake_send(engine, text, strlen(text));
}

#endif
