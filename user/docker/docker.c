/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * docker.c: one reading of everything the Engine has, in the order that makes it consistent.
 */
#include <errno.h>

#include "docker/docker.h"
#include "docker/events.h"
#include "docker/fetch.h"
#include "docker/http.h"
#include "docker/known.h"
#include "docker/list.h"
#include "docker/network.h"
#include "docker/inventory.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* API 1.MINOR: the oldest is that of Engine 20.10; the newest, of 29.0, lost some fields. */
#define API_MIN          41
#define API_MAX          52
#define API_GATEWAY_MODE 46 /* Engine 27 */

#define INFO_TTL_MS 60000

struct docker {
	struct docker_http *http;
	struct docker_events *events; /* NULL until somebody watches */
	char version[16];             /* "/v1.41"; "" = not negotiated */
	int engine_minor;
	bool is_manager;
	int read_ms;                     /* docker_limit(); 0 = DOCKER_READ_MS */
	long long info_ms;               /* when /info said so; 0 = never */
	struct docker_networks networks; /* of the last reading */
	struct docker_list list;
	struct docker_memory memory;
	struct error error;
};

static int fetch(struct docker *docker, const char *path, struct docker_request *ret)
{
	return docker_fetch(docker->http, docker->version, path, ret, &docker->error);
}

static int explain_answer(struct docker *docker, int err, const char *path,
			  const struct error *error)
{
	return docker_fetch_explain_answer(err, path, error, &docker->error);
}

/* ---- who it is ---- */

static int choose_version(struct docker *docker, const char *api_version)
{
	const char *url = docker_http_url(docker->http);
	int minor, end = 0;

	if (sscanf(api_version, "1.%4d%n", &minor, &end) != 1 || api_version[end]) {
		return error_set(&docker->error, -EPROTO,
				 "the answer from %s is not a Docker Engine's", url);
	}
	if (minor < API_MIN) {
		return error_set(
			&docker->error, -EPROTONOSUPPORT,
			"the Docker Engine at %s speaks API 1.%d; 1.%d (Engine 20.10) or newer is "
			"needed",
			url, minor, API_MIN);
	}
	docker->engine_minor = minor;
	snprintf(docker->version, sizeof(docker->version), "/v1.%d",
		 minor < API_MAX ? minor : API_MAX);
	return 0;
}

/* Engines before 23 do not say it in the header; /info is slow, so not each time. */
static int ask_info(struct docker *docker)
{
	_cleanup_(docker_fetch_clear) struct docker_request request = {};
	struct error error;
	bool is_manager;
	int err;

	if (docker->info_ms && clock_ms(CLOCK_MONOTONIC) - docker->info_ms < INFO_TTL_MS)
		return 0;
	err = fetch(docker, "/info", &request);
	if (err)
		return err;
	err = docker_list_read_info(request.body.bytes, request.body.size, &is_manager, &error);
	if (err)
		return explain_answer(docker, err, "/info", &error);
	docker->is_manager = is_manager;
	docker->info_ms = clock_ms(CLOCK_MONOTONIC);
	return 0;
}

/* Each time: an Engine that was replaced by another one is asked in the other's words. */
static int negotiate(struct docker *docker)
{
	_cleanup_(docker_fetch_clear) struct docker_request request = {};
	int err;

	docker->version[0] = 0;
	err = fetch(docker, "/_ping", &request);
	if (!err)
		err = choose_version(docker, request.api_version);
	if (err)
		return err;
	if (docker->events)
		docker_events_set_version(docker->events, docker->version);
	if (!*request.swarm)
		return ask_info(docker);
	docker->is_manager = streq(request.swarm, "active/manager");
	return 0;
}

/* ---- what it has ---- */

static int read_networks(struct docker *docker)
{
	_cleanup_(docker_fetch_clear) struct docker_request request = {};
	_cleanup_(docker_network_clear) struct docker_networks networks = {};
	struct error error;
	int err;

	err = fetch(docker, "/networks", &request);
	if (err)
		return err;
	networks.has_gateway_mode = docker->engine_minor >= API_GATEWAY_MODE;
	err = docker_network_read(request.body.bytes, request.body.size, &networks, &error);
	if (err)
		return explain_answer(docker, err, "/networks", &error);
	if (!docker_network_equal(&networks, &docker->networks))
		docker_list_clear(&docker->list);
	docker_network_clear(&docker->networks);
	docker->networks = networks;
	networks = (struct docker_networks){};
	return 0;
}

