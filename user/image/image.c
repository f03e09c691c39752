/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.c: puts the parts of the image together and vouches for the whole.  Each part is
 * worked out in a file of its own: ranges, image_classes, image_cells, image_prefilter,
 * image_table, image_destinations, image_slots, fastpath.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "classify.h"
#include "limit.h"
#include "map_values.h"
#include "policy_image.h"
#include "base/hash.h"
#include "image/image.h"
#include "image/entries.h"
#include "image/cells.h"
#include "image/classes.h"
#include "image/inside.h"
#include "image/ports.h"
#include "image/table.h"
#include "image/prefilter.h"
#include "image/writer.h"
#include "policy/policy.h"
#include "base/cleanup.h"

struct build {
	const struct image_input *input;
	const struct policy *policy;
	struct image_writer writer;
	struct image_header header; /* copied to the front at the end: the bytes move */
	struct classes classes;
	struct ranges saddr[2]; /* IPv4, IPv6 */
	__u32 *used;            /* classes that they have: number in the image -> in classes */
	__u32 default_class[2]; /* the one that most addresses of the family have, in the image */
	struct inside inside;
};

static void build_clear(struct build *build)
{
	free(build->writer.buffer.bytes);
	free(build->used);
	classes_clear(&build->classes);
	ranges_clear(&build->saddr[0]);
	ranges_clear(&build->saddr[1]);
	inside_clear(&build->inside);
}

/* ---- sources -------------------------------------------------------------------------- */

static size_t count_sources(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rules_count; i++)
		count += policy->rules[i].sources_count;
	return count;
}

static size_t claim_sources(const struct policy *policy, __u8 family, struct claim *claims)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		for (size_t j = 0; j < rule->sources_count; j++) {
			if (rule->sources[j].family == family)
				claims[count++] = ranges_claim(&rule->sources[j], i);
		}
	}
	return count;
}

