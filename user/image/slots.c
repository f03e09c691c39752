/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slots.c: (protocol, port) -> the guarded ports behind it.  Walks the port numbers
 * of a protocol with the list of ports whose range is open; consecutive numbers with the
 * same list share a slot.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "datapath.h"
#include "image/ports.h"
#include "image/writer.h"
#include "base/intern.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/* Overlapping ranges at many destinations multiply; so many in all. */
#define VARIANTS_MAX ((size_t)1 << 22)

/* What the ports that are open make a slot of. */
struct entry {
	__u32 any4, any6;
	__u32 count;
	struct image_variant variants[];
};

struct slots {
	const struct policy *policy;
	const struct destinations *destinations;
	struct intern entries; /* number = slot: struct entry */
	size_t variants;
	__u32 *by_start; /* indexes of policy ports, by proto and lo */
	__u32 *open;     /* indexes of those whose range is open */
	size_t open_count;
	struct entry *scratch;
	__u16 *index; /* what becomes the slot index */
};

static int proto_index(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return PROTO_TCP;
	case IPPROTO_UDP:
		return PROTO_UDP;
	case IPPROTO_SCTP:
		return PROTO_SCTP;
	}
	return PROTO_MAX;
}

static int compare_start(const void *left, const void *right, void *context)
{
	const struct policy_port *ports = context;
	const struct policy_port *a = &ports[*(const __u32 *)left];
	const struct policy_port *b = &ports[*(const __u32 *)right];
	int order = proto_index(a->proto) - proto_index(b->proto);

	return order ? order : a->lo - b->lo;
}

static int compare_variant(const void *left, const void *right)
{
	const struct image_variant *a = left, *b = right;

	return a->destination < b->destination ? -1 : a->destination > b->destination;
}

