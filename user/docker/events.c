/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.c: see events.h.
 *
 * Events get lost: the Engine drops them for a listener that is 100 ms and 1024 events late
 * (moby daemon/events/events.go), and nobody listens while the stream is down.  So a stream
 * that breaks, and one that stands again, are changes too.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>

#include "docker/events.h"
#include "docker/http.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define HEAD_MS        5000 /* until the head of the answer is there */
#define EVENT_MAX      (1 << 20)
#define START_MS       500  /* from joining its networks until a container runs, ordinarily */
#define DIED_MS        1000 /* from its end until the Engine has decided whether to restart it */

enum state { DOWN, CONNECTING, STANDING };

struct docker_events {
	struct docker_http *http;
	struct docker_stream *stream;
	char version[16];
	enum state state;
	docker_is_stopped *is_stopped;
	void *arg; /* of is_stopped */
	struct docker_change change;
	int64_t start_end_ms; /* when to look at what joined a network anyway; 0 = nothing did */
	int64_t died_end_ms;  /* when to look at what died once more; 0 = nothing did */
	int64_t since_ms;     /* in this state */
	int backoff_ms;
	struct buffer buffer; /* the beginning of an event */
	struct error garbage;
	struct error error;
};

/* ---- what arrives ---- */

/*
 * A container joins its networks when it is started, and until it runs the Engine tells no more
 * about it than before: "start" comes then, and one look is enough for both.
 */
static void weigh_joined(struct docker_events *events)
{
	struct docker_change *change = &events->change;

	if (change->joined_count && !events->start_end_ms)
		events->start_end_ms = clock_ms(CLOCK_MONOTONIC) + START_MS;
	for (; change->joined_count; change->joined_count--)
		if (!events->is_stopped(change->joined[change->joined_count - 1], events->arg))
			change->is_any = true;
}

/*
 * With "die" the container may still be listed as one that is to be restarted.  When the Engine
 * decides against it, as after `docker kill`, it sends no event of that.
 */
static void note_died(struct docker_events *events)
{
	if (events->change.has_died)
		events->died_end_ms = clock_ms(CLOCK_MONOTONIC) + DIED_MS;
	events->change.has_died = false;
}

static int take(const char *bytes, size_t size, void *arg)
{
	struct docker_events *events = arg;
	size_t used = 0;
	int err;

	err = buffer_append(&events->buffer, bytes, size);
	if (!err)
		err = docker_change_read(events->buffer.bytes, events->buffer.size, &used,
					 &events->change, &events->garbage);
	weigh_joined(events);
	note_died(events);
	buffer_consume(&events->buffer, used);
	if (!err && events->buffer.size > EVENT_MAX) {
		snprintf(events->garbage.text, sizeof(events->garbage.text),
			 "event is longer than %d bytes", EVENT_MAX);
		err = -EFBIG;
	}
	return err;
}

/* ---- up and down ---- */

static void enter(struct docker_events *events, enum state state)
{
	events->state = state;
	events->since_ms = clock_ms(CLOCK_MONOTONIC);
}

static void explain(struct docker_events *events)
{
	const struct docker_request *request = docker_stream_request(events->stream);
	const char *url = docker_http_url(events->http);

	if (*events->garbage.text)
		error_set(&events->error, -EBADMSG,
			  "the event stream of the Docker Engine at %s: %s", url,
			  events->garbage.text);
	else if (docker_stream_is_open(events->stream))
		error_set(&events->error, -ETIMEDOUT,
			  "the Docker Engine at %s did not answer GET /events within %d s", url,
			  HEAD_MS / 1000);
	else if (!request->err && request->status != 200)
		error_set(&events->error, -EPROTO,
			  "GET /events from the Docker Engine at %s: HTTP %ld", url,
			  request->status);
	else if (!request->err)
		error_set(&events->error, -ECONNRESET,
			  "the Docker Engine at %s ended the event stream", url);
	else
		docker_http_explain(events->http, request, &events->error);
}

static void give_up(struct docker_events *events)
{
	bool was_steady = events->state == STANDING &&
			  clock_ms(CLOCK_MONOTONIC) - events->since_ms >= BACKOFF_MAX_MS;

	explain(events);
	/* The Engine may be another one next time, which speaks another version. */
	if (docker_stream_request(events->stream)->status == 400)
		events->version[0] = 0;
	docker_stream_close(events->stream);
	if (events->state == STANDING)
		events->change.is_any = true;
	/* One that lets us in and throws us out is not worth hurrying for. */
	if (was_steady || !events->backoff_ms)
		events->backoff_ms = BACKOFF_MIN_MS;
	else if ((events->backoff_ms *= 2) > BACKOFF_MAX_MS)
		events->backoff_ms = BACKOFF_MAX_MS;
	enter(events, DOWN);
}

