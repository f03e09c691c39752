/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * details.c: a container as GET /containers/{id}/json describes it: what it was told
 * to publish, and what it publishes now.
 */
#include <errno.h>

#include "docker/details.h"
#include "docker/docker.h"
#include "docker/inventory.h"
#include "base/cleanup.h"

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
	return docker_ports_fail(json, err);
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

	err = docker_state_read(&status, &details->state);
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

int docker_details_read(char *text, size_t size, struct docker_details *ret, struct error *error)
{
	return docker_json_read(text, size, "container", visit_details, ret, error);
}

void docker_details_clear(struct docker_details *details)
{
	docker_ports_clear(&details->asked);
	docker_ports_clear(&details->mapped);
	docker_endpoints_clear(&details->endpoints);
	*details = (struct docker_details){};
}

/* ---- what an audit wants to know ------------------------------------------------------- */

/* What cannot be printed is shown as a question mark: whoever made the image chose the text. */
static int copy_text(const struct docker_json *json, char **ret)
{
	const char *text;
	int err = docker_json_string(json, &text);

	if (err)
		return err;
	*ret = strdup(text);
	for (char *at = *ret; at && *at; at++)
		if (!inventory_is_printable(at, 1))
			*at = '?';
	return *ret ? 0 : -ENOMEM;
}

static int visit_capability(const struct docker_json *json, void *arg)
{
	struct docker_facts *facts = arg;
	_cleanup_free_ char *before = facts->capabilities, *one = NULL;
	int err = copy_text(json, &one);

	facts->capabilities = NULL;
	if (!err && asprintf(&facts->capabilities, "%s%s%s", before ?: "", before ? " " : "",
			     strncmp(one, "CAP_", 4) == 0 ? one + 4 : one) < 0) {
		facts->capabilities = NULL;
		err = -ENOMEM;
	}
	return err;
}

/* "no-new-privileges", with ":true" or "=true" or without. */
static int visit_security_option(const struct docker_json *json, void *arg)
{
	struct docker_facts *facts = arg;
	const char *text;
	int err = docker_json_string(json, &text);

	if (!err && strncmp(text, "no-new-privileges", strlen("no-new-privileges")) == 0)
		facts->bars_new_privileges = !strstr(text, "false");
	return err;
}

/* By the file's name, wherever it is mounted. */
static int visit_mount(const struct docker_json *json, void *arg)
{
	static const char *const names[] = { "docker.sock", "containerd.sock" };
	struct docker_json source = docker_json_member(json, "Source");
	struct docker_facts *facts = arg;
	const char *text, *name;
	int err = docker_json_string(&source, &text);

	if (err)
		return err;
	name = strrchr(text, '/') ? strrchr(text, '/') + 1 : text;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		facts->has_socket |= streq(name, names[i]);
	return 0;
}

static int read_is(const struct docker_json *host, const char *key, const char *wanted, bool *ret)
{
	struct docker_json json = docker_json_member(host, key);
	const char *text;
	int err = docker_json_string(&json, &text);

	if (!err)
		*ret = streq(text, wanted);
	return err;
}

static int read_flag(const struct docker_json *host, const char *key, bool *ret)
{
	struct docker_json json = docker_json_member(host, key);

	return docker_json_flag(&json, ret);
}

static int read_host_facts(const struct docker_json *host, struct docker_facts *facts)
{
	struct docker_json capabilities = docker_json_member(host, "CapAdd");
	struct docker_json options = docker_json_member(host, "SecurityOpt");

	return read_is(host, "NetworkMode", "host", &facts->has_host_network)
	       ?: read_is(host, "PidMode", "host", &facts->has_host_pid)
	       ?: read_is(host, "IpcMode", "host", &facts->has_host_ipc)
	       ?: read_flag(host, "Privileged", &facts->is_privileged)
	       ?: read_flag(host, "ReadonlyRootfs", &facts->is_root_read_only)
	       ?: docker_json_elements(&capabilities, visit_capability, facts)
	       ?: docker_json_elements(&options, visit_security_option, facts);
}

static int visit_facts(const struct docker_json *json, void *arg)
{
	struct docker_json host = docker_json_member(json, "HostConfig");
	struct docker_json config = docker_json_member(json, "Config");
	struct docker_json image = docker_json_member(&config, "Image");
	struct docker_json user = docker_json_member(&config, "User");
	struct docker_json mounts = docker_json_member(json, "Mounts");
	struct docker_json name = docker_json_member(json, "Name");
	struct docker_json id = docker_json_member(json, "Id");
	struct docker_facts *facts = arg;
	int err = copy_text(&id, &facts->id) ?: copy_text(&name, &facts->name)
		  ?: copy_text(&image, &facts->image) ?: copy_text(&user, &facts->user)
		  ?: read_host_facts(&host, facts)
		  ?: docker_json_elements(&mounts, visit_mount, facts);

	if (!err && facts->name[0] == '/')
		memmove(facts->name, facts->name + 1, strlen(facts->name));
	if (!err && !facts->capabilities)
		facts->capabilities = strdup("");
	if (!err && !facts->capabilities)
		err = -ENOMEM;
	return err;
}

int docker_facts_read(char *text, size_t size, struct docker_facts *ret, struct error *error)
{
	return docker_json_read(text, size, "container", visit_facts, ret, error);
}

void docker_facts_clear(struct docker_facts *facts)
{
	free(facts->id);
	free(facts->name);
	free(facts->image);
	free(facts->user);
	free(facts->capabilities);
	*facts = (struct docker_facts){};
}
