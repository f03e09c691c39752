/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * list.c: containers as GET /containers/json lists them.  Whatever is not understood
 * is an error, never a guess: half an inventory would open the wrong ports.  Labels are let
 * through as they come, because whoever made the image chose them: one that cannot be a name
 * is none.  And a swarm's services, as a manager lists them: entries beside the containers,
 * because a port in mode ingress is open on this host whether or not a task runs here.  A worker is
 * not told; there only the kernel knows.
 */
#include <errno.h>

#include "docker/inventory.h"
#include "docker/list.h"
#include "base/cleanup.h"
#include "base/hash.h"

#define PORT_MAX 65535

static int copy_text(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int docker_state_read(const struct docker_json *json, enum docker_state *ret)
{
	static const struct {
		const char *name;
		enum docker_state state;
	} states[] = {
		{ "created", DOCKER_CREATED },   { "running", DOCKER_RUNNING },
		{ "paused", DOCKER_RUNNING },    { "restarting", DOCKER_RESTARTING },
		{ "exited", DOCKER_EXITED },     { "dead", DOCKER_EXITED },
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
	return docker_ports_fail(json, err);
}

static int read_listed(const struct docker_json *json, const struct docker_networks *networks,
		       struct docker_listed *listed)
{
	struct docker_json state = docker_json_member(json, "State");
	struct docker_json ports = docker_json_member(json, "Ports");
	int err;

	err = read_id(json, &listed->id);
	if (!err)
		err = read_name(json, listed);
	if (!err)
		err = read_labels(json, listed);
	if (!err)
		err = docker_state_read(&state, &listed->state);
	if (!err)
		err = docker_json_elements(&ports, visit_port, &listed->ports);
	if (!err)
		err = docker_endpoints_read(json, networks, &listed->endpoints);
	docker_ports_merge(&listed->ports);
	return err;
}

/* ---- what is the same as before ---- */

struct walk {
	struct docker_list *old, *new;
	size_t next; /* of the old ones: the first that has not been passed */
};

static struct docker_listed *add(struct docker_list *list)
{
	struct docker_listed *added = util_append(&list->items, list->count, sizeof(*added));

	if (added)
		list->count++;
	return added;
}

/* The Engine's order is that of creation, so what was there before comes in the same order. */
static size_t skip_same(const char *text, size_t left, void *arg)
{
	struct walk *walk = arg;
	struct docker_listed *old, *listed;

	if (walk->next == walk->old->count)
		return 0;
	old = &walk->old->items[walk->next];
	if (old->size > left || hash_short(text, old->size) != old->hash)
		return 0;
	listed = add(walk->new);
	if (!listed)
		return 0;
	*listed = *old;
	*old = (struct docker_listed){};
	walk->next++;
	return listed->size;
}

static int visit_listed(const struct docker_json *json, void *arg)
{
	struct walk *walk = arg;
	struct docker_listed *listed = add(walk->new);
	int err;

	if (!listed)
		return -ENOMEM;
	err = read_listed(json, walk->new->networks, listed);
	if (err)
		return err;
	listed->hash = hash_short(json->text, json->size);
	listed->size = json->size;
	/* If it is an old one that changed, go on behind it. */
	for (size_t i = walk->next; i < walk->old->count; i++)
		if (streq(walk->old->items[i].id, listed->id))
			walk->next = i + 1;
	return 0;
}

int docker_list_read(char *text, size_t size, struct docker_list *list, struct error *error)
{
	_cleanup_(docker_list_clear) struct docker_list new = { .networks = list->networks };
	struct walk walk = { .old = list, .new = &new };
	struct docker_json_each each = { visit_listed, skip_same, &walk };
	int err;

	err = docker_json_read_each(text, size, "containers", &each, error);
	docker_list_clear(list);
	if (err)
		return err;
	*list = new;
	new = (struct docker_list){};
	return 0;
}

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

/* ---- services of a swarm ---- */

/* {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8081, "PublishMode": "ingress"} */
static int visit_service_port(const struct docker_json *json, void *arg)
{
	struct docker_json protocol_json = docker_json_member(json, "Protocol");
	struct docker_json target_json = docker_json_member(json, "TargetPort");
	struct docker_json published_json = docker_json_member(json, "PublishedPort");
	struct docker_json mode_json = docker_json_member(json, "PublishMode");
	const char *protocol, *mode;
	long long target, published;
	__u8 proto;
	int err;

	err = docker_json_string(&protocol_json, &protocol);
	if (!err)
		err = docker_json_number(&target_json, 65535, &target);
	if (!err)
		err = docker_json_number(&published_json, 65535, &published);
	if (!err)
		err = docker_json_string(&mode_json, &mode);
	if (err || streq(mode, "host") || !published)
		return err;
	if (!target)
		return docker_json_fail(&target_json, "is not a port");
	if (docker_ports_parse_proto(protocol, &proto))
		return docker_json_fail(&protocol_json, "is not tcp, udp or sctp");
	return docker_ports_add(arg, proto, "", (struct docker_range){ published, published },
				(struct docker_range){ target, target });
}

static int add_service(struct inventory *inventory, const char *id, const char *name,
		       struct docker_ports *ports)
{
	struct container *service =
		util_append(&inventory->containers, inventory->containers_count, sizeof(*service));

	if (!service)
		return -ENOMEM;
	inventory->containers_count++;
	service->id = strdup(id);
	service->swarm_service = strdup(name);
	if (asprintf(&service->name, "service:%s", name) < 0)
		service->name = NULL;
	service->is_running = true;
	service->bindings_count = ports->count;
	service->bindings = TAKE_PTR(ports->items);
	*ports = (struct docker_ports){};
	return service->id && service->swarm_service && service->name ? 0 : -ENOMEM;
}

static int visit_service(const struct docker_json *json, void *arg)
{
	_cleanup_(docker_ports_clear) struct docker_ports list = {};
	struct docker_json id_json = docker_json_member(json, "ID");
	struct docker_json spec = docker_json_member(json, "Spec");
	struct docker_json name_json = docker_json_member(&spec, "Name");
	struct docker_json endpoint = docker_json_member(json, "Endpoint");
	struct docker_json ports = docker_json_member(&endpoint, "Ports");
	const char *id, *name;
	int err;

	err = docker_json_name(&id_json, &id);
	if (!err)
		err = docker_json_name(&name_json, &name);
	if (!err)
		err = docker_json_elements(&ports, visit_service_port, &list);
	if (err || !list.count)
		return err;
	docker_ports_merge(&list);
	return add_service(arg, id, name, &list);
}

int docker_list_read_services(char *text, size_t size, struct inventory *inventory,
			      struct error *error)
{
	struct docker_json_each each = { .visit = visit_service, .arg = inventory };

	return docker_json_read_each(text, size, "services", &each, error);
}

static int visit_info(const struct docker_json *json, void *arg)
{
	struct docker_json swarm = docker_json_member(json, "Swarm");
	struct docker_json control = docker_json_member(&swarm, "ControlAvailable");

	return docker_json_flag(&control, arg);
}

int docker_list_read_info(char *text, size_t size, bool *ret_is_manager, struct error *error)
{
	return docker_json_read(text, size, "info", visit_info, ret_is_manager, error);
}
