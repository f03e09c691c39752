/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image_fastpath.c: which packets the table of the fast path decides, on hosts as people have
 * them; and that each of its entries is the one of the endpoint that the image has there.
 */
#include "fastpath_table.h"
#include "image/fastpath.h"
#include "image_fixture.h"

/* Each entry's combined counter has the number of its reason. */
static struct fastpath_table *table_of(const struct image *image)
{
	struct fastpath_table *table = malloc(sizeof(*table));
	_cleanup_free_ struct image_entry *entries = NULL;
	size_t count;

	assert_non_null(table);
	assert_int_equal(image_entries(image, &entries, &count), 0);
	for (size_t i = 0; i < count; i++)
		entries[i].entry->counter = entries[i].reason_counter;
	assert_int_equal(image_fill_fastpath(image, table), 0);
	return table;
}

/* ---- the entry of a packet, as bpf/fastpath.h finds it ------------------------------------- */

static __be32 wire4(const struct prefix *addr)
{
	__be32 wire;

	memcpy(&wire, addr->addr, sizeof(wire));
	return wire;
}

static bool is_own(const struct own_addrs *own, const struct prefix *addr)
{
	return addr->family == 4
		       ? is_own4(own, wire4(addr))
		       : is_own6(own, oracle_word(addr->addr, 8), oracle_word(addr->addr + 8, 8));
}

/* 0 = none. */
static __u32 entry_at(const struct fastpath_table *table, const struct prefix *daddr,
		      unsigned short dport)
{
	__u32 entry = table->entries[daddr->family == 6][PROTO_TCP][htons(dport)], slot;

	if (!is_own(&table->own, daddr))
		return 0;
	slot = daddr->family == 4 ? own_slot4(&table->own, wire4(daddr))
				  : own_slot6(&table->own, oracle_word(daddr->addr, 8),
					      oracle_word(daddr->addr + 8, 8));
	return FASTPATH_IS_ROW(entry) ? table->rows[FASTPATH_ROW_OF(entry)][slot] : entry;
}

static __u32 counter_at(const struct fastpath_table *table, const struct prefix *daddr,
			unsigned short dport)
{
	__u32 counter = FASTPATH_COUNTER(entry_at(table, daddr, dport));

	assert_int_equal(counter / COUNTER_IPV6, daddr->family == 6);
	return counter % COUNTER_IPV6;
}

/* ---- a host with Docker networks ------------------------------------------------------------ */

#define NETWORKS  20
#define ADDRESSES 5

static struct prefix public4(int i)
{
	return address4(0xcb007105 + 0x10000 * i);
}

static struct prefix public6(int i)
{
	return v6(0x20010db800000000 + i, 1, 128);
}

/* Docker's networks have the lowest addresses; `is_known`: their subnets are in the policy. */
static void add_networks(struct policy *policy, bool is_known)
{
	for (int i = 0; i < NETWORKS; i++) {
		struct prefix subnet4 = v4(0xac110000 + 0x10000 * i, 16);
		struct prefix subnet6 = v6(0xfd00000000000000 + i, 0, 64);

		oracle_add_prefix(&policy->local, &policy->local_count,
				  address4(0xac110001 + 0x10000 * i));
		oracle_add_prefix(&policy->local, &policy->local_count,
				  v6(0xfd00000000000000 + i, 1, 128));
		oracle_add_prefix(&policy->groups, &policy->groups_count,
				  address4(0xac11ffff + 0x10000 * i));
		if (!is_known)
			continue;
		oracle_add_prefix(&policy->natted, &policy->natted_count, subnet4);
		oracle_add_prefix(&policy->natted, &policy->natted_count, subnet6);
	}
}

static struct policy *docker_host(bool is_known)
{
	struct policy *policy = one_port();

	add_networks(policy, is_known);
	for (int i = 0; i < ADDRESSES; i++) {
		oracle_add_prefix(&policy->local, &policy->local_count, public4(i));
		oracle_add_prefix(&policy->local, &policy->local_count, public6(i));
		oracle_add_prefix(&policy->groups, &policy->groups_count,
				  address4(0xcb0071ff + 0x10000 * i));
	}
	return policy;
}

static void assert_public_addresses_are_own(bool is_known)
{
	_cleanup_(oracle_freep) struct policy *policy = docker_host(is_known);
	_cleanup_(image_clear) struct image image = {};
	_cleanup_free_ struct fastpath_table *table = NULL;

	build(policy, &image);
	table = table_of(&image);
	for (int i = 0; i < ADDRESSES; i++) {
		struct prefix daddr4 = public4(i), daddr6 = public6(i);

		assert_true(is_own(&table->own, &daddr4));
		assert_true(is_own(&table->own, &daddr6));
	}
}

