/* SPDX-License-Identifier: GPL-2.0-only */
/* test_policy.c: which ports are guarded, by whom, and which rules decide there. */
#include "policy_fixture.h"

static struct world world;

static int fresh_world(void **state)
{
	world_clear(&world);
	return 0;
}

/* ---- what is guarded ------------------------------------------------------------ */

static void published_port_is_closed_without_a_rule(void **state)
{
	publish(world_add(&world, "redis"), "0.0.0.0", 6379, 6379);
	publish(&world.containers[0], "::", 6379, 6379);
	assert_ports(&world, "",
		     "tcp 0.0.0.0 6379 closed published redis:6379\n"
		     "tcp :: 6379 closed published redis:6379\n");
}

static void default_allow_leaves_published_ports_open(void **state)
{
	publish(world_add(&world, "web"), "0.0.0.0", 80, 8080);
	assert_ports(&world,
		     "default allow\n"
		     "allow 22/tcp on 192.0.2.1 from 203.0.113.9\n",
		     "tcp 192.0.2.1 22 open named #1\n"
		     "tcp 0.0.0.0 80 open published web:8080\n");
}

static void default_deny_all_closes_named_ports(void **state)
{
	assert_ports(&world,
		     "default deny all\n"
		     "deny 22/tcp on 192.0.2.1 from 203.0.113.9\n",
		     "tcp 192.0.2.1 22 closed named #1\n");
}

static void an_allow_means_only_these(void **state)
{
	assert_ports(&world, "allow 8080/tcp from 203.0.113.9\n",
		     "tcp 0.0.0.0 8080 closed named #1\n"
		     "tcp :: 8080 closed named #1\n");
}

static void a_port_only_deny_rules_name_stays_open(void **state)
{
	assert_ports(&world, "deny 22/tcp from 203.0.113.9\n",
		     "tcp 0.0.0.0 22 open named #1\n"
		     "tcp :: 22 open named #1\n");
}

static void a_port_only_failsafes_name_stays_open(void **state)
{
	assert_ports(&world, "failsafe 22/tcp from 203.0.113.9\n",
		     "tcp 0.0.0.0 22 open named #1\n"
		     "tcp :: 22 open named #1\n");
}

static void loopback_binding_is_no_port(void **state)
{
	publish(world_add(&world, "db"), "127.0.0.1", 5432, 5432);
	publish(&world.containers[0], "::1", 5432, 5432);
	assert_ports(&world, "allow 5432/tcp on 127.0.0.1\n", "");
}

static void unknown_host_port_is_no_port(void **state)
{
	publish(world_add(&world, "db"), "0.0.0.0", 0, 5432);
	assert_ports(&world, "allow container db\n", "");
}

static void without_an_inventory_rules_still_guard(void **state)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(policy_freep) struct policy *policy = NULL;
	const char *text = "allow 80/tcp\nallow container redis\n";
	struct policy_input input = { .now = NOW };
	struct error config_error;
	struct error error;

	assert_int_equal(config_parse(text, strlen(text), NOW, &config, &config_error), 0);
	input.config = config;
	assert_int_equal(policy_build(&input, &policy, &error), 0);
	assert_int_equal(policy->ports_count, 2);
	assert_int_equal(policy->rules[0].ports_count, 2);
	assert_int_equal(policy->rules[1].ports_count, 0);
}

/* ---- until ---------------------------------------------------------------------- */

static void an_expired_allow_still_closes_its_port(void **state)
{
	assert_ports(&world,
		     "allow 8080/tcp from 203.0.113.9 until 2027-01-15T08:00Z\n"
		     "allow 9090/tcp from 203.0.113.9 until 2027-01-15T09:00Z\n",
		     "tcp 0.0.0.0 8080 closed named\n"
		     "tcp :: 8080 closed named\n"
		     "tcp 0.0.0.0 9090 closed named #2\n"
		     "tcp :: 9090 closed named #2\n");
}

static void an_expired_deny_leaves_no_port(void **state)
{
	assert_ports(&world, "deny 22/tcp from 203.0.113.9 until 2027-01-15T08:00Z\n", "");
}

