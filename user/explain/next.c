/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * next.c: what comes behind the filter for a packet that it passes: Docker's translation of
 * addresses, docker-proxy, or a socket of the host.  See private.h.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/proto.h"
#include "docker/inventory.h"
#include "explain/private.h"
#include "host/netdev.h"

static const struct container *find_container(const struct inventory *inventory,
					      const struct policy_port *port)
{
	for (size_t i = 0; inventory && port->container_id && i < inventory->containers_count; i++)
		if (streq(inventory->containers[i].id, port->container_id))
			return &inventory->containers[i];
	return NULL;
}

static const struct prefix *address_of(const struct container *container, __u8 family)
{
	for (size_t i = 0; i < container->endpoints_count; i++) {
		const struct endpoint *endpoint = &container->endpoints[i];

		if (family == 4 && endpoint->addr4.family)
			return &endpoint->addr4;
		if (family == 6 && endpoint->addr6.family)
			return &endpoint->addr6;
	}
	return NULL;
}

int explain_add_container(const struct explain_input *input, const struct policy_port *port,
			  unsigned short dport, struct problems *next)
{
	const struct container *container = find_container(input->desired->inventory, port);
	const struct prefix *addr = container ? address_of(container, port->addr.family) : NULL;
	unsigned int number = port->container_port + (dport - port->lo);
	char text[PREFIX_STRLEN];

	if (port->is_armed)
		return problems_add(next, "container %s does not run: nobody answers",
				    port->container);
	if (port->origin == PORT_DIRECT)
		return problems_add(next,
				    "it goes to %s at its own address; what FORWARD says of it "
				    "then: not known here",
				    port->container);
	if (!addr)
		return problems_add(next,
				    "docker-proxy takes it on this host and relays it to %s, port "
				    "%u: INPUT decides about it, FORWARD does not",
				    port->container, number);
	return problems_add(next,
			    "Docker sends it to %s, %s port %u (DNAT); what FORWARD and "
			    "DOCKER-USER say of it then: not known here",
			    port->container, prefix_format(addr, text), number);
}

static int add_socket(const struct explain_input *input, struct explain_answer *answer)
{
	const struct explain_question *question = &answer->question;
	const struct desired *desired = input->desired;

	for (size_t i = 0; i < desired->listeners_count; i++) {
		const struct listener *listener = &desired->listeners[i];

		if (listener->proto == question->proto && listener->port == question->dport &&
		    prefix_contains(&listener->addr, &question->daddr))
			return problems_add(
				&answer->next,
				"a socket of this host has the port; what INPUT says of "
				"it before: not known here");
	}
	return problems_add(&answer->next, "no socket of this host has the port");
}

int explain_add_next(const struct explain_input *input, struct explain_answer *answer)
{
	if (answer->reason == PASS_FORWARDED)
		return problems_add(&answer->next, "this host routes it on, or does not");
	if (answer->port && answer->port->container)
		return explain_add_container(input, answer->port, answer->question.dport,
					     &answer->next);
	return add_socket(input, answer);
}
