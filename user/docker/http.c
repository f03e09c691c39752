/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * http.c: see http.h.  The only file that knows libcurl.  Nothing of the
 * environment counts (no proxy, no .netrc), no redirect is followed, and every request but
 * the stream has an end.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <curl/curl.h>

#include "docker/http.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define DEFAULT_URL "unix:///var/run/docker.sock"
#define CONCURRENT  16

struct docker_http {
	CURLM *multi;
	char *url;    /* as it was given */
	char *base;   /* "http://host:port" */
	char *socket; /* or NULL */
	int64_t deadline_ms;
};

struct docker_stream {
	struct docker_http *http;
	CURLM *multi;
	int epoll_fd;        /* of the sockets that libcurl wants to hear of */
	int64_t deadline_ms; /* when it wants to be called anyway */
	CURL *easy;          /* NULL = not open */
	docker_sink *sink;
	void *sink_arg;
	struct docker_request request;
};

/* ---- where ---- */

static int parse_url(struct docker_http *http)
{
	static const struct sockaddr_un longest;
	const char *rest = strstr(http->url, "://");
	size_t scheme = rest ? rest - http->url : 0;

	if (!rest)
		return -EINVAL;
	rest += strlen("://");
	if (strncmp(http->url, "unix", scheme) == 0 && scheme == strlen("unix")) {
		if (*rest != '/' || strlen(rest) >= sizeof(longest.sun_path))
			return -EINVAL;
		http->socket = strdup(rest);
		http->base = strdup("http://docker");
		return http->socket && http->base ? 0 : -ENOMEM;
	}
	if ((strncmp(http->url, "tcp", scheme) != 0 || scheme != strlen("tcp")) &&
	    (strncmp(http->url, "http", scheme) != 0 || scheme != strlen("http")))
		return -EINVAL;
	/* A host and a port, with nothing behind. */
	if (!*rest || strcspn(rest, "/?#@ ") + (rest[strlen(rest) - 1] == '/') != strlen(rest))
		return -EINVAL;
	if (asprintf(&http->base, "http://%.*s", (int)strcspn(rest, "/"), rest) < 0)
		http->base = NULL;
	return http->base ? 0 : -ENOMEM;
}

static void freep(struct docker_http **http)
{
	docker_http_free(*http);
}

int docker_http_new(const char *url, struct docker_http **ret)
{
	_cleanup_(freep) struct docker_http *http = calloc(1, sizeof(*http));
	int err;

	if (!http)
		return -ENOMEM;
	if (!url)
		url = getenv("DOCKER_HOST");
	if (!url || !*url)
		url = DEFAULT_URL;
	http->url = strdup(url);
	if (!http->url)
		return -ENOMEM;
	err = parse_url(http);
	if (err)
		return err;
	/* Not CURL_GLOBAL_SSL: there is none here, and it takes a megabyte. */
	if (curl_global_init(CURL_GLOBAL_NOTHING))
		return -ENOMEM;
	http->multi = curl_multi_init();
	if (!http->multi)
		return -ENOMEM;
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 4L);
	*ret = TAKE_PTR(http);
	return 0;
}

void docker_http_set_deadline(struct docker_http *http, int64_t deadline_ms)
{
	http->deadline_ms = deadline_ms;
}

const char *docker_http_url(const struct docker_http *http)
{
	return http->url;
}

void docker_http_free(struct docker_http *http)
{
	if (!http)
		return;
	if (http->multi)
		curl_multi_cleanup(http->multi);
	free(http->url);
	free(http->base);
	free(http->socket);
	free(http);
}

char *docker_http_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0), *copy = NULL;

	if (escaped)
		copy = strdup(escaped);
	curl_free(escaped);
	return copy;
}

/* ---- one transfer ---- */

static int error_of(CURL *easy, CURLcode result)
{
	long os_errno = 0;

	switch (result) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
		return os_errno ? -os_errno : -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_WRITE_ERROR: /* the limit, or the sink */
		return -EFBIG;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return -ECONNRESET;
	default:
		return -EPROTO;
	}
}

static int set_target(CURL *easy, const struct docker_http *http, const char *path)
{
	char *url;
	CURLcode result;

	if (asprintf(&url, "%s%s", http->base, path) < 0)
		return -ENOMEM;
	result = curl_easy_setopt(easy, CURLOPT_URL, url);
	free(url);
	if (!result && http->socket)
		result = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, http->socket);
	return result ? -ENOMEM : 0;
}

