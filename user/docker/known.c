/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * known.c: see known.h.
 *
 * The list tells what is open now.  It does not tell what a container that does not run was
 * told to publish, nor ports in gateway mode routed.  Details do; but while a container
 * starts they do not come, because the Engine holds its lock until the process runs.  So
 * they have a short time limit, and then what was known at the creation counts: which ports
 * a container asks for never changes.
 */
#include <errno.h>

#include "docker/known.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define DETAILS_MS  1000
#define START_MS    5000 /* a busy host takes so long to start one */
#define KNOWN_MS    25   /* when only the outcome of its last start is asked for */
#define DETAILS_MAX (16u << 20)
#define SETTLED_MS  60000

/* ---- remembering ---- */

static void clear_known(struct docker_known *known)
{
	free(known->id);
	docker_details_clear(&known->details);
	*known = (struct docker_known){};
}

void docker_memory_clear(struct docker_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		clear_known(&memory->items[i]);
	free(memory->items);
	*memory = (struct docker_memory){};
}

static int compare_listed(const void *left, const void *right)
{
	const struct docker_listed *a = left, *b = right;

	return strcmp(a->id, b->id);
}

/* Keeps those that are listed still; both are in the order of ids. */
static int follow_list(struct docker_memory *memory, const struct docker_list *list)
{
	struct docker_memory next = {};
	size_t old = 0;

	next.items = list->count ? calloc(list->count, sizeof(*next.items)) : NULL;
	if (list->count && !next.items)
		return -ENOMEM;
	for (; next.count < list->count; next.count++) {
		struct docker_known *known = &next.items[next.count];
		const char *id = list->items[next.count].id;

		while (old < memory->count && strcmp(memory->items[old].id, id) < 0)
			old++;
		if (old < memory->count && streq(memory->items[old].id, id)) {
			*known = memory->items[old];
			memory->items[old++] = (struct docker_known){};
			known->is_fresh = known->is_prefetched &&
					  list->items[next.count].state == DOCKER_CREATED;
			known->is_prefetched = known->is_gone = known->is_silent = false;
			continue;
		}
		known->id = strdup(id);
		if (!known->id) {
			docker_memory_clear(&next);
			docker_memory_clear(memory);
			return -ENOMEM;
		}
	}
	docker_memory_clear(memory);
	*memory = next;
	return 0;
}

/* ---- asking ---- */

static bool is_needed(const struct docker_known *known, const struct docker_listed *listed)
{
	const struct docker_details *details = &known->details;

	if (known->is_fresh)
		return false;
	switch (listed->state) {
	case DOCKER_REMOVING:
		return false;
	case DOCKER_RUNNING:
		if (!docker_endpoints_are_routed(&listed->endpoints))
			return false;
		return !known->has_details || details->state != DOCKER_RUNNING ||
		       !docker_endpoints_equal(&details->endpoints, &listed->endpoints);
	case DOCKER_EXITED:
		/* Nothing but an operator's `docker update` makes this one matter. */
		return !known->has_details || details->state != DOCKER_EXITED || details->is_kept ||
		       clock_ms(CLOCK_MONOTONIC) - known->read_ms > SETTLED_MS;
	default:
		/* Whether its start failed is news each time. */
		return true;
	}
}

/*
 * While it starts it does not answer.  Waiting for that would hold up everybody else's
 * ports, when its own are known and it is armed already; when they are not, the whole reading
 * fails without them.
 */
static int timeout_ms(const struct docker_known *known, const struct docker_listed *listed)
{
	bool may_start = listed->state == DOCKER_CREATED || listed->state == DOCKER_RESTARTING;
	bool is_known = known->has_details && !known->details.has_failed;

	if (!may_start)
		return DETAILS_MS;
	return is_known ? KNOWN_MS : START_MS;
}

struct question {
	struct docker_known *known;
	const struct docker_listed *listed;
	char path[96];
};

struct asking {
	struct docker_http *http;
	const struct docker_networks *networks;
	struct docker_request *requests;
	struct question *questions;
	struct error *error;
	int err; /* the first that fails the whole reading */
};

static int store_details(struct asking *asking, struct question *question,
			 struct docker_request *request)
{
	struct docker_details details = { .networks = asking->networks };
	struct docker_known *known = question->known;
	struct error json_error;
	int err;

