/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_evaluate.c: which rule decides for one packet.  Then the same question to
 * random policies, answered by a second evaluator that reads statements and containers
 * directly, without layers, segments or lists.
 */
#include "policy_fixture.h"

static struct world world;

static int fresh_world(void **state)
{
	world_clear(&world);
	return 0;
}

struct packet {
	const char *saddr, *daddr;
	unsigned short dport;
};

/* "allow 3": the verdict and the number of the rule; "deny" alone: the default. */
static void assert_decides(const char *config, const struct packet *packet, const char *expected)
{
	static const char *const verdicts[] = { "unguarded", "allow", "deny" };
	_cleanup_(policy_freep) struct policy *policy = build(&world, config);
	struct prefix saddr = parse(packet->saddr), daddr = parse(packet->daddr);
	struct policy_answer answer =
		policy_evaluate(policy, &saddr, &daddr, IPPROTO_TCP, packet->dport);
	char text[32];

	if (answer.rule)
		snprintf(text, sizeof(text), "%s %u", verdicts[answer.verdict],
			 answer.rule->number);
	else
		snprintf(text, sizeof(text), "%s", verdicts[answer.verdict]);
	assert_string_equal(text, expected);
}

#define PACKET(...) (&(struct packet){ __VA_ARGS__ })
#define BOB         "203.0.113.9"
#define HOST        "192.0.2.1"

static void the_most_specific_source_decides(void **state)
{
	const char *config = "deny 80/tcp from 203.0.113.0/24\n"
			     "allow 80/tcp from 203.0.113.8/29\n"
			     "allow 80/tcp from 203.0.0.0/16\n";

	assert_decides(config, PACKET(BOB, HOST, 80), "allow 2");
	assert_decides(config, PACKET("203.0.113.1", HOST, 80), "deny 1");
	assert_decides(config, PACKET("203.0.1.1", HOST, 80), "allow 3");
	assert_decides(config, PACKET("198.51.100.1", HOST, 80), "deny");
}

static void deny_wins_at_equal_length(void **state)
{
	assert_decides("allow 80/tcp from 203.0.113.0/24\n"
		       "deny 80/tcp from 203.0.113.0/24\n"
		       "allow 80/tcp from 203.0.113.0/24\n",
		       PACKET(BOB, HOST, 80), "deny 2");
}

static void the_first_rule_is_named_among_equals(void **state)
{
	assert_decides("allow 79-80/tcp from 203.0.113.0/24\nallow 80/tcp from 203.0.113.0/24\n",
		       PACKET(BOB, HOST, 80), "allow 1");
}

static void the_longest_source_of_a_rule_counts(void **state)
{
	assert_decides(
		"allow 80/tcp from 203.0.0.0/8 203.0.113.9\ndeny 80/tcp from 203.0.113.0/24\n",
		PACKET(BOB, HOST, 80), "allow 1");
}

static void a_ban_comes_before_an_allow(void **state)
{
	const char *config = "allow 80/tcp from " BOB "\nban 203.0.0.0/8\n";

	assert_decides(config, PACKET(BOB, HOST, 80), "deny 2");
	assert_decides(config, PACKET(BOB, HOST, 22), "deny 2");
}

static void a_failsafe_comes_before_a_ban(void **state)
{
	const char *config = "ban 203.0.113.0/24\nfailsafe from " BOB "\nfailsafe 22/tcp\n";

	assert_decides(config, PACKET(BOB, HOST, 80), "allow 2");
	assert_decides(config, PACKET("203.0.113.1", HOST, 22), "allow 3");
	assert_decides(config, PACKET("203.0.113.1", HOST, 80), "deny 1");
	assert_decides("failsafe from 203.0.0.0/8\nfailsafe 22/tcp from " BOB "\n",
		       PACKET(BOB, HOST, 22), "allow 2");
}

static void a_port_nobody_names_is_not_guarded(void **state)
{
	assert_decides("allow 80/tcp\n", PACKET(BOB, HOST, 22), "unguarded");
	assert_decides("default deny all\nallow 80/tcp\n", PACKET(BOB, HOST, 22), "deny");
	assert_decides("allow 80/tcp\n", PACKET("2001:db8::1", "2001:db8::2", 80), "allow 1");
}

