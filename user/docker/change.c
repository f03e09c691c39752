/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change.c: see change.h.  The Engine is asked to leave the rest out, because
 * a health check is three events for each container and interval; it can only be asked by
 * type and by action apart, so the pairs are checked here again.
 */
#include <errno.h>

#include "docker/change.h"
#include "base/cleanup.h"

/* No event carries ports: it only says that it is time to ask. */
static const struct {
	const char *type, *action;
} changes[] = {
	/* clang-format off */
	{ "container", "create" },    /* the ports asked for are known from here on */
	{ "container", "start" },
	{ "container", "die" },       /* by now its ports are closed (moby daemon/monitor.go) */
	{ "container", "destroy" },
	{ "container", "rename" },
	{ "container", "update" },    /* the restart policy */
	{ "network", "create" },
	{ "network", "connect" },     /* may move the ports of a container that runs */
	{ "network", "disconnect" },
	{ "network", "destroy" },
	{ "network", "remove" },      /* what a swarm says for destroy */
	{ "daemon", "reload" },
	{ "service", "create" },
	{ "service", "update" },
	{ "service", "remove" },
	{ "node", "create" },         /* this node became a manager, perhaps */
	{ "node", "update" },
	{ "node", "remove" },
	/* clang-format on */
};

static bool is_change(const char *type, const char *action)
{
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (streq(type, changes[i].type) && streq(action, changes[i].action))
			return true;
	return false;
}

static int note_created(const struct docker_json *json, struct docker_change *change)
{
	struct docker_json actor = docker_json_member(json, "Actor");
	struct docker_json id_json = docker_json_member(&actor, "ID");
	const char *id;
	int err;

	err = docker_json_id(&id_json, &id);
	if (!err && change->created_count < DOCKER_CREATED_MAX)
		strcpy(change->created[change->created_count++], id);
	return err;
}

/* When it does not say which container, or there is no room, it is a change like any other. */
static int note_joined(const struct docker_json *json, struct docker_change *change)
{
	struct docker_json actor = docker_json_member(json, "Actor");
	struct docker_json attributes = docker_json_member(&actor, "Attributes");
	struct docker_json container = docker_json_member(&attributes, "container");
	const char *id;
	int err;

	err = docker_json_string(&container, &id);
	if (err)
		return err;
	if (strlen(id) == DOCKER_ID_SIZE - 1 && change->joined_count < DOCKER_CREATED_MAX)
		strcpy(change->joined[change->joined_count++], id);
	else
		change->is_any = true;
	return 0;
}

static int visit_event(const struct docker_json *json, void *arg)
{
	struct docker_json type_json = docker_json_member(json, "Type");
	struct docker_json action_json = docker_json_member(json, "Action");
	struct docker_change *change = arg;
	const char *type, *action;
	int err;

	err = docker_json_name(&type_json, &type);
	if (!err)
		err = docker_json_name(&action_json, &action);
	if (err || !is_change(type, action))
		return err;
	if (streq(type, "network") && streq(action, "connect"))
		return note_joined(json, change);
	change->is_any = true;
	if (streq(type, "container") && streq(action, "die"))
		change->has_died = true;
	if (streq(type, "container") && streq(action, "create"))
		return note_created(json, change);
	return 0;
}

int docker_change_read(char *text, size_t size, size_t *ret_used, struct docker_change *change,
		       struct error *error)
{
	return docker_json_read_stream(text, size, visit_event, change, ret_used, error);
}

/* ---- the filters ---- */

static const char *type_at(size_t index)
{
	return changes[index].type;
}

static const char *action_at(size_t index)
{
	return changes[index].action;
}

static void write_names(FILE *out, const char *key, const char *(*name_at)(size_t index))
{
	fprintf(out, "\"%s\":", key);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		size_t first = 0;

		while (!streq(name_at(first), name_at(i)))
			first++;
		if (first == i)
			fprintf(out, "%s\"%s\"", i ? "," : "[", name_at(i));
	}
	fputc(']', out);
}

char *docker_change_filters(void)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputc('{', out);
	write_names(out, "type", type_at);
	fputc(',', out);
	write_names(out, "event", action_at);
	fputc('}', out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
