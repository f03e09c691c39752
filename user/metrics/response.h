/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * response.h: one request of HTTP/1.1 (RFC 9112) and the response to it, for a service manager that
 * listens and starts a process for each connection.  Who asks has RESPONSE_READ_MS for the request
 * and RESPONSE_SEND_MS for taking the response.
 */
#ifndef TIDEGATE_METRICS_RESPONSE_H
#define TIDEGATE_METRICS_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#define RESPONSE_READ_MS     5000
#define RESPONSE_SEND_MS     10000
#define RESPONSE_REQUEST_MAX 8192 /* bytes of the request's header */

struct request {
	int status; /* that it is to be answered with: 200, or what is wrong with it */
	bool is_head;
};

/* Reads the request's header.  0, or -errno when nobody is there to answer: the connection was
 * closed or is broken. */
int response_read_request(int fd, struct request *ret);

/* Sends the response; the body counts for status 200 alone, others say what is wrong.  Then no more
 * is sent, and what else comes in is read, so that no reset overtakes the response.  0 or -errno.
 */
int response_send(int fd, const struct request *request, const char *body, size_t size);

#endif
