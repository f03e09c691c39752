/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * network.c: bridge networks, their subnets, and the containers' places in them.
 */
#include <errno.h>

#include "docker/network.h"
#include "base/cleanup.h"

static int copy_text(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* ---- networks ---- */

/* Before Engine 28 any text that is not blank was a name.  It is only ever shown. */
static int copy_network_name(const char *name, char **ret)
{
	char *copy = strndup(*name ? name : "?", INVENTORY_TEXT_MAX / 2);

	if (!copy)
		return -ENOMEM;
	for (char *at = copy; *at; at++)
		if (!inventory_is_printable(at, 1))
			*at = '?';
	*ret = copy;
	return 0;
}

static int read_mode(const struct docker_json *network, const char *option, bool *ret_is_routed)
{
	struct docker_json options = docker_json_member(network, "Options");
	struct docker_json mode = docker_json_member(&options, option);
	const char *text;
	int err;

	err = docker_json_string(&mode, &text);
	/* nat, nat-unprotected and isolated: its ports are reached at the host's addresses. */
	if (!err)
		*ret_is_routed = streq(text, "routed");
	return err;
}

static int visit_subnet(const struct docker_json *config, void *arg)
{
	struct docker_json text = docker_json_member(config, "Subnet");
	struct docker_networks *networks = arg;
	struct docker_network *network = &networks->items[networks->count - 1];
	struct subnet *subnet;
	const char *value;
	int err;

	err = docker_json_string(&text, &value);
	if (err || !*value)
		return err;
	subnet = util_append(&networks->subnets, networks->subnets_count, sizeof(*subnet));
	if (!subnet)
		return -ENOMEM;
	if (prefix_parse_network(value, &subnet->prefix))
		return docker_json_fail(&text, "is not a subnet");
	subnet->is_routed = subnet->prefix.family == 4 ? network->is_routed4 : network->is_routed6;
	networks->subnets_count++;
	return copy_text(network->name, &subnet->network);
}

static int add_network(const struct docker_json *json, struct docker_networks *networks)
{
	struct docker_json id_json = docker_json_member(json, "Id");
	struct docker_json name_json = docker_json_member(json, "Name");
	struct docker_json ipam = docker_json_member(json, "IPAM");
	struct docker_json configs = docker_json_member(&ipam, "Config");
	struct docker_network *network;
	const char *id, *name;
	int err;

	network = util_append(&networks->items, networks->count, sizeof(*network));
	if (!network)
		return -ENOMEM;
	networks->count++;
	err = docker_json_name(&id_json, &id);
	if (!err)
		err = docker_json_string(&name_json, &name);
	if (!err)
		err = copy_text(id, &network->id);
	if (!err)
		err = copy_network_name(name, &network->name);
	if (!err && networks->has_gateway_mode) {
		err = read_mode(json, "com.docker.network.bridge.gateway_mode_ipv4",
				&network->is_routed4);
		if (!err)
			err = read_mode(json, "com.docker.network.bridge.gateway_mode_ipv6",
					&network->is_routed6);
	}
	return err ? err : docker_json_elements(&configs, visit_subnet, networks);
}

static int visit_network(const struct docker_json *json, void *arg)
{
	struct docker_json driver = docker_json_member(json, "Driver");
	struct docker_json template = docker_json_member(json, "ConfigOnly");
	bool is_template;
	const char *text;
	int err;

	err = docker_json_string(&driver, &text);
	if (!err)
		err = docker_json_flag(&template, &is_template);
	/* macvlan, ipvlan, overlay, host, null: no bridge of this host's behind the NAT. */
	if (err || is_template || !streq(text, "bridge"))
		return err;
	return add_network(json, arg);
}

static int compare_networks(const void *left, const void *right)
{
	const struct docker_network *a = left, *b = right;

	return strcmp(a->id, b->id);
}

int docker_network_read(char *text, size_t size, struct docker_networks *ret, struct error *error)
{
	struct docker_json_each each = { .visit = visit_network, .arg = ret };
	int err;

	err = docker_json_read_each(text, size, "networks", &each, error);
	/* The Engine lists them in any order. */
	if (!err && ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_networks);
	return err;
}

bool docker_network_equal(const struct docker_networks *a, const struct docker_networks *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!streq(a->items[i].id, b->items[i].id) ||
		    !streq(a->items[i].name, b->items[i].name) ||
		    a->items[i].is_routed4 != b->items[i].is_routed4 ||
		    a->items[i].is_routed6 != b->items[i].is_routed6)
			return false;
	return true;
}

