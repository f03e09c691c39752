/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fastpath.c: the precomputed verdicts: what port, rule and flags come to for most sources, written
 * into the image beside each port; and from there into the table that the programs read.
 */
#include <errno.h>

#include "classify.h"
#include "verdict_entry.h"
#include "fastpath_table.h"
#include "policy_image.h"
#include "reason.h"
#include "base/hash.h"
#include "image/entries.h"
#include "image/fastpath.h"
#include "image/image.h"
#include "image/ports.h"
#include "image/writer.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/* ---- in the image ---------------------------------------------------------------------- */

static struct verdict_entry make_entry(const struct image_writer *writer,
				       const struct image_header *header, __u32 number,
				       bool is_ipv6)
{
	const struct image_endpoint *endpoints = writer_at(writer, header->endpoints);
	const struct image_rule *rules = writer_at(writer, header->rules);
	const struct image_endpoint *endpoint = &endpoints[number];
	const struct image_rule *rule =
		&rules[is_ipv6 ? endpoint->default_rule6 : endpoint->default_rule4];
	struct verdict_entry entry = make_verdict_entry(header, number, endpoint, rule);

	/* What passes depends on the source all the same: it may not be one from inside. */
	if (entry.flags && endpoint->is_uniform && REASONS_DROP & (1u << entry.reason))
		entry.flags |= ENTRY_ANY_SOURCE;
	return entry;
}

/* Whether packets to an own address can be for the endpoint, of which the family is known. */
static bool is_reached(const struct image_header *header, const struct policy_port *port)
{
	const struct own_addrs *own = &header->own;

	if (!port->addr.length)
		return true;
	if (port->addr.family == 4)
		return is_own4(own, addr_wire4(&port->addr));
	return is_own6(own, addr_hi(&port->addr), addr_lo(&port->addr));
}

void entries_write(const struct image_writer *writer, const struct image_header *header,
		   const struct policy *policy)
{
	struct image_endpoint *endpoints = writer_at(writer, header->endpoints);

	endpoints[0].entry4 = make_entry(writer, header, 0, false);
	endpoints[0].entry6 = make_entry(writer, header, 0, true);
	for (size_t i = 0; i < policy->ports_count; i++) {
		if (!is_reached(header, &policy->ports[i]))
			continue;
		if (policy->ports[i].addr.family == 4)
			endpoints[i + 1].entry4 = make_entry(writer, header, i + 1, false);
		else
			endpoints[i + 1].entry6 = make_entry(writer, header, i + 1, true);
	}
}

static struct image_endpoint *endpoints_of(const struct image *image)
{
	return (void *)((char *)image->bytes + image_header(image)->endpoints);
}

int image_entries(const struct image *image, struct image_entry **ret, size_t *ret_count)
{
	struct image_endpoint *endpoints = endpoints_of(image);
	size_t endpoints_count = image_header(image)->endpoints_used, count = 0;
	struct image_entry *entries = calloc(2 * endpoints_count, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * endpoints_count; i++) {
		struct verdict_entry *entry =
			i % 2 ? &endpoints[i / 2].entry6 : &endpoints[i / 2].entry4;

		if (entry->flags && (entry->port_counter || entry->rule_counter))
			entries[count++] =
				(struct image_entry){ entry,
						      COUNTER_OF_REASON(entry->reason, i % 2) };
	}
	*ret = entries;
	*ret_count = count;
	return 0;
}

void image_seal(struct image *image)
{
	struct image_header *header = image->bytes;
	const struct image_endpoint *endpoints = endpoints_of(image);

	for (size_t i = 0; i < header->endpoints_used; i++) {
		__u32 counters[] = { endpoints[i].entry4.counter, endpoints[i].entry6.counter };

		hash_more(header->digest, counters, sizeof(counters));
	}
}

/* ---- in the programs' memory ------------------------------------------------------------ */

struct fill {
	const struct image *image;
	struct fastpath_table *table;
	__u32 *entries[2]; /* by family and number of the port entry */
	__u32 rows_used;
};

/* One counter is all that the fast path can move. */
static __u32 counter_of(const struct verdict_entry *entry, bool is_ipv6)
{
	if (entry->counter)
		return entry->counter;
	return entry->port_counter || entry->rule_counter
		       ? 0
		       : COUNTER_OF_REASON(entry->reason, is_ipv6);
}

