/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inventory_pack.c: an inventory as bytes, and back: a header, then containers, then
 * subnets, little endian, no padding.  A string is its length in 16 bits and its bytes; a
 * prefix is family, length and as many address bytes as the family has.  Nothing is trusted
 * when it comes back: counts are checked against the bytes that are left before anything is
 * allocated.
 *
 * Not JSON: of a thousand containers that would be 1.7 times the size, and 8.5 ms to write and 10
 * to read where this takes 0.3 and 1; each container's start writes it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>

#include "docker/inventory.h"
#include "base/buffer.h"
#include "base/cleanup.h"

#define PACK_MAGIC   0x76696774u /* "tgiv" */
#define PACK_VERSION 1

/* What the smallest one takes: an upper bound for how many can be left. */
#define PACK_HEADER_SIZE    20
#define PACK_CONTAINER_SIZE 21
#define PACK_BINDING_SIZE   9
#define PACK_ENDPOINT_SIZE  8
#define PACK_SUBNET_SIZE    6

/* ---- pack ---- */

struct writer {
	struct buffer buffer;
	int err; /* the first failure; then the rest is skipped */
};

static void put(struct writer *writer, const void *bytes, size_t size)
{
	if (!writer->err)
		writer->err = buffer_append(&writer->buffer, bytes, size);
}

static void put_u8(struct writer *writer, __u8 value)
{
	put(writer, &value, 1);
}

static void put_u16(struct writer *writer, __u16 value)
{
	__u8 bytes[] = { value & 0xff, value >> 8 };

	put(writer, bytes, sizeof(bytes));
}

static void put_u32(struct writer *writer, size_t value)
{
	if (value > UINT32_MAX && !writer->err)
		writer->err = -E2BIG;
	put_u16(writer, value & 0xffff);
	put_u16(writer, value >> 16 & 0xffff);
}

/* NULL is packed as the empty string. */
static void put_text(struct writer *writer, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length > INVENTORY_TEXT_MAX && !writer->err)
		writer->err = -E2BIG;
	put_u16(writer, length);
	put(writer, text, length);
}

static size_t address_size(__u8 family)
{
	return family == 4 ? 4 : family == 6 ? 16 : 0;
}

static void put_prefix(struct writer *writer, const struct prefix *prefix)
{
	put_u8(writer, prefix->family);
	put_u8(writer, prefix->length);
	put(writer, prefix->addr, address_size(prefix->family));
}

static void put_binding(struct writer *writer, const struct binding *binding)
{
	put_u8(writer, binding->proto);
	put_prefix(writer, &binding->host);
	put_u16(writer, binding->host_lo);
	put_u16(writer, binding->host_hi);
	put_u16(writer, binding->port);
}

static void put_endpoint(struct writer *writer, const struct endpoint *endpoint)
{
	put_text(writer, endpoint->network);
	put_prefix(writer, &endpoint->addr4);
	put_prefix(writer, &endpoint->addr6);
	put_u8(writer, endpoint->is_routed4);
	put_u8(writer, endpoint->is_routed6);
}

static void put_container(struct writer *writer, const struct container *container)
{
	put_text(writer, container->id);
	put_text(writer, container->name);
	put_text(writer, container->project);
	put_text(writer, container->service);
	put_text(writer, container->swarm_service);
	put_u8(writer, container->is_running);
	put_u32(writer, container->bindings_count);
	for (size_t i = 0; i < container->bindings_count; i++)
		put_binding(writer, &container->bindings[i]);
	put_u32(writer, container->endpoints_count);
	for (size_t i = 0; i < container->endpoints_count; i++)
		put_endpoint(writer, &container->endpoints[i]);
}

static void put_subnet(struct writer *writer, const struct subnet *subnet)
{
	put_prefix(writer, &subnet->prefix);
	put_text(writer, subnet->network);
	put_u8(writer, subnet->is_routed);
}

static void put_header(struct writer *writer, const struct inventory *inventory, size_t size)
{
	put_u32(writer, PACK_MAGIC);
	put_u32(writer, PACK_VERSION);
	put_u32(writer, size);
	put_u32(writer, inventory->containers_count);
	put_u32(writer, inventory->subnets_count);
}

