/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compile.c: what should enforce, made into an image, with a counter for each rule and port.  See
 * reconcile_private.h.
 */
#include "engine/reconcile_private.h"

#include <errno.h>

#include "policy_image.h"
#include "image/image.h"
#include "image/snapshot.h"
#include "policy/policy.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

/* ---- counters -------------------------------------------------------------------- */

struct counter_list {
	struct counter_request *requests; /* rules, then ports */
	__u32 *ids;
	char **names;
	size_t count;
};

static void counter_list_clear(struct counter_list *list)
{
	for (size_t i = 0; i < list->count && list->names; i++)
		free(list->names[i]);
	free(list->names);
	free(list->requests);
	free(list->ids);
}

static int list_counters(const struct policy *policy, struct counter_list *list)
{
	size_t rules = policy->rules_count;

	list->count = rules + policy->ports_count;
	list->requests = calloc(list->count + 1, sizeof(*list->requests));
	list->names = calloc(list->count + 1, sizeof(*list->names));
	list->ids = calloc(list->count + 1, sizeof(*list->ids));
	if (!list->requests || !list->names || !list->ids)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		const char *kind = i < rules ? "rule" : "port";
		const char *identity =
			i < rules ? policy->rules[i].identity : policy->ports[i - rules].identity;

		if (asprintf(&list->names[i], "%s %s", kind, identity) < 0)
			return -ENOMEM;
		list->requests[i].identity = list->names[i];
		list->requests[i].is_wide = i >= rules;
	}
	return 0;
}

/* Rules are in front of the snapshot. */
static void hold_rules(struct counter_ids *ids, const struct image *image)
{
	const struct image_header *header = image_header(image);
	const char *bytes = image->bytes;

	for (__u32 at = header->rules; at + sizeof(struct image_rule) <= header->snapshot;
	     at += sizeof(struct image_rule))
		counter_ids_hold(ids, ((const struct image_rule *)(bytes + at))->counter);
}

static void hold_ports(struct counter_ids *ids, const struct image *image)
{
	const struct image_header *header = image_header(image);
	const struct image_endpoint *ports =
		(const void *)((char *)image->bytes + header->endpoints);

	for (__u32 i = 0; i < header->endpoints_used; i++)
		if (ports[i].counter) {
			counter_ids_hold(ids, ports[i].counter);
			counter_ids_hold(ids, ports[i].counter + 1);
		}
}

static int hold_combined(struct counter_ids *ids, const struct image *image)
{
	_cleanup_free_ struct image_entry *entries = NULL;
	size_t count;
	int err = image_entries(image, &entries, &count);

	for (size_t i = 0; err == 0 && i < count; i++)
		counter_ids_hold(ids, entries[i].entry->counter);
	return err;
}

/* What an image counts into that is in a slot: it enforces, or will if a trial is not confirmed. */
static int hold_slots(struct kernel *kernel, struct counter_ids *ids, struct error *error)
{
	int err = 0;

	for (enum image_slot slot = 0; err == 0 && slot < SLOT_MAX; slot++) {
		_cleanup_(image_clear) struct image image = {};

		err = kernel_read_image(kernel, slot, &image, error);
		if (err == -ENOENT || (err == 0 && image_check(image.bytes, image.size) < 0)) {
			err = 0;
			continue;
		}
		if (err < 0)
			return err;
		hold_rules(ids, &image);
		hold_ports(ids, &image);
		err = hold_combined(ids, &image);
	}
	return err;
}

/* The number of those that there is no room for. */
static int give_counters(struct kernel *kernel, struct counter_ids *ids, struct counter_list *list,
			 struct error *error)
{
	int err;

	if (counter_ids_have_room(ids, list->requests, list->count) &&
	    counter_ids_give(ids, list->requests, list->count) == 0)
		return 0;
	err = hold_slots(kernel, ids, error);
	if (err == 0)
		err = counter_ids_make_room(ids, list->requests, list->count, error);
	return err < 0 ? err : counter_ids_give(ids, list->requests, list->count);
}