/*
 * The list first, the networks after it, so that they include every network in the list; but
 * read the other way round, because the list needs to know who is routed.
 */
static int read_list(struct docker *docker)
{
	_cleanup_(docker_fetch_clear) struct docker_request request = {};
	struct error error;
	int err;

	err = fetch(docker, "/containers/json?all=1", &request);
	if (!err)
		err = read_networks(docker);
	if (err)
		return err;
	docker->list.networks = &docker->networks;
	err = docker_list_read(request.body.bytes, request.body.size, &docker->list, &error);
	return explain_answer(docker, err, "/containers/json", &error);
}

static int read_services(struct docker *docker, struct inventory *inventory)
{
	_cleanup_(docker_fetch_clear) struct docker_request request = {};
	struct error error;
	int err;

	if (!docker->is_manager)
		return 0;
	err = fetch(docker, "/services", &request);
	if (err == -EPROTO && request.status == 503) {
		/* Not a manager any more. */
		docker->error = (struct error){};
		return 0;
	}
	if (err)
		return err;
	err = docker_list_read_services(request.body.bytes, request.body.size, inventory, &error);
	return explain_answer(docker, err, "/services", &error);
}

static int add_container(const struct docker_known *known, const struct docker_listed *listed,
			 struct inventory *inventory)
{
	struct container *container = util_append(&inventory->containers,
						  inventory->containers_count, sizeof(*container));
	bool is_relevant;
	int err;

	if (!container)
		return -ENOMEM;
	err = docker_known_merge(known, listed, container, &is_relevant);
	inventory->containers_count += is_relevant;
	return err;
}

/* The list itself stays in the Engine's order, in which the next one comes too. */
static int add_containers(struct docker *docker, struct inventory *inventory)
{
	_cleanup_free_ struct docker_listed *sorted = NULL;
	struct docker_list list = docker->list;
	int err;

	if (list.count) {
		sorted = reallocarray(NULL, list.count, sizeof(*sorted));
		if (!sorted)
			return -ENOMEM;
		list.items = memcpy(sorted, list.items, list.count * sizeof(*sorted));
	}
	err = docker_memory_refresh(&docker->memory, docker->http, docker->version, &list,
				    &docker->error);
	for (size_t i = 0; !err && i < list.count; i++)
		err = add_container(&docker->memory.items[i], &list.items[i], inventory);
	return err;
}

static int add_subnets(const struct docker *docker, struct inventory *inventory)
{
	for (size_t i = 0; i < docker->networks.subnets_count; i++) {
		struct subnet *subnet =
			util_append(&inventory->subnets, inventory->subnets_count, sizeof(*subnet));

		if (!subnet)
			return -ENOMEM;
		inventory->subnets_count++;
		*subnet = docker->networks.subnets[i];
		subnet->network = strdup(subnet->network);
		if (!subnet->network)
			return -ENOMEM;
	}
	return 0;
}

/* Before anything else: between the creation and the start there are milliseconds. */
static int prefetch_created(struct docker *docker)
{
	const char(*ids)[DOCKER_ID_SIZE];
	size_t count = docker->events ? docker_events_take_created(docker->events, &ids) : 0;

	if (!count || !*docker->version)
		return 0;
	return docker_memory_prefetch(&docker->memory, docker->http, docker->version, ids, count);
}

/* What is short comes before what may take long, so that it is not what there is no time for. */
static int read_all(struct docker *docker, struct inventory *inventory)
{
	int err;

	docker_http_set_deadline(docker->http,
				 clock_ms(CLOCK_MONOTONIC) + (docker->read_ms ?: DOCKER_READ_MS));
	err = prefetch_created(docker);
	if (!err)
		err = negotiate(docker);
	if (!err)
		err = read_list(docker);
	if (!err)
		err = read_services(docker, inventory);
	if (!err)
		err = add_containers(docker, inventory);
	if (!err)
		err = add_subnets(docker, inventory);
	if (!err)
		inventory_sort(inventory);
	return err;
}

void docker_limit(struct docker *docker, int read_ms)
{
	docker->read_ms = read_ms;
}

