/* SPDX-License-Identifier: GPL-2.0-only */
/* finish.c: drafts -> policy.ports, with their strings, in their order. */
#include <errno.h>
#include <stdio.h>

#include "policy/resolve.h"

static int compare_draft(const void *a_, const void *b_)
{
	const struct draft *a = a_, *b = b_;

	return order_numbers(a->place.proto, b->place.proto) ?: order_numbers(a->lo, b->lo)
	       ?: prefix_compare(&a->place.addr, &b->place.addr);
}

static char *print_identity(const struct draft *draft)
{
	const struct prefix *addr = &draft->place.addr;
	char buf[PREFIX_STRLEN], *text = NULL;
	const char *where = addr->family == 4 ? "0.0.0.0" : "::";
	int length;

	if (addr->length)
		where = prefix_format(addr, buf);
	if (draft->lo == draft->hi)
		length = asprintf(&text, "%s %s %u", proto_name(draft->place.proto), where,
				  draft->lo);
	else
		length = asprintf(&text, "%s %s %u-%u", proto_name(draft->place.proto), where,
				  draft->lo, draft->hi);
	return length < 0 ? NULL : text;
}

static int fill_port(const struct resolver *resolver, const struct draft *draft,
		     struct policy_port *port)
{
	const struct container *container;

	port->proto = draft->place.proto;
	port->addr = draft->place.addr;
	port->lo = (unsigned short)draft->lo;
	port->hi = (unsigned short)draft->hi;
	port->origin = draft->origin;
	port->is_closed = draft->is_closed;
	port->is_armed = draft->is_armed;
	port->identity = print_identity(draft);
	if (!port->identity)
		return -ENOMEM;
	if (draft->container == NO_CONTAINER)
		return 0;
	container = &resolver->input->inventory->containers[draft->container];
	port->container_port = (unsigned short)draft->port;
	port->container_id = strdup(container->id);
	port->container = strdup(container->name);
	return port->container_id && port->container ? 0 : -ENOMEM;
}

/* Its index is behind all rules, so it can only be the last of a list. */
static void drop_expired(struct resolver *resolver)
{
	for (unsigned int i = 0; i < resolver->lists.intern.count; i++) {
		struct rule_view view = rule_lists_get(&resolver->lists, i);

		if (view.count && view.rules[view.count - 1] == resolver_expired(resolver))
			resolver->lists.intern.items[i].length -= sizeof(*view.rules);
	}
}

/* Once for each list and not for each port: thousands of ports share one. */
static int count_ports(struct resolver *resolver)
{
	_cleanup_free_ size_t *uses = calloc(resolver->lists.intern.count, sizeof(*uses));

	if (!uses)
		return -ENOMEM;
	for (size_t i = 0; i < resolver->drafts_count; i++)
		uses[resolver->drafts[i].list]++;
	for (unsigned int i = 0; i < resolver->lists.intern.count; i++) {
		struct rule_view view = rule_lists_get(&resolver->lists, i);

		for (unsigned int j = 0; uses[i] && j < view.count; j++)
			resolver->policy->rules[view.rules[j]].ports_count += uses[i];
	}
	return 0;
}

static void hand_over_lists(struct resolver *resolver)
{
	struct policy *policy = resolver->policy;

	for (size_t i = 0; i < policy->ports_count; i++) {
		unsigned int list = resolver->drafts[i].list;
		struct rule_view view = rule_lists_get(&resolver->lists, list);

		policy->ports[i].rules_count = view.count;
		policy->ports[i].rules = view.count ? (unsigned int *)view.rules : NULL;
	}
	policy->rule_pool = (unsigned int *)TAKE_PTR(resolver->lists.intern.strings.bytes);
}

int policy_finish_ports(struct resolver *resolver)
{
	struct policy *policy = resolver->policy;
	int err;

	if (!resolver->drafts_count)
		return 0;
	qsort(resolver->drafts, resolver->drafts_count, sizeof(*resolver->drafts), compare_draft);
	drop_expired(resolver);
	err = count_ports(resolver);
	if (err)
		return err;
	policy->ports = calloc(resolver->drafts_count, sizeof(*policy->ports));
	if (!policy->ports)
		return -ENOMEM;
	for (size_t i = 0; i < resolver->drafts_count; i++) {
		policy->ports_count++;
		err = fill_port(resolver, &resolver->drafts[i], &policy->ports[i]);
		if (err)
			return err;
	}
	hand_over_lists(resolver);
	return 0;
}
