/* SPDX-License-Identifier: GPL-2.0-only */
/* containers.c: a row for each port that a container publishes, and for each address of its own
 * that others can reach. */
#include <errno.h>
#include <netinet/in.h>

#include "audit/judge.h"
#include "docker/docker.h"
#include "docker/inventory.h"
#include "policy/policy.h"
#include "base/cleanup.h"

const struct docker_facts *judge_facts(const struct audit_input *input, const char *id)
{
	for (size_t i = 0; i < input->facts_count; i++)
		if (streq(input->facts[i].id, id))
			return &input->facts[i];
	return NULL;
}

static bool is_loopback(const struct prefix *addr)
{
	static const struct prefix loopback6 = { .family = 6, .length = 128, .addr = { [15] = 1 } };

	if (addr->family == 4)
		return addr->length && addr->addr[0] == 127;
	return prefix_equal(addr, &loopback6);
}

static enum audit_kind kind_of(const struct container *container, const struct binding *binding)
{
	if (strncmp(container->name, "service:", strlen("service:")) == 0)
		return AUDIT_INGRESS;
	return is_loopback(&binding->host) ? AUDIT_LOOPBACK : AUDIT_PUBLISHED;
}

static void name_target(const struct judging *judging, const struct container *container,
			struct audit_row *row)
{
	row->facts = judge_facts(judging->input, container->id);
	snprintf(row->target, sizeof(row->target), "%s", container->name);
}

/* The twin on the other family: one row, as `status` has it. */
static bool is_twin(const struct audit_row *a, const struct audit_row *b)
{
	return a->kind == b->kind && a->kind == AUDIT_PUBLISHED && a->proto == b->proto &&
	       a->lo == b->lo && a->hi == b->hi && !a->is_both && !a->addr.length &&
	       !b->addr.length && a->addr.family == 4 && b->addr.family == 6 &&
	       a->port == b->port && streq(a->target, b->target);
}

/* To a container without an IPv6 address there is nothing to translate to: docker-proxy accepts as
 * a process of the host does. */
static bool is_relayed(const struct container *container, const struct binding *binding)
{
	for (size_t i = 0; i < container->endpoints_count; i++)
		if (container->endpoints[i].addr6.family)
			return false;
	return binding->host.family == 6;
}

/* What the policy decides alike is one row: a range may be cut by rules. */
static int add_piece(struct judging *judging, const struct audit_row *piece)
{
	struct audit_row *row = judge_add(judging);

	if (!row)
		return -ENOMEM;
	*row = *piece;
	return judge_reach(judging, row);
}

static int add_binding(struct judging *judging, const struct container *container,
		       const struct binding *binding)
{
	unsigned int at = binding->host_lo, end;
	int err = 0;

	while (!err && at <= binding->host_hi) {
		struct audit_row piece = {
			.kind = kind_of(container, binding),
			.proto = binding->proto,
			.addr = binding->host,
			.lo = at,
			.hi = binding->host_hi,
			.port = binding->port + (at - binding->host_lo),
			.is_relayed = is_relayed(container, binding),
		};
		const struct policy_port *port = judge_port(judging->input->policy, &piece);

		end = port && port->hi < binding->host_hi ? port->hi : binding->host_hi;
		piece.hi = end;
		name_target(judging, container, &piece);
		err = add_piece(judging, &piece);
		at = end + 1;
	}
	return err;
}

/* ---- addresses of containers ------------------------------------------------------------- */

static const struct subnet *subnet_of(const struct inventory *inventory, const struct prefix *addr)
{
	for (size_t i = 0; i < inventory->subnets_count; i++)
		if (prefix_contains(&inventory->subnets[i].prefix, addr))
			return &inventory->subnets[i];
	return NULL;
}

static bool is_global6(const struct prefix *addr)
{
	return addr->family == 6 && (addr->addr[0] & 0xe0) == 0x20;
}

/* Not behind the NAT: in a network of another kind (macvlan, ipvlan), routed, or with an IPv6
 * address that the world can route to. */
static bool is_exposed(const struct inventory *inventory, const struct prefix *addr, bool is_routed)
{
	const struct subnet *subnet = subnet_of(inventory, addr);

	return is_routed || !subnet || is_global6(addr);
}

static bool is_bound(const struct container *container, const struct policy_port *port)
{
	for (size_t i = 0; i < container->bindings_count; i++) {
		const struct binding *binding = &container->bindings[i];

		if (!binding->host_lo && binding->port == port->lo && binding->proto == port->proto)
			return true;
	}
	return false;
}

