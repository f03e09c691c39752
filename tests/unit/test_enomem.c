/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_enomem.c: each allocation in turn fails, on the whole way from a configuration to an image.
 * Whatever is asked for is then not there, -ENOMEM says so, and nothing is leaked.
 */
#include "policy_fixture.h"

#include <stdlib.h>

#include "config/setfile.h"
#include "image/snapshot.h"
#include "image/image.h"

/* ---- an allocator that fails once --------------------------------------------------------------
 */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *old);

static long left = -1; /* allocations before the one that fails; below 0 = none fails */
static bool has_failed;
static long living;

static bool fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	has_failed = true;
	errno = ENOMEM;
	return true;
}

static void *note(void *got)
{
	living += got != NULL;
	return got;
}

void *malloc(size_t size)
{
	return fails() ? NULL : note(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : note(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	living -= old != NULL;
	return note(__libc_realloc(old, size));
}

void free(void *old)
{
	living -= old != NULL;
	__libc_free(old);
}

/* ---- what is tried
 * ------------------------------------------------------------------------------- */

static const char text[] = "interface eth0 eth1\n"
			   "docker unix:///run/docker.sock\n"
			   "set office 203.0.113.0/24 2001:db8:1::/48\n"
			   "allow 80,443,8000-8100/tcp from office until 2030-12-01T00:00Z "
			   "comment \"all of them\"\n"
			   "deny 80/tcp from 203.0.113.9\n"
			   "allow container web port 6379/tcp from 10.0.0.0/8\n"
			   "allow 5432/tcp on 192.0.2.5\n"
			   "ban 198.51.100.0/24\n"
			   "failsafe from 192.0.2.10\n";

static struct world world;
static struct statement added_statement;
static struct config *config; /* of the text */
static struct policy *policy; /* of that and the world */
static void *snapshot;        /* of both */
static size_t snapshot_size;
static struct image image; /* of all */

static int parse_config(void)
{
	_cleanup_(config_freep) struct config *parsed = NULL;
	int err = config_parse(text, strlen(text), NOW, &parsed, NULL);

	left = -1;
	if (err == 0)
		assert_int_equal(parsed->count, config->count);
	else
		assert_null(parsed);
	return err;
}

static int print_config(void)
{
	_cleanup_free_ char *printed = config_print(config);

	left = -1;
	if (printed)
		assert_string_equal(printed, text);
	return printed ? 0 : -ENOMEM;
}

static int add_statement(void)
{
	_cleanup_free_ char *added = NULL;
	int err = config_add(text, &added_statement, &added);

	left = -1;
	if (err < 0)
		assert_null(added);
	else
		assert_non_null(strstr(added, "192.0.2.99"));
	return err;
}

static int parse_set(void)
{
	static const char members[] =
		"192.0.2.0/24 # us\n2001:db8::/32\n198.51.100.1-198.51.100.9\n";
	struct sets_members parsed = {};
	int err = sets_parse(members, strlen(members), &parsed, NULL);

	left = -1;
	if (err == 0)
		assert_int_equal(parsed.count, 6);
	sets_members_clear(&parsed);
	return err;
}

static int pack_inventory(void)
{
	_cleanup_free_ void *bytes = NULL;
	size_t size = 0;
	int err = inventory_pack(&world.inventory, &bytes, &size);

	left = -1;
	if (err < 0)
		assert_null(bytes);
	return err;
}

static int unpack_notes(void)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	_cleanup_free_ char *unpacked = NULL;
	int err = snapshot_unpack(&image, &unpacked, &inventory);

	left = -1;
	if (err < 0)
		return err;
	assert_string_equal(unpacked, text);
	assert_int_equal(inventory->containers_count, world.inventory.containers_count);
	return 0;
}

static int pack_notes(void)
{
	_cleanup_free_ void *bytes = NULL;
	size_t size = 0;
	int err = snapshot_pack(text, &world.inventory, &bytes, &size);

	left = -1;
	if (err == 0)
		assert_memory_equal(bytes, snapshot, snapshot_size);
	return err;
}

static int build_policy(void)
{
	_cleanup_(policy_freep) struct policy *built = NULL;
	_cleanup_free_ char *expected = NULL, *got = NULL;
	struct policy_input input = { .config = config, .inventory = &world.inventory, .now = NOW };
	int err = policy_build(&input, &built, NULL);

	left = -1;
	if (err < 0) {
		assert_null(built);
		return err;
	}
	expected = print_ports(policy);
	got = print_ports(built);
	assert_string_equal(got, expected);
	return 0;
}

static int build_image(void)
{
	__u32 counters[64] = {};
	struct image_input input = { .policy = policy,
				     .rule_counters = counters,
				     .port_counters = counters,
				     .snapshot = snapshot,
				     .snapshot_size = snapshot_size };
	_cleanup_(image_clear) struct image built = {};
	int err = image_build(&input, &built, NULL);

	left = -1;
	if (err == 0)
		assert_memory_equal(built.bytes, image.bytes, image.size);
	else
		assert_null(built.bytes);
	return err;
}

/* ---- the case
 * -------------------------------------------------------------------------------------- */

static void make_world(void)
{
	world_clear(&world);
	for (int i = 0; i < 3; i++) {
		struct container *container =
			world_add(&world, (const char *[]){ "api", "db", "web" }[i]);

		publish(container, "0.0.0.0", 6379 + i, 6379);
		publish(container, "::", 6379 + i, 6379);
		place_at(container, (const char *[]){ "172.17.0.2", "172.17.0.3", "fd00::2" }[i],
			 false);
		container->endpoints[0].network = (char *)"bridge";
	}
	world_subnet(&world, "172.17.0.0/16", false);
	world.subnets[0].network = (char *)"bridge";
}

static int set_up(void **state)
{
	struct policy_input input = { .inventory = &world.inventory, .now = NOW };
	__u32 counters[64] = {};

	make_world();
	assert_int_equal(config_parse_statement("ban 192.0.2.99", NOW, &added_statement, NULL), 0);
	assert_int_equal(config_parse(text, strlen(text), NOW, &config, NULL), 0);
	input.config = config;
	assert_int_equal(policy_build(&input, &policy, NULL), 0);
	assert_in_range(policy->ports_count, 10, 32);
	assert_int_equal(snapshot_pack(text, &world.inventory, &snapshot, &snapshot_size), 0);
	assert_int_equal(image_build(&(struct image_input){ .policy = policy,
							    .rule_counters = counters,
							    .port_counters = counters,
							    .snapshot = snapshot,
							    .snapshot_size = snapshot_size },
				     &image, NULL),
			 0);
	return 0;
}

static int tear_down(void **state)
{
	config_clear_statement(&added_statement);
	image_clear(&image);
	free(snapshot);
	policy_free(policy);
	config_free(config);
	return 0;
}

static void assert_no_memory_is_survived(int (*try)(void), const char *what)
{
	long allocations = 0;

	assert_int_equal(try(), 0);
	for (has_failed = true; has_failed; allocations++) {
		long before = living;
		int err;

		has_failed = false;
		left = allocations;
		err = try();
		left = -1;
		if (living != before)
			fail_msg("%s: %ld leaked when allocation %ld fails", what, living - before,
				 allocations);
		/* The C library can do without some of its own. */
		if (err != 0 && (err != -ENOMEM || !has_failed))
			fail_msg("%s: %d when allocation %ld fails", what, err, allocations);
	}
	assert_true(allocations > 1);
}

#define SURVIVES(name)                                     \
	static void name##_survives(void **state)          \
	{                                                  \
		assert_no_memory_is_survived(name, #name); \
	}

SURVIVES(parse_config)
SURVIVES(print_config)
SURVIVES(add_statement)
SURVIVES(parse_set)
SURVIVES(pack_inventory)
SURVIVES(pack_notes)
SURVIVES(unpack_notes)
SURVIVES(build_policy)
SURVIVES(build_image)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_config_survives),   cmocka_unit_test(print_config_survives),
		cmocka_unit_test(add_statement_survives),  cmocka_unit_test(parse_set_survives),
		cmocka_unit_test(pack_inventory_survives), cmocka_unit_test(pack_notes_survives),
		cmocka_unit_test(unpack_notes_survives),   cmocka_unit_test(build_policy_survives),
		cmocka_unit_test(build_image_survives),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
