/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * swarm.c: services as entries beside the containers, because a port in mode ingress
 * is open on this host whether or not a task runs here.  A worker is not told; there only
 * the kernel knows.
 */
#include <errno.h>

#include "docker/ports.h"
#include "docker/swarm.h"
#include "docker/inventory.h"
#include "base/cleanup.h"

/* {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8081, "PublishMode": "ingress"} */
static int visit_port(const struct docker_json *json, void *arg)
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
		err = docker_json_elements(&ports, visit_port, &list);
	if (err || !list.count)
		return err;
	docker_ports_merge(&list);
	return add_service(arg, id, name, &list);
}

int docker_swarm_read_services(char *text, size_t size, struct inventory *inventory,
			       struct docker_json_error *error)
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

int docker_swarm_read_info(char *text, size_t size, bool *ret_is_manager,
			   struct docker_json_error *error)
{
	return docker_json_read(text, size, "info", visit_info, ret_is_manager, error);
}