static void public_addresses_are_among_the_own_ones_with_twenty_networks(void **state)
{
	assert_public_addresses_are_own(true);
}

/* `docker off`, or networks of somebody else's. */
static void also_where_nobody_knows_the_networks(void **state)
{
	assert_public_addresses_are_own(false);
}

static void addresses_of_networks_are_not_own_ones(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = docker_host(true);
	_cleanup_(image_clear) struct image image = {};
	struct prefix end4 = address4(0xac110001), end6 = v6(0xfd00000000000000, 1, 128);

	build(policy, &image);
	assert_false(is_own(&image_header(&image)->own, &end4));
	assert_false(is_own(&image_header(&image)->own, &end6));
}

/* Service addresses of a cluster, say. */
static void public_addresses_are_among_the_own_ones_with_thousands(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = docker_host(true);
	_cleanup_(image_clear) struct image image = {};

	for (int i = 0; i < 2000; i++) {
		oracle_add_prefix(&policy->local, &policy->local_count, address4(0x0a600000 + i));
		oracle_add_prefix(&policy->local, &policy->local_count,
				  v6(0xfd60000000000000, i + 1, 128));
	}
	build(policy, &image);
	for (int i = 0; i < ADDRESSES; i++) {
		struct prefix daddr4 = public4(i), daddr6 = public6(i);

		assert_true(is_own(&image_header(&image)->own, &daddr4));
		assert_true(is_own(&image_header(&image)->own, &daddr6));
	}
}

/* ---- ports published at one address -----------------------------------------------------------
 */

static void a_port_at_one_address_takes_no_other_off_the_fast_path(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = docker_host(true);
	_cleanup_(image_clear) struct image image = {};
	_cleanup_free_ struct fastpath_table *table = NULL;
	struct prefix named4 = public4(2), named6 = public6(2), other4 = public4(3),
		      other6 = public6(3);
	unsigned short ports[] = { 80, 443, 8443, 22 };

	oracle_add_port(policy, IPPROTO_TCP, named4, 443, 443)->is_closed = false;
	oracle_add_port(policy, IPPROTO_TCP, named4, 8443, 8443)->is_closed = false;
	oracle_add_port(policy, IPPROTO_TCP, named6, 443, 443)->is_closed = false;
	build(policy, &image);
	table = table_of(&image);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		assert_int_not_equal(entry_at(table, &other4, ports[i]), 0);
		assert_int_not_equal(entry_at(table, &other6, ports[i]), 0);
		assert_int_not_equal(entry_at(table, &named4, ports[i]), 0);
		assert_int_not_equal(entry_at(table, &named6, ports[i]), 0);
	}
	assert_int_equal(counter_at(table, &named4, 443), PASS_DEFAULT);
	assert_int_equal(counter_at(table, &named4, 8443), PASS_DEFAULT);
	assert_int_equal(counter_at(table, &named6, 443), PASS_DEFAULT);
	assert_int_equal(counter_at(table, &named6, 8443), PASS_UNGUARDED);
	assert_int_equal(counter_at(table, &named4, 22), PASS_UNGUARDED);
	assert_int_equal(counter_at(table, &named4, 80), DROP_CLOSED);
	assert_int_equal(counter_at(table, &other4, 443), PASS_UNGUARDED);
	assert_int_equal(counter_at(table, &other6, 443), PASS_UNGUARDED);
}

/* Each container has its ports at an address of its own. */
static void ports_of_containers_leave_the_fast_path_as_it_is(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = docker_host(true);
	_cleanup_(image_clear) struct image image = {};
	_cleanup_free_ struct fastpath_table *table = NULL;

	for (int i = 0; i < 2 * FASTPATH_ROWS; i++)
		oracle_add_port(policy, IPPROTO_TCP, address4(0xac110002 + i), 1000 + i, 1000 + i)
			->origin = PORT_DIRECT;
	build(policy, &image);
	table = table_of(&image);
	for (int i = 0; i < 2 * FASTPATH_ROWS; i++) {
		struct prefix daddr = public4(0);

		assert_int_equal(counter_at(table, &daddr, 1000 + i), PASS_UNGUARDED);
	}
}

