/* SPDX-License-Identifier: GPL-2.0-only */
/* bans.c: see bans.h. */
#include "bans/private.h"

#include <errno.h>
#include <stdlib.h>

#include "limit.h"
#include "base/cleanup.h"
#include "base/hash.h"

/* ---- by hash ------------------------------------------------------------------------------- */

/* Room for one more than there are. */
static int index_grow(struct bans_index *index, size_t count, const struct bans *bans,
		      __u64 (*hash_of)(const struct bans *bans, size_t number))
{
	size_t size = index->size ?: 64;
	__u32 *places;

	if (2 * (count + 1) <= index->size)
		return 0;
	while (size < 4 * (count + 1))
		size *= 2;
	places = calloc(size, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (size_t number = 0; number < count; number++) {
		size_t at = hash_of(bans, number) & (size - 1);

		while (places[at])
			at = (at + 1) & (size - 1);
		places[at] = number + 1;
	}
	free(index->places);
	*index = (struct bans_index){ places, size };
	return 0;
}

static void index_add(struct bans_index *index, __u64 hash, size_t number)
{
	size_t at = hash & (index->size - 1);

	while (index->places[at])
		at = (at + 1) & (index->size - 1);
	index->places[at] = number + 1;
}

static __u64 hash_prefix(const struct prefix *prefix)
{
	return hash_short(prefix, sizeof(*prefix));
}

static __u64 hash_of_ban(const struct bans *bans, size_t number)
{
	return hash_prefix(&bans->list[number].prefix);
}

static __u64 hash_of_owner(const struct bans *bans, size_t number)
{
	return hash_short(bans->owners[number], strlen(bans->owners[number]));
}

/* ---- owners -------------------------------------------------------------------------------- */

/* -1 = nobody has that name. */
static long find_owner(const struct bans *bans, const char *name)
{
	const struct bans_index *index = &bans->by_owner;
	size_t at = hash_short(name, strlen(name)) & (index->size - 1);

	for (; index->size && index->places[at]; at = (at + 1) & (index->size - 1))
		if (streq(bans->owners[index->places[at] - 1], name))
			return index->places[at] - 1;
	return -1;
}

/* Its number, or -ENOMEM. */
static long give_owner(struct bans *bans, const char *name)
{
	long number = find_owner(bans, name);
	char **owner;

	if (number >= 0)
		return number;
	if (index_grow(&bans->by_owner, bans->owners_count, bans, hash_of_owner) < 0)
		return -ENOMEM;
	owner = util_append(&bans->owners, bans->owners_count, sizeof(*owner));
	if (!owner)
		return -ENOMEM;
	*owner = strdup(name);
	if (!*owner)
		return -ENOMEM;
	number = bans->owners_count++;
	index_add(&bans->by_owner, hash_of_owner(bans, number), number);
	return number;
}

const char *bans_owner(const struct bans *bans, __u32 owner)
{
	return bans->owners[owner];
}

/* As it stands in a line of the file. */
static void clean_owner(const char *owner, char ret[static BANS_OWNER_MAX + 1])
{
	snprintf(ret, BANS_OWNER_MAX + 1, "%s", owner);
	for (char *at = ret; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
}

/* ---- the list ------------------------------------------------------------------------------ */

struct bans *bans_new(void)
{
	_cleanup_(bans_freep) struct bans *bans = calloc(1, sizeof(*bans));

	if (!bans || give_owner(bans, "") < 0)
		return NULL;
	return TAKE_PTR(bans);
}

void bans_free(struct bans *bans)
{
	if (!bans)
		return;
	for (size_t i = 0; i < bans->owners_count; i++)
		free(bans->owners[i]);
	free(bans->owners);
	free(bans->by_owner.places);
	free(bans->list);
	free(bans->by_prefix.places);
	buffer_clear(&bans->changes);
	free(bans);
}

void bans_freep(struct bans **bans)
{
	bans_free(*bans);
}

size_t bans_count(const struct bans *bans)
{
	return bans->live_count;
}

const struct ban *bans_next(const struct bans *bans, size_t *at)
{
	while (*at < bans->count && bans->list[*at].is_lifted)
		++*at;
	return *at < bans->count ? &bans->list[(*at)++] : NULL;
}

/* The next one of this prefix, from *at on, which begins as hash_prefix(). */
static struct ban *next_of(const struct bans *bans, const struct prefix *prefix, __u64 *at)
{
	const struct bans_index *index = &bans->by_prefix;
	struct ban *ban;

	for (; index->size && index->places[*at & (index->size - 1)]; ++*at) {
		ban = &bans->list[index->places[*at & (index->size - 1)] - 1];
		if (prefix_equal(&ban->prefix, prefix)) {
			++*at;
			return ban;
		}
	}
	return NULL;
}

static struct ban *find(const struct bans *bans, const struct prefix *prefix, __u32 owner)
{
	__u64 at = hash_prefix(prefix);
	struct ban *ban;

	do
		ban = next_of(bans, prefix, &at);
	while (ban && ban->owner != owner);
	return ban;
}

static int add_new(struct bans *bans, const struct prefix *prefix, __u32 owner, struct ban **ret)
{
	if (index_grow(&bans->by_prefix, bans->count, bans, hash_of_ban) < 0)
		return -ENOMEM;
	*ret = util_append(&bans->list, bans->count, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	**ret = (struct ban){ .prefix = *prefix, .owner = owner, .is_lifted = true };
	index_add(&bans->by_prefix, hash_prefix(prefix), bans->count++);
	return 0;
}

/* Without a line in bans->changes.  What it has become, or NULL with *err. */
static struct ban *set(struct bans *bans, const struct prefix *prefix, const char *owner,
		       time_t until, int *err)
{
	char name[BANS_OWNER_MAX + 1];
	struct ban *ban;
	long number;

	clean_owner(owner, name);
	number = give_owner(bans, name);
	*err = number < 0 ? -ENOMEM : 0;
	if (*err < 0)
		return NULL;
	ban = find(bans, prefix, number);
	*err = ban && !ban->is_lifted && ban->until == until;
	if (*err)
		return NULL;
	if ((!ban || ban->is_lifted) && bans->live_count >= LIMIT_PREFIXES)
		*err = -E2BIG;
	else if (!ban)
		*err = add_new(bans, prefix, number, &ban);
	if (*err < 0)
		return NULL;
	bans->live_count += ban->is_lifted;
	ban->is_lifted = false;
	ban->until = until;
	return ban;
}

int bans_add(struct bans *bans, const struct prefix *prefix, const char *owner, time_t until)
{
	int err;
	const struct ban *ban = set(bans, prefix, owner, until, &err);

	if (!ban)
		return err < 0 ? err : 0;
	err = bans_put_line(&bans->changes, bans, ban);
	return err < 0 ? err : 1;
}

static int lift(struct bans *bans, struct ban *ban)
{
	ban->is_lifted = true;
	bans->live_count--;
	return bans_put_line(&bans->changes, bans, ban);
}

int bans_lift(struct bans *bans, const struct prefix *prefix, const char *owner)
{
	__u64 at = hash_prefix(prefix);
	char name[BANS_OWNER_MAX + 1];
	struct ban *ban;
	int lifted = 0;

	clean_owner(owner ?: "", name);
	while ((ban = next_of(bans, prefix, &at))) {
		if (ban->is_lifted || (owner && !streq(bans->owners[ban->owner], name)))
			continue;
		if (lift(bans, ban) < 0)
			return -ENOMEM;
		lifted++;
	}
	return lifted;
}

int bans_lift_all(struct bans *bans, const char *owner)
{
	char name[BANS_OWNER_MAX + 1];
	long number;
	int lifted = 0;

	clean_owner(owner ?: "", name);
	number = find_owner(bans, name);
	for (size_t i = 0; i < bans->count; i++) {
		struct ban *ban = &bans->list[i];

		if (ban->is_lifted || (owner && ban->owner != number))
			continue;
		if (lift(bans, ban) < 0)
			return -ENOMEM;
		lifted++;
	}
	return lifted;
}

time_t bans_round(time_t now, time_t until)
{
	time_t step = 1;

	while (until > now && step <= (until - now) / 128)
		step *= 2;
	return (until + step - 1) / step * step;
}

/* ---- the file's text ----------------------------------------------------------------------- */

int bans_put_line(struct buffer *buffer, const struct bans *bans, const struct ban *ban)
{
	char line[PREFIX_STRLEN + 32 + BANS_OWNER_MAX], prefix[PREFIX_STRLEN], until[24];
	const char *owner = bans_owner(bans, ban->owner);
	int length;

	snprintf(until, sizeof(until), "%lld", (long long)ban->until);
	length = snprintf(line, sizeof(line), "%s %s%s%s\n", prefix_format(&ban->prefix, prefix),
			  ban->is_lifted ? "x"
			  : ban->until   ? until
					 : "-",
			  owner[0] ? " " : "", owner);
	return buffer_append(buffer, line, length);
}

/* What is in front of the next blank or the end; *at then behind the blank. */
static const char *take_word(const char **at, const char *end, size_t *ret_length)
{
	const char *start = *at, *blank = memchr(start, ' ', end - start);

	*ret_length = (blank ?: end) - start;
	*at = blank ? blank + 1 : end;
	return start;
}

static int copy_word(const char **at, const char *end, char *ret, size_t size)
{
	size_t length;
	const char *word = take_word(at, end, &length);

	if (!length || length >= size || memchr(word, '\0', length))
		return -EINVAL;
	memcpy(ret, word, length);
	ret[length] = '\0';
	return 0;
}

/* -EINVAL = it is none. */
static int parse_until(const char *word, bool *ret_lifted, time_t *ret)
{
	char *end;

	*ret_lifted = streq(word, "x");
	*ret = 0;
	if (*ret_lifted || streq(word, "-"))
		return 0;
	errno = 0;
	*ret = strtoll(word, &end, 10);
	return errno || *end || *ret <= 0 ? -EINVAL : 0;
}

/* 0, -EINVAL or -ENOMEM. */
static int parse_line(struct bans *bans, const char *at, const char *end)
{
	char word[PREFIX_STRLEN], until_word[24], owner[BANS_OWNER_MAX + 1] = "";
	struct prefix prefix;
	bool is_lifted;
	time_t until;
	int err;

	if (copy_word(&at, end, word, sizeof(word)) < 0 || prefix_parse(word, &prefix, NULL) < 0 ||
	    copy_word(&at, end, until_word, sizeof(until_word)) < 0 ||
	    parse_until(until_word, &is_lifted, &until) < 0)
		return -EINVAL;
	if (end - at > BANS_OWNER_MAX || memchr(at, '\0', end - at))
		return -EINVAL;
	memcpy(owner, at, end - at);
	if (is_lifted)
		return bans_lift(bans, &prefix, owner) == -ENOMEM ? -ENOMEM : 0;
	(void)set(bans, &prefix, owner, until, &err);
	return err < 0 ? err : 0;
}

int bans_parse(const char *text, size_t length, struct bans **ret, struct error *ret_error)
{
	_cleanup_(bans_freep) struct bans *bans = bans_new();
	const char *at = text, *end = text + length, *newline;
	bool is_told = false;
	int err;

	if (!bans)
		return -ENOMEM;
	for (; at < end && (newline = memchr(at, '\n', end - at)); at = newline + 1) {
		bans->lines++;
		err = *at == '#' ? 0 : parse_line(bans, at, newline);
		if (err == -ENOMEM)
			return err;
		if (err < 0 && !is_told)
			(void)error_set_at(ret_error, err, bans->lines, 0,
					   err == -E2BIG ? "more bans than there can be (%d); "
							   "those from here on are left out"
							 : "this is no line of bans, and is left "
							   "out",
					   LIMIT_PREFIXES);
		is_told |= err < 0;
	}
	bans->size = at - text;
	buffer_clear(&bans->changes);
	*ret = TAKE_PTR(bans);
	return 0;
}
