/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fastpath.c: the precomputed verdicts: what port, rule and flags come to for most sources, written
 * into the image beside each port; and from there into the table that the programs read.
 */
#include <errno.h>

#include "verdict_entry.h"
#include "datapath.h"
#include "base/digest.h"
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
	const struct image_port *ports = writer_at(writer, header->ports);
	const struct image_rule *rules = writer_at(writer, header->rules);
	const struct image_port *port = &ports[number];
	const struct image_rule *rule = &rules[is_ipv6 ? port->default_rule6 : port->default_rule4];
	struct verdict_entry entry = make_verdict_entry(header, number, port, rule);

	/* What passes depends on the source all the same: it may not be one from inside. */
	if (entry.flags && port->is_uniform && REASONS_DROP & (1u << entry.reason))
		entry.flags |= ENTRY_ANY_SOURCE;
	return entry;
}

void entries_write(const struct image_writer *writer, const struct image_header *header)
{
	struct image_slot_entry *slots = writer_at(writer, IMAGE_SLOTS);

	for (__u32 i = 0; i < header->slots_used; i++) {
		slots[i].entry4 = make_entry(writer, header, slots[i].any4, false);
		slots[i].entry6 = make_entry(writer, header, slots[i].any6, true);
	}
}

static struct image_slot_entry *slots_of(const struct image *image)
{
	return (void *)((char *)image->bytes + IMAGE_SLOTS);
}

int image_entries(const struct image *image, struct verdict_entry ***ret, size_t *ret_count)
{
	struct image_slot_entry *slots = slots_of(image);
	size_t slots_count = image_header(image)->slots_used, count = 0;
	struct verdict_entry **entries = calloc(2 * slots_count, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * slots_count; i++) {
		struct verdict_entry *entry = i % 2 ? &slots[i / 2].entry6 : &slots[i / 2].entry4;

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
	const struct image_slot_entry *slots = slots_of(image);
	struct digest digest = { { header->digest[0], header->digest[1] } };

	for (size_t i = 0; i < header->slots_used; i++)
		digest_word(&digest,
			    (__u64)slots[i].entry4.counter << 32 | slots[i].entry6.counter);
	header->digest[0] = digest.lane[0];
	header->digest[1] = digest.lane[1];
}

/* ---- in the programs' memory ------------------------------------------------------------ */

/* One counter is all that the fast path can move. */
static __u32 counter_of(const struct verdict_entry *entry)
{
	if (entry->counter)
		return entry->counter;
	return entry->port_counter || entry->rule_counter ? 0 : entry->reason;
}

/* Of a slot there is not, nothing. */
static const struct image_slot_entry *slot_at(const struct image *image, __u16 number)
{
	static const struct image_slot_entry none;
	const struct image_slot_entry *slots =
		(const void *)((const __u8 *)image->bytes + IMAGE_SLOTS);

	return number < image_header(image)->slots_used ? &slots[number] : &none;
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
	const __u16 *index = (const void *)((const __u8 *)image->bytes + IMAGE_SLOT_INDEX);

	for (size_t proto = 0; proto < FASTPATH_PROTOS; proto++) {
		for (size_t port = 0; port < 65536; port++) {
			const struct image_slot_entry *slot =
				slot_at(image, index[proto * 65536 + port]);

			ret->entries[0][proto][port] = fastpath_entry(&slot->entry4);
			ret->entries[1][proto][port] = fastpath_entry(&slot->entry6);
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
