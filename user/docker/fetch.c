/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fetch.c: see fetch.h.
 */
#include <errno.h>
#include <stdio.h>

#include "docker/fetch.h"
#include "docker/inventory.h"
#include "base/cleanup.h"

#define ANSWER_MS  5000
#define ANSWER_MAX (64u << 20)

struct message {
	char text[256];
};

static int visit_message(const struct docker_json *json, void *arg)
{
	struct docker_json member = docker_json_member(json, "message");
	struct message *message = arg;
	const char *text;

	if (!docker_json_string(&member, &text))
		snprintf(message->text, sizeof(message->text), "%s", text);
	return 0;
}

/* The Engine's own words: {"message": "…"}, or plain text from before its API proper. */
static void read_message(const struct docker_request *request, struct message *message)
{
	message->text[0] = 0;
	if (!request->body.bytes)
		return;
	snprintf(message->text, sizeof(message->text), "%s", request->body.bytes);
	docker_json_read(request->body.bytes, request->body.size, "error", visit_message, message,
			 NULL);
	message->text[strcspn(message->text, "\r\n")] = 0;
	for (char *at = message->text; *at; at++)
		if (!inventory_is_printable(at, 1))
			*at = '?';
}

void docker_fetch_explain_status(const struct docker_request *request, struct error *error)
{
	struct message message;

	read_message(request, &message);
	error_set(error, -EPROTO, "GET %s: HTTP %ld%s%s", request->path, request->status,
		  *message.text ? ": " : "", message.text);
}

int docker_fetch_explain_answer(int err, const char *path, const struct error *json_error,
				struct error *error)
{
	if (err == -EBADMSG)
		return error_set(error, err, "unexpected answer to GET %s: %s", path,
				 json_error->text);
	return err ? error_set_errno(error, err, "GET %s", path) : 0;
}

static void ignore(struct docker_request *request, void *arg)
{
}

int docker_fetch(struct docker_http *http, const char *version, const char *path,
		 struct docker_request *ret, struct error *error)
{
	_cleanup_(docker_fetch_clear) struct docker_request request = { .timeout_ms = ANSWER_MS,
									.limit = ANSWER_MAX };
	_cleanup_free_ char *whole = NULL;

	if (asprintf(&whole, "%s%s", version, path) < 0) {
		whole = NULL;
		return docker_fetch_explain_answer(-ENOMEM, path, NULL, error);
	}
	request.path = whole;
	docker_http_get(http, &request, 1, ignore, NULL);
	if (request.err)
		return docker_http_explain(http, &request, error);
	ret->status = request.status;
	if (request.status != 200) {
		docker_fetch_explain_status(&request, error);
		return -EPROTO;
	}
	request.path = path;
	*ret = request;
	request.body = (struct buffer){};
	return 0;
}

void docker_fetch_clear(struct docker_request *request)
{
	buffer_clear(&request->body);
}