int docker_read(struct docker *docker, struct inventory **ret)
{
	_cleanup_(inventory_freep) struct inventory *inventory = calloc(1, sizeof(*inventory));
	int err;

	docker->error = (struct error){};
	err = inventory ? read_all(docker, inventory) : -ENOMEM;
	if (err) {
		docker->info_ms = 0;
		if (!*docker->error.text)
			error_set_errno(&docker->error, err,
					"cannot read the state of the Docker Engine at %s",
					docker_http_url(docker->http));
		return err;
	}
	*ret = TAKE_PTR(inventory);
	return 0;
}

/* ---- what an audit wants to know ---- */

void docker_facts_free(struct docker_facts *facts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		docker_facts_clear(&facts[i]);
	free(facts);
}

/* 1 = there are some; 0 = the container has ended meanwhile. */
static int read_facts_of(struct docker *docker, const char *id, struct docker_facts *facts)
{
	_cleanup_(docker_fetch_clear) struct docker_request request = {};
	struct error error;
	char path[128];
	int err;

	snprintf(path, sizeof(path), "/containers/%s/json", id);
	err = fetch(docker, path, &request);
	if (err == -EPROTO && request.status == 404) {
		docker->error = (struct error){};
		return 0;
	}
	if (err)
		return err;
	err = docker_facts_read(request.body.bytes, request.body.size, facts, &error);
	return err ? explain_answer(docker, err, path, &error) : 1;
}

int docker_read_facts(struct docker *docker, struct docker_facts **ret, size_t *ret_count,
		      int *ret_api)
{
	struct docker_facts *facts = NULL, *added;
	size_t count = 0;
	int found = 0;

	docker_http_set_deadline(docker->http, clock_ms(CLOCK_MONOTONIC) + DOCKER_READ_MS);
	for (size_t i = 0; found >= 0 && i < docker->list.count; i++) {
		if (docker->list.items[i].state != DOCKER_RUNNING)
			continue;
		added = util_append(&facts, count, sizeof(*added));
		found = added ? read_facts_of(docker, docker->list.items[i].id, added) : -ENOMEM;
		if (added && found <= 0)
			docker_facts_clear(added);
		count += found > 0;
	}
	if (found < 0) {
		docker_facts_free(facts, count);
		return found;
	}
	*ret = facts;
	*ret_count = count;
	*ret_api = docker->engine_minor;
	return 0;
}

/* ---- the rest of docker.h ---- */

/* By the last reading; nothing is known of one that it did not have. */
static bool is_stopped(const char *id, void *arg)
{
	const struct docker_list *list = &((struct docker *)arg)->list;

	for (size_t i = 0; i < list->count; i++)
		if (streq(list->items[i].id, id))
			return list->items[i].state == DOCKER_CREATED ||
			       list->items[i].state == DOCKER_RESTARTING ||
			       list->items[i].state == DOCKER_EXITED;
	return false;
}

int docker_watch_fd(struct docker *docker)
{
	int err = 0;

	if (!docker->events)
		err = docker_events_new(docker->http, is_stopped, docker, &docker->events);
	return err ? err : docker_events_fd(docker->events);
}

int docker_watch_timeout_ms(const struct docker *docker)
{
	return docker_events_timeout_ms(docker->events);
}

int docker_watch(struct docker *docker, bool *ret_changed)
{
	int err = docker_events_run(docker->events, ret_changed);

	if (err)
		error_set_errno(&docker->error, err, "cannot wait for Docker's events");
	return err;
}

bool docker_is_connected(const struct docker *docker)
{
	return docker->events && docker_events_is_connected(docker->events);
}

const char *docker_error(const struct docker *docker)
{
	if (*docker->error.text || !docker->events)
		return docker->error.text;
	return docker_is_connected(docker) ? "" : docker_events_error(docker->events);
}

const char *docker_url(const struct docker *docker)
{
	return docker_http_url(docker->http);
}

int docker_new(const char *url, struct docker **ret)
{
	struct docker *docker = calloc(1, sizeof(*docker));
	int err;

	if (!docker)
		return -ENOMEM;
	err = docker_http_new(url, &docker->http);
	if (err) {
		free(docker);
		return err;
	}
	*ret = docker;
	return 0;
}

void docker_free(struct docker *docker)
{
	if (!docker)
		return;
	docker_events_free(docker->events);
	docker_http_free(docker->http);
	docker_memory_clear(&docker->memory);
	docker_list_clear(&docker->list);
	docker_network_clear(&docker->networks);
	free(docker);
}

void docker_freep(struct docker **docker)
{
	docker_free(*docker);
}
