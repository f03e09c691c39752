/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ports.c: see ports.h.  Docker lists a range of a thousand ports as a
 * thousand entries for each family; here it is one binding again.
 */
#include <errno.h>
#include <netinet/in.h>

#include "docker/json.h"
#include "docker/ports.h"
#include "base/cleanup.h"
#include "base/proto.h"

int docker_ports_parse_proto(const char *text, __u8 *ret)
{
	enum proto_index index = proto_find(text, strlen(text));

	if (index == PROTO_MAX)
		return -EINVAL;
	*ret = proto_numbers[index];
	return 0;
}

/* Digits up to `end`, 0..65535. */
static int parse_number(const char *text, const char *end, unsigned short *ret)
{
	unsigned int value = 0;

	if (text == end || end - text > 5)
		return -EINVAL;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (*text - '0');
	}
	if (value > 65535)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int parse_range(const char *text, const char *end, struct docker_range *ret)
{
	const char *dash = memchr(text, '-', end - text);
	struct docker_range range;
	int err;

	err = parse_number(text, dash ? dash : end, &range.lo);
	range.hi = range.lo;
	if (!err && dash)
		err = parse_number(dash + 1, end, &range.hi);
	if (err)
		return err;
	if (range.lo > range.hi || (!range.lo && range.hi))
		return -EINVAL;
	*ret = range;
	return 0;
}

int docker_ports_parse_range(const char *text, struct docker_range *ret)
{
	if (!*text) {
		*ret = (struct docker_range){};
		return 0;
	}
	return parse_range(text, text + strlen(text), ret);
}

int docker_ports_parse(const char *text, __u8 *ret_proto, struct docker_range *ret)
{
	const char *slash = strchr(text, '/');
	struct docker_range range;
	__u8 proto = IPPROTO_TCP;
	int err;

	err = parse_range(text, slash ? slash : text + strlen(text), &range);
	if (!err && slash)
		err = docker_ports_parse_proto(slash + 1, &proto);
	if (err)
		return err;
	if (!range.lo)
		return -EINVAL;
	*ret_proto = proto;
	*ret = range;
	return 0;
}

/* ---- adding ---- */

static int append(struct docker_ports *list, const struct binding *binding)
{
	struct binding *added = util_append(&list->items, list->count, sizeof(*added));

	if (!added)
		return -ENOMEM;
	list->count++;
	*added = *binding;
	return 0;
}

static bool is_zero(const struct prefix *address)
{
	static const __u8 zero[16];

	return memcmp(address->addr, zero, sizeof(zero)) == 0;
}

/* The families an address stands for: one, or both for "". */
static int parse_address(const char *text, struct prefix ret[static 2], size_t *ret_count)
{
	ret[0] = (struct prefix){ .family = 4 };
	ret[1] = (struct prefix){ .family = 6 };
	*ret_count = 2;
	if (!*text)
		return 0;
	*ret_count = 1;
	/* An address, not a network: no slash, whatever its length. */
	if (strchr(text, '/') || prefix_parse(text, &ret[0], NULL) || !prefix_is_address(&ret[0]))
		return -EINVAL;
	if (is_zero(&ret[0]))
		ret[0].length = 0;
	return 0;
}

static int add_one(struct docker_ports *list, struct binding binding, struct docker_range host,
		   struct docker_range ports)
{
	unsigned int hosts = host.hi - host.lo, size = ports.hi - ports.lo;
	int err = 0;

	binding.port = ports.lo;
	if (host.lo && hosts == size) {
		binding.host_lo = host.lo;
		binding.host_hi = host.hi;
		return append(list, &binding);
	}
	if (host.lo && size)
		return -ERANGE;
	/* Not known for any of them; or one port for any of several. */
	for (unsigned int i = 0; !err && i <= (host.lo ? hosts : size); i++) {
		binding.host_lo = binding.host_hi = host.lo ? host.lo + i : 0;
		binding.port = host.lo ? ports.lo : ports.lo + i;
		err = append(list, &binding);
	}
	return err;
}

int docker_ports_add(struct docker_ports *list, __u8 proto, const char *address,
		     struct docker_range host, struct docker_range ports)
{
	struct prefix addresses[2];
	size_t count;
	int err;

	err = parse_address(address, addresses, &count);
	for (size_t i = 0; !err && i < count; i++) {
		struct binding binding = { .proto = proto, .host = addresses[i] };

		err = add_one(list, binding, host, ports);
	}
	return err;
}

static bool covers(const struct docker_ports *list, size_t count, __u8 proto, unsigned int port)
{
	for (size_t i = 0; i < count; i++) {
		const struct binding *item = &list->items[i];
		unsigned int size = item->host_hi - item->host_lo;

		if (item->proto == proto && port >= item->port && port - item->port <= size)
			return true;
	}
	return false;
}

int docker_ports_fill(struct docker_ports *list, const struct docker_ports *asked)
{
	size_t count = list->count;

	for (size_t i = 0; i < asked->count; i++) {
		struct binding one = asked->items[i];
		unsigned int size = one.host_hi - one.host_lo;

		for (unsigned int step = 0; step <= size; step++) {
			one.port = asked->items[i].port + step;
			if (one.host_lo)
				one.host_lo = one.host_hi = asked->items[i].host_lo + step;
			if (covers(list, count, one.proto, one.port))
				continue;
			if (append(list, &one))
				return -ENOMEM;
		}
	}
	return 0;
}

/* ---- merging ---- */

static int compare(const void *a, const void *b)
{
	return inventory_compare_bindings(a, b);
}

/* Whether `next`, behind `item` in order, only repeats or lengthens it; then it did. */
static bool join(struct binding *item, const struct binding *next)
{
	unsigned int size = item->host_hi - item->host_lo;

	if (item->proto != next->proto || !prefix_equal(&item->host, &next->host))
		return false;
	if (!item->host_lo)
		return !next->host_lo && item->port == next->port;
	if (next->host_lo > item->host_hi + 1 ||
	    next->host_lo - item->host_lo != next->port - item->port)
		return false;
	if (next->host_hi - item->host_lo > (int)size)
		item->host_hi = next->host_hi;
	return true;
}

void docker_ports_merge(struct docker_ports *list)
{
	struct binding *fitted;
	size_t count = 0, room = 1;

	if (!list->count)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 1; i < list->count; i++)
		if (!join(&list->items[count], &list->items[i]))
			list->items[++count] = list->items[i];
	list->count = count + 1;
	/* As util_append() wants it, if there are more. */
	while (room < list->count)
		room *= 2;
	fitted = reallocarray(list->items, room, sizeof(*list->items));
	if (fitted)
		list->items = fitted;
}

int docker_ports_append(struct docker_ports *list, const struct docker_ports *more)
{
	int err = 0;

	for (size_t i = 0; !err && i < more->count; i++)
		err = append(list, &more->items[i]);
	return err;
}

void docker_ports_clear(struct docker_ports *list)
{
	free(list->items);
	*list = (struct docker_ports){};
}

int docker_ports_fail(const struct docker_json *json, int err)
{
	if (err == -EINVAL)
		return docker_json_fail(json, "has an invalid address");
	if (err == -ERANGE)
		return docker_json_fail(json, "has port ranges of different length");
	return err;
}
