/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ports.c: (protocol, port) -> the endpoints behind it.  Walks the port numbers
 * of a protocol with the list of ports whose range is open; consecutive numbers with the
 * same list share a port entry.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "policy_image.h"
#include "image/ports.h"
#include "image/writer.h"
#include "policy/intern.h"
#include "policy/policy.h"
#include "base/cleanup.h"
#include "base/proto.h"

/* Overlapping ranges at many destinations multiply; so many in all. */
#define OVERRIDES_MAX ((size_t)1 << 22)

/* What the ports that are open make a port entry of. */
struct entry {
	__u32 any4, any6;
	__u32 count;
	struct addr_override overrides[];
};

struct walk {
	const struct policy *policy;
	const struct destinations *destinations;
	struct intern entries; /* number of a port entry: struct entry */
	size_t overrides;
	__u32 *by_start; /* indexes of policy ports, by proto and lo */
	__u32 *open;     /* indexes of those whose range is open */
	size_t open_count;
	struct entry *scratch;
	__u16 *index; /* what becomes the port index */
};

static int compare_start(const void *left, const void *right, void *context)
{
	const struct policy_port *ports = context;
	const struct policy_port *a = &ports[*(const __u32 *)left];
	const struct policy_port *b = &ports[*(const __u32 *)right];
	int order = proto_index(a->proto) - proto_index(b->proto);

	return order ? order : a->lo - b->lo;
}

static int compare_override(const void *left, const void *right)
{
	const struct addr_override *a = left, *b = right;

	return a->destination < b->destination ? -1 : a->destination > b->destination;
}