static void next_expiry_is_of_a_rule_that_holds(void **state)
{
	_cleanup_(policy_freep) struct policy *policy =
		build(&world, "allow 80/tcp until 2027-01-15T08:00Z\n"
			      "ban 203.0.113.1 until 2027-01-15T10:00Z\n"
			      "allow 81 until 2027-01-15T09:00Z\n");

	assert_int_equal(policy->next_expiry, NOW + 3600);
	assert_int_equal(policy->rules_count, 2);
	assert_int_equal(policy->rules[0].number, 2);
	assert_int_equal(policy->rules[1].number, 3);
}

/* ---- on ADDRESS ----------------------------------------------------------------- */

static void a_rule_on_an_address_applies_there_only(void **state)
{
	assert_ports(&world, "allow 5432/tcp on 192.0.2.5 from 203.0.113.9\n",
		     "tcp 192.0.2.5 5432 closed named #1\n");
}

static void an_address_inherits_what_every_address_has(void **state)
{
	publish(world_add(&world, "db"), "0.0.0.0", 5432, 5432);
	assert_ports(&world,
		     "allow 5432/tcp on 192.0.2.5 from 203.0.113.9\n"
		     "deny 5432/tcp from 198.51.100.0/24\n"
		     "allow container db from 203.0.113.10\n",
		     "tcp 0.0.0.0 5432 closed published db:5432 #2,3\n"
		     "tcp 192.0.2.5 5432 closed published db:5432 #1,2,3\n"
		     "tcp :: 5432 open named #2\n");
}

static void rules_without_on_apply_to_a_port_published_on_one_address(void **state)
{
	publish(world_add(&world, "db"), "192.0.2.5", 5432, 5432);
	assert_ports(&world, "allow 5432/tcp from 203.0.113.9\n",
		     "tcp 0.0.0.0 5432 closed named #1\n"
		     "tcp 192.0.2.5 5432 closed published db:5432 #1\n"
		     "tcp :: 5432 closed named #1\n");
}

static void an_address_in_a_container_subnet_is_direct(void **state)
{
	world_subnet(&world, "172.17.0.0/16", false);
	place_at(world_add(&world, "web"), "172.17.0.2", false);
	assert_ports(&world,
		     "allow 80/tcp on 172.17.0.2 from 203.0.113.9\n"
		     "allow 80/tcp on 172.17.0.3 from 203.0.113.9\n"
		     "deny 80/tcp from 198.51.100.1\n",
		     "tcp 0.0.0.0 80 open named #3\n"
		     "tcp 172.17.0.2 80 closed direct web:80 #1\n"
		     "tcp 172.17.0.3 80 closed direct #2\n"
		     "tcp :: 80 open named #3\n");
}

static void a_port_published_on_the_bridge_address_is_the_hosts(void **state)
{
	world_subnet(&world, "172.17.0.0/16", false);
	publish(world_add(&world, "web"), "172.17.0.1", 80, 8080);
	assert_ports(&world, "deny 80/tcp from 198.51.100.1\n",
		     "tcp 0.0.0.0 80 open named #1\n"
		     "tcp 172.17.0.1 80 closed published web:8080 #1\n"
		     "tcp :: 80 open named #1\n");
}

/* ---- containers ----------------------------------------------------------------- */

static void a_container_rule_follows_its_ports(void **state)
{
	publish(world_add(&world, "redis"), "0.0.0.0", 6379, 6379);
	publish(&world.containers[0], "192.0.2.5", 16379, 16379);
	publish(world_add(&world, "web"), "0.0.0.0", 80, 80);
	assert_ports(&world, "allow container redis from 203.0.113.9\n",
		     "tcp 0.0.0.0 80 closed published web:80\n"
		     "tcp 0.0.0.0 6379 closed published redis:6379 #1\n"
		     "tcp 192.0.2.5 16379 closed published redis:16379 #1\n");
}

