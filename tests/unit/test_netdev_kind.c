/* SPDX-License-Identifier: GPL-2.0-only */
/* test_netdev_kind.c: what an interface is to us, by made-up lists. */
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/netdev.h"
#include "base/cleanup.h"

#define NIC(index, ...) { .ifindex = (index), .type = ARPHRD_ETHER, __VA_ARGS__ }
#define LIST(array)     { .devices = (array), .devices_count = ARRAY_SIZE(array) }

static void assert_outside(struct netdev *devices, size_t count, const char *expected)
{
	struct netdev_list list = { .devices = devices, .devices_count = count };
	char names[256] = "";

	for (size_t i = 0; i < count; i++)
		if (netdev_is_outside(&list, &devices[i]))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 devices[i].name);
	assert_string_equal(names, expected);
}

static void a_plain_nic_is_outside(void **state)
{
	struct netdev devices[] = {
		{ .ifindex = 1, .type = ARPHRD_LOOPBACK, .name = "lo" },
		NIC(2, .name = "eth0"),
		NIC(3, .name = "wlan0"),
		{ .ifindex = 4, .type = ARPHRD_INFINIBAND, .name = "ib0" },
	};

	assert_outside(devices, ARRAY_SIZE(devices), "eth0 wlan0 ib0 ");
}

static void what_macsec_decrypts_is_outside(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "eth0"),
		NIC(3, .name = "macsec0", .kind = "macsec", .link = 2),
		NIC(4, .name = "macsec0.5", .kind = "vlan", .link = 3),
	};

	assert_outside(devices, ARRAY_SIZE(devices), "eth0 macsec0 ");
}

static void tunnels_and_virtual_devices_are_not_outside(void **state)
{
	struct netdev devices[] = {
		NIC(1, .name = "docker0", .kind = "bridge"),
		NIC(2, .name = "veth1", .kind = "veth"),
		NIC(3, .name = "dummy0", .kind = "dummy"),
		NIC(4, .name = "tap0", .kind = "tun"),
		NIC(5, .name = "vxlan0", .kind = "vxlan"),
		{ .ifindex = 6, .type = ARPHRD_NONE, .name = "wg0", .kind = "wireguard" },
		{ .ifindex = 7, .type = ARPHRD_PPP, .name = "ppp0", .kind = "ppp" },
		{ .ifindex = 8, .type = ARPHRD_NONE, .name = "wwan0" },
		{ .ifindex = 9, .type = ARPHRD_TUNNEL, .name = "tunl0", .kind = "ipip" },
	};

	assert_outside(devices, ARRAY_SIZE(devices), "");
}

static void a_bond_is_outside_and_its_members_are_not(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "eth0", .master = 4),     NIC(3, .name = "eth1", .master = 4),
		NIC(4, .name = "bond0", .kind = "bond"), NIC(5, .name = "eth2", .master = 6),
		NIC(6, .name = "team0", .kind = "team"),
	};

	assert_outside(devices, ARRAY_SIZE(devices), "bond0 team0 ");
}

static void a_virtual_function_under_its_nic_is_not_outside(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "eth0"),
		NIC(3, .name = "enP1s1", .master = 2),
	};

	assert_outside(devices, ARRAY_SIZE(devices), "eth0 ");
}

static void a_nic_in_a_bridge_is_still_outside(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "eth0", .master = 3),
		NIC(3, .name = "br0", .kind = "bridge"),
		NIC(4, .name = "eth1", .master = 5),
		NIC(5, .name = "vrf0", .kind = "vrf"),
	};

	assert_outside(devices, ARRAY_SIZE(devices), "eth0 eth1 ");
}

static void a_vlan_is_outside_when_its_nic_is_elsewhere(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "eth0"),
		NIC(3, .name = "eth0.10", .kind = "vlan", .link = 2),
		NIC(4, .name = "eth1.10", .kind = "vlan"),
		NIC(5, .name = "mac0", .kind = "macvlan", .link = 2),
		NIC(6, .name = "mac1", .kind = "macvlan"),
	};

	assert_outside(devices, ARRAY_SIZE(devices), "eth0 eth1.10 mac1 ");
}

/* Of a container (LXC, nspawn) that is the host, its own containers' and a routed one's. */
static void a_veth_that_leads_elsewhere_by_default_is_outside(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "eth0", .kind = "veth", .is_link_elsewhere = true,
		    .has_default_route = true),
		NIC(3, .name = "eth1", .kind = "veth", .is_link_elsewhere = true),
		NIC(4, .name = "port", .kind = "veth", .is_link_elsewhere = true, .master = 5),
		NIC(5, .name = "docker0", .kind = "bridge", .has_default_route = true),
		NIC(6, .name = "here", .kind = "veth", .link = 7, .has_default_route = true),
		NIC(7, .name = "other", .kind = "veth", .link = 6),
		NIC(8, .name = "nk0", .kind = "netkit", .is_link_elsewhere = true,
		    .has_default_route = true),
		NIC(9, .name = "vx0", .kind = "vxlan", .is_link_elsewhere = true,
		    .has_default_route = true),
	};
	char names[128] = "";

	assert_outside(devices, ARRAY_SIZE(devices), "eth0 nk0 ");
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (netdev_may_be_outside(&devices[i]))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 devices[i].name);
	assert_string_equal(names, "eth1 ");
}

