/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listeners.c: rows of sockets that listen on this host and are not Docker's for a published port:
 * those of containers in the host's network, the Docker API, and, where the policy decides on them,
 * the host's own.
 */
#include <errno.h>
#include <netinet/in.h>

#include "audit/judge.h"
#include "config/config.h"
#include "docker/docker.h"
#include "docker/inventory.h"
#include "host/netdev.h"
#include "host/processes.h"
#include "policy/policy.h"
#include "base/cleanup.h"

static const struct socket_holder *holder_of(const struct audit_input *input, unsigned long inode)
{
	for (size_t i = 0; i < input->holders_count; i++)
		if (input->holders[i].inode == inode)
			return &input->holders[i];
	return NULL;
}

static bool is_loopback(const struct prefix *addr)
{
	static const __u8 one6[16] = { [15] = 1 };

	if (!addr->length)
		return false;
	return addr->family == 4 ? addr->addr[0] == 127 : memcmp(addr->addr, one6, 16) == 0;
}

/* docker-proxy's, or dockerd's in its place. */
static bool is_published(const struct audit_input *input, const struct listener *listener)
{
	for (size_t i = 0; input->inventory && i < input->inventory->containers_count; i++) {
		const struct container *container = &input->inventory->containers[i];

		for (size_t j = 0; j < container->bindings_count; j++)
			if (container->bindings[j].proto == listener->proto &&
			    container->bindings[j].host_lo <= listener->port &&
			    container->bindings[j].host_hi >= listener->port)
				return true;
	}
	return false;
}

/* Of a swarm's nodes among themselves: Docker's, and no API. */
static bool is_of_swarm(const struct listener *listener)
{
	return listener->port == 2377 || listener->port == 7946 || listener->port == 4789;
}

static bool has_policy_word(const struct audit_input *input, const struct audit_row *row)
{
	return input->policy &&
	       (input->policy->mode == DEFAULT_DENY_ALL || judge_port(input->policy, row));
}

/* By its name, and by not being in a container, where everybody names his processes. */
static bool is_dockers(const struct socket_holder *holder, const char *name)
{
	return holder && !holder->container[0] && streq(holder->name, name);
}

/* Whether it is a row at all. */
static bool classify(const struct audit_input *input, const struct listener *listener,
		     struct audit_row *row)
{
	const struct socket_holder *holder = holder_of(input, listener->inode);

	row->kind = AUDIT_HOST;
	snprintf(row->target, sizeof(row->target), "%s", holder ? holder->name : "");
	if (is_dockers(holder, "docker-proxy"))
		return false;
	if (is_dockers(holder, "dockerd")) {
		if (is_published(input, listener))
			return false;
		if (!is_of_swarm(listener) && listener->proto == IPPROTO_TCP) {
			row->kind = AUDIT_ENGINE;
			return true;
		}
		return has_policy_word(input, row);
	}
	row->facts = holder && holder->container[0] ? judge_facts(input, holder->container) : NULL;
	if (row->facts && row->facts->has_host_network) {
		row->kind = AUDIT_SHARED;
		snprintf(row->target, sizeof(row->target), "%s", row->facts->name);
		return true;
	}
	return has_policy_word(input, row);
}

static bool is_same(const struct audit_row *a, const struct audit_row *b)
{
	return a->kind == b->kind && a->proto == b->proto && a->lo == b->lo && a->hi == b->hi &&
	       streq(a->target, b->target);
}

/* One on :: is listed for each family; SO_REUSEPORT lists one several times. */
static bool is_joined(struct audit_result *audit, const struct audit_row *row)
{
	for (size_t i = 0; i < audit->rows_count; i++) {
		struct audit_row *before = &audit->rows[i];

		if (!is_same(before, row))
			continue;
		if (prefix_equal(&before->addr, &row->addr))
			return true;
		if (!before->addr.length && !row->addr.length && before->level == row->level) {
			before->is_both = true;
			if (row->level == AUDIT_OPEN)
				snprintf(before->reached_by, strlen(before->reached_by) + 1,
					 "anyone");
			return true;
		}
	}
	return false;
}

static int add(struct judging *judging, const struct listener *listener)
{
	struct audit_row row = { .proto = listener->proto,
				 .lo = listener->port,
				 .hi = listener->port,
				 .port = listener->port,
				 .addr = listener->addr },
			 *added;
	int err;

	if (is_loopback(&listener->addr) || !classify(judging->input, listener, &row))
		return 0;
	err = judge_reach(judging, &row);
	if (err || is_joined(judging->audit, &row)) {
		free(row.reached_by);
		return err;
	}
	added = judge_add(judging);
	if (!added)
		return free(row.reached_by), -ENOMEM;
	*added = row;
	return 0;
}

int judge_listeners(struct judging *judging)
{
	int err = 0;

	for (size_t i = 0; !err && i < judging->input->listeners_count; i++)
		err = add(judging, &judging->input->listeners[i]);
	return err;
}