static void a_container_is_named_by_twelve_digits_of_its_id(void **state)
{
	publish(world_add(&world, "redis"), "0.0.0.0", 6379, 6379);
	assert_ports(&world,
		     "allow container 0123456789ab from 203.0.113.1\n"
		     "allow container 0123456789a from 203.0.113.2\n"
		     "allow container redi from 203.0.113.3\n"
		     "allow container 0123456789abce from 203.0.113.4\n",
		     "tcp 0.0.0.0 6379 closed published redis:6379 #1\n");
}

static void a_compose_rule_means_the_project_or_one_service(void **state)
{
	struct container *container = world_add(&world, "shop-db-1");

	container->project = (char *)"shop";
	container->service = (char *)"db";
	publish(container, "0.0.0.0", 5432, 5432);
	container = world_add(&world, "shop-web-1");
	container->project = (char *)"shop";
	container->service = (char *)"web";
	publish(container, "0.0.0.0", 80, 8080);
	assert_ports(&world,
		     "allow compose shop/db from 203.0.113.1\n"
		     "allow compose shop from 203.0.113.2\n"
		     "allow compose sho from 203.0.113.3\n"
		     "allow compose shop/d from 203.0.113.4\n",
		     "tcp 0.0.0.0 80 closed published shop-web-1:8080 #2\n"
		     "tcp 0.0.0.0 5432 closed published shop-db-1:5432 #1,2\n");
}

static void a_service_rule_means_the_swarm_service(void **state)
{
	struct container *container = world_add(&world, "api.1.x");

	container->swarm_service = (char *)"api";
	publish(container, "0.0.0.0", 80, 8080);
	assert_ports(&world,
		     "allow service api from 203.0.113.1\n"
		     "allow container api from 203.0.113.2\n",
		     "tcp 0.0.0.0 80 closed published api.1.x:8080 #1\n");
}

static void a_container_rule_may_name_container_ports(void **state)
{
	publish(world_add(&world, "redis"), "0.0.0.0", 6380, 6379);
	publish(&world.containers[0], "0.0.0.0", 6379, 9121);
	assert_ports(&world,
		     "allow container redis port 6379/tcp from 203.0.113.1\n"
		     "allow container redis port 9121/udp from 203.0.113.2\n",
		     "tcp 0.0.0.0 6379 closed published redis:9121\n"
		     "tcp 0.0.0.0 6380 closed published redis:6379 #1\n");
}

static void a_container_port_in_a_range_cuts_it(void **state)
{
	publish(world_add(&world, "ftp"), "0.0.0.0", 21000, 30000);
	world.bindings[0][0].host_hi = 21010;
	assert_ports(&world, "allow container ftp port 30004-30005/tcp from 203.0.113.1\n",
		     "tcp 0.0.0.0 21000-21003 closed published ftp:30000\n"
		     "tcp 0.0.0.0 21004-21005 closed published ftp:30004 #1\n"
		     "tcp 0.0.0.0 21006-21010 closed published ftp:30006\n");
}

static void a_direct_port_exists_when_a_rule_names_it(void **state)
{
	struct container *container = world_add(&world, "web");

	world_subnet(&world, "10.9.0.0/24", true);
	publish(container, "0.0.0.0", 0, 80);
	publish(container, "0.0.0.0", 0, 443);
	place_at(container, "10.9.0.2", true);
	place_at(container, "2001:db8::2", false);
	assert_ports(&world, "", "");
	assert_ports(&world, "allow container web port 80/tcp from 203.0.113.1\n",
		     "tcp 10.9.0.2 80 closed direct web:80 #1\n");
	assert_ports(&world, "default allow\nallow container web from 203.0.113.1\n",
		     "tcp 10.9.0.2 80 closed direct web:80 #1\n"
		     "tcp 10.9.0.2 443 closed direct web:443 #1\n");
}

static void a_port_that_is_spelled_out_need_not_be_published(void **state)
{
	place_at(world_add(&world, "camera"), "192.0.2.77", true);
	assert_ports(&world,
		     "allow container camera port 554/tcp from 203.0.113.1\n"
		     "allow container camera from 203.0.113.2\n",
		     "tcp 192.0.2.77 554 closed direct camera:554 #1,2\n");
}

