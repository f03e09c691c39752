/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * http.h: requests to the Engine and one stream from it, over a unix socket or TCP.
 * http.c is the only file that knows libcurl; it does not know what the answers mean.
 */
#ifndef TIDEGATE_DOCKER_HTTP_H
#define TIDEGATE_DOCKER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct docker_http;

#define DOCKER_HTTP_CONNECT_MS 2000

/* url as for docker_new().  0, -EINVAL or -ENOMEM. */
int docker_http_new(const char *url, struct docker_http **ret);
const char *docker_http_url(const struct docker_http *http);
void docker_http_free(struct docker_http *http);

/*
 * All requests that docker_http_get() starts from now on are over by then (CLOCK_MONOTONIC); those
 * that it starts later fail with -ETIMEDOUT unasked.  0 = each has its own limit alone.
 */
void docker_http_set_deadline(struct docker_http *http, int64_t deadline_ms);

/* For the value of a query.  To be freed; NULL when there is no memory. */
char *docker_http_escape(const char *text);

struct docker_request {
	/* asked */
	const char *path; /* "/v1.41/networks"; borrowed until the request is done */
	int timeout_ms;   /* for the whole of it; 0 = none; cut at the deadline */
	size_t limit;     /* bytes of answer; above it -EFBIG */
	/* answered */
	int err;            /* -errno: no whole answer came; docker_http_explain() says why */
	long status;        /* HTTP status, once its line is there */
	struct buffer body; /* followed by a zero byte; no bytes = empty.  To be cleared */
	char api_version[16], swarm[24]; /* headers; "" = not sent */
};

/*
 * All of them, several at a time, each with its own time limit; `done` is called for each as
 * it ends and may take the body.
 */
void docker_http_get(struct docker_http *http, struct docker_request *requests, size_t count,
		     void (*done)(struct docker_request *request, void *arg), void *arg);

/* "cannot connect to the Docker Engine at …: …".  For request->err, which it returns. */
int docker_http_explain(const struct docker_http *http, const struct docker_request *request,
			struct error *error);

/*
 * One answer that does not end.  `sink` gets it as it comes; anything but 0 ends it.
 * The stream borrows http.
 */
struct docker_stream;
typedef int docker_sink(const char *bytes, size_t size, void *arg);

int docker_stream_new(struct docker_http *http, docker_sink *sink, void *arg,
		      struct docker_stream **ret);
int docker_stream_open(struct docker_stream *stream, const char *path);
void docker_stream_close(struct docker_stream *stream);
void docker_stream_free(struct docker_stream *stream);

/*
 * For a loop: the descriptor is readable, or the time is up, when docker_stream_run() has
 * something to do; that takes what is there and does not block.  `sink` is called from it only.
 */
int docker_stream_fd(const struct docker_stream *stream);
int64_t docker_stream_deadline_ms(const struct docker_stream *stream); /* INT64_MAX = none */
void docker_stream_run(struct docker_stream *stream);

bool docker_stream_is_open(const struct docker_stream *stream);
/* How it went: status is 200 once it stands; when it is not open any more, err says why. */
const struct docker_request *docker_stream_request(const struct docker_stream *stream);

#endif
