/* SPDX-License-Identifier: GPL-2.0-only */
/* sets_memory.c: see sets_memory.h. */
#include <errno.h>

#include "sets_memory.h"
#include "util.h"

static void clear_kept(struct sets_kept *kept)
{
	free(kept->path);
	free(kept->prefixes);
}

static struct sets_kept *find(const struct sets_memory *memory, const char *path)
{
	for (size_t i = 0; i < memory->count; i++)
		if (streq(memory->items[i].path, path))
			return &memory->items[i];
	return NULL;
}

static struct sets_kept *add(struct sets_memory *memory, const char *path)
{
	struct sets_kept *kept = util_append(&memory->items, memory->count, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->path = strdup(path);
	memory->count += kept->path != NULL;
	return kept->path ? kept : NULL;
}

static int copy(const struct prefix *prefixes, size_t count, struct prefix **ret)
{
	*ret = count ? reallocarray(NULL, count, sizeof(*prefixes)) : NULL;
	if (count && !*ret)
		return -ENOMEM;
	if (count)
		memcpy(*ret, prefixes, count * sizeof(*prefixes));
	return 0;
}

static int remember(struct sets_memory *memory, const char *path, const struct prefix *prefixes,
		    size_t count)
{
	struct sets_kept *kept = find(memory, path) ?: add(memory, path);
	struct prefix *copied;

	if (!kept || copy(prefixes, count, &copied) < 0)
		return -ENOMEM;
	free(kept->prefixes);
	kept->prefixes = copied;
	kept->count = count;
	kept->is_used = true;
	return 0;
}

static int recall(struct sets_memory *memory, const char *path, struct prefix **ret_prefixes,
		  size_t *ret_count)
{
	struct sets_kept *kept = find(memory, path);

	if (!kept)
		return -ENOENT;
	if (copy(kept->prefixes, kept->count, ret_prefixes) < 0)
		return -ENOMEM;
	*ret_count = kept->count;
	kept->is_used = true;
	return 0;
}

int sets_memory_read(struct sets_memory *memory, const char *path, struct prefix **ret_prefixes,
		     size_t *ret_count, struct sets_error *ret_error)
{
	_cleanup_free_ struct prefix *prefixes = NULL;
	size_t count = 0;
	int err = sets_read(path, &prefixes, &count, ret_error);

	if (err < 0 && err != -ENOMEM && recall(memory, path, ret_prefixes, ret_count) == 0)
		return 1;
	if (err == 0)
		err = remember(memory, path, prefixes, count);
	if (err < 0)
		return err;
	*ret_prefixes = TAKE_PTR(prefixes);
	*ret_count = count;
	return 0;
}

void sets_memory_trim(struct sets_memory *memory)
{
	size_t kept = 0;

	for (size_t i = 0; i < memory->count; i++) {
		if (memory->items[i].is_used)
			memory->items[kept++] = memory->items[i];
		else
			clear_kept(&memory->items[i]);
	}
	memory->count = kept;
	for (size_t i = 0; i < kept; i++)
		memory->items[i].is_used = false;
}

void sets_memory_clear(struct sets_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		clear_kept(&memory->items[i]);
	free(memory->items);
	*memory = (struct sets_memory){};
}