static void a_container_address_is_closed_but_for_its_direct_ports(void **state)
{
	const char *config = "allow 80/tcp\nallow 81/tcp on 172.17.0.2 from " BOB "\n";

	world_subnet(&world, "172.17.0.0/16", false);
	assert_decides(config, PACKET(BOB, "172.17.0.2", 80), "deny");
	assert_decides(config, PACKET(BOB, "172.17.0.2", 81), "allow 2");
	assert_decides(config, PACKET("203.0.113.8", "172.17.0.2", 81), "deny");
	assert_decides("default allow\n", PACKET(BOB, "172.17.0.2", 80), "deny");
}

/* It lies in the containers' subnet and is this host's own all the same. */
static void the_address_of_a_bridge_has_the_ports_of_the_host(void **state)
{
	const char *config = "allow 80/tcp from " BOB "\n";
	struct prefix bridge = parse("172.17.0.1");
	struct netdev_list netdevs = { .addresses = &bridge, .addresses_count = 1 };

	world_subnet(&world, "172.17.0.0/16", false);
	world.netdevs = &netdevs;
	assert_decides(config, PACKET(BOB, "172.17.0.1", 80), "allow 1");
	assert_decides(config, PACKET("203.0.113.8", "172.17.0.1", 80), "deny");
	assert_decides(config, PACKET(BOB, "172.17.0.1", 22), "unguarded");
}

static void a_macvlan_address_has_only_the_ports_that_name_it(void **state)
{
	const char *config = "allow 81/tcp on 192.0.2.50 from " BOB "\nallow 80/tcp from " BOB "\n";

	place_at(world_add(&world, "web"), "192.0.2.50", false);
	assert_decides(config, PACKET(BOB, "192.0.2.50", 81), "allow 1");
	assert_decides(config, PACKET(BOB, "192.0.2.50", 80), "unguarded");
	assert_decides(config, PACKET(BOB, HOST, 80), "allow 2");
}

static void loopback_from_outside_is_closed(void **state)
{
	assert_decides("allow 80/tcp\n", PACKET(BOB, "127.0.0.1", 80), "deny");
	assert_decides("allow 80/tcp\n", PACKET("2001:db8::1", "::1", 80), "deny");
}

/* ---- the second evaluator ------------------------------------------------------- */

struct question {
	const struct config *config;
	struct prefix daddr;
	unsigned short port;
};

static bool names_number(const struct target *target, unsigned short port)
{
	for (size_t i = 0; i < target->ports_count; i++)
		if (port >= target->ports[i].lo && port <= target->ports[i].hi)
			return true;
	return target->ports_count == 0;
}

static const struct binding *find_binding(const struct container *container,
					  const struct question *question)
{
	for (size_t i = 0; i < container->bindings_count; i++) {
		const struct binding *binding = &container->bindings[i];

		if (question->port >= binding->host_lo && question->port <= binding->host_hi &&
		    binding->host.family == question->daddr.family &&
		    prefix_contains(&binding->host, &question->daddr))
			return binding;
	}
	return NULL;
}

static const struct container *find_owner(const struct question *question)
{
	const struct container *waiting = NULL;

	for (size_t i = 0; i < world.inventory.containers_count; i++) {
		const struct container *container = &world.containers[i];

		if (!find_binding(container, question))
			continue;
		if (container->is_running)
			return container;
		waiting = waiting ?: container;
	}
	return waiting;
}

/* Whether the statement is about that port, given who has it. */
static bool applies(const struct statement *statement, const struct question *question,
		    const struct container *owner)
{
	const struct target *target = &statement->target;

	if (target->kind == TARGET_PORTS)
		return names_number(target, question->port) &&
		       (!target->on.family || prefix_equal(&target->on, &question->daddr));
	for (size_t i = 0; i < world.inventory.containers_count; i++) {
		const struct container *container = &world.containers[i];
		const struct binding *binding = find_binding(container, question);

		if (!binding || !streq(container->name, target->name) ||
		    !names_number(target, binding->port + (question->port - binding->host_lo)))
			continue;
		return container == owner || statement->kind == STATEMENT_DENY;
	}
	return false;
}

/* What policy_ports says, in the words of print_port(), without the rules of nobody. */
static void expect(const struct question *question, char text[static 256])
{
	const struct container *owner = find_owner(question);
	bool is_named = false, has_allow = false;
	unsigned int number = 0;
	char rules[200] = "";

	for (size_t i = 0; i < question->config->count; i++) {
		const struct statement *statement = &question->config->statements[i];

		if (!config_is_rule(statement) || ++number == 0 ||
		    !applies(statement, question, owner))
			continue;
		is_named = true;
		has_allow |= statement->kind == STATEMENT_ALLOW;
		snprintf(rules + strlen(rules), sizeof(rules) - strlen(rules), ",%u", number);
	}
	if (!owner && !is_named)
		snprintf(text, 256, "none");
	else
		snprintf(text, 256, "%s %s%s", owner || has_allow ? "closed" : "open",
			 owner ? owner->name : "named", rules);
}

