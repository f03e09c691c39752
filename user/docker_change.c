/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * docker_change.c: see docker_change.h.  The Engine is asked to leave the rest out, because
 * a health check is three events for each container and interval; it can only be asked by
 * type and by action apart, so the pairs are checked here again.
 */
#include <errno.h>

#include "docker_change.h"
#include "util.h"

/* No event carries ports: it only says that it is time to ask. */
static const struct {
	const char *type, *action;
} changes[] = {
	{ "container", "create" },    /* the ports asked for are known from here on */
	{ "container", "start" },
	{ "container", "die" },       /* by now its ports are closed (moby daemon/monitor.go) */
	{ "container", "destroy" },
	{ "container", "rename" },
	{ "container", "update" },    /* the restart policy */
	{ "network", "create" },
	{ "network", "connect" },     /* may move a container's ports without a start */
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
};

static int visit_event(const struct docker_json *json, void *arg)
{
	struct docker_json type_json = docker_json_member(json, "Type");
	struct docker_json action_json = docker_json_member(json, "Action");
	const char *type, *action;
	bool *changed = arg;
	int err;

	err = docker_json_name(&type_json, &type);
	if (!err)
		err = docker_json_name(&action_json, &action);
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (streq(type, changes[i].type) && streq(action, changes[i].action))
			*changed = true;
	return 0;
}

int docker_change_read(char *text, size_t size, size_t *ret_used, bool *changed,
		       struct docker_json_error *error)
{
	return docker_json_read_stream(text, size, visit_event, changed, ret_used, error);
}

static bool is_first(size_t index, bool is_action)
{
	for (size_t i = 0; i < index; i++)
		if (is_action ? streq(changes[i].action, changes[index].action)
			      : streq(changes[i].type, changes[index].type))
			return false;
	return true;
}

static void write_names(FILE *out, const char *key, bool is_action)
{
	fprintf(out, "\"%s\":", key);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (is_first(i, is_action))
			fprintf(out, "%s\"%s\"", i ? "," : "[",
				is_action ? changes[i].action : changes[i].type);
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
	write_names(out, "type", false);
	fputc(',', out);
	write_names(out, "event", true);
	fputc('}', out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
