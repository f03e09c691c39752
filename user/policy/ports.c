/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ports.c: the layers of each place laid over each other -> the guarded ports.
 *
 * What holds for every address of the host holds for each single one of them too.  A place
 * with one address gets entries only for the numbers that something names there; they
 * repeat what they inherit, because the most specific destination decides alone.
 */
#include <errno.h>

#include "limit.h"
#include "policy/resolve.h"

#define PORT_MAX 65535u

enum layer_kind {
	OWN_RULES, /* rules `on` this place */
	OWN_CLAIMS,
	EVERY_RULES,   /* rules without `on` */
	FAMILY_CLAIMS, /* published on 0.0.0.0 or :: */
	LAYER_MAX
};

/* One place, and how far the walk over its layers has come. */
struct walk {
	struct place place;
	const struct layer *layers[LAYER_MAX];
	const struct segment *now[LAYER_MAX]; /* that cover the number, or NULL */
	unsigned int owners;                  /* bits of the layers that call for entries */
	bool is_container;
};

/* ---- one stretch of numbers ------------------------------------------------------ */

static bool goes_on(const struct draft *last, const struct draft *next)
{
	bool in_step =
		last->container == NO_CONTAINER || next->port == last->port + (next->lo - last->lo);

	return place_compare(&last->place, &next->place) == 0 && last->hi + 1 == next->lo &&
	       last->list == next->list && last->container == next->container && in_step &&
	       last->origin == next->origin && last->is_closed == next->is_closed &&
	       last->is_armed == next->is_armed;
}

static int add_draft(struct resolver *resolver, const struct draft *draft)
{
	struct draft *last = NULL;

	if (resolver->drafts_count && resolver->drafts_count <= LIMIT_PORTS)
		last = &resolver->drafts[resolver->drafts_count - 1];
	if (last && goes_on(last, draft)) {
		last->hi = draft->hi;
		return 0;
	}
	if (resolver->drafts_count < LIMIT_PORTS) {
		last = util_append(&resolver->drafts, resolver->drafts_count, sizeof(*last));
		if (!last)
			return -ENOMEM;
		*last = *draft;
	}
	resolver->drafts_count++;
	return 0;
}

/* Who has the number, the place itself or every address, and which rules come with that. */
static int settle_claims(struct resolver *resolver, const struct walk *walk, struct draft *draft)
{
	const struct segment *own = walk->now[OWN_CLAIMS], *family = walk->now[FAMILY_CLAIMS];
	const struct segment *winner = own ?: family, *loser = own ? family : NULL;
	unsigned int lost = 0;
	int err = 0;

	if (!winner)
		return 0;
	if (loser && claim_compare(loser->claim, winner->claim) < 0) {
		winner = family;
		loser = own;
	}
	draft->origin = winner->claim->origin;
	draft->container = winner->claim->container;
	draft->port = winner->claim->port + (draft->lo - winner->claim->lo);
	draft->is_armed = draft->origin == PORT_PUBLISHED && !winner->claim->is_running;
	if (loser)
		err = claim_keep_lost(resolver, loser->list, &lost);
	return err ?: rule_lists_union(&resolver->lists, winner->list, lost, &draft->list);
}

static int settle_rules(struct resolver *resolver, const struct walk *walk, struct draft *draft)
{
	static const enum layer_kind order[] = { OWN_RULES, EVERY_RULES };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const struct segment *segment = walk->now[order[i]];
		int err;

		/* Rules without `on` are about the host's addresses, not the containers'. */
		if (!segment || (order[i] != OWN_RULES && draft->origin == PORT_DIRECT))
			continue;
		err = rule_lists_union(&resolver->lists, draft->list, segment->list, &draft->list);
		if (err)
			return err;
	}
	return 0;
}

/* An allow means "only these"; a port that only deny rules name is the host's own business. */
static bool has_allow(const struct resolver *resolver, unsigned int list)
{
	struct rule_view view = rule_lists_get(&resolver->lists, list);

	for (unsigned int i = 0; i < view.count; i++)
		if (view.rules[i] == resolver_expired(resolver) ||
		    resolver->policy->rules[view.rules[i]].kind == STATEMENT_ALLOW)
			return true;
	return false;
}

static bool is_closed(const struct resolver *resolver, const struct draft *draft)
{
	if (draft->origin == PORT_DIRECT || resolver->policy->mode == DEFAULT_DENY_ALL)
		return true;
	if (resolver->policy->mode == DEFAULT_ALLOW)
		return false;
	return draft->origin == PORT_PUBLISHED || has_allow(resolver, draft->list);
}

/* A port that is open to the rest is not closed by a deny whose sources are unknown. */
static int drop_unknown(struct resolver *resolver, unsigned int *list)
{
	struct rule_view view = rule_lists_get(&resolver->lists, *list);
	unsigned int *kept, count = 0;
	int err = rule_lists_reserve(&resolver->lists, view.count, &kept);

	for (unsigned int i = 0; err == 0 && i < view.count; i++)
		if (view.rules[i] == resolver_expired(resolver) ||
		    !resolver->policy->rules[view.rules[i]].is_unknown)
			kept[count++] = view.rules[i];
	return err || count == view.count ? err : rule_lists_commit(&resolver->lists, count, list);
}