static int build_ranges(struct build *build)
{
	_cleanup_free_ struct claim *claims = NULL;
	int err = 0;

	claims = reallocarray(NULL, count_sources(build->policy) + 1, sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	for (int i = 0; i < 2 && !err; i++) {
		__u8 family = i ? 6 : 4;
		size_t count = claim_sources(build->policy, family, claims);

		err = ranges_build(claims, count, family, 0, classes_combine, &build->classes,
				   &build->saddr[i]);
	}
	if (err == -E2BIG)
		writer_refuse(&build->writer, "classes of source address",
			      build->classes.columns.count, LIMIT_CLASSES);
	return err;
}

/* ---- ports and rules ------------------------------------------------------------------ */

/* The rule in this row for the class that most addresses of the family have. */
static __u16 default_rule(const struct build *build, int family_index, __u32 row)
{
	__u32 class = build->used[build->default_class[family_index]];
	const __u16 *column = intern_get(&build->classes.columns, class);

	return column[row];
}

/* All but the counter. */
static struct image_endpoint make_endpoint(const struct build *build, const __u32 *uniform,
					   __u32 row)
{
	return (struct image_endpoint){
		.row = row,
		.is_uniform = uniform[row] != 0,
		.default_rule4 = default_rule(build, 0, row),
		.default_rule6 = default_rule(build, 1, row),
	};
}

static int write_endpoints(struct build *build, const __u32 *uniform)
{
	const struct policy *policy = build->policy;
	struct image_endpoint *endpoints;
	int err;

	build->header.endpoints_used = policy->ports_count + 1;
	err = writer_reserve(&build->writer, build->header.endpoints_used * sizeof(*endpoints), 64,
			     &build->header.endpoints);
	if (err)
		return err;
	endpoints = writer_at(&build->writer, build->header.endpoints);
	endpoints[0] = make_endpoint(build, uniform, 0);
	if (uniform[0] == CELL_NONE + 1)
		build->header.flags |= IMAGE_QUIET;
	for (size_t i = 0; i < policy->ports_count; i++) {
		endpoints[i + 1] = make_endpoint(build, uniform, build->classes.port_rows[i]);
		endpoints[i + 1].counter = build->input->port_counters[i];
		endpoints[i + 1].fallback =
			policy->ports[i].is_closed ? CELL_DEFAULT_DENY : CELL_DEFAULT_ALLOW;
	}
	return 0;
}

static enum action action_of(enum statement_kind kind)
{
	switch (kind) {
	case STATEMENT_ALLOW:
		return ACTION_ALLOW;
	case STATEMENT_BAN:
		return ACTION_BAN;
	case STATEMENT_FAILSAFE:
		return ACTION_FAILSAFE;
	default:
		return ACTION_DENY;
	}
}

/* On the monotonic clock, never 0 for a rule that expires. */
static __u64 expiry(const struct image_input *input, time_t until)
{
	if (!until)
		return 0;
	if ((__u64)until <= input->now_epoch)
		return input->now_monotonic_ns + !input->now_monotonic_ns;
	return input->now_monotonic_ns + ((__u64)until - input->now_epoch) * 1000000000ull;
}

static int write_rules(struct build *build)
{
	const struct policy *policy = build->policy;
	size_t count = policy->rules_count + CELL_FIRST_RULE;
	struct image_rule *rules;
	int err;

	err = writer_reserve(&build->writer, count * sizeof(*rules), 16, &build->header.rules);
	if (err)
		return err;
	rules = writer_at(&build->writer, build->header.rules);
	rules[CELL_NONE].action = ACTION_NONE;
	rules[CELL_DEFAULT_ALLOW].action = ACTION_DEFAULT_ALLOW;
	rules[CELL_DEFAULT_DENY].action = ACTION_DEFAULT_DENY;
	rules += CELL_FIRST_RULE;
	for (size_t i = 0; i < policy->rules_count; i++) {
		rules[i].action = action_of(policy->rules[i].kind);
		rules[i].counter = build->input->rule_counters[i];
		rules[i].expires_ns = expiry(build->input, policy->rules[i].until);
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------ */

static int check_limits(struct build *build)
{
	size_t sources = count_sources(build->policy);

	if (sources > LIMIT_PREFIXES)
		return writer_refuse(&build->writer, "source prefixes", sources, LIMIT_PREFIXES);
	if (build->policy->rules_count > LIMIT_RULES)
		return writer_refuse(&build->writer, "rules", build->policy->rules_count,
				     LIMIT_RULES);
	if (build->policy->ports_count > LIMIT_PORTS)
		return writer_refuse(&build->writer, "guarded ports", build->policy->ports_count,
				     LIMIT_PORTS);
	return 0;
}

/* The image as far as it is written: for look-ups in the tables of destinations. */
static struct image_ref unfinished(struct build *build)
{
	build->header.size = build->writer.buffer.size;
	memcpy(writer_at(&build->writer, 0), &build->header, sizeof(build->header));
	return (struct image_ref){ writer_at(&build->writer, 0) };
}

static int write_prefilter(struct build *build, __u32 classes)
{
	struct prefilter_input input4 = { &build->saddr[0], classes, &build->inside };
	struct prefilter_input input6 = { &build->saddr[1], classes, &build->inside };
	int err = inside_init(&build->inside, build->policy, unfinished(build));

	if (err)
		return err;
	build->header.own = build->inside.own;
	return prefilter_write4(&build->writer, &input4, &build->default_class[0])
		       ?: prefilter_write6(&build->writer, &input6, &build->header.prefilter6,
					   &build->default_class[1]);
}

static int build_sources(struct build *build)
{
	struct ranges *saddr[2] = { &build->saddr[0], &build->saddr[1] };
	_cleanup_free_ __u32 *uniform = NULL;
	__u32 count;
	int err;

	err = classes_init(&build->classes, build->policy);
	if (!err)
		err = build_ranges(build);
	if (!err)
		err = cells_number_classes(&build->classes, saddr, &build->used, &count);
	if (!err) /* early: the short cut is kept near the front */
		err = write_prefilter(build, count);
	if (!err)
		err = cells_write(&build->writer, &build->classes, build->used, count,
				  &build->header, &uniform);
	if (!err)
		err = cells_write_unbanned(&build->writer, &build->classes, build->used, count,
					   &build->header);
	if (!err)
		err = write_endpoints(build, uniform);
	if (!err)
		err = table_write(&build->writer, saddr[0], 4, &build->header.saddr4);
	if (!err)
		err = table_write(&build->writer, saddr[1], 6, &build->header.saddr6);
	return err;
}

static int build_destinations(struct build *build)
{
	_cleanup_(destinations_clear) struct destinations destinations = {};
	int err;

	err = destinations_init(&destinations, build->policy);
	if (!err) /* first: their place is fixed */
		err = port_entries_write(&build->writer, &destinations, build->policy,
					 &build->header);
	if (!err)
		err = destinations_write(&build->writer, &destinations, build->policy,
					 &build->header);
	return err;
}

/* Notes come last, so that their length moves nothing else; then up to a whole chunk. */
static int finish(struct build *build)
{
	const struct image_input *input = build->input;
	__u32 end;
	int err;

	err = writer_append(&build->writer, input->snapshot, input->snapshot_size, 8,
			    &build->header.snapshot);
	if (!err)
		err = writer_reserve(&build->writer, 0, IMAGE_CHUNK, &end);
	if (err)
		return err;
	build->header.magic = IMAGE_MAGIC;
	build->header.prefilter_full = ~0u;
	build->header.abi = DATAPATH_ABI;
	build->header.size = build->writer.buffer.size;
	build->header.flags |= (build->policy->is_audit ? IMAGE_AUDIT : 0) |
			       (build->policy->mode == DEFAULT_DENY_ALL ? IMAGE_DENY_ALL : 0) |
			       (build->policy->mode == DEFAULT_ALLOW ? IMAGE_ALLOW_ALL : 0);
	build->header.built_at = input->now_epoch;
	build->header.snapshot_size = input->snapshot_size;
	entries_write(&build->writer, &build->header, build->policy);
	return 0;
}

/* Everything in front of the snapshot, with each rule's `until` in place of what it means on
 * this boot's clock. */
static void add_digest(struct build *build)
{
	struct image_header covered = build->header;
	struct image_rule *rules = writer_at(&build->writer, build->header.rules);
	__u64 *hash = build->header.digest;

	covered.built_at = 0;
	covered.size = 0;
	covered.snapshot_size = 0;
	for (size_t i = 0; i < build->policy->rules_count; i++) {
		struct image_rule *rule = &rules[CELL_FIRST_RULE + i];
		__u64 expires_ns = rule->expires_ns;

		rule->expires_ns = build->policy->rules[i].until;
		hash_more(hash, rule, sizeof(*rule));
		rule->expires_ns = expires_ns;
	}
	hash_more(hash, &covered, sizeof(covered));
	hash_more(hash, build->writer.buffer.bytes + sizeof(covered),
		  build->header.rules - sizeof(covered));
}

int image_build(const struct image_input *input, struct image *ret, struct error *ret_error)
{
	_cleanup_(build_clear) struct build build = { .input = input,
						      .policy = input->policy,
						      .writer.error = ret_error };
	__u32 start;
	int err;

	err = check_limits(&build);
	if (!err)
		err = writer_reserve(&build.writer, sizeof(build.header), 8, &start);
	if (!err)
		err = build_destinations(&build);
	if (!err)
		err = build_sources(&build);
	if (!err)
		err = write_rules(&build); /* last but for the snapshot: see add_digest() */
	if (!err)
		err = finish(&build);
	if (err)
		return err;
	add_digest(&build);
	memcpy(build.writer.buffer.bytes, &build.header, sizeof(build.header));
	ret->size = build.writer.buffer.size;
	ret->bytes = TAKE_PTR(build.writer.buffer.bytes);
	return 0;
}

void image_clear(struct image *image)
{
	free(image->bytes);
	*image = (struct image){};
}
