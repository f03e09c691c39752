/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packed form of an inventory comes back as it went in, is the same bytes for the same
 * content, and bytes that are not one are refused.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "docker/inventory.h"
#include "base/cleanup.h"

static struct prefix prefix(const char *text)
{
	struct prefix parsed;

	assert_int_equal(prefix_parse(text, &parsed, NULL), 0);
	return parsed;
}

static struct prefix any(__u8 family)
{
	return (struct prefix){ .family = family };
}

static void fill_container(struct container *container, const char *name)
{
	container->id = strdup("4889e96ddf33e08f1b5b57a089ea916f786ead86b9c65c1fcbe5ddb082bb3f7f");
	container->name = strdup(name);
	container->project = strdup("shop");
	container->service = strdup("db");
	container->is_running = true;
	container->bindings_count = 3;
	container->bindings = calloc(3, sizeof(struct binding));
	container->bindings[0] = (struct binding){ IPPROTO_UDP, prefix("192.0.2.5"), 53, 53, 5353 };
	container->bindings[1] = (struct binding){ IPPROTO_TCP, any(6), 0, 0, 80 };
	container->bindings[2] = (struct binding){ IPPROTO_TCP, any(4), 8000, 8010, 9000 };
	container->endpoints_count = 2;
	container->endpoints = calloc(2, sizeof(struct endpoint));
	container->endpoints[0] = (struct endpoint){ strdup("shop"), prefix("10.0.0.2"),
						     prefix("fd00::2"), false, true };
	container->endpoints[1] = (struct endpoint){ .network = strdup("none") };
}

static struct inventory *sample(void)
{
	struct inventory *inventory = calloc(1, sizeof(*inventory));

	inventory->containers_count = 2;
	inventory->containers = calloc(2, sizeof(struct container));
	fill_container(&inventory->containers[0], "web");
	fill_container(&inventory->containers[1], "db");
	inventory->subnets_count = 2;
	inventory->subnets = calloc(2, sizeof(struct subnet));
	inventory->subnets[0] = (struct subnet){ prefix("fd00::/64"), true, strdup("shop") };
	inventory->subnets[1] = (struct subnet){ prefix("10.0.0.0/24"), false, strdup("shop") };
	inventory_sort(inventory);
	return inventory;
}

static void *pack(const struct inventory *inventory, size_t *ret_size)
{
	void *bytes;

	assert_int_equal(inventory_pack(inventory, &bytes, ret_size), 0);
	return bytes;
}

static void order_is_by_name_and_by_prefix(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = sample();
	const struct container *container = &inventory->containers[0];

	assert_string_equal(container->name, "db");
	assert_int_equal(container->bindings[0].host.family, 4);
	assert_int_equal(container->bindings[1].host.family, 6);
	assert_int_equal(container->bindings[2].proto, IPPROTO_UDP);
	assert_string_equal(container->endpoints[0].network, "none");
	assert_int_equal(inventory->subnets[0].prefix.family, 4);
}

static void what_was_packed_comes_back(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = sample(), *back = NULL;
	const struct container *container;
	size_t size;
	_cleanup_free_ void *bytes = pack(inventory, &size);

	assert_int_equal(inventory_unpack(bytes, size, &back), 0);
	assert_int_equal(back->containers_count, 2);
	container = &back->containers[1];
	assert_string_equal(container->id, inventory->containers[1].id);
	assert_string_equal(container->name, "web");
	assert_string_equal(container->project, "shop");
	assert_string_equal(container->service, "db");
	assert_null(container->swarm_service);
	assert_true(container->is_running);
	assert_int_equal(container->bindings_count, 3);
	assert_memory_equal(&container->bindings[0], &inventory->containers[1].bindings[0],
			    sizeof(struct binding));
	assert_int_equal(container->endpoints_count, 2);
	assert_int_equal(container->endpoints[0].addr4.family, 0);
	assert_true(prefix_equal(&container->endpoints[1].addr6,
				 &inventory->containers[1].endpoints[1].addr6));
	assert_false(container->endpoints[1].is_routed4);
	assert_true(container->endpoints[1].is_routed6);
	assert_true(back->subnets[1].is_routed);
	assert_string_equal(back->subnets[1].network, "shop");
}

