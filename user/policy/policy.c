/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.c: builds a policy from its parts and frees it.  What the parts do is in the
 * files that resolve.h names; nothing here talks to the kernel or to Docker.
 */
#include "policy/policy.h"

#include <errno.h>

#include "host/netdev.h"
#include "policy/resolve.h"

static int copy_prefixes(const struct prefix *from, size_t count, struct prefix **ret)
{
	if (!count)
		return 0;
	*ret = reallocarray(NULL, count, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, from, count * sizeof(**ret));
	return 0;
}

static int copy_local(const struct netdev_list *netdevs, struct policy *policy)
{
	if (!netdevs)
		return 0;
	policy->local_count = netdevs->addresses_count;
	policy->groups_count = netdevs->groups_count;
	return copy_prefixes(netdevs->addresses, netdevs->addresses_count, &policy->local)
		       ?: copy_prefixes(netdevs->groups, netdevs->groups_count, &policy->groups);
}

static int add_subnet(const struct subnet *subnet, struct policy *policy)
{
	struct prefix **array = subnet->is_routed ? &policy->routed : &policy->natted;
	size_t *count = subnet->is_routed ? &policy->routed_count : &policy->natted_count;
	struct prefix *added = util_append(array, *count, sizeof(*added));

	if (!added)
		return -ENOMEM;
	++*count;
	*added = subnet->prefix;
	return 0;
}

static int copy_subnets(const struct inventory *inventory, struct policy *policy)
{
	int err = 0;

	for (size_t i = 0; inventory && i < inventory->subnets_count && !err; i++)
		err = add_subnet(&inventory->subnets[i], policy);
	return err;
}

static int resolve_inventory(struct resolver *resolver)
{
	if (!resolver->input->inventory)
		return 0;
	return policy_resolve_addresses(resolver) ?: policy_resolve_naming(resolver)
	       ?: policy_resolve_claims(resolver);
}

static int resolve(struct resolver *resolver)
{
	int err = rule_lists_init(&resolver->lists) ?: policy_resolve_rules(resolver)
		  ?: policy_resolve_spans(resolver) ?: resolve_inventory(resolver)
		  ?: policy_draft_ports(resolver) ?: policy_finish_ports(resolver);

	if (err == -E2BIG && !resolver->error.text[0])
		error_set(&resolver->error, err, "more than %u pairs of a rule and a port it names",
			  POLICY_LIMIT_POOL);
	return err;
}

static void resolver_clear(struct resolver *resolver)
{
	const struct inventory *inventory = resolver->input->inventory;

	for (size_t i = 0; resolver->naming && i < inventory->containers_count; i++)
		free(resolver->naming[i].rules);
	free(resolver->naming);
	free(resolver->statements);
	free(resolver->spans);
	free(resolver->claims);
	free(resolver->addresses);
	free(resolver->drafts);
	layers_clear(&resolver->rule_layers);
	layers_clear(&resolver->claim_layers);
	rule_lists_clear(&resolver->lists);
}

int policy_build(const struct policy_input *input, struct policy **ret, struct error *ret_error)
{
	_cleanup_(policy_freep) struct policy *policy = calloc(1, sizeof(*policy));
	_cleanup_(resolver_clear) struct resolver resolver = {
		.input = input,
		.policy = policy,
	};
	int err;

	if (!policy)
		return -ENOMEM;
	policy->mode = config_default(input->config);
	policy->is_audit = input->is_audit;
	err = copy_local(input->netdevs, policy) ?: copy_subnets(input->inventory, policy)
	      ?: resolve(&resolver);
	if (err && ret_error)
		*ret_error = resolver.error;
	if (err)
		return err;
	*ret = TAKE_PTR(policy);
	return 0;
}

static void clear_rule(struct policy_rule *rule)
{
	free(rule->identity);
	free(rule->text);
	free(rule->comment);
	free(rule->sources);
}

static void clear_port(struct policy_port *port)
{
	free(port->container_id);
	free(port->container);
	free(port->identity);
}

size_t policy_count_rules(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rules_count; i++)
		count += policy->rules[i].number || !i ||
			 !streq(policy->rules[i].identity, policy->rules[i - 1].identity);
	return count;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->rules_count; i++)
		clear_rule(&policy->rules[i]);
	for (size_t i = 0; i < policy->ports_count; i++)
		clear_port(&policy->ports[i]);
	free(policy->rules);
	free(policy->ports);
	free(policy->local);
	free(policy->groups);
	free(policy->natted);
	free(policy->routed);
	free(policy->rule_pool);
	free(policy);
}

bool policy_is_pair(const struct policy_port *a, const struct policy_port *b)
{
	return a->proto == b->proto && a->lo == b->lo && a->hi == b->hi && a->addr.length == 0 &&
	       b->addr.length == 0 && a->addr.family != b->addr.family && a->origin == b->origin &&
	       a->is_closed == b->is_closed && streq(a->container ?: "", b->container ?: "") &&
	       a->rules_count == b->rules_count &&
	       (!a->rules_count ||
		memcmp(a->rules, b->rules, a->rules_count * sizeof(*a->rules)) == 0);
}

void policy_freep(struct policy **policy)
{
	policy_free(*policy);
}