static int compare_prefix(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static __u32 destination_of(const struct slots *slots, const struct prefix *addr)
{
	const struct prefix *found =
		bsearch(addr, slots->destinations->items, slots->destinations->count,
			sizeof(*found), compare_prefix);

	return DESTINATION_FIRST + (found - slots->destinations->items);
}

/* The slot of the ports that are open now. */
static int find_slot(struct slots *slots, __u16 *ret_slot)
{
	struct entry *entry = slots->scratch;
	__u32 before = slots->entries.count, number;
	int err;

	*entry = (struct entry){};
	for (size_t i = 0; i < slots->open_count; i++) {
		const struct policy_port *port = &slots->policy->ports[slots->open[i]];

		if (port->addr.length)
			entry->variants[entry->count++] =
				(struct image_variant){ destination_of(slots, &port->addr),
							slots->open[i] + 1 };
		else if (port->addr.family == 6)
			entry->any6 = slots->open[i] + 1;
		else
			entry->any4 = slots->open[i] + 1;
	}
	qsort(entry->variants, entry->count, sizeof(*entry->variants), compare_variant);
	err = intern_add(&slots->entries, entry,
			 sizeof(*entry) + entry->count * sizeof(*entry->variants), &number);
	if (err)
		return err;
	if (number == before)
		slots->variants += entry->count;
	*ret_slot = number;
	return slots->variants > VARIANTS_MAX ? -E2BIG : 0;
}

/* Forgets the ports that end before this number, and adds those of the protocol that begin
 * with it; *next is the first in by_start that has not begun. */
static void move_to(struct slots *slots, int proto, unsigned int dport, size_t *next)
{
	const struct policy_port *ports = slots->policy->ports;
	size_t kept = 0;

	for (size_t i = 0; i < slots->open_count; i++) {
		if (ports[slots->open[i]].hi >= dport)
			slots->open[kept++] = slots->open[i];
	}
	for (; *next < slots->policy->ports_count; ++*next) {
		const struct policy_port *port = &ports[slots->by_start[*next]];

		if (proto_index(port->proto) != proto || port->lo != dport)
			break;
		if (port->hi >= dport)
			slots->open[kept++] = slots->by_start[*next];
	}
	slots->open_count = kept;
}

/* The next number at which a port ends or begins. */
static unsigned int next_change(const struct slots *slots, int proto, size_t next)
{
	const struct policy_port *ports = slots->policy->ports;
	unsigned int change = 65536;

	if (next < slots->policy->ports_count &&
	    proto_index(ports[slots->by_start[next]].proto) == proto)
		change = ports[slots->by_start[next]].lo;
	for (size_t i = 0; i < slots->open_count; i++) {
		if (ports[slots->open[i]].hi + 1u < change)
			change = ports[slots->open[i]].hi + 1;
	}
	return change;
}

/* One protocol; *next is where its ports begin in by_start, and then where they end. */
static int walk_proto(struct slots *slots, int proto, size_t *next)
{
	unsigned int dport = 0, change;

	slots->open_count = 0;
	for (; dport < 65536; dport = change) {
		__u16 slot;
		int err;

		move_to(slots, proto, dport, next);
		err = find_slot(slots, &slot);
		if (err)
			return err;
		change = next_change(slots, proto, *next);
		for (unsigned int i = dport; i < change; i++)
			slots->index[proto * 65536 + htons(i)] = slot;
	}
	return 0;
}

static int walk(struct slots *slots)
{
	size_t next = 0;
	__u16 none;
	int err;

	for (size_t i = 0; i < slots->policy->ports_count; i++)
		slots->by_start[i] = i;
	qsort_r(slots->by_start, slots->policy->ports_count, sizeof(*slots->by_start),
		compare_start, slots->policy->ports);
	err = find_slot(slots, &none); /* nothing is open yet: number 0 */
	for (int proto = 0; proto < PROTO_MAX && !err; proto++)
		err = walk_proto(slots, proto, &next);
	return err;
}

static int init(struct slots *slots)
{
	size_t count = slots->policy->ports_count + 1;

	slots->by_start = reallocarray(NULL, count, sizeof(*slots->by_start));
	slots->open = reallocarray(NULL, count, sizeof(*slots->open));
	slots->scratch =
		malloc(sizeof(*slots->scratch) + count * sizeof(slots->scratch->variants[0]));
	slots->index = reallocarray(NULL, PROTO_MAX * 65536, sizeof(*slots->index));
	if (!slots->by_start || !slots->open || !slots->scratch || !slots->index)
		return -ENOMEM;
	return 0;
}

static void clear(struct slots *slots)
{
	intern_clear(&slots->entries);
	free(slots->by_start);
	free(slots->open);
	free(slots->scratch);
	free(slots->index);
}

/* Where every image has it, and behind it IMAGE_PREFILTER4 and the slots. */
static int write_index(struct image_writer *writer, const struct slots *slots)
{
	size_t size = PROTO_MAX * 65536 * sizeof(*slots->index);
	__u32 offset, prefilter4;
	int err;

	err = writer_append(writer, slots->index, size, IMAGE_SLOT_INDEX, &offset);
	if (!err)
		err = writer_reserve(writer, IMAGE_PREFILTER4_SIZE, 64, &prefilter4);
	if (err)
		return err;
	return offset == IMAGE_SLOT_INDEX && prefilter4 == IMAGE_PREFILTER4 ? 0 : -EINVAL;
}

/* Takes the entries apart into slots and variants. */
static int write_entries(struct image_writer *writer, const struct slots *slots,
			 struct image_header *header)
{
	size_t first = 0, count = slots->entries.count;
	__u32 offset;
	int err;

	err = writer_reserve(writer, count * sizeof(struct image_slot_entry),
			     sizeof(struct image_slot_entry), &offset);
	if (!err)
		err = writer_reserve(writer, slots->variants * sizeof(struct image_variant), 8,
				     &header->variants);
	if (err)
		return err;
	header->slots_used = count;
	for (size_t i = 0; i < count; i++) {
		const struct entry *from = intern_get(&slots->entries, i);
		struct image_slot_entry *to = writer_at(writer, IMAGE_SLOTS);
		struct image_variant *variants = writer_at(writer, header->variants);

		to[i].any4 = from->any4;
		to[i].any6 = from->any6;
		to[i].first_variant = first;
		to[i].variants = from->count;
		memcpy(variants + first, from->variants, from->count * sizeof(*variants));
		first += from->count;
	}
	return 0;
}

int slots_write(struct image_writer *writer, const struct destinations *destinations,
		const struct policy *policy, struct image_header *header)
{
	_cleanup_(clear) struct slots slots = { .policy = policy, .destinations = destinations };
	int err;

	err = init(&slots);
	if (!err)
		err = walk(&slots);
	if (err == -E2BIG)
		return writer_refuse(writer, "port ranges that overlap at several addresses",
				     slots.variants, VARIANTS_MAX);
	if (!err)
		err = write_index(writer, &slots);
	return err ? err : write_entries(writer, &slots, header);
}
