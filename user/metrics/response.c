/* SPDX-License-Identifier: GPL-2.0-only */
/* response.c: see response.h. */
#include "metrics/response.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define LINGER_MS    1000

/* 0 = ready, -ETIMEDOUT, or another -errno. */
static int wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline_ms - clock_ms(CLOCK_MONOTONIC);
		int count = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;

		if (count > 0)
			return 0;
		if (count == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* ---- the request ------------------------------------------------------------------------ */

static bool is_whole(const char *text)
{
	return strstr(text, "\r\n\r\n") || strstr(text, "\n\n");
}

/* 0 = the header is in the buffer; else the status that answers it, or -errno. */
static int read_header(int fd, char text[static RESPONSE_REQUEST_MAX + 1])
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + RESPONSE_READ_MS;
	size_t length = 0;

	for (text[0] = '\0'; !is_whole(text);) {
		int err = wait_for(fd, POLLIN, deadline_ms);
		ssize_t got;

		if (err < 0)
			return err == -ETIMEDOUT ? 408 : err;
		got = read(fd, text + length, RESPONSE_REQUEST_MAX - length);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return length == RESPONSE_REQUEST_MAX ? 431 : length ? 400 : -ECONNRESET;
		if (got < 0)
			continue;
		if (memchr(text + length, '\0', got))
			return 400;
		length += got;
		text[length] = '\0';
	}
	return 0;
}

/* "GET /metrics?x=y HTTP/1.1": the status that answers it. */
static int judge(const char *text, bool *ret_is_head)
{
	char method[16], path[256], version[16];

	if (sscanf(text, "%15[A-Z] %255[^ \r\n] %15[^ \r\n]", method, path, version) != 3 ||
	    strncmp(version, "HTTP/1.", strlen("HTTP/1.")) != 0 || path[0] != '/')
		return 400;
	/* RFC 9112, 3.2 */
	if (!streq(version, "HTTP/1.0") && !strcasestr(text, "\nhost:"))
		return 400;
	*ret_is_head = streq(method, "HEAD");
	if (!*ret_is_head && !streq(method, "GET"))
		return 405;
	path[strcspn(path, "?")] = '\0';
	return streq(path, "/metrics") || streq(path, "/") ? 200 : 404;
}

int response_read_request(int fd, struct request *ret)
{
	char text[RESPONSE_REQUEST_MAX + 1];
	struct request request = {};
	int status = read_header(fd, text);

	if (status < 0)
		return status;
	request.status = status ? status : judge(text, &request.is_head);
	*ret = request;
	return 0;
}

/* ---- the response ----------------------------------------------------------------------- */

static const char *phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "Internal Server Error";
	}
}

static int send_all(int fd, const char *bytes, size_t size)
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + RESPONSE_SEND_MS;

	while (size) {
		int err = wait_for(fd, POLLOUT, deadline_ms);
		ssize_t sent;

		if (err < 0)
			return err;
		sent = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (sent > 0) {
			bytes += sent;
			size -= sent;
		}
	}
	return 0;
}

/* A socket that is closed with bytes unread resets the connection. */
static void linger(int fd)
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + LINGER_MS;
	char bytes[4096];

	(void)shutdown(fd, SHUT_WR);
	while (wait_for(fd, POLLIN, deadline_ms) == 0)
		if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			return;
}

int response_send(int fd, const struct request *request, const char *body, size_t size)
{
	char head[256], wrong[64];
	int err;

	if (request->status != 200) {
		size = snprintf(wrong, sizeof(wrong), "%d %s\n", request->status,
				phrase(request->status));
		body = wrong;
	}
	snprintf(head, sizeof(head),
		 "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
		 "Connection: close\r\n\r\n",
		 request->status, phrase(request->status),
		 request->status == 200 ? CONTENT_TYPE : "text/plain; charset=utf-8", size,
		 request->status == 405 ? "Allow: GET, HEAD\r\n" : "");
	err = send_all(fd, head, strlen(head));
	if (err == 0 && !request->is_head)
		err = send_all(fd, body, size);
	linger(fd);
	return err;
}