/* Of the endpoint; 0 = none. */
static __u32 fastpath_entry(const struct fill *fill, bool is_ipv6, __u32 number)
{
	const struct image_endpoint *endpoints = endpoints_of(fill->image);
	const struct verdict_entry *entry;
	__u32 counter;

	if (number >= image_header(fill->image)->endpoints_used)
		return 0;
	entry = is_ipv6 ? &endpoints[number].entry6 : &endpoints[number].entry4;
	counter = counter_of(entry, is_ipv6);
	if (!entry->flags || !counter)
		return 0;
	return FASTPATH_ENTRY(entry->verdict, counter, entry->flags);
}

/* The endpoint that the own address in the slot has for itself; 0 = none. */
static __u32 own_override(const struct fill *fill, const struct port_entry *port, bool is_ipv6,
			  __u32 slot)
{
	const struct image_header *header = image_header(fill->image);
	__u32 destination =
		is_ipv6 ? header->own.destination6[slot] : header->own.destination4[slot];

	if (destination < DESTINATION_FIRST)
		return 0;
	return image_override((struct image_ref){ fill->image->bytes }, header, port, destination);
}

/* The entry of a port, or the row in which each own address has its entry. */
static __u32 fill_port(struct fill *fill, const struct port_entry *port, bool is_ipv6)
{
	__u32 any = is_ipv6 ? port->any6 : port->any4;
	__u32 *row = NULL;

	for (__u32 slot = 0; slot < OWN_ADDRS && port->overrides; slot++) {
		__u32 number = own_override(fill, port, is_ipv6, slot);

		if (!number)
			continue;
		if (!row && fill->rows_used == FASTPATH_ROWS)
			return 0;
		if (!row) {
			row = fill->table->rows[fill->rows_used++];
			for (__u32 i = 0; i < OWN_ADDRS; i++)
				row[i] = fastpath_entry(fill, is_ipv6, any);
		}
		row[slot] = fastpath_entry(fill, is_ipv6, number);
	}
	return row ? FASTPATH_ROW(fill->rows_used - 1) : fastpath_entry(fill, is_ipv6, any);
}

static void fill_port_entries(struct fill *fill)
{
	const struct port_entry *ports =
		(const void *)((const __u8 *)fill->image->bytes + IMAGE_PORTS);

	for (__u32 i = 0; i < image_header(fill->image)->port_entries_used; i++) {
		fill->entries[0][i] = fill_port(fill, &ports[i], false);
		fill->entries[1][i] = fill_port(fill, &ports[i], true);
	}
}

static void fill_entries(struct fill *fill)
{
	const __u16 *index = (const void *)((const __u8 *)fill->image->bytes + IMAGE_PORT_INDEX);
	__u32 used = image_header(fill->image)->port_entries_used;

	for (size_t proto = 0; proto < FASTPATH_PROTOS; proto++) {
		for (size_t port = 0; port < 65536; port++) {
			__u16 number = index[proto * 65536 + port];

			for (int i = 0; i < 2 && number < used; i++)
				fill->table->entries[i][proto][port] = fill->entries[i][number];
		}
	}
}

int image_fill_fastpath(const struct image *image, struct fastpath_table *ret)
{
	const struct image_header *header = image_header(image);
	const __u8 *bytes = image->bytes;
	size_t size6 = header->prefilter6.last / 8 + 1, used = header->port_entries_used;
	_cleanup_free_ __u32 *entries = reallocarray(NULL, 2 * used, sizeof(*entries));
	struct fill fill = { image, ret, { entries, entries + used }, 0 };

	if (!entries)
		return -ENOMEM;
	memset(ret, 0, sizeof(*ret));
	ret->own = header->own;
	ret->shape6 = header->prefilter6;
	ret->generation = header->generation;
	memcpy(ret->prefilter4, bytes + IMAGE_PREFILTER4, sizeof(ret->prefilter4));
	memcpy(ret->prefilter6, bytes + header->prefilter6.root,
	       size6 < sizeof(ret->prefilter6) ? size6 : sizeof(ret->prefilter6));
	fill_port_entries(&fill);
	fill_entries(&fill);
	return 0;
}
