/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * contest.c: claims -> one layer for each place.  Where several containers want the
 * same number, one has it.
 *
 * Who runs comes before who does not, then the order of names.  Rules that name a loser
 * keep denying and stop allowing: an allow for a container that is only waiting must not
 * open the port of the one that has it, and a deny should hold from its first packet.
 */
#include <errno.h>

#include "policy/resolve.h"

/* Negative: a has it. */
int claim_compare(const struct claim *a, const struct claim *b)
{
	if (a->is_running != b->is_running)
		return a->is_running ? -1 : 1;
	return order_numbers(a->container, b->container) ?: order_numbers(a->port, b->port);
}

/* The rules of a list that hold although another container has the port. */
int claim_keep_lost(struct resolver *resolver, unsigned int list, unsigned int *ret_list)
{
	struct rule_view view = rule_lists_get(&resolver->lists, list);
	unsigned int kept = 0, *out;
	int err = rule_lists_reserve(&resolver->lists, view.count, &out);

	if (err)
		return err;
	for (unsigned int i = 0; i < view.count; i++)
		if (resolver->policy->rules[view.rules[i]].kind == STATEMENT_DENY)
			out[kept++] = view.rules[i];
	return rule_lists_commit(&resolver->lists, kept, ret_list);
}

static int compare_place(const void *a_, const void *b_)
{
	const struct claim *a = a_, *b = b_;

	return place_compare(&a->place, &b->place) ?: order_numbers(a->lo, b->lo)
	       ?: order_numbers(a->hi, b->hi) ?: claim_compare(a, b);
}

/* The claims that cover where the sweep stands. */
struct contest {
	const struct claim **claims;
	size_t count;
};

static int enter(struct contest *contest, const struct claim *claim)
{
	const struct claim **added = util_append(&contest->claims, contest->count, sizeof(*added));

	if (!added)
		return -ENOMEM;
	*added = claim;
	contest->count++;
	return 0;
}

static void leave_before(struct contest *contest, unsigned int port)
{
	size_t kept = 0;

	for (size_t i = 0; i < contest->count; i++)
		if (contest->claims[i]->hi >= port)
			contest->claims[kept++] = contest->claims[i];
	contest->count = kept;
}

static void contest_clear(struct contest *contest)
{
	free(contest->claims);
}

static int decide(struct resolver *resolver, const struct contest *contest, struct segment *segment)
{
	const struct claim *winner = contest->claims[0];
	unsigned int list;
	int err;

	for (size_t i = 1; i < contest->count; i++)
		if (claim_compare(contest->claims[i], winner) < 0)
			winner = contest->claims[i];
	segment->claim = winner;
	segment->list = winner->list;
	for (size_t i = 0; i < contest->count; i++) {
		list = contest->claims[i]->list;
		err = 0;
		if (contest->claims[i]->container != winner->container)
			err = claim_keep_lost(resolver, list, &list);
		if (!err)
			err = rule_lists_union(&resolver->lists, segment->list, list,
					       &segment->list);
		if (err)
			return err;
	}
	return 0;
}

static unsigned int first_end(const struct contest *contest)
{
	unsigned int end = contest->claims[0]->hi;

	for (size_t i = 1; i < contest->count; i++)
		if (contest->claims[i]->hi < end)
			end = contest->claims[i]->hi;
	return end;
}

static int sweep_place(struct resolver *resolver, const struct claim *claims, size_t count,
		       struct layer *layer)
{
	_cleanup_(contest_clear) struct contest contest = { 0 };
	struct segment segment = { 0 };
	size_t next = 0;
	int err = 0;

	while (next < count || contest.count) {
		if (!contest.count)
			segment.lo = claims[next].lo;
		for (; next < count && claims[next].lo == segment.lo && !err; next++)
			err = enter(&contest, &claims[next]);
		if (err)
			return err;
		segment.hi = first_end(&contest);
		if (next < count && claims[next].lo <= segment.hi)
			segment.hi = claims[next].lo - 1;
		err = decide(resolver, &contest, &segment) ?: layer_append(layer, &segment);
		if (err)
			return err;
		segment.lo = segment.hi + 1;
		leave_before(&contest, segment.lo);
	}
	return 0;
}

static int contest_all(struct resolver *resolver)
{
	const struct claim *claims = resolver->claims;
	size_t first = 0, count;

	for (; first < resolver->claims_count; first += count) {
		const struct place *place = &claims[first].place;
		struct layer *layer = layers_add(&resolver->claim_layers, place);
		int err;

		if (!layer)
			return -ENOMEM;
		count = 1;
		while (first + count < resolver->claims_count &&
		       place_compare(place, &claims[first + count].place) == 0)
			count++;
		err = sweep_place(resolver, claims + first, count, layer);
		if (err)
			return err;
	}
	return 0;
}

int policy_resolve_claims(struct resolver *resolver)
{
	int err = policy_collect_claims(resolver);

	if (err || !resolver->claims_count)
		return err;
	qsort(resolver->claims, resolver->claims_count, sizeof(*resolver->claims), compare_place);
	return contest_all(resolver);
}
