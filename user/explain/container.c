/* SPDX-License-Identifier: GPL-2.0-only */
/* container.c: of a container each of its ports, who gets in, and what comes next.  See explain.h.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/suggest.h"
#include "docker/inventory.h"
#include "explain/private.h"

/* Docker shows 12 digits of an id. */
#define ID_PREFIX_MIN 12

/* ---- which ------------------------------------------------------------------------------------
 */

static bool is_named(const struct container *container, const char *name)
{
	return streq(container->name, name) ||
	       (strlen(name) >= ID_PREFIX_MIN && strncmp(container->id, name, strlen(name)) == 0);
}

/* "PROJECT/SERVICE", or the project alone. */
static bool is_in_project(const struct container *container, const char *name)
{
	const char *slash = strchrnul(name, '/');
	size_t length = slash - name;

	return container->project && strlen(container->project) == length &&
	       strncmp(container->project, name, length) == 0 &&
	       (!*slash || (container->service && streq(container->service, slash + 1)));
}

static bool is_meant(const struct container *container, const struct explain_name *name)
{
	switch (name->kind) {
	case EXPLAIN_CONTAINER:
		return is_named(container, name->text);
	case EXPLAIN_COMPOSE:
		return is_in_project(container, name->text);
	case EXPLAIN_SWARM:
		return container->swarm_service && streq(container->swarm_service, name->text);
	}
	return false;
}

/* A container's name, or with a slash what Compose has. */
static bool read_word(const char *word, struct explain_name *ret)
{
	struct prefix prefix;

	if (!isalnum((unsigned char)word[0]) || strpbrk(word, " \t\n=") ||
	    prefix_parse(word, &prefix, NULL) == 0)
		return false;
	*ret = (struct explain_name){ strchr(word, '/') ? EXPLAIN_COMPOSE : EXPLAIN_CONTAINER,
				      word };
	return true;
}

int explain_read_name(char *const *words, size_t count, struct explain_name *ret)
{
	static const char *const kinds[] = { [EXPLAIN_CONTAINER] = "container",
					     [EXPLAIN_COMPOSE] = "compose",
					     [EXPLAIN_SWARM] = "service" };

	if (count == 1 && read_word(words[0], ret))
		return 0;
	for (size_t i = 0; count == 2 && i < ARRAY_SIZE(kinds); i++) {
		if (!streq(words[0], kinds[i]))
			continue;
		*ret = (struct explain_name){ i, words[1] };
		return 0;
	}
	return -ENOENT;
}

static int refuse(const struct inventory *inventory, const struct explain_name *name,
		  struct error *error)
{
	struct suggestion meant = { .word = name->text, .length = strlen(name->text) };

	for (size_t i = 0; inventory && i < inventory->containers_count; i++) {
		const struct container *container = &inventory->containers[i];

		if (name->kind == EXPLAIN_CONTAINER)
			suggest_offer(&meant, container->name);
		if (name->kind == EXPLAIN_COMPOSE && container->project)
			suggest_offer(&meant, container->project);
		if (name->kind == EXPLAIN_SWARM && container->swarm_service)
			suggest_offer(&meant, container->swarm_service);
	}
	if (!inventory)
		return error_set(error, -ENODATA, "'%s': nothing is known of Docker's containers",
				 name->text);
	return error_set(error, -EUCLEAN,
			 "'%s': no container of that name runs, or is about to%s%s%s", name->text,
			 meant.best ? "; did you mean '" : " (`docker ps` shows who does)",
			 meant.best ?: "", meant.best ? "'?" : "");
}

/* ---- its ports --------------------------------------------------------------------------------
 */

static int add_rule(const struct explain_input *input, const struct policy_rule *rule,
		    struct explain_port *port)
{
	_cleanup_free_ char *place = explain_place_of(input, rule);

	return place ? problems_add(&port->rules, "%s: %s", place, rule->text) : -ENOMEM;
}

/* Failsafe sources get in by any port; bans are left to be counted, there may be thousands. */
static int add_rules(const struct explain_input *input, struct explain_port *port)
{
	const struct policy *policy = input->desired->policy;
	int err = 0;

	for (size_t i = 0; err == 0 && i < policy->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (rule->kind == STATEMENT_BAN)
			port->bans += rule->number ? 1 : rule->sources_count;
		if (rule->is_everywhere && rule->kind == STATEMENT_FAILSAFE)
			err = add_rule(input, rule, port);
	}
	for (size_t i = 0; err == 0 && i < port->port->rules_count; i++)
		err = add_rule(input, &policy->rules[port->port->rules[i]], port);
	return err;
}

static int add_port(const struct explain_input *input, size_t number, bool is_both,
		    struct explain_ports *ret)
{
	const struct policy *policy = input->desired->policy;
	const struct policy_row row = { &policy->ports[number], is_both };
	struct explain_port *port = util_append(&ret->list, ret->count, sizeof(*port));
	int err;

	if (!port)
		return -ENOMEM;
	*port = (struct explain_port){ .port = row.port, .is_both = is_both };
	ret->count++;
	port->who = policy_who(policy, &row);
	err = port->who ? add_rules(input, port) : -ENOMEM;
	if (err == 0)
		err = explain_add_container(input, row.port, row.port->lo, &port->next);
	if (err == 0 && is_both)
		err = explain_add_container(input, row.port + 1, row.port->lo, &port->next);
	return err;
}

static int add_ports(const struct explain_input *input, const struct container *container,
		     struct explain_ports *ret)
{
	const struct policy *policy = input->desired->policy;
	int err = 0;

	for (size_t i = 0; err == 0 && i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];
		bool is_both = i + 1 < policy->ports_count &&
			       policy_is_pair(port, &policy->ports[i + 1]) &&
			       policy->ports[i + 1].container_id &&
			       streq(policy->ports[i + 1].container_id, container->id);

		if (!port->container_id || !streq(port->container_id, container->id))
			continue;
		err = add_port(input, i, is_both, ret);
		i += is_both;
	}
	return err;
}

int explain_ports(const struct explain_input *input, const struct explain_name *name,
		  struct explain_ports *ret, struct error *error)
{
	_cleanup_(explain_ports_clear) struct explain_ports ports = {};
	const struct inventory *inventory = input->desired->inventory;
	int err = 0;

	for (size_t i = 0; err == 0 && inventory && i < inventory->containers_count; i++) {
		if (!is_meant(&inventory->containers[i], name))
			continue;
		ports.containers++;
		err = add_ports(input, &inventory->containers[i], &ports);
	}
	if (err == 0 && !ports.containers)
		err = refuse(inventory, name, error);
	if (err < 0)
		return error_complete(error, err);
	*ret = ports;
	ports = (struct explain_ports){};
	return 0;
}

void explain_ports_clear(struct explain_ports *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		free(ports->list[i].who);
		problems_clear(&ports->list[i].rules);
		problems_clear(&ports->list[i].next);
	}
	free(ports->list);
	*ports = (struct explain_ports){};
}