/* What rules name at the address, and Docker does not. */
static int add_named(struct judging *judging, const struct container *container,
		     const struct audit_row *like)
{
	const struct policy *policy = judging->input->policy;
	int err = 0;

	for (size_t i = 0; !err && policy && i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];
		struct audit_row row = *like;

		if (!prefix_equal(&port->addr, &like->addr) || is_bound(container, port))
			continue;
		row.proto = port->proto;
		row.lo = row.port = port->lo;
		row.hi = port->hi;
		err = add_piece(judging, &row);
	}
	return err;
}

/* Rules name all of its ports: what else would be said of the address is said already. */
static bool is_named_whole(const struct policy *policy, const struct prefix *addr)
{
	unsigned int tcp = 0, udp = 0;

	for (size_t i = 0; policy && i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		if (!prefix_equal(&port->addr, addr))
			continue;
		tcp += port->proto == IPPROTO_TCP ? port->hi - port->lo + 1 : 0;
		udp += port->proto == IPPROTO_UDP ? port->hi - port->lo + 1 : 0;
	}
	return tcp >= 65535 && udp >= 65535;
}

static int add_address(struct judging *judging, const struct container *container,
		       const struct prefix *addr)
{
	struct audit_row row = { .kind = AUDIT_DIRECT, .addr = *addr };
	bool is_known = false;
	int err = 0;

	row.is_beside = !subnet_of(judging->input->inventory, addr);
	name_target(judging, container, &row);
	for (size_t i = 0; !err && i < container->bindings_count; i++) {
		const struct binding *binding = &container->bindings[i];

		if (binding->host_lo || !binding->port)
			continue;
		row.proto = binding->proto;
		row.lo = row.hi = row.port = binding->port;
		is_known = true;
		err = add_piece(judging, &row);
	}
	row.proto = 0;
	row.lo = row.hi = row.port = 0;
	if (!err)
		err = add_named(judging, container, &row);
	is_known |= is_named_whole(judging->input->policy, addr);
	return err || is_known ? err : add_piece(judging, &row);
}

static int add_addresses(struct judging *judging, const struct container *container,
			 const struct endpoint *endpoint)
{
	const struct inventory *inventory = judging->input->inventory;
	int err = 0;

	if (endpoint->addr4.family && is_exposed(inventory, &endpoint->addr4, endpoint->is_routed4))
		err = add_address(judging, container, &endpoint->addr4);
	if (!err && endpoint->addr6.family &&
	    is_exposed(inventory, &endpoint->addr6, endpoint->is_routed6))
		err = add_address(judging, container, &endpoint->addr6);
	return err;
}

/* The twin's words are the row's: of a pair with the same rules those of both, as `status` has
 * them.  Else only what is alike is one row. */
static bool join(const struct judging *judging, struct audit_row *row, struct audit_row *twin)
{
	const struct policy *policy = judging->input->policy;
	const struct policy_port *port = judge_port(policy, row), *other = judge_port(policy, twin);
	const struct policy_row both = { port, true };
	bool is_level = row->level == twin->level;
	bool is_closed = is_level && row->level == AUDIT_CLOSED;
	bool is_open = is_level && row->level == AUDIT_OPEN;
	bool is_alike = is_level ? is_closed || is_open || streq(row->reached_by, twin->reached_by)
				 : !policy && row->level == AUDIT_OPEN;
	char *who = NULL;

	if (port && other && policy_is_pair(port, other) && !is_closed)
		who = policy_who(policy, &both);
	else if (is_alike)
		who = strdup(is_open ? "anyone" : row->reached_by);
	if (!who)
		return false;
	free(row->reached_by);
	row->reached_by = who;
	row->is_both = true;
	row->level = row->level > twin->level ? row->level : twin->level;
	return true;
}

static void join_twins(struct judging *judging)
{
	struct audit_result *audit = judging->audit;
	size_t kept = 0;

	for (size_t i = 0; i < audit->rows_count; i++) {
		struct audit_row *row = &audit->rows[i];
		bool is_joined = false;

		for (size_t j = 0; j < kept && !is_joined; j++)
			is_joined = is_twin(&audit->rows[j], row) &&
				    join(judging, &audit->rows[j], row);
		if (is_joined)
			free(row->reached_by);
		else
			audit->rows[kept++] = *row;
	}
	audit->rows_count = kept;
}

int judge_containers(struct judging *judging)
{
	const struct inventory *inventory = judging->input->inventory;
	int err = 0;

	for (size_t i = 0; inventory && !err && i < inventory->containers_count; i++) {
		const struct container *container = &inventory->containers[i];

		for (size_t j = 0; !err && j < container->bindings_count; j++)
			if (container->bindings[j].host_lo && container->is_running)
				err = add_binding(judging, container, &container->bindings[j]);
		for (size_t j = 0; !err && j < container->endpoints_count; j++)
			if (container->is_running)
				err = add_addresses(judging, container, &container->endpoints[j]);
	}
	if (!err)
		join_twins(judging);
	return err;
}