static void answer(const struct policy *policy, const struct question *question,
		   char text[static 256])
{
	struct prefix saddr = question->daddr;
	const struct policy_port *port =
		policy_evaluate(policy, &saddr, &question->daddr, IPPROTO_TCP, question->port).port;

	if (!port) {
		snprintf(text, 256, "none");
		return;
	}
	snprintf(text, 256, "%s %s", port->is_closed ? "closed" : "open",
		 port->container ? port->container : "named");
	for (size_t i = 0; i < port->rules_count; i++)
		snprintf(text + strlen(text), 256 - strlen(text), ",%u",
			 policy->rules[port->rules[i]].number);
}

/* ---- random worlds -------------------------------------------------------------- */

static unsigned int seed;

static unsigned int pick(unsigned int below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 16) % below;
}

static const char *const addresses[] = { "0.0.0.0", "::", "192.0.2.1", "192.0.2.2", "2001:db8::1" };
#define PORTS 24

static void make_world(void)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	unsigned int containers = pick(5);

	world_clear(&world);
	for (unsigned int i = 0; i < containers; i++) {
		struct container *container = world_add(&world, names[i]);

		container->is_running = pick(2);
		for (unsigned int j = pick(3); j--;) {
			struct binding *binding = &container->bindings[container->bindings_count];

			publish(container, addresses[pick(ARRAY_SIZE(addresses))],
				1 + pick(PORTS - 4), 1 + pick(PORTS - 4));
			binding->host_hi += pick(4);
			/* One container does not bind one number twice. */
			for (size_t k = 0; k + 1 < container->bindings_count; k++)
				if (binding->host_lo <= container->bindings[k].host_hi &&
				    binding->host_hi >= container->bindings[k].host_lo)
					container->bindings_count--, k = 9;
		}
	}
}

static void make_config(FILE *out)
{
	for (unsigned int i = pick(7); i--;) {
		unsigned int lo = 1 + pick(PORTS - 4);

		fprintf(out, "%s ", pick(2) ? "allow" : "deny");
		if (pick(2))
			fprintf(out, "container %c port %u-%u/tcp", 'a' + pick(4), lo,
				lo + pick(4));
		else if (pick(2))
			fprintf(out, "%u-%u/tcp", lo, lo + pick(4));
		else
			fprintf(out, "%u/tcp on %s", lo, addresses[2 + pick(3)]);
		fprintf(out, " from 203.0.113.%u\n", i);
	}
}

static void compare_world(const char *text)
{
	_cleanup_(policy_freep) struct policy *policy = build(&world, text);
	_cleanup_(config_freep) struct config *config = NULL;
	struct question question = { 0 };
	struct error error;
	char expected[256], got[256];

	assert_int_equal(config_parse(text, strlen(text), NOW, &config, &error), 0);
	question.config = config;
	for (size_t i = 2; i < ARRAY_SIZE(addresses); i++) {
		question.daddr = parse(addresses[i]);
		for (question.port = 1; question.port <= PORTS; question.port++) {
			expect(&question, expected);
			answer(policy, &question, got);
			if (!streq(expected, got))
				fail_msg("seed %u: %s %u: expected %s, got %s\n%s", seed,
					 addresses[i], question.port, expected, got, text);
		}
	}
}

static void random_policies_agree_with_a_second_evaluator(void **state)
{
	for (unsigned int round = 0; round < 3000; round++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		seed = round;
		make_world();
		make_config(out);
		fclose(out);
		compare_world(text);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, fresh_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_most_specific_source_decides),
		TEST(deny_wins_at_equal_length),
		TEST(the_first_rule_is_named_among_equals),
		TEST(the_longest_source_of_a_rule_counts),
		TEST(a_ban_comes_before_an_allow),
		TEST(a_failsafe_comes_before_a_ban),
		TEST(a_port_nobody_names_is_not_guarded),
		TEST(a_container_address_is_closed_but_for_its_direct_ports),
		TEST(the_address_of_a_bridge_has_the_ports_of_the_host),
		TEST(a_macvlan_address_has_only_the_ports_that_name_it),
		TEST(loopback_from_outside_is_closed),
		TEST(random_policies_agree_with_a_second_evaluator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