/* ---- who has the number --------------------------------------------------------- */

static void a_container_that_does_not_run_is_armed(void **state)
{
	publish(world_add(&world, "redis"), "0.0.0.0", 6379, 6379);
	world.containers[0].is_running = false;
	assert_ports(&world, "", "tcp 0.0.0.0 6379 closed published armed redis:6379\n");
}

static void a_port_that_a_process_of_the_host_holds_is_not_armed(void **state)
{
	publish(world_add(&world, "ssh"), "192.0.2.5", 22, 22);
	publish(&world.containers[0], "::", 22, 22);
	world.containers[0].is_running = false;
	world_listen(&world, "0.0.0.0", 22);
	assert_ports(&world, "", "tcp :: 22 closed published armed ssh:22\n");
	world_listen(&world, "::", 22);
	assert_ports(&world, "", "");
}

static void a_held_port_is_cut_out_of_an_armed_range(void **state)
{
	publish(world_add(&world, "ftp"), "0.0.0.0", 20, 1020);
	world.bindings[0][0].host_hi = 25;
	world.containers[0].is_running = false;
	world_listen(&world, "0.0.0.0", 25);
	world_listen(&world, "0.0.0.0", 22);
	world_listen(&world, "0.0.0.0", 20);
	world_listen(&world, "192.0.2.5", 23);
	assert_ports(&world, "",
		     "tcp 0.0.0.0 21 closed published armed ftp:1021\n"
		     "tcp 0.0.0.0 23-24 closed published armed ftp:1023\n");
}

static void a_socket_of_dockers_does_not_disarm(void **state)
{
	publish(world_add(&world, "redis"), "0.0.0.0", 6379, 6379);
	world.containers[0].is_running = false;
	world_listen(&world, "0.0.0.0", 6379)->holder = HOLDER_DOCKER;
	assert_ports(&world, "", "tcp 0.0.0.0 6379 closed published armed redis:6379\n");
}

static void a_listener_does_not_open_a_running_containers_port(void **state)
{
	publish(world_add(&world, "redis"), "0.0.0.0", 6379, 6379);
	world_listen(&world, "0.0.0.0", 6379);
	assert_ports(&world, "", "tcp 0.0.0.0 6379 closed published redis:6379\n");
}

static void the_running_container_has_the_port(void **state)
{
	publish(world_add(&world, "blue"), "0.0.0.0", 80, 8080);
	publish(world_add(&world, "green"), "0.0.0.0", 80, 9090);
	world.containers[0].is_running = false;
	assert_ports(&world, "", "tcp 0.0.0.0 80 closed published green:9090\n");
}

static void a_waiting_container_denies_but_does_not_allow(void **state)
{
	publish(world_add(&world, "blue"), "0.0.0.0", 80, 8080);
	publish(world_add(&world, "green"), "0.0.0.0", 80, 9090);
	world.containers[0].is_running = false;
	assert_ports(&world,
		     "allow container blue from 203.0.113.1\n"
		     "deny container blue from 203.0.113.2\n"
		     "allow container green from 203.0.113.3\n",
		     "tcp 0.0.0.0 80 closed published green:9090 #2,3\n");
}

static void the_running_container_has_the_port_on_every_address(void **state)
{
	publish(world_add(&world, "blue"), "192.0.2.5", 80, 8080);
	publish(world_add(&world, "green"), "0.0.0.0", 80, 9090);
	world.containers[0].is_running = false;
	assert_ports(&world,
		     "allow container blue from 203.0.113.1\n"
		     "allow container green from 203.0.113.3\n",
		     "tcp 0.0.0.0 80 closed published green:9090 #2\n"
		     "tcp 192.0.2.5 80 closed published green:9090 #2\n");
	world.containers[0].is_running = true;
	assert_ports(&world,
		     "allow container blue from 203.0.113.1\n"
		     "allow container green from 203.0.113.3\n",
		     "tcp 0.0.0.0 80 closed published green:9090 #2\n"
		     "tcp 192.0.2.5 80 closed published blue:8080 #1\n");
}

/* ---- ranges --------------------------------------------------------------------- */

