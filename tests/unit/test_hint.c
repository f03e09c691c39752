// SPDX-License-Identifier: GPL-2.0-only
/* test_hint.c: what a rule that is right may have been meant to be, given what Docker runs. */
#include "policy_fixture.h"

#include "policy/hint.h"

static struct statement statement(const char *text)
{
	struct statement statement;
	struct error error;

	if (config_parse_statement(text, NOW, &statement, &error))
		fail_msg("%s: %s", text, error.text);
	return statement;
}

static void fill(struct world *world)
{
	struct container *agent, *pool, *web;

	world_clear(world);
	agent = world_add(world, "agent");
	agent->endpoints_count = 1;
	agent->endpoints[0].network = (char *)"host";
	world_add(world, "batch");
	pool = world_add(world, "pool");
	publish(pool, "0.0.0.0", 30000, 40000);
	pool->bindings[0].host_hi = 30009;
	web = world_add(world, "web");
	publish(web, "0.0.0.0", 8080, 80);
	publish(web, "::", 8080, 80);
}

static void assert_inside(const struct world *world, const char *rule, const char *expected)
{
	_cleanup_(config_clear_statement) struct statement added = statement(rule);
	const struct hint_world known = { &world->inventory, world->listeners,
					  world->listeners_count };
	_cleanup_free_ char *text = hint_inside(&added, &known);

	if (!expected)
		assert_null(text);
	else
		assert_string_equal(text ?: "nothing", expected);
}

static void container_side_of_a_published_port_is_noticed(void **state)
{
	static struct world world;

	fill(&world);
	assert_inside(&world, "allow 80",
		      "no published port 80; container 'web' publishes its port 80 as 8080: "
		      "`tidegate allow 8080/tcp`");
	assert_inside(&world, "deny 80/tcp from 203.0.113.1 comment x",
		      "no published port 80; container 'web' publishes its port 80 as 8080: "
		      "`tidegate deny 8080/tcp from 203.0.113.1 comment \"x\"`");
	assert_inside(
		&world, "allow 40003/tcp",
		"no published port 40003; container 'pool' publishes its port 40003 as 30003: "
		"`tidegate allow 30003/tcp`");
}

static void containers_that_run_come_before_others(void **state)
{
	static struct world world;

	fill(&world);
	publish(&world.containers[0], "0.0.0.0", 9000, 80);
	world.containers[0].is_running = false;
	assert_inside(&world, "allow 80",
		      "no published port 80; container 'web' publishes its port 80 as 8080: "
		      "`tidegate allow 8080/tcp`");
	world.containers[3].is_running = false;
	assert_inside(&world, "allow 80",
		      "no published port 80; container 'agent' publishes its port 80 as 9000: "
		      "`tidegate allow 9000/tcp`; container 'web' publishes its port 80 as 8080: "
		      "`tidegate allow 8080/tcp`");
}

static void port_that_is_there_is_what_was_meant(void **state)
{
	static struct world world;

	fill(&world);
	assert_inside(&world, "allow 8080", NULL);
	assert_inside(&world, "allow 80/udp", NULL);
	assert_inside(&world, "allow 443", NULL);
	assert_inside(&world, "allow 80 on 172.17.0.2", NULL);
	assert_inside(&world, "allow container web port 80", NULL);
	/* A web server of the host, or a container that has the port itself. */
	world_listen(&world, "0.0.0.0", 80);
	assert_inside(&world, "allow 80", NULL);
	fill(&world);
	world.listeners_count = 0;
	publish(&world.containers[1], "0.0.0.0", 80, 8000);
	assert_inside(&world, "allow 80", NULL);
}

static void assert_useless(const struct world *world, const char *rule, const char *expected)
{
	_cleanup_(config_clear_statement) struct statement added = statement(rule);
	_cleanup_free_ char *text = hint_useless(&added, &world->inventory);

	assert_string_equal(text, expected);
}

static void rule_without_ports_says_why(void **state)
{
	static struct world world;

	fill(&world);
	assert_useless(&world, "allow container ghost", "matches no running container");
	assert_useless(&world, "allow compose shop/db", "matches no running container");
	assert_useless(&world, "allow container batch", "container 'batch' publishes no port");
	assert_useless(&world, "allow container web port 443",
		       "container 'web' publishes other ports than these");
	assert_useless(
		&world, "allow container agent from 203.0.113.1",
		"container 'agent' publishes no port, because it uses the host's network: name "
		"its ports, `allow PORT`");
}

static void containers_are_known_by_name_and_by_the_begin_of_their_id(void **state)
{
	static struct world world;

	fill(&world);
	assert_true(hint_is_container(&world.inventory, "web"));
	assert_true(hint_is_container(&world.inventory, "0123456789ab"));
	assert_false(hint_is_container(&world.inventory, "0123456789a"));
	assert_false(hint_is_container(&world.inventory, "we"));
	assert_false(hint_is_container(NULL, "web"));
}

static void assert_unknown(const struct world *world, const char *rule, const char *expected)
{
	_cleanup_(config_clear_statement) struct statement added = statement(rule);
	_cleanup_free_ char *text = hint_unknown(&added, &world->inventory);

	assert_true(added.target.is_bare);
	if (!strstr(text, expected))
		fail_msg("'%s' is not in '%s'", expected, text);
}

static void unknown_word_is_answered_with_spellings(void **state)
{
	static struct world world;

	fill(&world);
	assert_unknown(&world, "allow redis from 203.0.113.1",
		       "'redis': there is no such container now: ");
	assert_unknown(&world, "allow redis from 203.0.113.1",
		       "443/tcp, for a container that does not exist yet `tidegate allow container "
		       "redis from "
		       "203.0.113.1`");
	assert_unknown(&world, "allow wbe", "there is a container 'web'");
	assert_unknown(&world, "deny ICMP", "ICMP has no ports and passes");
	assert_unknown(&world, "allow all", "`tidegate failsafe from SOURCE`");
}

static void services_are_looked_up(void **state)
{
	static struct world world;

	if (access("/etc/services", R_OK) != 0)
		skip(); /* Debian's netbase has it */
	fill(&world);
	assert_unknown(&world, "allow ssh from 203.0.113.1",
		       "`tidegate allow 22/tcp from 203.0.113.1`");
	assert_unknown(&world, "deny OpenSSH", "`tidegate deny 22/tcp`");
	assert_unknown(&world, "allow http", "`tidegate allow 80/tcp`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(container_side_of_a_published_port_is_noticed),
		cmocka_unit_test(containers_that_run_come_before_others),
		cmocka_unit_test(port_that_is_there_is_what_was_meant),
		cmocka_unit_test(rule_without_ports_says_why),
		cmocka_unit_test(containers_are_known_by_name_and_by_the_begin_of_their_id),
		cmocka_unit_test(unknown_word_is_answered_with_spellings),
		cmocka_unit_test(services_are_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