static CURL *new_easy(const struct docker_http *http, struct docker_request *request)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return NULL;
	if (set_target(easy, http, request->path)) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)DOCKER_HTTP_CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "tidegate/" VERSION);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	return easy;
}

static size_t store(char *bytes, size_t size, size_t count, void *arg)
{
	struct docker_request *request = arg;
	struct buffer *body = &request->body;

	count *= size;
	if (count > request->limit - body->size || buffer_reserve(body, count + 1) < 0 ||
	    buffer_append(body, bytes, count) < 0)
		return 0;
	body->bytes[body->size] = 0;
	return count;
}

static void copy_header(CURL *easy, const char *name, char *ret, size_t size)
{
	struct curl_header *header;

	*ret = 0;
	if (!curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header))
		snprintf(ret, size, "%s", header->value);
}

static void finish(CURL *easy, CURLcode result, struct docker_request *request)
{
	request->err = error_of(easy, result);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &request->status);
	copy_header(easy, "Api-Version", request->api_version, sizeof(request->api_version));
	copy_header(easy, "Swarm", request->swarm, sizeof(request->swarm));
}

int docker_http_explain(const struct docker_http *http, const struct docker_request *request,
			struct error *error)
{
	const char *path = request->path, *url = http->url;
	int err = request->err;

	if (err == -ETIMEDOUT && request->timeout_ms < 0)
		return error_set(
			error, err,
			"the Docker Engine at %s answers so slowly that GET %s was not asked in "
			"time",
			url, path);
	if (err == -ETIMEDOUT && request->timeout_ms)
		return error_set(error, err,
				 "the Docker Engine at %s did not answer GET %s within %g s", url,
				 path, request->timeout_ms / 1000.0);
	if (err == -EFBIG)
		return error_set(error, err, "answer to GET %s is longer than %zu bytes", path,
				 request->limit);
	if (err == -ECONNRESET || err == -EPROTO)
		return error_set(error, err, "GET %s from the Docker Engine at %s: %s", path, url,
				 err == -EPROTO
					 ? "the answer is not HTTP"
					 : "the connection broke before the answer was whole");
	return error_set(
		error, err, "cannot connect to the Docker Engine at %s: %s%s", url, strerror(-err),
		err == -EACCES ? "; this needs root or the group docker"
		: err == -ENOMEM
			? ""
			: "; is it running? set `docker` in the configuration or --docker");
}

/* ---- requests ---- */

struct batch {
	struct docker_http *http;
	void (*done)(struct docker_request *request, void *arg);
	void *arg;
	size_t running;
};

/* What is left of its time; -1 = nothing. */
static int timeout_of(const struct docker_http *http, int timeout_ms)
{
	int64_t left = http->deadline_ms - clock_ms(CLOCK_MONOTONIC);

	if (!http->deadline_ms)
		return timeout_ms;
	if (left <= 0)
		return -1;
	return timeout_ms && timeout_ms < left ? timeout_ms : left;
}

/* A request that cannot even be started is done. */
static void start(struct batch *batch, struct docker_request *request)
{
	CURL *easy = NULL;

	request->timeout_ms = timeout_of(batch->http, request->timeout_ms);
	if (request->timeout_ms >= 0)
		easy = new_easy(batch->http, request);
	if (!easy) {
		request->err = request->timeout_ms < 0 ? -ETIMEDOUT : -ENOMEM;
		batch->done(request, batch->arg);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, store);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_multi_add_handle(batch->http->multi, easy);
	batch->running++;
}

static void reap(struct batch *batch)
{
	struct docker_request *request;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(batch->http->multi, &left))) {
		CURL *easy = message->easy_handle;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &request);
		finish(easy, message->data.result, request);
		curl_multi_remove_handle(batch->http->multi, easy);
		curl_easy_cleanup(easy);
		batch->running--;
		batch->done(request, batch->arg);
	}
}

void docker_http_get(struct docker_http *http, struct docker_request *requests, size_t count,
		     void (*done)(struct docker_request *request, void *arg), void *arg)
{
	struct batch batch = { .http = http, .done = done, .arg = arg };
	size_t started = 0;
	int running;

	while (started < count || batch.running) {
		/* Its time starts when it does, not while it waits for its turn. */
		while (started < count && batch.running < CONCURRENT)
			start(&batch, &requests[started++]);
		curl_multi_perform(http->multi, &running);
		if (running == (int)batch.running)
			curl_multi_poll(http->multi, NULL, 0, 1000, NULL);
		reap(&batch);
	}
}

