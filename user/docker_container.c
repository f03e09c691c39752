/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * docker_container.c: containers, as GET /containers/json lists them and as
 * GET /containers/{id}/json describes one.  Whatever is not understood is an error, never a
 * guess: half an inventory would open the wrong ports.  Labels are let through as they come,
 * because whoever made the image chose them: one that cannot be a name is none.
 */
#include <errno.h>

#include "docker_container.h"
#include "util.h"

#define PORT_MAX 65535

static int copy_text(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* ---- what both have ---- */

static int read_state(const struct docker_json *json, enum docker_state *ret)
{
	static const struct {
		const char *name;
		enum docker_state state;
	} states[] = {
		{ "created", DOCKER_CREATED },       { "running", DOCKER_RUNNING },
		{ "paused", DOCKER_RUNNING },        { "restarting", DOCKER_RESTARTING },
		{ "exited", DOCKER_EXITED },         { "dead", DOCKER_EXITED },
		{ "removing", DOCKER_REMOVING },
	};
	const char *text;
	int err;

	err = docker_json_name(json, &text);
	if (err)
		return err;
	*ret = DOCKER_CREATED;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (streq(text, states[i].name))
			*ret = states[i].state;
	return 0;
}

static int fail_ports(const struct docker_json *json, int err)
{
	if (err == -EINVAL)
		return docker_json_fail(json, "has an address that is none");
	if (err == -ERANGE)
		return docker_json_fail(json, "has ranges of ports that do not go in step");
	return err;
}

/* ---- the list ---- */

static int read_id(const struct docker_json *container, char **ret)
{
	struct docker_json json = docker_json_member(container, "Id");
	const char *id;
	int err;

	err = docker_json_id(&json, &id);
	if (err)
		return err;
	return copy_text(id, ret);
}

/* The name of its own: the others, "/other/alias", are links of other containers to it. */
static int visit_name(const struct docker_json *json, void *arg)
{
	struct docker_listed *listed = arg;
	const char *name;
	int err;

	err = docker_json_name(json, &name);
	if (err)
		return err;
	if (name[0] != '/' || !name[1])
		return docker_json_fail(json, "is not a name");
	if (listed->name || strchr(name + 1, '/'))
		return 0;
	return copy_text(name + 1, &listed->name);
}

static int read_name(const struct docker_json *container, struct docker_listed *listed)
{
	struct docker_json names = docker_json_member(container, "Names");
	int err;

	err = docker_json_elements(&names, visit_name, listed);
	if (err || listed->name)
		return err;
	/* A dead one has lost its name. */
	listed->name = strndup(listed->id, 12);
	return listed->name ? 0 : -ENOMEM;
}

static int read_label(const struct docker_json *labels, const char *key, char **ret)
{
	struct docker_json label = docker_json_member(labels, key);
	const char *text;
	size_t length;
	int err;

	err = docker_json_string(&label, &text);
	if (err)
		return err;
	length = strlen(text);
	if (!length || length > 255 || !inventory_is_printable(text, length))
		return 0;
	return copy_text(text, ret);
}

static int read_labels(const struct docker_json *container, struct docker_listed *listed)
{
	struct docker_json labels = docker_json_member(container, "Labels");
	int err;

	err = read_label(&labels, "com.docker.compose.project", &listed->project);
	if (!err)
		err = read_label(&labels, "com.docker.compose.service", &listed->service);
	if (!err)
		err = read_label(&labels, "com.docker.swarm.service.name", &listed->swarm_service);
	return err;
}

/* {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"} */
static int visit_port(const struct docker_json *json, void *arg)
{
	struct docker_json address_json = docker_json_member(json, "IP");
	struct docker_json private_json = docker_json_member(json, "PrivatePort");
	struct docker_json public_json = docker_json_member(json, "PublicPort");
	struct docker_json type_json = docker_json_member(json, "Type");
	long long inside, outside;
	const char *address, *type;
	struct docker_range from, to;
	__u8 proto;
	int err;

	err = docker_json_string(&address_json, &address);
	if (!err)
		err = docker_json_number(&private_json, PORT_MAX, &inside);
	if (!err)
		err = docker_json_number(&public_json, PORT_MAX, &outside);
	if (!err)
		err = docker_json_string(&type_json, &type);
	if (err)
		return err;
	if (!inside)
		return docker_json_fail(&private_json, "is not a port");
	if (docker_ports_parse_proto(type, &proto))
		return docker_json_fail(&type_json, "is not tcp, udp or sctp");
	if (!outside) /* exposed, not published */
		return 0;
	from = (struct docker_range){ outside, outside };
	to = (struct docker_range){ inside, inside };
	err = docker_ports_add(arg, proto, address, from, to);
	return fail_ports(json, err);
}

static int visit_listed(const struct docker_json *json, void *arg)
{
	struct docker_json state = docker_json_member(json, "State");
	struct docker_json ports = docker_json_member(json, "Ports");
	struct docker_list *list = arg;
	struct docker_listed *listed;
	int err;

	listed = util_append(&list->items, list->count, sizeof(*listed));
	if (!listed)
		return -ENOMEM;
	list->count++;
	err = read_id(json, &listed->id);
	if (!err)
		err = read_name(json, listed);
	if (!err)
		err = read_labels(json, listed);
	if (!err)
		err = read_state(&state, &listed->state);
	if (!err)
		err = docker_json_elements(&ports, visit_port, &listed->ports);
	if (!err)
		err = docker_endpoints_read(json, list->networks, &listed->endpoints);
	docker_ports_merge(&listed->ports);
	return err;
}

int docker_list_read(char *text, size_t size, struct docker_list *ret,
		       struct docker_json_error *error)
{
	return docker_json_read_each(text, size, "containers", visit_listed, ret, error);
}

/* ---- inspect ---- */

struct ports_walk {
	struct docker_ports *ports;
	__u8 proto;
	struct docker_range range; /* inside the container */
	bool is_request;           /* a port without an address is one to be chosen */
};

static int visit_port_binding(const struct docker_json *json, void *arg)
{
	struct docker_json address_json = docker_json_member(json, "HostIp");
	struct docker_json port_json = docker_json_member(json, "HostPort");
	struct ports_walk *walk = arg;
	const char *address, *port;
	struct docker_range host;
	int err;

	err = docker_json_string(&address_json, &address);
	if (!err)
		err = docker_json_string(&port_json, &port);
	if (err)
		return err;
	if (docker_ports_parse_range(port, &host))
		return docker_json_fail(&port_json, "is not a port or a range of ports");
	err = docker_ports_add(walk->ports, walk->proto, address, host, walk->range);
	return fail_ports(json, err);
}

/* "80/tcp": [{"HostIp": "", "HostPort": "8080"}] */
static int visit_port_map(const struct docker_json *json, void *arg)
{
	struct ports_walk *walk = arg;
	size_t count = walk->ports->count;
	int err;

	if (docker_ports_parse(json->key, &walk->proto, &walk->range))
		return docker_json_fail(json, "is not a port and a protocol");
	err = docker_json_elements(json, visit_port_binding, walk);
	if (err || !walk->is_request || walk->ports->count > count)
		return err;
	return docker_ports_add(walk->ports, walk->proto, "", (struct docker_range){}, walk->range);
}

/* "80/tcp": {} */
static int visit_exposed(const struct docker_json *json, void *arg)
{
	struct docker_range range;
	__u8 proto;

	if (docker_ports_parse(json->key, &proto, &range))
		return docker_json_fail(json, "is not a port and a protocol");
	return docker_ports_add(arg, proto, "", (struct docker_range){}, range);
}

/* -P: a free port for each exposed one that -p does not name. */
static int read_exposed(const struct docker_json *container, struct docker_ports *asked)
{
	struct docker_json host = docker_json_member(container, "HostConfig");
	struct docker_json all = docker_json_member(&host, "PublishAllPorts");
	struct docker_json config = docker_json_member(container, "Config");
	struct docker_json ports = docker_json_member(&config, "ExposedPorts");
	_cleanup_(docker_ports_clear) struct docker_ports exposed = {};
	bool is_all;
	int err;

	err = docker_json_flag(&all, &is_all);
	if (err || !is_all)
		return err;
	err = docker_json_members(&ports, visit_exposed, &exposed);
	return err ? err : docker_ports_fill(asked, &exposed);
}

static int read_asked(const struct docker_json *container, struct docker_ports *asked)
{
	struct docker_json host = docker_json_member(container, "HostConfig");
	struct docker_json mode_json = docker_json_member(&host, "NetworkMode");
	struct docker_json bindings = docker_json_member(&host, "PortBindings");
	struct ports_walk walk = { .ports = asked, .is_request = true };
	const char *mode;
	int err;

	err = docker_json_string(&mode_json, &mode);
	if (err)
		return err;
	/* Without a network of its own -p is ignored. */
	if (streq(mode, "host") || streq(mode, "none") || strncmp(mode, "container:", 10) == 0)
		return 0;
	err = docker_json_members(&bindings, visit_port_map, &walk);
	if (!err)
		err = read_exposed(container, asked);
	docker_ports_merge(asked);
	return err;
}

static int read_mapped(const struct docker_json *container, struct docker_ports *mapped)
{
	struct docker_json settings = docker_json_member(container, "NetworkSettings");
	struct docker_json ports = docker_json_member(&settings, "Ports");
	struct ports_walk walk = { .ports = mapped };
	int err;

	err = docker_json_members(&ports, visit_port_map, &walk);
	docker_ports_merge(mapped);
	return err;
}

static int read_restart(const struct docker_json *container, bool *ret_is_kept)
{
	struct docker_json host = docker_json_member(container, "HostConfig");
	struct docker_json policy = docker_json_member(&host, "RestartPolicy");
	struct docker_json name = docker_json_member(&policy, "Name");
	const char *text;
	int err;

	err = docker_json_string(&name, &text);
	if (!err)
		*ret_is_kept = *text && !streq(text, "no");
	return err;
}

static int visit_details(const struct docker_json *json, void *arg)
{
	struct docker_json state = docker_json_member(json, "State");
	struct docker_json status = docker_json_member(&state, "Status");
	struct docker_json failure = docker_json_member(&state, "Error");
	struct docker_details *details = arg;
	const char *text;
	int err;

	err = read_state(&status, &details->state);
	if (!err)
		err = docker_json_string(&failure, &text);
	if (!err)
		err = read_restart(json, &details->is_kept);
	if (!err)
		err = read_asked(json, &details->asked);
	if (!err)
		err = read_mapped(json, &details->mapped);
	if (!err)
		err = docker_endpoints_read(json, details->networks, &details->endpoints);
	if (!err)
		details->has_failed = *text;
	return err;
}

int docker_details_read(char *text, size_t size, struct docker_details *ret,
			  struct docker_json_error *error)
{
	return docker_json_read(text, size, "container", visit_details, ret, error);
}

/* ---- end ---- */

static void clear_listed(struct docker_listed *listed)
{
	free(listed->id);
	free(listed->name);
	free(listed->project);
	free(listed->service);
	free(listed->swarm_service);
	docker_ports_clear(&listed->ports);
	docker_endpoints_clear(&listed->endpoints);
}

void docker_list_clear(struct docker_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		clear_listed(&list->items[i]);
	free(list->items);
	*list = (struct docker_list){};
}

void docker_details_clear(struct docker_details *details)
{
	docker_ports_clear(&details->asked);
	docker_ports_clear(&details->mapped);
	docker_endpoints_clear(&details->endpoints);
	*details = (struct docker_details){};
}
