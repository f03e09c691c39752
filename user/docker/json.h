/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json.h: JSON that is not trusted, read value by value.  A value knows the way to
 * it, so that whatever is wrong with it can be said: "containers[3].Ports[0].PublicPort is
 * not a number".  json.c is the only file that knows jansson.  Pure.
 */
#ifndef TIDEGATE_DOCKER_JSON_H
#define TIDEGATE_DOCKER_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct json_t;

/* A value within a document; lives on the stack, valid while the visit lasts. */
struct docker_json {
	const struct docker_json *up; /* NULL = the whole answer */
	const char *key;              /* its name in an object, or NULL */
	size_t index;                 /* its place in an array, without a key */
	const struct json_t *value;   /* NULL = absent, or null */
	const char *text;             /* of an element visited by docker_json_read_each() */
	size_t size;
	struct error *error;
};

/* Returns 0 to go on, or -errno, which the walk then returns. */
typedef int docker_json_visit(const struct docker_json *json, void *arg);

/*
 * The whole answer is one object.  `name` is what errors call the answer.  The text may be
 * changed.  0, -EBADMSG with error, -ENOMEM, or what visit said.
 */
int docker_json_read(char *text, size_t size, const char *name, docker_json_visit *visit, void *arg,
		     struct error *error);

/*
 * The whole answer is an array of objects.  They are decoded one after the other, because a
 * list of a thousand containers takes ten times its text.  `skip`, if there is one, is shown
 * the text from an element on, and may answer how long the element is, if it knows that
 * already; then it is not decoded.
 */
struct docker_json_each {
	docker_json_visit *visit;
	size_t (*skip)(const char *text, size_t left, void *arg);
	void *arg;
};
int docker_json_read_each(char *text, size_t size, const char *name,
			  const struct docker_json_each *each, struct error *error);

/*
 * Takes whole objects off the front of a stream that comes in pieces.  *ret_used bytes are
 * done with; what is left is the beginning of an object that has not arrived yet.
 */
int docker_json_read_stream(char *text, size_t size, docker_json_visit *visit, void *arg,
			    size_t *ret_used, struct error *error);

/* A member of an object; absent when `json` itself is.  That `json` is something else than an
 * object is told when the member is used. */
struct docker_json docker_json_member(const struct docker_json *json, const char *key);

/* Each member of an object, each element of an array; none when absent. */
int docker_json_members(const struct docker_json *json, docker_json_visit *visit, void *arg);
int docker_json_elements(const struct docker_json *json, docker_json_visit *visit, void *arg);

/* These fail with -EBADMSG on another type; absent is "", 0, false.  Strings are borrowed. */
int docker_json_string(const struct docker_json *json, const char **ret);
int docker_json_number(const struct docker_json *json, long long max, long long *ret);
int docker_json_flag(const struct docker_json *json, bool *ret);

/* A string that must be there and be fit for an inventory. */
int docker_json_name(const struct docker_json *json, const char **ret);

/* A string that must be there and be 64 hex digits, and so fit to be part of a path. */
int docker_json_id(const struct docker_json *json, const char **ret);

/* "<the way to it> <message>" becomes the error.  Returns -EBADMSG. */
int docker_json_fail(const struct docker_json *json, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