/* ---- the stream ---- */

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct docker_stream *stream = arg;
	struct epoll_event event = { .data.fd = fd };

	if (what == CURL_POLL_REMOVE) {
		/* libcurl may have closed it already, and then it is not in there either. */
		(void)epoll_ctl(stream->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(stream->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return epoll_ctl(stream->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct docker_stream *stream = arg;

	stream->deadline_ms = timeout_ms < 0 ? INT64_MAX : clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	return 0;
}

int docker_stream_new(struct docker_http *http, docker_sink *sink, void *arg,
		      struct docker_stream **ret)
{
	struct docker_stream *stream = calloc(1, sizeof(*stream));
	int err = -ENOMEM;

	if (!stream)
		return -ENOMEM;
	stream->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (stream->epoll_fd < 0)
		err = -errno;
	else
		stream->multi = curl_multi_init();
	if (!stream->multi) {
		docker_stream_free(stream);
		return err;
	}
	curl_multi_setopt(stream->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(stream->multi, CURLMOPT_SOCKETDATA, stream);
	curl_multi_setopt(stream->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(stream->multi, CURLMOPT_TIMERDATA, stream);
	stream->deadline_ms = INT64_MAX;
	stream->http = http;
	stream->sink = sink;
	stream->sink_arg = arg;
	*ret = stream;
	return 0;
}

static size_t pour(char *bytes, size_t size, size_t count, void *arg)
{
	struct docker_stream *stream = arg;
	long status = 0;

	curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &status);
	/* The body of a refusal is not the stream. */
	if (status == 200 && stream->sink(bytes, size * count, stream->sink_arg))
		return 0;
	return size * count;
}

int docker_stream_open(struct docker_stream *stream, const char *path)
{
	docker_stream_close(stream);
	stream->request = (struct docker_request){ .path = path };
	stream->easy = new_easy(stream->http, &stream->request);
	stream->request.path = "/events";
	if (!stream->easy)
		return -ENOMEM;
	curl_easy_setopt(stream->easy, CURLOPT_WRITEFUNCTION, pour);
	curl_easy_setopt(stream->easy, CURLOPT_WRITEDATA, stream);
	/* The other host may be gone without a word. */
	curl_easy_setopt(stream->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_multi_add_handle(stream->multi, stream->easy);
	return 0;
}

void docker_stream_close(struct docker_stream *stream)
{
	if (!stream->easy)
		return;
	curl_multi_remove_handle(stream->multi, stream->easy);
	curl_easy_cleanup(stream->easy);
	stream->easy = NULL;
}

void docker_stream_free(struct docker_stream *stream)
{
	if (!stream)
		return;
	docker_stream_close(stream);
	if (stream->multi)
		curl_multi_cleanup(stream->multi);
	if (stream->epoll_fd >= 0)
		close(stream->epoll_fd);
	free(stream);
}

int docker_stream_fd(const struct docker_stream *stream)
{
	return stream->epoll_fd;
}

int64_t docker_stream_deadline_ms(const struct docker_stream *stream)
{
	return stream->easy ? stream->deadline_ms : INT64_MAX;
}

static void drive(struct docker_stream *stream)
{
	struct epoll_event events[4];
	int running, count = epoll_wait(stream->epoll_fd, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < count; i++) {
		int mask = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		curl_multi_socket_action(stream->multi, events[i].data.fd, mask, &running);
	}
	if (clock_ms(CLOCK_MONOTONIC) < stream->deadline_ms)
		return;
	/* It sets the next one, if it wants one. */
	stream->deadline_ms = INT64_MAX;
	curl_multi_socket_action(stream->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

void docker_stream_run(struct docker_stream *stream)
{
	CURLMsg *message;
	int count;

	if (!stream->easy)
		return;
	drive(stream);
	curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &stream->request.status);
	while ((message = curl_multi_info_read(stream->multi, &count))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		finish(stream->easy, message->data.result, &stream->request);
		docker_stream_close(stream);
		break;
	}
}

bool docker_stream_is_open(const struct docker_stream *stream)
{
	return stream->easy;
}

const struct docker_request *docker_stream_request(const struct docker_stream *stream)
{
	return &stream->request;
}