static int settle(struct resolver *resolver, const struct walk *walk, unsigned int lo,
		  unsigned int hi)
{
	struct draft draft = {
		.place = walk->place,
		.lo = lo,
		.hi = hi,
		.container = NO_CONTAINER,
		.origin = walk->is_container ? PORT_DIRECT : PORT_NAMED,
	};
	int err = settle_claims(resolver, walk, &draft) ?: settle_rules(resolver, walk, &draft);

	if (err)
		return err;
	draft.is_closed = is_closed(resolver, &draft);
	if (!draft.is_closed)
		err = drop_unknown(resolver, &draft.list);
	if (err)
		return err;
	if (draft.origin == PORT_DIRECT && draft.container == NO_CONTAINER) {
		draft.container = policy_container_at(resolver, &draft.place.addr);
		draft.port = draft.container == NO_CONTAINER ? 0 : lo;
	}
	return add_draft(resolver, &draft);
}

/* ---- one place ------------------------------------------------------------------- */

static int compare_end(const void *a, const void *b)
{
	return order_numbers(((const struct segment *)a)->hi, ((const struct segment *)b)->hi);
}

/* The segment that covers `port`, or the next one; NULL behind the last. */
static const struct segment *seek(const struct layer *layer, unsigned int port)
{
	const struct segment wanted = { .hi = port };
	size_t at;

	if (!layer)
		return NULL;
	at = order_first(&wanted, layer->segments, layer->count, sizeof(wanted), compare_end);
	return at < layer->count ? &layer->segments[at] : NULL;
}

/*
 * Steps to `port` or, when no owner has it, to the next number that one has.  Returns that
 * number and up to where (*ret_hi) nothing changes; PORT_MAX + 1 behind the last.
 */
static unsigned int step(struct walk *walk, unsigned int port, unsigned int *ret_hi)
{
	unsigned int first = PORT_MAX + 1, hi = PORT_MAX;

	for (size_t i = 0; i < LAYER_MAX; i++) {
		const struct segment *found = seek(walk->layers[i], port);

		if (walk->owners & 1u << i && found && found->lo < first)
			first = found->lo;
	}
	if (first < port)
		first = port;
	for (size_t i = 0; i < LAYER_MAX; i++) {
		const struct segment *found = seek(walk->layers[i], first);
		bool covers = found && found->lo <= first;
		unsigned int end = !found ? PORT_MAX : covers ? found->hi : found->lo - 1;

		walk->now[i] = covers ? found : NULL;
		if (end < hi)
			hi = end;
	}
	*ret_hi = hi;
	return first;
}

static int draft_place(struct resolver *resolver, const struct place *place)
{
	const struct layers *rules = &resolver->rule_layers;
	const struct layers *claims = &resolver->claim_layers;
	struct place every = { .proto = place->proto };
	struct place family = { .proto = place->proto, .addr.family = place->addr.family };
	struct walk walk = { .place = *place, .owners = 1u << OWN_RULES | 1u << OWN_CLAIMS };
	unsigned int hi;

	walk.is_container = policy_is_container_address(resolver, &place->addr);
	walk.layers[OWN_RULES] = layers_find(rules, place);
	walk.layers[OWN_CLAIMS] = layers_find(claims, place);
	walk.layers[EVERY_RULES] = layers_find(rules, &every);
	if (!place->addr.length)
		walk.owners |= 1u << EVERY_RULES;
	else if (!walk.is_container)
		walk.layers[FAMILY_CLAIMS] = layers_find(claims, &family);
	for (unsigned int lo = 1; (lo = step(&walk, lo, &hi)) <= PORT_MAX; lo = hi + 1) {
		int err = settle(resolver, &walk, lo, hi);

		if (err)
			return err;
	}
	return 0;
}

/* ---- all places ------------------------------------------------------------------ */

static int compare_place(const void *a, const void *b)
{
	return place_compare(a, b);
}

/* Every place that some layer is about, and of each protocol 0.0.0.0 and ::. */
static struct place *list_places(const struct resolver *resolver, size_t *ret_count)
{
	const struct layers *both[] = { &resolver->rule_layers, &resolver->claim_layers };
	size_t most = both[0]->count + both[1]->count + 2 * PROTO_MAX;
	struct place *places = calloc(most, sizeof(*places));
	size_t count = 0, kept = 0;

	if (!places)
		return NULL;
	for (size_t i = 0; i < 2 * PROTO_MAX; i++) {
		places[count].proto = proto_numbers[i / 2];
		places[count++].addr.family = i % 2 ? 6 : 4;
	}
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		for (size_t j = 0; j < both[i]->count; j++)
			if (both[i]->array[j].place.addr.family)
				places[count++] = both[i]->array[j].place;
	qsort(places, count, sizeof(*places), compare_place);
	for (size_t i = 0; i < count; i++)
		if (!kept || place_compare(&places[kept - 1], &places[i]))
			places[kept++] = places[i];
	*ret_count = kept;
	return places;
}

int policy_draft_ports(struct resolver *resolver)
{
	_cleanup_free_ struct place *places = NULL;
	size_t count = 0;
	int err = 0;

	places = list_places(resolver, &count);
	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		err = draft_place(resolver, &places[i]);
	if (!err && resolver->drafts_count > LIMIT_PORTS)
		err = error_set(&resolver->error, -E2BIG,
				"%zu guarded ports, the limit is %u (each of tcp, udp and sctp "
				"over IPv4 and IPv6 counts, a range once): write ranges, and the "
				"protocol",
				resolver->drafts_count, LIMIT_PORTS);
	return err;
}