static void same_content_is_the_same_bytes(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = sample(), *back = NULL;
	size_t size, again_size;
	_cleanup_free_ void *bytes = pack(inventory, &size), *again = NULL;

	assert_int_equal(inventory_unpack(bytes, size, &back), 0);
	again = pack(back, &again_size);
	assert_int_equal(size, again_size);
	assert_memory_equal(bytes, again, size);
}

static void empty_inventory_can_be_packed(void **state)
{
	_cleanup_(inventory_freep) struct inventory *back = NULL;
	struct inventory empty = {};
	size_t size;
	_cleanup_free_ void *bytes = pack(&empty, &size);

	assert_int_equal(inventory_unpack(bytes, size, &back), 0);
	assert_int_equal(back->containers_count + back->subnets_count, 0);
}

static void bytes_behind_are_not_looked_at(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = sample(), *back = NULL;
	size_t size;
	_cleanup_free_ char *bytes = pack(inventory, &size);

	bytes = realloc(bytes, size + 100);
	memset(bytes + size, 0xff, 100);
	assert_int_equal(inventory_unpack(bytes, size + 100, &back), 0);
}

static void every_shorter_piece_is_refused(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = sample(), *back = NULL;
	size_t size;
	_cleanup_free_ char *bytes = pack(inventory, &size);

	for (size_t length = 0; length < size; length++) {
		_cleanup_free_ char *piece = malloc(length ? length : 1);

		memcpy(piece, bytes, length);
		assert_int_equal(inventory_unpack(piece, length, &back), -EBADMSG);
		/* Nor when the header is made to agree. */
		if (length < 20)
			continue;
		piece[8] = length & 0xff;
		piece[9] = length >> 8;
		assert_int_equal(inventory_unpack(piece, length, &back), -EBADMSG);
	}
	assert_null(back);
}

static void changed_byte_is_refused_or_still_an_inventory(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = sample();
	size_t size;
	_cleanup_free_ __u8 *bytes = pack(inventory, &size);

	for (size_t i = 0; i < size; i++) {
		for (int change = 1; change < 256; change++) {
			_cleanup_(inventory_freep) struct inventory *back = NULL;
			int err;

			bytes[i] ^= change;
			err = inventory_unpack(bytes, size, &back);
			assert_true(err == 0 || err == -EBADMSG);
			bytes[i] ^= change;
		}
	}
}

static void name_that_steers_a_terminal_is_refused(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = sample(), *back = NULL;
	_cleanup_free_ void *bytes = NULL;
	size_t size;

	inventory->containers[0].name[0] = '\033';
	bytes = pack(inventory, &size);
	assert_int_equal(inventory_unpack(bytes, size, &back), -EBADMSG);
}

static void text_too_long_is_not_packed(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = sample();
	void *bytes = NULL;
	size_t size;

	free(inventory->containers[0].name);
	inventory->containers[0].name = calloc(1, INVENTORY_TEXT_MAX + 2);
	memset(inventory->containers[0].name, 'x', INVENTORY_TEXT_MAX + 1);
	assert_int_equal(inventory_pack(inventory, &bytes, &size), -E2BIG);
	assert_null(bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_by_name_and_by_prefix),
		cmocka_unit_test(what_was_packed_comes_back),
		cmocka_unit_test(same_content_is_the_same_bytes),
		cmocka_unit_test(empty_inventory_can_be_packed),
		cmocka_unit_test(bytes_behind_are_not_looked_at),
		cmocka_unit_test(every_shorter_piece_is_refused),
		cmocka_unit_test(changed_byte_is_refused_or_still_an_inventory),
		cmocka_unit_test(name_that_steers_a_terminal_is_refused),
		cmocka_unit_test(text_too_long_is_not_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
