/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fetch.h: one question to the Engine, and the text for people when there is no
 * answer to it.
 */
#ifndef TIDEGATE_DOCKER_FETCH_H
#define TIDEGATE_DOCKER_FETCH_H

#include <stddef.h>

#include "docker/http.h"
#include "docker/json.h"

/*
 * GET version path, up to 5 s and 64 MiB.  *ret has status 200 and a body to be freed.
 * 0, or -errno with the error; -EPROTO for another status, which ret->status tells.
 */
int docker_fetch(struct docker_http *http, const char *version, const char *path,
		 struct docker_request *ret, struct error *error);

/* The text for a request that was answered with another status than 200. */
void docker_fetch_explain_status(const struct docker_request *request, struct error *error);

/* The text for an answer that was not understood; nothing when err is 0.  Returns err. */
int docker_fetch_explain_answer(int err, const char *path, const struct error *json_error,
				struct error *error);

/* Clears what docker_fetch() returned. */
void docker_fetch_clear(struct docker_request *request);

#endif
