/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fastpath.c: the precomputed verdicts: what port, rule and flags come to for most sources, written
 * into the image beside each port; and from there into the table that the programs read.
 */
#include <errno.h>

#include "verdict_entry.h"
#include "fastpath_table.h"
#include "policy_image.h"
#include "reason.h"
#include "base/hash.h"
#include "image/entries.h"
#include "image/fastpath.h"
#include "image/image.h"
#include "image/writer.h"
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

void entries_write(const struct image_writer *writer, const struct image_header *header)
{
	struct port_entry *ports = writer_at(writer, IMAGE_PORTS);

	for (__u32 i = 0; i < header->port_entries_used; i++) {
		ports[i].entry4 = make_entry(writer, header, ports[i].any4, false);
		ports[i].entry6 = make_entry(writer, header, ports[i].any6, true);
	}
}

static struct port_entry *ports_of(const struct image *image)
{
	return (void *)((char *)image->bytes + IMAGE_PORTS);
}

int image_entries(const struct image *image, struct verdict_entry ***ret, size_t *ret_count)
{
	struct port_entry *ports = ports_of(image);
	size_t ports_count = image_header(image)->port_entries_used, count = 0;
	struct verdict_entry **entries = calloc(2 * ports_count, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * ports_count; i++) {
		struct verdict_entry *entry = i % 2 ? &ports[i / 2].entry6 : &ports[i / 2].entry4;

		if (entry->flags && (entry->port_counter || entry->rule_counter))
			entries[count++] = entry;
	}
	*ret = entries;
	*ret_count = count;
	return 0;
}

void image_seal(struct image *image)
{
	struct image_header *header = image->bytes;
	const struct port_entry *ports = ports_of(image);

	for (size_t i = 0; i < header->port_entries_used; i++) {
		__u32 counters[] = { ports[i].entry4.counter, ports[i].entry6.counter };

		hash_more(header->digest, counters, sizeof(counters));
	}
}

/* ---- in the programs' memory ------------------------------------------------------------ */

/* One counter is all that the fast path can move. */
static __u32 counter_of(const struct verdict_entry *entry)
{
	if (entry->counter)
		return entry->counter;
	return entry->port_counter || entry->rule_counter ? 0 : entry->reason;
}

/* Empty for a number that there is not. */
static const struct port_entry *port_entry_at(const struct image *image, __u16 number)
{
	static const struct port_entry none;
	const struct port_entry *ports = (const void *)((const __u8 *)image->bytes + IMAGE_PORTS);

	return number < image_header(image)->port_entries_used ? &ports[number] : &none;
}

static __u32 fastpath_entry(const struct verdict_entry *entry)
{
	__u32 counter = counter_of(entry);

	if (!entry->flags || !counter)
		return 0;
	return FASTPATH_ENTRY(entry->verdict, counter, entry->flags);
}

static void fill_entries(const struct image *image, struct fastpath_table *ret)
{
	const __u16 *index = (const void *)((const __u8 *)image->bytes + IMAGE_PORT_INDEX);

	for (size_t proto = 0; proto < FASTPATH_PROTOS; proto++) {
		for (size_t port = 0; port < 65536; port++) {
			const struct port_entry *entry =
				port_entry_at(image, index[proto * 65536 + port]);

			ret->entries[0][proto][port] = fastpath_entry(&entry->entry4);
			ret->entries[1][proto][port] = fastpath_entry(&entry->entry6);
		}
	}
}

void image_fill_fastpath(const struct image *image, struct fastpath_table *ret)
{
	const struct image_header *header = image_header(image);
	const __u8 *bytes = image->bytes;
	size_t size6 = header->prefilter6.last / 8 + 1;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->near4, header->near4, sizeof(ret->near4));
	memcpy(ret->near6, header->near6, sizeof(ret->near6));
	memcpy(ret->prefilter4, bytes + IMAGE_PREFILTER4, sizeof(ret->prefilter4));
	memcpy(ret->own4, header->own4, sizeof(ret->own4));
	ret->shape6 = header->prefilter6;
	ret->generation = header->generation;
	memcpy(ret->prefilter6, bytes + header->prefilter6.root,
	       size6 < sizeof(ret->prefilter6) ? size6 : sizeof(ret->prefilter6));
	fill_entries(image, ret);
}
