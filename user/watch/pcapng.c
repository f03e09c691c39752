/* SPDX-License-Identifier: GPL-2.0-only */
/* pcapng.c: blocks of a pcapng file.  See pcapng.h. */
#include "watch/pcapng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "reason.h"
#include "watch/form.h"
#include "base/cleanup.h"

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET    6u
#define BYTE_ORDER_MARK 0x1a2b3c4du

#define OPTION_END       0
#define OPTION_COMMENT   1
#define OPTION_IF_NAME   2
#define OPTION_TSRESOL   9
#define OPTION_USER_APPL 4

#define LINK_ETHERNET 1u
#define LINK_RAW      101u

#define MACS_BYTES 12
#define VLAN_BYTES 4

/* A packet with a tag, and what is said of it. */
#define BLOCK_BYTES (EVENT_LONG + 1024)

struct block {
	size_t size;
	unsigned char bytes[BLOCK_BYTES];
};

struct interface_id {
	__u32 ifindex, link;
};

struct pcapng {
	FILE *out;
	struct interface_id *interfaces; /* index = the number in the file */
	size_t interfaces_count;
	struct block block;
};

static void put(struct block *block, const void *bytes, size_t size)
{
	if (size > BLOCK_BYTES - block->size)
		return;
	memcpy(block->bytes + block->size, bytes, size);
	block->size += size;
}

static void put32(struct block *block, __u32 value)
{
	put(block, &value, sizeof(value));
}

static void put16(struct block *block, __u16 value)
{
	put(block, &value, sizeof(value));
}

static void pad(struct block *block)
{
	put(block, "\0\0\0", -block->size & 3);
}

static void put_option(struct block *block, __u16 code, const void *value, size_t size)
{
	put16(block, code);
	put16(block, size);
	put(block, value, size);
	pad(block);
}

/* Type and length are known at the end, which repeats the length. */
static void begin(struct block *block, __u32 type)
{
	block->size = 0;
	put32(block, type);
	put32(block, 0);
}

static int end(struct pcapng *pcapng)
{
	struct block *block = &pcapng->block;
	__u32 size;

	put32(block, OPTION_END);
	size = block->size + sizeof(size);
	memcpy(block->bytes + 4, &size, sizeof(size));
	put32(block, size);
	return fwrite(block->bytes, block->size, 1, pcapng->out) == 1 ? 0 : -(errno ?: EIO);
}

static int write_section(struct pcapng *pcapng)
{
	static const char by[] = "tidegate watch";

	begin(&pcapng->block, BLOCK_SECTION);
	put32(&pcapng->block, BYTE_ORDER_MARK);
	put16(&pcapng->block, 1);
	put16(&pcapng->block, 0);
	put32(&pcapng->block, ~0u); /* how long it is, in two words: not known */
	put32(&pcapng->block, ~0u);
	put_option(&pcapng->block, OPTION_USER_APPL, by, sizeof(by) - 1);
	return end(pcapng);
}

struct pcapng *pcapng_new(FILE *out)
{
	struct pcapng *pcapng = calloc(1, sizeof(*pcapng));

	if (!pcapng)
		return NULL;
	pcapng->out = out;
	if (write_section(pcapng) == 0)
		return pcapng;
	pcapng_free(pcapng);
	return NULL;
}

void pcapng_free(struct pcapng *pcapng)
{
	if (!pcapng)
		return;
	free(pcapng->interfaces);
	free(pcapng);
}

static int write_interface(struct pcapng *pcapng, const struct sighting *sighting, __u32 link)
{
	static const unsigned char nanoseconds = 9;

	begin(&pcapng->block, BLOCK_INTERFACE);
	put16(&pcapng->block, link);
	put16(&pcapng->block, 0);
	put32(&pcapng->block, 0); /* no limit */
	put_option(&pcapng->block, OPTION_IF_NAME, sighting->interface,
		   strlen(sighting->interface));
	put_option(&pcapng->block, OPTION_TSRESOL, &nanoseconds, 1);
	return end(pcapng);
}

/* Its number in the file, or -errno. */
static int find_interface(struct pcapng *pcapng, const struct sighting *sighting)
{
	__u32 link = sighting->event->flags & EVENT_L3 ? LINK_RAW : LINK_ETHERNET;
	struct interface_id *added;
	int err;

	for (size_t i = 0; i < pcapng->interfaces_count; i++)
		if (pcapng->interfaces[i].ifindex == sighting->ifindex &&
		    pcapng->interfaces[i].link == link)
			return i;
	added = util_append(&pcapng->interfaces, pcapng->interfaces_count, sizeof(*added));
	err = added ? write_interface(pcapng, sighting, link) : -ENOMEM;
	if (err < 0)
		return err;
	*added = (struct interface_id){ sighting->ifindex, link };
	return pcapng->interfaces_count++;
}

/* The tag that the kernel took out of the frame is put back. */
static bool has_tag(const struct event *event)
{
	return event->vlan_proto && !(event->flags & EVENT_L3) && event->captured >= MACS_BYTES;
}

static void put_bytes(struct block *block, const struct event *event)
{
	size_t front = has_tag(event) ? MACS_BYTES : 0;
	__be16 tag[] = { event->vlan_proto, htons(event->vlan_tci) };

	put(block, event->bytes, front);
	if (front)
		put(block, tag, VLAN_BYTES);
	put(block, event->bytes + front, event->captured - front);
	pad(block);
}

static void put_comment(struct block *block, const struct sighting *sighting)
{
	const char *owner = sighting->owner[0] ? sighting->owner : sighting->process;
	char text[2 * WATCH_TEXT + 128];

	snprintf(text, sizeof(text), "%s: %s%s%s%s%s%s%s",
		 sighting->is_drop    ? "dropped"
		 : sighting->is_audit ? "would be dropped"
				      : "passed",
		 reason_name(sighting->reason), owner[0] ? ", to " : "", owner,
		 sighting->rule[0] ? ", " : "", sighting->rule,
		 watch_missing(sighting)[0] ? ", " : "", watch_missing(sighting));
	put_option(block, OPTION_COMMENT, text, strlen(text));
}

int pcapng_write(struct pcapng *pcapng, const struct sighting *sighting)
{
	const struct event *event = sighting->event;
	struct block *block = &pcapng->block;
	__u64 at = sighting->at.tv_sec * 1000000000ull + sighting->at.tv_nsec;
	size_t tag;
	int id;

	if (!event || !event->captured)
		return 0;
	id = find_interface(pcapng, sighting);
	if (id < 0)
		return id;
	tag = has_tag(event) ? VLAN_BYTES : 0;
	begin(block, BLOCK_PACKET);
	put32(block, id);
	put32(block, at >> 32);
	put32(block, at);
	put32(block, event->captured + tag);
	put32(block, event->length + tag);
	put_bytes(block, event);
	put_comment(block, sighting);
	return end(pcapng);
}