static void overlapping_ranges_are_cut(void **state)
{
	assert_ports(&world,
		     "allow 10-30/tcp on 192.0.2.1 from 203.0.113.1\n"
		     "deny 20-40/tcp on 192.0.2.1 from 203.0.113.2\n"
		     "allow 25/tcp on 192.0.2.1 from 203.0.113.3\n",
		     "tcp 192.0.2.1 10-19 closed named #1\n"
		     "tcp 192.0.2.1 20-24 closed named #1,2\n"
		     "tcp 192.0.2.1 25 closed named #1,2,3\n"
		     "tcp 192.0.2.1 26-30 closed named #1,2\n"
		     "tcp 192.0.2.1 31-40 open named #2\n");
}

static void numbers_in_step_are_one_port(void **state)
{
	struct container *container = world_add(&world, "ftp");

	publish(container, "0.0.0.0", 20, 20);
	publish(container, "0.0.0.0", 21, 21);
	publish(container, "0.0.0.0", 22, 30);
	assert_ports(&world, "",
		     "tcp 0.0.0.0 20-21 closed published ftp:20\n"
		     "tcp 0.0.0.0 22 closed published ftp:30\n");
}

static void a_rule_on_every_number_is_cut_by_published_ports_only(void **state)
{
	publish(world_add(&world, "edge"), "0.0.0.0", 1, 1);
	publish(&world.containers[0], "0.0.0.0", 65535, 2);
	assert_ports(&world, "deny 1-65535/tcp from 203.0.113.1\n",
		     "tcp 0.0.0.0 1 closed published edge:1 #1\n"
		     "tcp :: 1-65535 open named #1\n"
		     "tcp 0.0.0.0 2-65534 open named #1\n"
		     "tcp 0.0.0.0 65535 closed published edge:2 #1\n");
}

/* ---- sources -------------------------------------------------------------------- */

static void sources_of_sets_are_sorted_without_duplicates(void **state)
{
	_cleanup_(policy_freep) struct policy *policy =
		build(&world, "set a 203.0.113.0/24 10.0.0.0/8\n"
			      "set b 10.0.0.0/8 2001:db8::/32\n"
			      "ban a b 192.0.2.1\n");
	const struct policy_rule *rule = &policy->rules[0];

	assert_int_equal(rule->sources_count, 4);
	for (size_t i = 1; i < rule->sources_count; i++)
		assert_true(prefix_compare(&rule->sources[i - 1], &rule->sources[i]) < 0);
}

static void no_source_is_anywhere(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = build(&world, "allow 80/tcp\n");

	assert_int_equal(policy->rules[0].sources_count, 2);
	assert_int_equal(policy->rules[0].sources[0].family, 4);
	assert_int_equal(policy->rules[0].sources[0].length, 0);
	assert_int_equal(policy->rules[0].sources[1].family, 6);
}

static void an_empty_set_is_nobody_and_not_everybody(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct prefix saddr = parse("203.0.113.1"), daddr = parse("192.0.2.1");

	world.sets[world.sets_count++] = (struct policy_set){ .name = "office" };
	policy = build(&world, "set office file office.list\nallow 80/tcp from office\n");
	assert_int_equal(policy->rules[0].sources_count, 0);
	assert_int_equal(policy_evaluate(policy, &saddr, &daddr, IPPROTO_TCP, 80).verdict,
			 POLICY_DENY);
}

static void assert_verdict(const struct policy *policy, const char *from, unsigned short dport,
			   enum policy_verdict expected)
{
	struct prefix saddr = parse(from);
	struct prefix daddr = parse(saddr.family == 4 ? "192.0.2.1" : "2001:db8:1::1");

	assert_int_equal(policy_evaluate(policy, &saddr, &daddr, IPPROTO_TCP, dport).verdict,
			 expected);
}