static void bridge_ports_and_macvlan_parents_are_shared(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "plain"),
		NIC(3, .name = "port", .master = 4),
		NIC(4, .name = "br0", .kind = "bridge"),
		NIC(5, .name = "parent"),
		NIC(6, .name = "mac0", .kind = "macvlan", .link = 5),
		NIC(7, .name = "trunk"),
		NIC(8, .name = "trunk.7", .kind = "vlan", .link = 7, .master = 4),
		NIC(9, .name = "tagged"),
		NIC(10, .name = "tagged.7", .kind = "vlan", .link = 9),
	};
	struct netdev_list list = LIST(devices);

	assert_false(netdev_is_shared(&list, netdev_find(&list, "plain")));
	assert_true(netdev_is_shared(&list, netdev_find(&list, "port")));
	assert_true(netdev_is_shared(&list, netdev_find(&list, "parent")));
	assert_true(netdev_is_shared(&list, netdev_find(&list, "trunk")));
	assert_false(netdev_is_shared(&list, netdev_find(&list, "tagged")));
}

static void what_leads_out_of_a_bridge_is_no_vm(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "br0", .kind = "bridge"),
		NIC(3, .name = "eth0", .master = 2),
		NIC(4, .name = "bond0", .kind = "bond", .master = 2),
		NIC(5, .name = "eth1.7", .kind = "vlan", .master = 2),
		NIC(6, .name = "vx0", .kind = "vxlan", .master = 2),
		NIC(7, .name = "vnet0", .kind = "tun", .master = 2),
		NIC(8, .name = "vethvm", .kind = "veth", .is_link_elsewhere = true, .master = 2),
		NIC(9, .name = "macvtap0", .kind = "macvtap", .master = 2),
		NIC(10, .name = "red", .kind = "vrf"),
		NIC(11, .name = "routed", .master = 10),
		NIC(12, .name = "alone"),
	};
	struct netdev_list list = LIST(devices);
	char names[128] = "";

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (netdev_is_outer_port(&list, &devices[i]))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 devices[i].name);
	assert_string_equal(names, "eth0 bond0 eth1.7 vx0 ");
}

static void a_ring_of_devices_is_survived(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "a", .kind = "vlan", .link = 3),
		NIC(3, .name = "b", .kind = "vlan", .link = 2),
	};
	struct netdev_list list = LIST(devices);

	assert_false(netdev_is_shared(&list, &devices[0]));
	assert_null(netdev_find(&list, "c"));
	assert_null(netdev_find_index(&list, 0));
}

static void what_comes_up_from_a_nic_is_upper(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "eth0", .master = 6),
		NIC(3, .name = "eth0.7", .kind = "vlan", .link = 2),
		NIC(4, .name = "eth0.7.8", .kind = "vlan", .link = 3),
		NIC(5, .name = "mac0", .kind = "macvlan", .link = 2),
		NIC(6, .name = "red", .kind = "vrf"),
		NIC(7, .name = "br0", .kind = "bridge"),
		NIC(8, .name = "tun0", .kind = "gre", .link = 2),
		NIC(9, .name = "veth0", .kind = "veth", .link = 2),
		NIC(10, .name = "eth1", .master = 7),
	};
	struct netdev_list list = LIST(devices);
	char names[128] = "";

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (netdev_is_upper(&list, &devices[i], 2))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 devices[i].name);
	assert_string_equal(names, "eth0.7 eth0.7.8 mac0 red ");
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		assert_false(netdev_is_upper(&list, &devices[i], 10));
}

static void what_is_down_or_somebodys_port_does_not_receive(void **state)
{
	struct netdev devices[] = {
		NIC(2, .name = "eth0", .is_up = true),
		NIC(3, .name = "down"),
		NIC(4, .name = "docker0", .kind = "bridge", .is_up = true),
		NIC(5, .name = "port", .kind = "veth", .master = 4, .is_up = true),
		NIC(6, .name = "bond0", .kind = "bond", .is_up = true),
		NIC(7, .name = "member", .master = 6, .is_up = true),
		NIC(8, .name = "red", .kind = "vrf", .is_up = true),
		NIC(9, .name = "routed", .master = 8, .is_up = true),
		NIC(10, .name = "unseen", .master = 99, .is_up = true),
	};
	struct netdev_list list = LIST(devices);
	char names[128] = "";

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (netdev_receives(&list, &devices[i]))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 devices[i].name);
	assert_string_equal(names, "eth0 docker0 bond0 red routed ");
}

static void only_ethernet_is_ethernet(void **state)
{
	struct netdev nic = NIC(1), wireguard = { .type = ARPHRD_NONE };

	assert_true(netdev_is_ethernet(&nic));
	assert_false(netdev_is_ethernet(&wireguard));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_nic_is_outside),
		cmocka_unit_test(what_macsec_decrypts_is_outside),
		cmocka_unit_test(tunnels_and_virtual_devices_are_not_outside),
		cmocka_unit_test(a_bond_is_outside_and_its_members_are_not),
		cmocka_unit_test(a_virtual_function_under_its_nic_is_not_outside),
		cmocka_unit_test(a_nic_in_a_bridge_is_still_outside),
		cmocka_unit_test(a_vlan_is_outside_when_its_nic_is_elsewhere),
		cmocka_unit_test(a_veth_that_leads_elsewhere_by_default_is_outside),
		cmocka_unit_test(bridge_ports_and_macvlan_parents_are_shared),
		cmocka_unit_test(what_leads_out_of_a_bridge_is_no_vm),
		cmocka_unit_test(a_ring_of_devices_is_survived),
		cmocka_unit_test(what_comes_up_from_a_nic_is_upper),
		cmocka_unit_test(what_is_down_or_somebodys_port_does_not_receive),
		cmocka_unit_test(only_ethernet_is_ethernet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
