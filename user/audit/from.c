/* SPDX-License-Identifier: GPL-2.0-only */
/* from.c: whose way in is asked about: an address, a prefix, or a set of the configuration. */
#include "audit/audit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/problems.h"
#include "engine/desired.h"
#include "policy/policy.h"

void audit_from_clear(struct audit_from *from)
{
	free(from->prefixes);
	*from = (struct audit_from){};
}

static int take_inline(const struct statement *set, struct audit_from *ret)
{
	ret->prefixes = calloc(set->sources_count + 1, sizeof(*ret->prefixes));
	if (!ret->prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < set->sources_count; i++)
		ret->prefixes[ret->count++] = set->sources[i].prefix;
	return 0;
}

/* The members as the policy has them: of a file that is bad now, what is kept of it. */
static int take_file(const struct desired *desired, const char *name, struct audit_from *ret,
		     struct error *error)
{
	for (size_t i = 0; i < desired->sets_count; i++) {
		const struct policy_set *set = &desired->sets[i];

		if (!streq(set->name, name))
			continue;
		if (set->is_unknown)
			break;
		ret->prefixes = calloc(set->count + 1, sizeof(*ret->prefixes));
		if (!ret->prefixes)
			return -ENOMEM;
		if (set->count)
			memcpy(ret->prefixes, set->members, set->count * sizeof(*set->members));
		ret->count = set->count;
		return 0;
	}
	return error_set(error, -ENODATA, "cannot tell who is in set '%s': %s", name,
			 desired->problems.count ? desired->problems.texts[0]
						 : "its file cannot be read");
}

static int take_set(const struct audit_source *source, const char *name, const char *text,
		    struct audit_from *ret, struct error *error)
{
	_cleanup_(desired_freep) struct desired *desired = NULL;
	struct desired_input how = { .config_path = source->config_path,
				     .sets_dir = source->sets_dir,
				     .text = text,
				     .is_docker_off = true };
	const struct statement *set;
	int err = desired_read(&how, &desired, error);

	if (err < 0)
		return err == -ENOENT ? -EINVAL : err;
	set = config_find_set(desired->config, name);
	if (!set)
		return -ENOENT;
	err = set->set_file ? take_file(desired, name, ret, error) : take_inline(set, ret);
	return err == -ENOENT ? -EINVAL : err;
}

int audit_from_read(const struct audit_source *source, const char *word, const char *text,
		    struct audit_from *ret, struct error *error)
{
	char fault[PREFIX_FAULT_STRLEN] = "";
	struct prefix one;
	int err;

	if (prefix_parse(word, &one, fault) == 0) {
		ret->prefixes = malloc(sizeof(one));
		if (!ret->prefixes)
			return error_complete(error, -ENOMEM);
		ret->prefixes[0] = one;
		ret->count = 1;
		prefix_format(&one, ret->name);
		return 0;
	}
	err = take_set(source, word, text, ret, error);
	if (err == -ENOENT)
		return error_set(
			error, err,
			"--from takes an address, a prefix, or a set of the configuration, "
			"which has none of that name: '%s' %s",
			word, fault);
	if (err < 0)
		return error_complete(error, err);
	snprintf(ret->name, sizeof(ret->name), "%s", word);
	return 0;
}