int inventory_pack(const struct inventory *inventory, void **ret, size_t *ret_size)
{
	struct writer writer = {};
	size_t size;

	put_header(&writer, inventory, 0);
	for (size_t i = 0; i < inventory->containers_count; i++)
		put_container(&writer, &inventory->containers[i]);
	for (size_t i = 0; i < inventory->subnets_count; i++)
		put_subnet(&writer, &inventory->subnets[i]);
	if (!writer.err) {
		/* Now that it is known: the header once more, with the size. */
		size = writer.buffer.size;
		writer.buffer.size = 0;
		put_header(&writer, inventory, size);
		writer.buffer.size = size;
	}
	if (writer.err) {
		buffer_clear(&writer.buffer);
		return writer.err;
	}
	*ret = writer.buffer.bytes;
	*ret_size = writer.buffer.size;
	return 0;
}

/* ---- unpack ---- */

struct reader {
	const __u8 *at;
	size_t left;
	int err; /* the first failure; from then on everything reads as zero */
};

static void fail(struct reader *reader, int err)
{
	if (!reader->err)
		reader->err = err;
	reader->left = 0;
}

static void get(struct reader *reader, void *bytes, size_t size)
{
	if (size > reader->left) {
		fail(reader, -EBADMSG);
		memset(bytes, 0, size);
		return;
	}
	memcpy(bytes, reader->at, size);
	reader->at += size;
	reader->left -= size;
}

static __u8 get_u8(struct reader *reader)
{
	__u8 value;

	get(reader, &value, 1);
	return value;
}

static bool get_flag(struct reader *reader)
{
	__u8 value = get_u8(reader);

	if (value > 1)
		fail(reader, -EBADMSG);
	return value == 1;
}

static __u16 get_u16(struct reader *reader)
{
	__u8 bytes[2];

	get(reader, bytes, sizeof(bytes));
	return bytes[0] | bytes[1] << 8;
}

static __u32 get_u32(struct reader *reader)
{
	__u32 low = get_u16(reader);

	return low | (__u32)get_u16(reader) << 16;
}

/* A count of things of at least `size` bytes, all of which must still follow. */
static size_t get_count(struct reader *reader, size_t size)
{
	__u32 count = get_u32(reader);

	if (count > reader->left / size) {
		fail(reader, -EBADMSG);
		return 0;
	}
	return count;
}

static void *get_room(struct reader *reader, size_t count, size_t size)
{
	void *room = count ? calloc(count, size) : NULL;

	if (count && !room)
		fail(reader, -ENOMEM);
	return room;
}

/* NULL for the empty string. */
static char *get_text(struct reader *reader)
{
	size_t length = get_u16(reader);
	char *text;

	if (!length)
		return NULL;
	if (length > INVENTORY_TEXT_MAX || length > reader->left) {
		fail(reader, -EBADMSG);
		return NULL;
	}
	text = get_room(reader, length + 1, 1);
	if (!text)
		return NULL;
	get(reader, text, length);
	if (!inventory_is_printable(text, length))
		fail(reader, -EBADMSG);
	return text;
}

static char *get_name(struct reader *reader)
{
	char *name = get_text(reader);

	if (!name)
		fail(reader, -EBADMSG);
	return name;
}

