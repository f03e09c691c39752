/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * naming.c: which containers does `allow container redis`, `compose shop/db` or
 * `service api` mean now?  Sorted names, so that thousands of rules over a thousand
 * containers are look-ups and not a product.
 */
#include <errno.h>

#include "policy/resolve.h"

/* Docker shows 12 digits of an id; a shorter one may be a name that looks like hex. */
#define ID_PREFIX_MIN 12

struct name {
	const char *major, *minor; /* minor: the compose service, else "" */
	unsigned int container;
};

struct names {
	struct name *array;
	size_t count;
};

static int compare_name(const void *a_, const void *b_)
{
	const struct name *a = a_, *b = b_;

	return strcmp(a->major, b->major) ?: strcmp(a->minor, b->minor)
	       ?: order_numbers(a->container, b->container);
}

enum name_kind { NAME_CONTAINER, NAME_ID, NAME_COMPOSE, NAME_SERVICE, NAME_KINDS };

static struct name name_of(const struct container *container, enum name_kind kind)
{
	switch (kind) {
	case NAME_CONTAINER:
		return (struct name){ container->name, "", 0 };
	case NAME_ID:
		return (struct name){ container->id, "", 0 };
	case NAME_COMPOSE:
		return (struct name){ container->project, container->service ?: "", 0 };
	case NAME_SERVICE:
	case NAME_KINDS:
		break;
	}
	return (struct name){ container->swarm_service, "", 0 };
}

static int index_names(const struct inventory *inventory, enum name_kind kind, struct names *names)
{
	names->array = calloc(inventory->containers_count ?: 1, sizeof(*names->array));
	if (!names->array)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->containers_count; i++) {
		struct name name = name_of(&inventory->containers[i], kind);

		if (!name.major)
			continue;
		name.container = (unsigned int)i;
		names->array[names->count++] = name;
	}
	qsort(names->array, names->count, sizeof(*names->array), compare_name);
	return 0;
}

/* What a rule asks for: a name, all of it or how it begins, and a service or any. */
struct query {
	const char *major;
	size_t length;
	const char *minor; /* NULL = any */
	bool is_prefix;
};

static bool matches(const struct name *name, const struct query *query)
{
	if (strncmp(name->major, query->major, query->length) != 0 ||
	    (!query->is_prefix && name->major[query->length]))
		return false;
	return !query->minor || streq(name->minor, query->minor);
}

static int name_by(struct resolver *resolver, const struct names *names, const struct query *query,
		   unsigned int rule)
{
	const struct name wanted = { query->major, query->minor ?: "", 0 };
	size_t i = order_first(&wanted, names->array, names->count, sizeof(wanted), compare_name);

	for (; i < names->count; i++) {
		struct naming *naming = &resolver->naming[names->array[i].container];
		unsigned int *added;

		if (!matches(&names->array[i], query))
			break;
		if (naming->count && naming->rules[naming->count - 1] == rule)
			continue; /* by its name and by its id */
		added = util_append(&naming->rules, naming->count, sizeof(*added));
		if (!added)
			return -ENOMEM;
		*added = rule;
		naming->count++;
	}
	return 0;
}

static bool is_id_prefix(const char *text, size_t length)
{
	return length >= ID_PREFIX_MIN && strspn(text, "0123456789abcdef") == length;
}

static int name_target(struct resolver *resolver, const struct names names[static NAME_KINDS],
		       const struct target *target, unsigned int rule)
{
	struct query query = { .major = target->name, .length = strlen(target->name) };
	int err;

	switch (target->kind) {
	case TARGET_CONTAINER:
		err = name_by(resolver, &names[NAME_CONTAINER], &query, rule);
		if (err || !is_id_prefix(query.major, query.length))
			return err;
		query.is_prefix = true;
		return name_by(resolver, &names[NAME_ID], &query, rule);
	case TARGET_COMPOSE:
		query.minor = target->service;
		return name_by(resolver, &names[NAME_COMPOSE], &query, rule);
	case TARGET_SERVICE:
		return name_by(resolver, &names[NAME_SERVICE], &query, rule);
	case TARGET_NONE:
	case TARGET_PORTS:
		break;
	}
	return 0;
}

static void names_clear(struct names (*names)[NAME_KINDS])
{
	for (size_t kind = 0; kind < NAME_KINDS; kind++)
		free((*names)[kind].array);
}

int policy_resolve_naming(struct resolver *resolver)
{
	const struct inventory *inventory = resolver->input->inventory;
	_cleanup_(names_clear) struct names names[NAME_KINDS] = { 0 };
	int err;

	resolver->naming = calloc(inventory->containers_count ?: 1, sizeof(*resolver->naming));
	if (!resolver->naming)
		return -ENOMEM;
	for (size_t kind = 0; kind < NAME_KINDS; kind++) {
		err = index_names(inventory, kind, &names[kind]);
		if (err)
			return err;
	}
	for (size_t rule = 0; rule < resolver->policy->rules_count; rule++) {
		const struct target *target = &resolver->statements[rule]->target;

		if (!target->name)
			continue;
		err = name_target(resolver, names, target, (unsigned int)rule);
		if (err)
			return err;
	}
	return 0;
}
