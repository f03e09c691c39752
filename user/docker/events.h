/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.h: the Engine's event stream, kept up: connected, read, given up and
 * connected again.  It only ever says "look again".
 */
#ifndef TIDEGATE_DOCKER_EVENTS_H
#define TIDEGATE_DOCKER_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "docker/change.h"

struct docker_events;
struct docker_http;

/* Whether that container is known not to run, so that its joining a network is its start. */
typedef bool docker_is_stopped(const char *id, void *arg);

/* Borrows http.  is_stopped is called from docker_events_run(). */
int docker_events_new(struct docker_http *http, docker_is_stopped *is_stopped, void *arg,
		      struct docker_events **ret);
void docker_events_free(struct docker_events *events);

/* As docker_watch(), with docker_watch_fd() and docker_watch_timeout_ms().  `version` ("/v1.41" or
 * "") is for the next time it connects. */
int docker_events_fd(const struct docker_events *events);
int docker_events_timeout_ms(const struct docker_events *events);
int docker_events_run(struct docker_events *events, bool *ret_changed);
/* The containers created since the last call; borrowed until the next run. */
size_t docker_events_take_created(struct docker_events *events, const char (**ret)[DOCKER_ID_SIZE]);
void docker_events_set_version(struct docker_events *events, const char *version);

bool docker_events_is_connected(const struct docker_events *events);
/* Why the stream broke last; "" if it did not. */
const char *docker_events_error(const struct docker_events *events);

#endif