static void where_there_are_no_more_rows_there_is_no_entry(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = docker_host(true);
	_cleanup_(image_clear) struct image image = {};
	_cleanup_free_ struct fastpath_table *table = NULL;
	struct prefix named = public4(2), other = public4(3);
	int none = 0;

	for (int i = 0; i < FASTPATH_ROWS + 100; i++)
		oracle_add_port(policy, IPPROTO_TCP, named, 1000 + 2 * i, 1000 + 2 * i);
	build(policy, &image);
	table = table_of(&image);
	for (int i = 0; i < FASTPATH_ROWS + 100; i++) {
		__u32 entry = entry_at(table, &named, 1000 + 2 * i);

		if (entry)
			assert_int_equal(FASTPATH_COUNTER(entry), DROP_CLOSED);
		else
			assert_int_equal(entry_at(table, &other, 1000 + 2 * i), 0);
		none += entry == 0;
		assert_int_equal(counter_at(table, &named, 1001 + 2 * i), PASS_UNGUARDED);
	}
	assert_int_equal(none, 100);
}

/* ---- which addresses, of any ------------------------------------------------------------------
 */

static void assert_is_here(const struct policy *policy, const struct own_addrs *own,
			   const struct prefix *addr)
{
	if (!is_own(own, addr))
		return;
	assert_int_equal(oracle_kind(policy, addr), DESTINATION_LOCAL);
	assert_true(oracle_is_inside(policy, addr));
}

/* An address in a slot that is none of this host's would be decided as one. */
static void only_addresses_of_this_host_are_own_ones(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = docker_host(true);
	_cleanup_(image_clear) struct image image = {};
	const struct own_addrs *own;
	struct prefix zero4 = address4(0), zero6 = v6(0, 0, 128);

	build(policy, &image);
	own = &image_header(&image)->own;
	assert_false(is_own(own, &zero4));
	assert_false(is_own(own, &zero6));
	for (int i = 0; i < 200000; i++) {
		struct prefix daddr = random_address(i % 2 ? 4 : 6);

		assert_is_here(policy, own, &daddr);
	}
	for (int i = 0; i < OWN_ADDRS; i++) {
		struct prefix daddr4 = address4(ntohl(own->addr4[i]));
		struct prefix daddr6 = v6(own->addr6[i].hi, own->addr6[i].lo, 128);

		assert_is_here(policy, own, &daddr4);
		assert_is_here(policy, own, &daddr6);
	}
}

/* Both halves of IPv6 addresses as people number them: network n, host n. */
static void ipv6_addresses_that_count_up_have_slots(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = one_port();
	_cleanup_(image_clear) struct image image = {};

	for (int i = 1; i <= 12; i++)
		oracle_add_prefix(&policy->local, &policy->local_count,
				  v6(0x20010db800000000 + i, i, 128));
	build(policy, &image);
	for (int i = 1; i <= 12; i++) {
		struct prefix daddr = v6(0x20010db800000000 + i, i, 128);

		assert_true(is_own(&image_header(&image)->own, &daddr));
	}
}

static void an_image_with_an_own_address_that_is_none_is_refused(void **state)
{
	_cleanup_(oracle_freep) struct policy *policy = docker_host(true);
	_cleanup_(image_clear) struct image image = {};

	build(policy, &image);
	((struct image_header *)image.bytes)->own.destination4[7] = DESTINATION_OTHER;
	assert_int_equal(image_check(image.bytes, image.size), -EBADMSG);
	((struct image_header *)image.bytes)->own.destination4[7] = DESTINATION_LOCAL;
	((struct image_header *)image.bytes)->own.destination6[7] = DESTINATION_CONTAINER;
	assert_int_equal(image_check(image.bytes, image.size), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_addresses_are_among_the_own_ones_with_twenty_networks),
		cmocka_unit_test(also_where_nobody_knows_the_networks),
		cmocka_unit_test(addresses_of_networks_are_not_own_ones),
		cmocka_unit_test(public_addresses_are_among_the_own_ones_with_thousands),
		cmocka_unit_test(a_port_at_one_address_takes_no_other_off_the_fast_path),
		cmocka_unit_test(ports_of_containers_leave_the_fast_path_as_it_is),
		cmocka_unit_test(where_there_are_no_more_rows_there_is_no_entry),
		cmocka_unit_test(only_addresses_of_this_host_are_own_ones),
		cmocka_unit_test(ipv6_addresses_that_count_up_have_slots),
		cmocka_unit_test(an_image_with_an_own_address_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
