/* SPDX-License-Identifier: GPL-2.0-only */
/* bans.c: see bans.h. */
#include "bans/private.h"

#include <errno.h>
#include <stdlib.h>

#include "limit.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "config/config.h"

/* ---- by hash ------------------------------------------------------------------------------- */

/* Room for so many, of which there are `count`. */
static int index_grow(struct bans_index *index, size_t wanted, size_t count,
		      const struct bans *bans,
		      __u64 (*hash_of)(const struct bans *bans, size_t number))
{
	size_t size = index->size ?: 64;
	__u32 *places;

	if (2 * wanted <= index->size)
		return 0;
	while (size < 2 * wanted)
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
	size_t at;

	/* One after the other mostly has the same. */
	if (bans->count && streq(bans->owners[bans->list[bans->count - 1].owner], name))
		return bans->list[bans->count - 1].owner;
	at = hash_short(name, strlen(name)) & (index->size - 1);
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
	if (index_grow(&bans->by_owner, bans->owners_count + 1, bans->owners_count, bans,
		       hash_of_owner) < 0)
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

char *bans_print(const struct bans *bans, const struct ban *ban)
{
	struct source source = { .prefix = ban->prefix };
	char *owner = bans->owners[ban->owner];
	const struct statement statement = { .kind = STATEMENT_BAN,
					     .sources = &source,
					     .sources_count = 1,
					     .until = ban->until,
					     .comment = owner[0] ? owner : NULL };

	return config_print_statement(&statement);
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
	if (index_grow(&bans->by_prefix, bans->count + 1, bans->count, bans, hash_of_ban) < 0)
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

/* What is in front of the next blank or the end, as text; *at then behind the blank. */
static int copy_word(const char **at, const char *end, char *ret, size_t size)
{
	const char *word = *at, *blank = memchr(word, ' ', end - word);
	size_t length = (blank ?: end) - word;

	if (!length || length >= size || memchr(word, '\0', length))
		return -EINVAL;
	memcpy(ret, word, length);
	ret[length] = '\0';
	*at = blank ? blank + 1 : end;
	return 0;
}

/* NULL = there is none. */
static const char *read_number(const char *at, const char *end, __u64 most, __u64 *ret)
{
	const char *start = at;

	for (*ret = 0; at < end && *at >= '0' && *at <= '9' && *ret <= most; at++)
		*ret = *ret * 10 + (*at - '0');
	return at == start || *ret > most ? NULL : at;
}

/* Most are IPv4 addresses, and are read in place: a million lines are read at each change.  false:
 * somebody else should look. */
static bool read_ipv4(const char **at, const char *end, struct prefix *ret)
{
	const char *next = *at;

	*ret = (struct prefix){ .family = 4, .length = 32 };
	for (int i = 0; i < 4; i++) {
		const char *start = next;
		__u64 part;

		next = read_number(start, end, 255, &part);
		if (!next || next == end || *next != (i < 3 ? '.' : ' ') ||
		    (*start == '0' && next - start > 1))
			return false;
		ret->addr[i] = part;
		next++;
	}
	*at = next;
	return true;
}

static int read_prefix(const char **at, const char *end, struct prefix *ret)
{
	char word[PREFIX_STRLEN];

	if (read_ipv4(at, end, ret))
		return 0;
	if (copy_word(at, end, word, sizeof(word)) < 0)
		return -EINVAL;
	return prefix_parse(word, ret, NULL) < 0 ? -EINVAL : 0;
}

#define UNTIL_MOST (1ull << 40)

/* -EINVAL = it is none. */
static int read_until(const char **at, const char *end, bool *ret_lifted, time_t *ret)
{
	const char *next = *at;
	__u64 until = 0;

	*ret_lifted = next < end && *next == 'x';
	if (next < end && (*next == 'x' || *next == '-'))
		next++;
	else
		next = read_number(next, end, UNTIL_MOST, &until);
	if (!next || (next < end && *next != ' ') || (*at < end && **at == '0'))
		return -EINVAL;
	*ret = until;
	*at = next < end ? next + 1 : end;
	return 0;
}

/* 0, -EINVAL or -ENOMEM. */
static int parse_line(struct bans *bans, const char *at, const char *end)
{
	char owner[BANS_OWNER_MAX + 1] = "";
	struct prefix prefix;
	bool is_lifted;
	time_t until;
	int err;

	if (read_prefix(&at, end, &prefix) < 0 || read_until(&at, end, &is_lifted, &until) < 0 ||
	    end - at > BANS_OWNER_MAX || memchr(at, '\0', end - at))
		return -EINVAL;
	memcpy(owner, at, end - at);
	if (is_lifted)
		return bans_lift(bans, &prefix, owner) == -ENOMEM ? -ENOMEM : 0;
	(void)set(bans, &prefix, owner, until, &err);
	return err < 0 ? err : 0;
}

/* As many as the text can have. */
static int reserve(struct bans *bans, const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	size_t lines = 0;

	for (; at < end && (at = memchr(at, '\n', end - at)); at++)
		lines++;
	return index_grow(&bans->by_prefix, bans->count + lines + 1, bans->count, bans,
			  hash_of_ban);
}

int bans_parse_more(struct bans *bans, const char *text, size_t length, struct error *ret_error)
{
	const char *at = text, *end = text + length, *newline;
	bool is_told = false;
	int err;

	if (reserve(bans, text, length) < 0)
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
	bans->size += at - text;
	buffer_clear(&bans->changes);
	return 0;
}

int bans_parse(const char *text, size_t length, struct bans **ret, struct error *ret_error)
{
	_cleanup_(bans_freep) struct bans *bans = bans_new();
	int err = bans ? bans_parse_more(bans, text, length, ret_error) : -ENOMEM;

	if (err == 0)
		*ret = TAKE_PTR(bans);
	return err;
}