/* A dry run gives no new ids out. */
static int assign_counters(const struct reconcile_input *input, struct counter_ids *ids,
			   struct counter_list *list, struct error *error)
{
	int err = 0;

	if (ids && !input->is_dry_run)
		err = give_counters(input->kernel, ids, list, error);
	for (size_t i = 0; err >= 0 && i < list->count; i++)
		list->ids[i] = !ids ? 0
			       : input->is_dry_run
				       ? counter_ids_find(ids, list->requests[i].identity)
				       : list->requests[i].id;
	return err;
}

/* One counter for each entry, in place of up to three. */
static int join_counters(const struct reconcile_input *input, struct counter_ids *ids,
			 struct image *image)
{
	_cleanup_free_ struct image_entry *entries = NULL;
	_cleanup_free_ struct combined_counter *combined = NULL;
	size_t count;
	int err = image_entries(image, &entries, &count);

	combined = err == 0 ? calloc(count + 1, sizeof(*combined)) : NULL;
	if (!combined)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		combined[i] = (struct combined_counter){ .reason = entries[i].reason_counter,
							 .port = entries[i].entry->port_counter,
							 .rule = entries[i].entry->rule_counter };
	if (input->is_dry_run)
		counter_ids_find_combined(ids, combined, count);
	else
		err = counter_ids_give_combined(ids, combined, count);
	for (size_t i = 0; i < count; i++)
		entries[i].entry->counter = combined[i].id;
	image_seal(image);
	return err;
}

/* ---- image ------------------------------------------------------------------------ */

static int build(const struct desired *desired, const struct counter_list *counters,
		 struct image *ret, struct error *error)
{
	_cleanup_free_ void *snapshot = NULL;
	struct image_input input = {
		.policy = desired->policy,
		.rule_counters = counters->ids,
		.port_counters = counters->ids + desired->policy->rules_count,
		.now_epoch = clock_s(CLOCK_REALTIME),
		.now_monotonic_ns = clock_ns(CLOCK_MONOTONIC),
	};
	int err = snapshot_pack(desired->text, desired->inventory, &snapshot, &input.snapshot_size);

	input.snapshot = snapshot;
	if (err == 0)
		err = image_build(&input, ret, error);
	return err < 0 ? error_prefix(error, err, "cannot compile the policy") : 0;
}

int compile(const struct reconcile_input *input, const struct desired *desired, struct image *image,
	    bool *ret_lacks_counters, struct error *error)
{
	_cleanup_(counter_list_clear) struct counter_list counters = {};
	_cleanup_(counter_ids_freep) struct counter_ids *ids = NULL;
	int err = list_counters(desired->policy, &counters);

	if (err == 0 && input->kernel)
		err = counter_ids_read(input->kernel, &ids, error);
	if (err == 0)
		err = assign_counters(input, ids, &counters, error);
	if (err < 0)
		return err;
	*ret_lacks_counters = err > 0;
	err = build(desired, &counters, image, error);
	if (err < 0 || !ids)
		return err;
	return join_counters(input, ids, image);
}

bool compile_is_alike(const struct image *a, const struct image *b)
{
	return memcmp(image_header(a)->digest, image_header(b)->digest,
		      sizeof(image_header(a)->digest)) == 0;
}

bool compile_is_same(const struct image *a, const struct image *b)
{
	const struct image_header *x = image_header(a), *y = image_header(b);

	if (!compile_is_alike(a, b) || x->snapshot_size != y->snapshot_size ||
	    x->deadline_ns != y->deadline_ns)
		return false;
	return memcmp((char *)a->bytes + x->snapshot, (char *)b->bytes + y->snapshot,
		      x->snapshot_size) == 0 &&
	       image_expires_alike(a, b);
}