/*
 * `since` now: the head of the answer is sent before the Engine subscribes us (moby
 * api/server/router/system/system_routes.go), and an event in between must not be lost.
 */
static int open_stream(struct docker_events *events)
{
	_cleanup_free_ char *filters = docker_change_filters(), *escaped = NULL, *path = NULL;
	int err;

	if (filters)
		escaped = docker_http_escape(filters);
	if (!escaped || asprintf(&path, "%s/events?since=%lld&filters=%s", events->version,
				 (long long)time(NULL), escaped) < 0)
		return -ENOMEM;
	buffer_consume(&events->buffer, events->buffer.size);
	events->garbage.text[0] = 0;
	err = docker_stream_open(events->stream, path);
	if (!err)
		enter(events, CONNECTING);
	return err;
}

/* When the state ends by itself. */
static int64_t state_end(const struct docker_events *events)
{
	switch (events->state) {
	case DOWN:
		return events->since_ms + events->backoff_ms;
	case CONNECTING:
		return events->since_ms + HEAD_MS;
	default:
		return INT64_MAX;
	}
}

/* When the state ends by itself, or it is time to look again without an event. */
static int64_t next_end(const struct docker_events *events)
{
	int64_t end = state_end(events);

	if (events->start_end_ms && events->start_end_ms < end)
		end = events->start_end_ms;
	return events->died_end_ms && events->died_end_ms < end ? events->died_end_ms : end;
}

static bool is_over(int64_t end_ms)
{
	return end_ms && clock_ms(CLOCK_MONOTONIC) >= end_ms;
}

static int keep_up(struct docker_events *events)
{
	int err;

	if (events->state == DOWN && clock_ms(CLOCK_MONOTONIC) >= state_end(events)) {
		err = open_stream(events);
		if (err) {
			events->backoff_ms = BACKOFF_MAX_MS;
			enter(events, DOWN);
			return err;
		}
	}
	docker_stream_run(events->stream);
	if (events->state == CONNECTING && docker_stream_request(events->stream)->status == 200) {
		enter(events, STANDING);
		events->change.is_any = true;
	}
	if (events->state != DOWN && (!docker_stream_is_open(events->stream) ||
				      clock_ms(CLOCK_MONOTONIC) >= state_end(events)))
		give_up(events);
	return 0;
}

/* ---- for the loop ---- */

int docker_events_fd(const struct docker_events *events)
{
	return docker_stream_fd(events->stream);
}

int docker_events_timeout_ms(const struct docker_events *events)
{
	int64_t end = next_end(events), own = docker_stream_deadline_ms(events->stream);
	int64_t left = (end < own ? end : own) - clock_ms(CLOCK_MONOTONIC);

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
}

int docker_events_run(struct docker_events *events, bool *ret_changed)
{
	int err = keep_up(events);

	if (is_over(events->start_end_ms) || is_over(events->died_end_ms))
		events->change.is_any = true;
	if (is_over(events->died_end_ms))
		events->died_end_ms = 0;
	*ret_changed = events->change.is_any;
	if (events->change.is_any)
		events->start_end_ms = 0;
	events->change.is_any = false;
	return err;
}

size_t docker_events_take_created(struct docker_events *events, const char (**ret)[DOCKER_ID_SIZE])
{
	size_t count = events->change.created_count;

	*ret = (const char(*)[DOCKER_ID_SIZE])events->change.created;
	events->change.created_count = 0;
	return count;
}

void docker_events_set_version(struct docker_events *events, const char *version)
{
	snprintf(events->version, sizeof(events->version), "%s", version);
}

bool docker_events_is_connected(const struct docker_events *events)
{
	return events->state == STANDING;
}

const char *docker_events_error(const struct docker_events *events)
{
	return events->error.text;
}

int docker_events_new(struct docker_http *http, docker_is_stopped *is_stopped, void *arg,
		      struct docker_events **ret)
{
	struct docker_events *events = calloc(1, sizeof(*events));
	int err;

	if (!events)
		return -ENOMEM;
	events->http = http;
	events->is_stopped = is_stopped;
	events->arg = arg;
	err = docker_stream_new(http, take, events, &events->stream);
	if (err) {
		free(events);
		return err;
	}
	*ret = events;
	return 0;
}

void docker_events_free(struct docker_events *events)
{
	if (!events)
		return;
	docker_stream_free(events->stream);
	buffer_clear(&events->buffer);
	free(events);
}