	err = docker_details_read(request->body.bytes, request->body.size, &details, &json_error);
	details.networks = NULL;
	if (err) {
		docker_details_clear(&details);
		return docker_fetch_explain_answer(err, request->path, &json_error, asking->error);
	}
	docker_details_clear(&known->details);
	known->details = details;
	known->has_details = known->is_fresh = true;
	known->read_ms = clock_ms(CLOCK_MONOTONIC);
	return 0;
}

/*
 * One that starts does not answer.  One that the Engine cannot describe (its layer is
 * damaged: "RWLayer of container … is unexpectedly nil") it cannot start either, and it must
 * not stop us from reading the others.
 */
static bool is_tolerated(const struct question *question, const struct docker_request *request)
{
	bool is_known = question->known->has_details || question->listed->state == DOCKER_RUNNING;

	return request->err ? request->err == -ETIMEDOUT && is_known : request->status >= 500;
}

static void on_details(struct docker_request *request, void *arg)
{
	struct asking *asking = arg;
	struct question *question = &asking->questions[request - asking->requests];

	if (asking->err) {
		/* The first failure is the one that is told. */
	} else if (!request->err && request->status == 404) {
		question->known->is_gone = true;
	} else if (!request->err && request->status == 200) {
		asking->err = store_details(asking, question, request);
	} else if (is_tolerated(question, request)) {
		question->known->is_silent = request->err;
	} else if (request->err) {
		asking->err = docker_http_explain(asking->http, request, asking->error);
	} else {
		docker_fetch_explain_status(request, asking->error);
		asking->err = -EPROTO;
	}
	docker_fetch_clear(request);
}

static void write_question(struct asking *asking, size_t index, struct docker_known *known,
			   const char *version)
{
	struct question *question = &asking->questions[index];

	question->known = known;
	snprintf(question->path, sizeof(question->path), "%s/containers/%s/json", version,
		 known->id);
	asking->requests[index] = (struct docker_request){ .path = question->path,
							   .timeout_ms = KNOWN_MS,
							   .limit = DETAILS_MAX };
}

static size_t write_questions(struct asking *asking, struct docker_memory *memory,
			      const struct docker_list *list, const char *version)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!is_needed(&memory->items[i], &list->items[i]))
			continue;
		asking->questions[count].listed = &list->items[i];
		write_question(asking, count, &memory->items[i], version);
		asking->requests[count++].timeout_ms =
			timeout_ms(&memory->items[i], &list->items[i]);
	}
	return count;
}

int docker_memory_refresh(struct docker_memory *memory, struct docker_http *http,
			  const char *version, struct docker_list *list, struct error *error)
{
	_cleanup_free_ struct docker_request *requests = NULL;
	_cleanup_free_ struct question *questions = NULL;
	struct asking asking = { .http = http, .networks = list->networks, .error = error };
	int err;

	if (!list->count) {
		docker_memory_clear(memory);
		return 0;
	}
	qsort(list->items, list->count, sizeof(*list->items), compare_listed);
	err = follow_list(memory, list);
	if (err)
		return err;
	asking.requests = requests = calloc(list->count, sizeof(*requests));
	asking.questions = questions = calloc(list->count, sizeof(*questions));
	if (!requests || !questions)
		return -ENOMEM;
	docker_http_get(http, requests, write_questions(&asking, memory, list, version), on_details,
			&asking);
	return asking.err;
}

/* ---- prefetch ---- */

static int compare_known(const void *left, const void *right)
{
	const struct docker_known *a = left, *b = right;

	return strcmp(a->id, b->id);
}

static void on_prefetch(struct docker_request *request, void *arg)
{
	struct asking *asking = arg;
	struct question *question = &asking->questions[request - asking->requests];

	if (!request->err && request->status == 200)
		store_details(asking, question, request);
	docker_fetch_clear(request);
}

