/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spans.c: rules that name ports -> one layer for each place they name.  A sweep
 * over the ends of the ranges: what it costs depends on how many there are, not on how
 * many numbers are between them.
 */
#include <errno.h>

#include "policy/resolve.h"

/* ---- collecting ---------------------------------------------------------------- */

static int add_span(struct resolver *resolver, const struct span *span)
{
	struct span *added = util_append(&resolver->spans, resolver->spans_count, sizeof(*added));

	if (!added)
		return -ENOMEM;
	resolver->spans_count++;
	*added = *span;
	return 0;
}

static int add_target(struct resolver *resolver, const struct target *target, unsigned int rule)
{
	struct span span = { .rule = rule, .place.addr = target->on };
	int err;

	for (size_t i = 0; i < target->ports_count; i++) {
		span.lo = target->ports[i].lo;
		span.hi = target->ports[i].hi;
		for (size_t bit = 0; bit < PROTO_MAX; bit++) {
			if (!(target->protos & 1u << bit))
				continue;
			span.place.proto = proto_numbers[bit];
			err = add_span(resolver, &span);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Past it, an allow still closes, unless the mode has no use for that. */
static bool closes_when_expired(const struct resolver *resolver, const struct statement *statement)
{
	return statement->kind == STATEMENT_ALLOW &&
	       resolver->policy->mode == DEFAULT_DENY_PUBLISHED;
}

static int collect_one(struct resolver *resolver, const struct statement *statement,
		       unsigned int rule)
{
	const struct target *target = &statement->target;

	if (target->kind != TARGET_PORTS || place_is_martian(&target->on))
		return 0;
	if (target->on.family && !prefix_is_address(&target->on)) {
		return error_set_at(&resolver->error, -EINVAL, statement->line, 0,
				    "'on' takes one address");
	}
	return add_target(resolver, target, rule);
}

static int collect(struct resolver *resolver)
{
	const struct config *config = resolver->input->config;
	unsigned int rule = 0;
	int err = 0;

	for (size_t i = 0; i < config->count && !err; i++) {
		const struct statement *statement = &config->statements[i];

		if (!config_is_rule(statement))
			continue;
		if (!statement_is_past(statement, resolver->input->now))
			err = collect_one(resolver, statement, rule++);
		else if (closes_when_expired(resolver, statement))
			err = collect_one(resolver, statement, resolver_expired(resolver));
	}
	return err;
}

/* ---- sweeping ------------------------------------------------------------------ */

static int compare_lo(const void *a_, const void *b_)
{
	const struct span *a = a_, *b = b_;

	return place_compare(&a->place, &b->place) ?: order_numbers(a->lo, b->lo);
}

static int compare_hi(const void *a_, const void *b_)
{
	const struct span *a = a_, *b = b_;

	return place_compare(&a->place, &b->place) ?: order_numbers(a->hi, b->hi);
}

/* The rules in force where the sweep stands. */
struct active {
	unsigned int *times; /* how many spans of this rule */
	unsigned long *bits;
	size_t words;
	size_t count;
};

#define WORD_BITS (8 * sizeof(unsigned long))

static void enter(struct active *active, unsigned int rule)
{
	if (active->times[rule]++)
		return;
	active->bits[rule / WORD_BITS] |= 1ul << rule % WORD_BITS;
	active->count++;
}

static void leave(struct active *active, unsigned int rule)
{
	if (--active->times[rule])
		return;
	active->bits[rule / WORD_BITS] &= ~(1ul << rule % WORD_BITS);
	active->count--;
}

static int list_active(struct rule_lists *lists, const struct active *active,
		       unsigned int *ret_list)
{
	unsigned int *rules, count = 0;
	int err = rule_lists_reserve(lists, active->count, &rules);

	if (err)
		return err;
	for (size_t i = 0; i < active->words; i++)
		for (unsigned long word = active->bits[i]; word; word &= word - 1)
			rules[count++] = i * WORD_BITS + __builtin_ctzl(word);
	return rule_lists_commit(lists, count, ret_list);
}

/* The same spans twice, by their first and by their last number. */
struct sweep {
	const struct span *starts, *ends;
	size_t count;
};

static int sweep_place(struct rule_lists *lists, const struct sweep *sweep, struct active *active,
		       struct layer *layer)
{
	struct segment segment = { 0 };
	size_t start = 0, end = 0;
	int err;

	while (end < sweep->count) {
		if (!active->count)
			segment.lo = sweep->starts[start].lo;
		while (start < sweep->count && sweep->starts[start].lo == segment.lo)
			enter(active, sweep->starts[start++].rule);
		segment.hi = sweep->ends[end].hi;
		if (start < sweep->count && sweep->starts[start].lo <= segment.hi)
			segment.hi = sweep->starts[start].lo - 1;
		err = list_active(lists, active, &segment.list) ?: layer_append(layer, &segment);
		if (err)
			return err;
		while (end < sweep->count && sweep->ends[end].hi == segment.hi)
			leave(active, sweep->ends[end++].rule);
		segment.lo = segment.hi + 1;
	}
	return 0;
}

static int sweep_all(struct resolver *resolver, const struct span *ends, struct active *active)
{
	const struct span *starts = resolver->spans;
	size_t first = 0;
	int err;

	while (first < resolver->spans_count) {
		struct sweep sweep = { .starts = starts + first, .ends = ends + first };
		struct layer *layer = layers_add(&resolver->rule_layers, &starts[first].place);

		if (!layer)
			return -ENOMEM;
		while (first + sweep.count < resolver->spans_count &&
		       place_compare(&starts[first].place, &starts[first + sweep.count].place) == 0)
			sweep.count++;
		err = sweep_place(&resolver->lists, &sweep, active, layer);
		if (err)
			return err;
		first += sweep.count;
	}
	return 0;
}

int policy_resolve_spans(struct resolver *resolver)
{
	size_t words = resolver_expired(resolver) / WORD_BITS + 1, rules = words * WORD_BITS;
	_cleanup_free_ unsigned long *bits = calloc(words, sizeof(*bits));
	_cleanup_free_ unsigned int *times = calloc(rules, sizeof(*times));
	struct active active = { .times = times, .bits = bits, .words = words };
	_cleanup_free_ struct span *ends = NULL;
	int err;

	if (!bits || !times)
		return -ENOMEM;
	err = collect(resolver);
	if (err || !resolver->spans_count)
		return err;
	ends = reallocarray(NULL, resolver->spans_count, sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	memcpy(ends, resolver->spans, resolver->spans_count * sizeof(*ends));
	qsort(resolver->spans, resolver->spans_count, sizeof(*ends), compare_lo);
	qsort(ends, resolver->spans_count, sizeof(*ends), compare_hi);
	return sweep_all(resolver, ends, &active);
}
