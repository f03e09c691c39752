/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reconcile_flows.c: forgets what was forged before anybody kept it out.  A stranger can send with
 * the source of a container's network that is yet to come, or before the filter is there at all;
 * conntrack keeps the flow as one that began inside for as long as he goes on, and his packets
 * would be its replies.  To be done once such sources are dropped.
 */
#include <errno.h>
#include <string.h>

#include "classify.h"
#include "host/flows.h"
#include "image/image.h"
#include "base/log.h"
#include "policy/policy.h"
#include "engine/reconcile_private.h"
#include "base/cleanup.h"

static __u64 word_at(const __u8 *bytes, int count)
{
	__u64 word = 0;

	while (count--)
		word = word << 8 | *bytes++;
	return word;
}

/* Whether the policy that ran before kept the source out. */
static bool was_inside(const struct image *running, const struct prefix *prefix)
{
	struct image_ref image = { .bytes = running->bytes };
	const struct image_header *header = running->bytes;
	const __u8 *kind;
	__u32 at;

	if (prefix->family == 4)
		at = classify4(image, &header->daddr4, word_at(prefix->addr, 4));
	else
		at = classify6(image, &header->daddr6, word_at(prefix->addr, 8),
			       word_at(prefix->addr + 8, 8));
	if (at < DESTINATION_FIRST)
		return at != DESTINATION_OTHER;
	if (at == IMAGE_INVALID)
		return false;
	kind = image_at(image, header->destinations + (at - DESTINATION_FIRST), 1);
	return kind && *kind & DESTINATION_INSIDE;
}

/* Nothing is forwarded from such a source, so none makes a flow; and each container's link has
 * one. */
static bool is_link_local(const struct prefix *address)
{
	return address->family == 6 && address->addr[0] == 0xfe &&
	       (address->addr[1] & 0xc0) == 0x80;
}

struct origins {
	struct flows_origin *items;
	size_t count;
};

static void origins_clear(struct origins *origins)
{
	free(origins->items);
}

/* The ports that the policy names, and those of the containers that they lead to: WireGuard's is
 * above those that clients get. */
static void add_services(struct flows_query *query, const struct policy *policy)
{
	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		for (unsigned int j = port->lo; j <= port->hi; j++) {
			__u16 inside = port->container_port + j - port->lo;

			query->services[j / 8] |= 1u << j % 8;
			if (port->container_port)
				query->services[inside / 8] |= 1u << inside % 8;
		}
	}
}

struct inside_prefixes {
	const struct prefix *items;
	size_t count;
	bool is_network; /* of containers, not this host's own addresses */
};

/* In a network that has only just been made nothing can have begun long ago; an address of this
 * host's, or a network where nothing was enforced before, has honest flows. */
static int add_origins(struct origins *origins, const struct image *running,
		       const struct inside_prefixes *inside)
{
	for (size_t i = 0; i < inside->count; i++) {
		struct flows_origin *origin;

		if (is_link_local(&inside->items[i]) ||
		    (running->bytes && was_inside(running, &inside->items[i])))
			continue;
		origin = util_append(&origins->items, origins->count, sizeof(*origin));
		if (!origin)
			return -ENOMEM;
		origins->count++;
		origin->prefix = inside->items[i];
		origin->is_new = inside->is_network && running->bytes;
	}
	return 0;
}

/* A failure leaves open what was open, and nothing else: it is said, and no more. */
static int add_note(struct reconcile_report *report, int err)
{
	char *warnings = NULL;

	if (asprintf(&warnings,
		     "%scannot search connection tracking for flows from forged sources: %s\n",
		     report->warnings ?: "", strerror(-err)) < 0)
		return -ENOMEM;
	free(report->warnings);
	report->warnings = warnings;
	return 0;
}

int reconcile_flows(const struct policy *policy, const struct image *running,
		    struct reconcile_report *report)
{
	const struct inside_prefixes inside[] = {
		{ policy->natted, policy->natted_count, true },
		{ policy->routed, policy->routed_count, true },
		{ policy->local, policy->local_count, false },
	};
	_cleanup_(origins_clear) struct origins origins = {};
	struct flows_query query = {};
	size_t count = 0;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(inside) && !err; i++)
		err = add_origins(&origins, running, &inside[i]);
	add_services(&query, policy);
	query.origins = origins.items;
	query.count = origins.count;
	if (!err && query.count)
		err = flows_forget(&query, &count);
	if (count)
		log_debug("removed %zu flows from connection tracking whose sources are dropped as "
			  "spoofed now",
			  count);
	return err < 0 ? add_note(report, err) : 0;
}