static int compare_prefix(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static __u32 destination_of(const struct walk *walk, const struct prefix *addr)
{
	const struct prefix *found =
		bsearch(addr, walk->destinations->items, walk->destinations->count, sizeof(*found),
			compare_prefix);

	return DESTINATION_FIRST + (found - walk->destinations->items);
}

/* The port entry of the ports that are open now. */
static int find_entry(struct walk *walk, __u16 *ret_number)
{
	struct entry *entry = walk->scratch;
	__u32 before = walk->entries.count, number;
	int err;

	*entry = (struct entry){};
	for (size_t i = 0; i < walk->open_count; i++) {
		const struct policy_port *port = &walk->policy->ports[walk->open[i]];

		if (port->addr.length)
			entry->overrides[entry->count++] =
				(struct addr_override){ destination_of(walk, &port->addr),
							walk->open[i] + 1 };
		else if (port->addr.family == 6)
			entry->any6 = walk->open[i] + 1;
		else
			entry->any4 = walk->open[i] + 1;
	}
	qsort(entry->overrides, entry->count, sizeof(*entry->overrides), compare_override);
	err = intern_add(&walk->entries, entry,
			 sizeof(*entry) + entry->count * sizeof(*entry->overrides), &number);
	if (err)
		return err;
	if (number == before)
		walk->overrides += entry->count;
	*ret_number = number;
	return walk->overrides > OVERRIDES_MAX ? -E2BIG : 0;
}

/* Forgets the ports that end before this number, and adds those of the protocol that begin
 * with it; *next is the first in by_start that has not begun. */
static void move_to(struct walk *walk, int proto, unsigned int dport, size_t *next)
{
	const struct policy_port *ports = walk->policy->ports;
	size_t kept = 0;

	for (size_t i = 0; i < walk->open_count; i++) {
		if (ports[walk->open[i]].hi >= dport)
			walk->open[kept++] = walk->open[i];
	}
	for (; *next < walk->policy->ports_count; ++*next) {
		const struct policy_port *port = &ports[walk->by_start[*next]];

		if ((int)proto_index(port->proto) != proto || port->lo != dport)
			break;
		if (port->hi >= dport)
			walk->open[kept++] = walk->by_start[*next];
	}
	walk->open_count = kept;
}

/* The next number at which a port ends or begins. */
static unsigned int next_change(const struct walk *walk, int proto, size_t next)
{
	const struct policy_port *ports = walk->policy->ports;
	unsigned int change = 65536;

	if (next < walk->policy->ports_count &&
	    (int)proto_index(ports[walk->by_start[next]].proto) == proto)
		change = ports[walk->by_start[next]].lo;
	for (size_t i = 0; i < walk->open_count; i++) {
		if (ports[walk->open[i]].hi + 1u < change)
			change = ports[walk->open[i]].hi + 1;
	}
	return change;
}

/* One protocol; *next is where its ports begin in by_start, and then where they end. */
static int walk_proto(struct walk *walk, int proto, size_t *next)
{
	unsigned int dport = 0, change;

	walk->open_count = 0;
	for (; dport < 65536; dport = change) {
		__u16 number;
		int err;

		move_to(walk, proto, dport, next);
		err = find_entry(walk, &number);
		if (err)
			return err;
		change = next_change(walk, proto, *next);
		for (unsigned int i = dport; i < change; i++)
			walk->index[proto * 65536 + htons(i)] = number;
	}
	return 0;
}

static int walk_protos(struct walk *walk)
{
	size_t next = 0;
	__u16 none;
	int err;

	for (size_t i = 0; i < walk->policy->ports_count; i++)
		walk->by_start[i] = i;
	qsort_r(walk->by_start, walk->policy->ports_count, sizeof(*walk->by_start), compare_start,
		walk->policy->ports);
	err = find_entry(walk, &none); /* nothing is open yet: number 0 */
	for (int proto = 0; proto < PROTO_MAX && !err; proto++)
		err = walk_proto(walk, proto, &next);
	return err;
}

static int init(struct walk *walk)
{
	size_t count = walk->policy->ports_count + 1;

	walk->by_start = reallocarray(NULL, count, sizeof(*walk->by_start));
	walk->open = reallocarray(NULL, count, sizeof(*walk->open));
	walk->scratch =
		malloc(sizeof(*walk->scratch) + count * sizeof(walk->scratch->overrides[0]));
	walk->index = reallocarray(NULL, PROTO_MAX * 65536, sizeof(*walk->index));
	if (!walk->by_start || !walk->open || !walk->scratch || !walk->index)
		return -ENOMEM;
	return 0;
}

static void clear(struct walk *walk)
{
	intern_clear(&walk->entries);
	free(walk->by_start);
	free(walk->open);
	free(walk->scratch);
	free(walk->index);
}

/* Where every image has it, and behind it IMAGE_PREFILTER4 and the walk. */
static int write_index(struct image_writer *writer, const struct walk *walk)
{
	size_t size = PROTO_MAX * 65536 * sizeof(*walk->index);
	__u32 offset, prefilter4;
	int err;

	err = writer_append(writer, walk->index, size, IMAGE_PORT_INDEX, &offset);
	if (!err)
		err = writer_reserve(writer, IMAGE_PREFILTER4_SIZE, 64, &prefilter4);
	if (err)
		return err;
	return offset == IMAGE_PORT_INDEX && prefilter4 == IMAGE_PREFILTER4 ? 0 : -EINVAL;
}

/* Takes the entries apart into walk and overrides. */
static int write_entries(struct image_writer *writer, const struct walk *walk,
			 struct image_header *header)
{
	size_t first = 0, count = walk->entries.count;
	__u32 offset;
	int err;

	err = writer_reserve(writer, count * sizeof(struct port_entry), sizeof(struct port_entry),
			     &offset);
	if (!err)
		err = writer_reserve(writer, walk->overrides * sizeof(struct addr_override), 8,
				     &header->overrides);
	if (err)
		return err;
	header->port_entries_used = count;
	for (size_t i = 0; i < count; i++) {
		const struct entry *from = intern_get(&walk->entries, i);
		struct port_entry *to = writer_at(writer, IMAGE_PORTS);
		struct addr_override *overrides = writer_at(writer, header->overrides);

		to[i].any4 = from->any4;
		to[i].any6 = from->any6;
		to[i].first_override = first;
		to[i].overrides = from->count;
		memcpy(overrides + first, from->overrides, from->count * sizeof(*overrides));
		first += from->count;
	}
	return 0;
}

int port_entries_write(struct image_writer *writer, const struct destinations *destinations,
		       const struct policy *policy, struct image_header *header)
{
	_cleanup_(clear) struct walk walk = { .policy = policy, .destinations = destinations };
	int err;

	err = init(&walk);
	if (!err)
		err = walk_protos(&walk);
	if (err == -E2BIG)
		return writer_refuse(writer, "port ranges that overlap at several addresses",
				     walk.overrides, OVERRIDES_MAX);
	if (!err)
		err = write_index(writer, &walk);
	return err ? err : write_entries(writer, &walk, header);
}