/* Moves those whose details came. */
static int keep_prefetched(struct docker_memory *memory, struct docker_known *created, size_t count)
{
	struct docker_known *grown;

	grown = reallocarray(memory->items, memory->count + count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memory->items = grown;
	for (size_t i = 0; i < count; i++) {
		if (!created[i].has_details ||
		    (memory->count && bsearch(&created[i], memory->items, memory->count,
					      sizeof(*created), compare_known)))
			continue;
		created[i].is_prefetched = true;
		memory->items[memory->count++] = created[i];
		created[i] = (struct docker_known){};
		qsort(memory->items, memory->count, sizeof(*created), compare_known);
	}
	return 0;
}

int docker_memory_prefetch(struct docker_memory *memory, struct docker_http *http,
			   const char *version, const char (*ids)[DOCKER_ID_SIZE], size_t count)
{
	static const struct docker_networks none;
	struct docker_known created[DOCKER_CREATED_MAX] = {};
	struct docker_request requests[DOCKER_CREATED_MAX];
	struct question questions[DOCKER_CREATED_MAX];
	struct asking asking = {
		.http = http, .networks = &none, .requests = requests, .questions = questions
	};
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		created[i].id = strdup(ids[i]);
		if (!created[i].id)
			err = -ENOMEM;
		else
			write_question(&asking, i, &created[i], version);
	}
	if (!err)
		docker_http_get(http, requests, count, on_prefetch, &asking);
	if (!err)
		err = keep_prefetched(memory, created, count);
	for (size_t i = 0; i < count; i++)
		clear_known(&created[i]);
	return err;
}

/* ---- putting together ---- */

static bool is_armed(const struct docker_known *known, enum docker_state state)
{
	if (!known->has_details)
		return false;
	/* It is being started: what its last start came to says nothing now. */
	if (known->is_silent)
		return true;
	if (known->details.has_failed)
		return false;
	return state != DOCKER_EXITED || known->details.is_kept;
}

/* Those in gateway mode routed, which have no port of the host. */
static int append_routed(struct docker_ports *list, const struct docker_ports *more)
{
	for (size_t i = 0; i < more->count; i++) {
		struct docker_ports one = { .items = &more->items[i], .count = 1 };
		int err = one.items->host_lo ? 0 : docker_ports_append(list, &one);

		if (err)
			return err;
	}
	return 0;
}

/* What is open now: as listed, and what details of the container as it runs now add.  Of those that
 * were read before, a container that was started again may have other ports of the host. */
static int collect_mapped(const struct docker_known *known, const struct docker_listed *listed,
			  struct docker_ports *ret)
{
	const struct docker_details *details = &known->details;
	int err;

	err = docker_ports_append(ret, &listed->ports);
	if (err || !known->has_details || details->state != DOCKER_RUNNING)
		return err;
	if (known->is_fresh)
		err = docker_ports_append(ret, &details->mapped);
	else if (docker_endpoints_equal(&details->endpoints, &listed->endpoints))
		err = append_routed(ret, &details->mapped);
	docker_ports_merge(ret);
	return err;
}

static int copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int copy_identity(const struct docker_listed *listed, struct container *ret)
{
	int err;

	err = copy_text(listed->id, &ret->id);
	if (!err)
		err = copy_text(listed->name, &ret->name);
	if (!err)
		err = copy_text(listed->project, &ret->project);
	if (!err)
		err = copy_text(listed->service, &ret->service);
	if (!err)
		err = copy_text(listed->swarm_service, &ret->swarm_service);
	return err;
}

static int copy_endpoints(const struct docker_endpoints *endpoints, struct container *ret)
{
	ret->endpoints =
		endpoints->count ? calloc(endpoints->count, sizeof(*ret->endpoints)) : NULL;
	if (endpoints->count && !ret->endpoints)
		return -ENOMEM;
	for (size_t i = 0; i < endpoints->count; i++) {
		ret->endpoints[i] = endpoints->items[i];
		ret->endpoints_count++;
		if (copy_text(endpoints->items[i].network, &ret->endpoints[i].network))
			return -ENOMEM;
	}
	return 0;
}

int docker_known_merge(const struct docker_known *known, const struct docker_listed *listed,
		       struct container *ret, bool *ret_is_relevant)
{
	enum docker_state state = known->is_fresh ? known->details.state : listed->state;
	bool is_running = state == DOCKER_RUNNING;
	/* Started after it was listed: its addresses are news too. */
	bool is_news = is_running && listed->state != DOCKER_RUNNING;
	struct docker_ports ports = {};
	int err;

	*ret_is_relevant = !known->is_gone && state != DOCKER_REMOVING &&
			   (is_running || is_armed(known, state));
	if (!*ret_is_relevant)
		return 0;
	err = is_running ? collect_mapped(known, listed, &ports)
			 : docker_ports_append(&ports, &known->details.asked);
	ret->bindings = ports.items;
	ret->bindings_count = ports.count;
	ret->is_running = is_running;
	if (!err)
		err = copy_identity(listed, ret);
	if (!err)
		err = copy_endpoints(is_news ? &known->details.endpoints : &listed->endpoints, ret);
	return err;
}
