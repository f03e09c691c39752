/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_fixture.h: a small world to build policies in, and one line of text for each
 * guarded port, so that a test is a configuration and what it comes to.
 */
#ifndef TIDEGATE_POLICY_FIXTURE_H
#define TIDEGATE_POLICY_FIXTURE_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "docker/inventory.h"
#include "host/netdev.h"
#include "policy/policy.h"
#include "base/cleanup.h"

#define NOW 1800000000 /* 2027-01-15T08:00Z */

/* ---- the world ------------------------------------------------------------------ */

struct world {
	struct container containers[1024];
	struct binding bindings[1024][6];
	struct endpoint endpoints[1024][2];
	char names[1024][80];
	struct subnet subnets[4];
	struct listener listeners[4];
	size_t listeners_count;
	struct inventory inventory;
	const struct netdev_list *netdevs; /* or NULL */
	struct policy_set sets[2];
	size_t sets_count;
};

static inline struct prefix parse(const char *text)
{
	struct prefix prefix = { 0 };

	assert_int_equal(prefix_parse(text, &prefix, NULL), 0);
	return prefix;
}

/* "0.0.0.0" and "::" are every address, as Docker writes it. */
static inline struct prefix host(const char *text)
{
	struct prefix prefix = parse(text);

	if (streq(text, "0.0.0.0") || streq(text, "::"))
		prefix.length = 0;
	return prefix;
}

static inline void world_clear(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->inventory.containers = world->containers;
	world->inventory.subnets = world->subnets;
}

/* Containers must be added in the order of their names. */
static inline struct container *world_add(struct world *world, const char *name)
{
	size_t i = world->inventory.containers_count++;
	struct container *container = &world->containers[i];

	snprintf(world->names[i], sizeof(world->names[i]), "%s", name);
	container->name = world->names[i];
	container->id = (char *)"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	container->is_running = true;
	container->bindings = world->bindings[i];
	container->endpoints = world->endpoints[i];
	return container;
}

static inline void publish(struct container *container, const char *addr, unsigned short host_port,
			   unsigned short port)
{
	container->bindings[container->bindings_count++] = (struct binding){
		.proto = IPPROTO_TCP,
		.host = host(addr),
		.host_lo = host_port,
		.host_hi = host_port,
		.port = port,
	};
}

static inline void place_at(struct container *container, const char *addr, bool is_routed)
{
	struct endpoint *endpoint = &container->endpoints[container->endpoints_count++];
	struct prefix prefix = parse(addr);

	if (prefix.family == 4) {
		endpoint->addr4 = prefix;
		endpoint->is_routed4 = is_routed;
	} else {
		endpoint->addr6 = prefix;
		endpoint->is_routed6 = is_routed;
	}
}

static inline void world_subnet(struct world *world, const char *prefix, bool is_routed)
{
	world->subnets[world->inventory.subnets_count++] = (struct subnet){
		.prefix = parse(prefix),
		.is_routed = is_routed,
	};
}

static inline struct listener *world_listen(struct world *world, const char *addr,
					    unsigned short port)
{
	struct listener *listener = &world->listeners[world->listeners_count++];

	*listener = (struct listener){
		.proto = IPPROTO_TCP, .addr = host(addr), .port = port, .holder = HOLDER_OTHER
	};
	return listener;
}

/* ---- building ------------------------------------------------------------------- */

/* The rules keep nothing of the configuration, so it can go. */
static inline int try_build(const struct world *world, const char *text, struct policy **ret,
			    struct error *error)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct error config_error = { 0 };
	struct policy_input input = {
		.inventory = &world->inventory,
		.netdevs = world->netdevs,
		.listeners = world->listeners,
		.listeners_count = world->listeners_count,
		.sets = world->sets,
		.sets_count = world->sets_count,
		.now = NOW,
	};

	if (config_parse(text, strlen(text), NOW, &config, &config_error))
		fail_msg("%u:%u: %s", config_error.line, config_error.column, config_error.text);
	input.config = config;
	return policy_build(&input, ret, error);
}

static inline struct policy *build(const struct world *world, const char *text)
{
	struct policy *policy = NULL;
	struct error error = { 0 };
	int err = try_build(world, text, &policy, &error);

	if (err)
		fail_msg("policy_build: %d %s", err, error.text);
	return policy;
}

static inline void print_port(FILE *out, const struct policy *policy,
			      const struct policy_port *port)
{
	static const char *const origins[] = { "published", "direct", "named" };

	fprintf(out, "%s %s %s", port->identity, port->is_closed ? "closed" : "open",
		origins[port->origin]);
	if (port->is_armed)
		fprintf(out, " armed");
	if (port->container)
		fprintf(out, " %s:%u", port->container, port->container_port);
	for (size_t i = 0; i < port->rules_count; i++)
		fprintf(out, "%s%u", i ? "," : " #", policy->rules[port->rules[i]].number);
	fprintf(out, "\n");
}

/* One line a port; rules by their numbers in the file.  Only TCP: the others repeat it. */
static inline char *print_ports(const struct policy *policy)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < policy->ports_count; i++)
		if (policy->ports[i].proto == IPPROTO_TCP)
			print_port(out, policy, &policy->ports[i]);
	fclose(out);
	return text;
}

static inline void assert_ports(const struct world *world, const char *config, const char *expected)
{
	_cleanup_(policy_freep) struct policy *policy = build(world, config);
	_cleanup_free_ char *text = print_ports(policy);

	assert_string_equal(text, expected);
}

#endif