/* Nobody knows whom the deny is against: who enters must be named more closely than "all". */
static void a_set_that_is_unknown_lets_nobody_in(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;

	world.sets[world.sets_count++] = (struct policy_set){ .name = "x", .is_unknown = true };
	policy = build(&world, "set x file x.list\nallow 80/tcp from x\nban x\n"
			       "allow 443/tcp\ndeny 443/tcp from x\nallow 443/tcp from 10.0.0.0/8\n"
			       "deny 22/tcp from x\n");
	assert_verdict(policy, "203.0.113.1", 80, POLICY_DENY);
	assert_verdict(policy, "203.0.113.1", 443, POLICY_DENY);
	assert_verdict(policy, "2001:db8::1", 443, POLICY_DENY);
	assert_verdict(policy, "10.0.0.1", 443, POLICY_ALLOW);
	assert_verdict(policy, "203.0.113.1", 22, POLICY_ALLOW);
	assert_int_equal(policy->rules[1].sources_count, 0);
}

static void a_set_whose_file_is_missing_is_an_error(void **state)
{
	struct error error;
	struct policy *policy;

	assert_int_equal(
		try_build(&world, "\nset office file office.list\nban office\n", &policy, &error),
		-EINVAL);
	assert_int_equal(error.line, 2);
	assert_non_null(strstr(error.text, "'office'"));
	assert_non_null(strstr(error.text, "'office.list'"));
}

static void subnets_are_parted_by_gateway_mode(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;

	world_subnet(&world, "10.9.0.0/24", true);
	world_subnet(&world, "172.17.0.0/16", false);
	policy = build(&world, "");
	assert_int_equal(policy->routed_count, 1);
	assert_int_equal(policy->natted_count, 1);
	assert_int_equal(policy->routed[0].addr[0], 10);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(published_port_is_closed_without_a_rule),
		TEST(default_allow_leaves_published_ports_open),
		TEST(default_deny_all_closes_named_ports),
		TEST(an_allow_means_only_these),
		TEST(a_port_only_deny_rules_name_stays_open),
		TEST(a_port_only_failsafes_name_stays_open),
		TEST(loopback_binding_is_no_port),
		TEST(unknown_host_port_is_no_port),
		TEST(without_an_inventory_rules_still_guard),
		TEST(an_expired_allow_still_closes_its_port),
		TEST(an_expired_deny_leaves_no_port),
		TEST(next_expiry_is_of_a_rule_that_holds),
		TEST(a_rule_on_an_address_applies_there_only),
		TEST(an_address_inherits_what_every_address_has),
		TEST(rules_without_on_apply_to_a_port_published_on_one_address),
		TEST(an_address_in_a_container_subnet_is_direct),
		TEST(a_port_published_on_the_bridge_address_is_the_hosts),
		TEST(a_container_rule_follows_its_ports),
		TEST(a_container_is_named_by_twelve_digits_of_its_id),
		TEST(a_compose_rule_means_the_project_or_one_service),
		TEST(a_service_rule_means_the_swarm_service),
		TEST(a_container_rule_may_name_container_ports),
		TEST(a_container_port_in_a_range_cuts_it),
		TEST(a_direct_port_exists_when_a_rule_names_it),
		TEST(a_port_that_is_spelled_out_need_not_be_published),
		TEST(a_container_that_does_not_run_is_armed),
		TEST(a_port_that_a_process_of_the_host_holds_is_not_armed),
		TEST(a_held_port_is_cut_out_of_an_armed_range),
		TEST(a_socket_of_dockers_does_not_disarm),
		TEST(a_listener_does_not_open_a_running_containers_port),
		TEST(the_running_container_has_the_port),
		TEST(a_waiting_container_denies_but_does_not_allow),
		TEST(the_running_container_has_the_port_on_every_address),
		TEST(overlapping_ranges_are_cut),
		TEST(numbers_in_step_are_one_port),
		TEST(a_rule_on_every_number_is_cut_by_published_ports_only),
		TEST(sources_of_sets_are_sorted_without_duplicates),
		TEST(no_source_is_anywhere),
		TEST(an_empty_set_is_nobody_and_not_everybody),
		TEST(a_set_that_is_unknown_lets_nobody_in),
		TEST(a_set_whose_file_is_missing_is_an_error),
		TEST(subnets_are_parted_by_gateway_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