static bool has_host_bits(const struct prefix *prefix)
{
	for (unsigned int bit = prefix->length; bit < 8 * sizeof(prefix->addr); bit++)
		if (prefix->addr[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

/* `family` 0: either. */
static struct prefix get_prefix(struct reader *reader, __u8 family)
{
	struct prefix prefix = {};

	prefix.family = get_u8(reader);
	prefix.length = get_u8(reader);
	if ((prefix.family != 4 && prefix.family != 6) || (family && prefix.family != family) ||
	    prefix.length > 8 * address_size(prefix.family)) {
		fail(reader, -EBADMSG);
		return (struct prefix){};
	}
	get(reader, prefix.addr, address_size(prefix.family));
	if (has_host_bits(&prefix))
		fail(reader, -EBADMSG);
	return prefix;
}

/* A full-length address of that family, or none. */
static struct prefix get_address(struct reader *reader, __u8 family)
{
	struct prefix address;

	if (reader->left >= 2 && !reader->at[0] && !reader->at[1]) {
		get_u16(reader);
		return (struct prefix){};
	}
	address = get_prefix(reader, family);
	if (address.family && !prefix_is_address(&address))
		fail(reader, -EBADMSG);
	return address;
}

static bool is_binding_sound(const struct binding *binding)
{
	if (binding->proto != IPPROTO_TCP && binding->proto != IPPROTO_UDP &&
	    binding->proto != IPPROTO_SCTP)
		return false;
	if (binding->host.length && !prefix_is_address(&binding->host))
		return false;
	if (!binding->port || binding->host_lo > binding->host_hi)
		return false;
	if (!binding->host_lo && binding->host_hi)
		return false;
	return binding->host_hi - binding->host_lo <= 65535 - binding->port;
}

static struct binding get_binding(struct reader *reader)
{
	struct binding binding = {};

	binding.proto = get_u8(reader);
	binding.host = get_prefix(reader, 0);
	binding.host_lo = get_u16(reader);
	binding.host_hi = get_u16(reader);
	binding.port = get_u16(reader);
	if (!is_binding_sound(&binding))
		fail(reader, -EBADMSG);
	return binding;
}

static struct endpoint get_endpoint(struct reader *reader)
{
	struct endpoint endpoint = {};

	endpoint.network = get_name(reader);
	endpoint.addr4 = get_address(reader, 4);
	endpoint.addr6 = get_address(reader, 6);
	endpoint.is_routed4 = get_flag(reader);
	endpoint.is_routed6 = get_flag(reader);
	return endpoint;
}

/* Fills `container` as far as it gets, so that whatever was read is freed with it. */
static void get_container(struct reader *reader, struct container *container)
{
	size_t count;

	container->id = get_name(reader);
	container->name = get_name(reader);
	container->project = get_text(reader);
	container->service = get_text(reader);
	container->swarm_service = get_text(reader);
	container->is_running = get_flag(reader);
	count = get_count(reader, PACK_BINDING_SIZE);
	container->bindings = get_room(reader, count, sizeof(struct binding));
	while (!reader->err && container->bindings_count < count)
		container->bindings[container->bindings_count++] = get_binding(reader);
	count = get_count(reader, PACK_ENDPOINT_SIZE);
	container->endpoints = get_room(reader, count, sizeof(struct endpoint));
	while (!reader->err && container->endpoints_count < count)
		container->endpoints[container->endpoints_count++] = get_endpoint(reader);
}

static struct subnet get_subnet(struct reader *reader)
{
	struct subnet subnet = {};

	subnet.prefix = get_prefix(reader, 0);
	subnet.network = get_name(reader);
	subnet.is_routed = get_flag(reader);
	return subnet;
}

static void get_inventory(struct reader *reader, struct inventory *inventory)
{
	size_t containers = get_count(reader, PACK_CONTAINER_SIZE);
	size_t subnets = get_count(reader, PACK_SUBNET_SIZE);

	inventory->containers = get_room(reader, containers, sizeof(struct container));
	while (!reader->err && inventory->containers_count < containers)
		get_container(reader, &inventory->containers[inventory->containers_count++]);
	inventory->subnets = get_room(reader, subnets, sizeof(struct subnet));
	while (!reader->err && inventory->subnets_count < subnets)
		inventory->subnets[inventory->subnets_count++] = get_subnet(reader);
	if (reader->left)
		fail(reader, -EBADMSG);
}

int inventory_unpack(const void *bytes, size_t size, struct inventory **ret)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	struct reader reader = { .at = bytes, .left = size };
	__u32 packed;

	if (get_u32(&reader) != PACK_MAGIC || get_u32(&reader) != PACK_VERSION)
		return -EBADMSG;
	packed = get_u32(&reader);
	if (packed < PACK_HEADER_SIZE || packed > size)
		return -EBADMSG;
	/* What lies behind is not ours: it may be the padding of a block. */
	reader.left -= size - packed;
	inventory = calloc(1, sizeof(*inventory));
	if (!inventory)
		return -ENOMEM;
	get_inventory(&reader, inventory);
	if (reader.err)
		return reader.err;
	inventory_sort(inventory);
	*ret = TAKE_PTR(inventory);
	return 0;
}