/* ---- endpoints ---- */

static int read_address(const struct docker_json *json, const char *key, __u8 family,
			struct prefix *ret)
{
	struct docker_json member = docker_json_member(json, key);
	const char *text;
	int err;

	err = docker_json_string(&member, &text);
	if (err || !*text)
		return err;
	if (prefix_parse(text, ret, NULL) || ret->family != family || !prefix_is_address(ret))
		return docker_json_fail(&member, "is not an IPv%d address", family);
	return 0;
}

/* By id; by name while a container that never ran has no id of its network yet. */
static const struct docker_network *find_network(const struct docker_networks *networks,
						 const char *id, const char *name)
{
	for (size_t i = 0; i < networks->count; i++)
		if (*id ? streq(networks->items[i].id, id) : streq(networks->items[i].name, name))
			return &networks->items[i];
	return NULL;
}

struct endpoints_walk {
	const struct docker_networks *networks;
	struct docker_endpoints *endpoints;
};

static int visit_endpoint(const struct docker_json *json, void *arg)
{
	struct docker_json id_json = docker_json_member(json, "NetworkID");
	struct endpoints_walk *walk = arg;
	const struct docker_network *network;
	struct endpoint *endpoint;
	const char *id;
	int err;

	endpoint = util_append(&walk->endpoints->items, walk->endpoints->count, sizeof(*endpoint));
	if (!endpoint)
		return -ENOMEM;
	walk->endpoints->count++;
	err = copy_network_name(json->key, &endpoint->network);
	if (!err)
		err = docker_json_string(&id_json, &id);
	if (!err)
		err = read_address(json, "IPAddress", 4, &endpoint->addr4);
	if (!err)
		err = read_address(json, "GlobalIPv6Address", 6, &endpoint->addr6);
	if (err)
		return err;
	network = find_network(walk->networks, id, endpoint->network);
	endpoint->is_routed4 = network && network->is_routed4;
	endpoint->is_routed6 = network && network->is_routed6;
	return 0;
}

static int compare_endpoints(const void *left, const void *right)
{
	const struct endpoint *a = left, *b = right;

	return strcmp(a->network, b->network);
}

int docker_endpoints_read(const struct docker_json *container,
			  const struct docker_networks *networks, struct docker_endpoints *ret)
{
	struct docker_json settings = docker_json_member(container, "NetworkSettings");
	struct docker_json json = docker_json_member(&settings, "Networks");
	struct endpoints_walk walk = { networks, ret };
	int err;

	err = docker_json_members(&json, visit_endpoint, &walk);
	if (!err && ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_endpoints);
	return err;
}

bool docker_endpoints_are_routed(const struct docker_endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->count; i++)
		if (endpoints->items[i].is_routed4 || endpoints->items[i].is_routed6)
			return true;
	return false;
}

bool docker_endpoints_equal(const struct docker_endpoints *a, const struct docker_endpoints *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!streq(a->items[i].network, b->items[i].network) ||
		    !prefix_equal(&a->items[i].addr4, &b->items[i].addr4) ||
		    !prefix_equal(&a->items[i].addr6, &b->items[i].addr6))
			return false;
	return true;
}

/* ---- end ---- */

void docker_network_clear(struct docker_networks *networks)
{
	for (size_t i = 0; i < networks->count; i++) {
		free(networks->items[i].id);
		free(networks->items[i].name);
	}
	for (size_t i = 0; i < networks->subnets_count; i++)
		free(networks->subnets[i].network);
	free(networks->items);
	free(networks->subnets);
	*networks = (struct docker_networks){};
}

void docker_endpoints_clear(struct docker_endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->count; i++)
		free(endpoints->items[i].network);
	free(endpoints->items);
	*endpoints = (struct docker_endpoints){};
}
