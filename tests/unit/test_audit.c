// SPDX-License-Identifier: GPL-2.0-only
/* test_audit.c: which rows an audit has, who reaches them, and what they look like: from a world of
 * containers, with a policy and without one. */
#include "policy_fixture.h"

#include <jansson.h>
#include <net/if_arp.h>

#include "audit/audit.h"
#include "audit/firewall.h"
#include "audit/render.h"
#include "docker/docker.h"
#include "host/processes.h"

static const char ufw_text[] =
	"Status: active\n"
	"Logging: on (low)\n"
	"Default: deny (incoming), allow (outgoing), deny (routed)\n"
	"New profiles: skip\n\n"
	"To                         Action      From\n"
	"--                         ------      ----\n"
	"22/tcp (OpenSSH)           LIMIT IN    Anywhere                   # as ever\n"
	"80,443/tcp                 ALLOW IN    Anywhere\n"
	"5432/tcp                   ALLOW IN    10.0.0.0/8\n"
	"8000:8100/tcp              REJECT IN   Anywhere\n"
	"192.0.2.1 9000/tcp         ALLOW IN    Anywhere\n"
	"53                         ALLOW OUT   Anywhere\n"
	"80,443/tcp (v6)            ALLOW IN    Anywhere (v6)\n";

static struct docker_facts plain(const char *image)
{
	return (struct docker_facts){
		.id = (char *)"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.name = (char *)"x",
		.image = (char *)image,
		.user = (char *)"1000",
		.capabilities = (char *)"",
		.is_root_read_only = true,
		.bars_new_privileges = true,
	};
}

struct stage {
	struct world world;
	struct netdev device;
	struct netdev_list netdevs;
	struct prefix local;
	struct docker_facts facts;
	struct firewall firewall;
	struct policy *policy;
	struct prefix from[2];
	struct audit_from asked;
	struct audit_input input;
	struct audit_result audit;
};

static void stage_begin(struct stage *stage, const char *image)
{
	memset(stage, 0, sizeof(*stage));
	world_clear(&stage->world);
	stage->device = (struct netdev){ .ifindex = 2, .name = "eth0", .type = ARPHRD_ETHER };
	stage->local = parse("192.0.2.1");
	stage->netdevs = (struct netdev_list){ .devices = &stage->device,
					       .devices_count = 1,
					       .addresses = &stage->local,
					       .addresses_count = 1 };
	stage->world.netdevs = &stage->netdevs;
	stage->facts = plain(image);
	stage->input = (struct audit_input){ .inventory = &stage->world.inventory,
					     .facts = &stage->facts,
					     .facts_count = 1,
					     .api_minor = 41,
					     .netdevs = &stage->netdevs,
					     .firewall = &stage->firewall };
}

static void stage_end(struct stage *stage)
{
	audit_clear(&stage->audit);
	firewall_clear(&stage->firewall);
	policy_free(stage->policy);
	stage->policy = NULL;
}

/* config: NULL = nothing enforces. */
static void judge(struct stage *stage, const char *config)
{
	stage_end(stage);
	assert_int_equal(firewall_parse_ufw(ufw_text, &stage->firewall), 0);
	stage->policy = config ? build(&stage->world, config) : NULL;
	stage->input.policy = stage->policy;
	assert_int_equal(audit_judge(&stage->input, &stage->audit), 0);
}

static void assert_rows(struct stage *stage, const char *config, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out;

	judge(stage, config);
	out = open_memstream(&text, &size);
	for (size_t i = 0; i < stage->audit.rows_count; i++) {
		const struct audit_row *row = &stage->audit.rows[i];
		char port[AUDIT_TEXT], bound[AUDIT_TEXT], target[AUDIT_TEXT], says[AUDIT_TEXT],
			risk[AUDIT_TEXT];

		audit_port_text(row, port);
		audit_bound_text(row, bound);
		audit_target_text(row, target);
		audit_firewall_text(row, says);
		audit_risk_text(row, risk);
		fprintf(out, "%s|%s|%s|%s|%s|%s|%s\n", port, bound, target, row->reached_by, says,
			risk, row->fix);
	}
	fclose(out);
	assert_string_equal(text, expected);
}

static void publish_redis(struct stage *stage)
{
	struct container *cache = world_add(&stage->world, "cache");

	publish(cache, "0.0.0.0", 6379, 6379);
	publish(cache, "::", 6379, 6379);
	place_at(cache, "172.17.0.2", false);
	world_subnet(&stage->world, "172.17.0.0/16", false);
}

static void a_published_port_is_one_row(void **state)
{
	struct stage stage;

	stage_begin(&stage, "redis:7");
	publish_redis(&stage);
	assert_rows(&stage, NULL,
		    "6379/tcp|any|cache:6379|anyone by IPv4|ufw: deny — open|risky: cache|"
		    "tidegate up\n");
	assert_rows(&stage, "", "6379/tcp|any|cache:6379|nobody|ufw: deny|closed: cache|\n");
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.10",
		    "6379/tcp|any|cache:6379|192.0.2.10|ufw: deny|limited: cache|\n");
	assert_rows(&stage, "allow 6379/tcp",
		    "6379/tcp|any|cache:6379|anyone|ufw: deny — open|risky: cache|"
		    "tidegate delete 1\n");
	assert_rows(&stage, "allow 6379/tcp\ndeny 6379/tcp",
		    "6379/tcp|any|cache:6379|nobody|ufw: deny|closed: cache|\n");
	assert_rows(&stage, "allow 6000-7000/tcp from 0.0.0.0/1 128.0.0.0/1",
		    "6379/tcp|any|cache:6379|0.0.0.0/1, 128.0.0.0/1|ufw: deny — open|risky: "
		    "cache|tidegate deny 6379/tcp\n");
	stage_end(&stage);
}

static void a_port_on_loopback_is_open_to_neighbours_before_engine_28(void **state)
{
	struct stage stage;
	struct container *web;

	stage_begin(&stage, "web");
	web = world_add(&stage.world, "web");
	publish(web, "127.0.0.1", 8080, 80);
	assert_rows(&stage, NULL,
		    "8080/tcp|127.0.0.1|web:80|neighbours, by a route to it|-|open|tidegate up\n");
	stage.input.api_minor = 48;
	assert_rows(&stage, NULL, "8080/tcp|127.0.0.1|web:80|this host only|-|closed|\n");
	stage.input.api_minor = 41;
	assert_rows(&stage, "allow 8080/tcp",
		    "8080/tcp|127.0.0.1|web:80|this host only|-|closed|\n");
	stage_end(&stage);
}

static void an_address_of_a_container_is_a_row_where_others_reach_it(void **state)
{
	struct stage stage;
	struct container *web;

	stage_begin(&stage, "web");
	web = world_add(&stage.world, "web");
	place_at(web, "192.0.2.50", false);  /* macvlan */
	place_at(web, "2001:db8::2", false); /* in a bridge's network */
	world_subnet(&stage.world, "2001:db8::/64", false);
	assert_rows(&stage, NULL,
		    "any|192.0.2.50|web|anyone|-|open|tidegate deny 1-65535 on 192.0.2.50; "
		    "tidegate up\n"
		    "any|2001:db8::2|web|anyone|-|open|tidegate up\n");
	assert_rows(&stage, "",
		    "any|192.0.2.50|web|anyone, where no rule names the port|-|open|"
		    "tidegate deny 1-65535 on 192.0.2.50\n"
		    "any|2001:db8::2|web|nobody|-|closed|\n");
	assert_rows(&stage, "allow 8080/tcp on 2001:db8::2\ndeny 1-65535 on 192.0.2.50",
		    "8080/tcp|2001:db8::2|web:8080|anyone|-|open|tidegate delete 1\n"
		    "any|2001:db8::2|web|nobody|-|closed|\n"
		    "1-65535/tcp|192.0.2.50|web:1|nobody|-|closed|\n"
		    "1-65535/udp|192.0.2.50|web:1|nobody|-|closed|\n"
		    "1-65535/sctp|192.0.2.50|web:1|nobody|-|closed|\n");
	stage_end(&stage);
}

static void the_docker_api_on_tcp_is_the_worst(void **state)
{
	struct socket_holder holders[] = { { .inode = 1, .name = "dockerd" },
					   { .inode = 2, .name = "sshd" },
					   { .inode = 3, .name = "nginx" } };
	struct listener listeners[] = {
		{ .proto = IPPROTO_TCP, .addr = host("0.0.0.0"), .port = 443, .inode = 1 },
		{ .proto = IPPROTO_TCP, .addr = host("127.0.0.1"), .port = 2376, .inode = 1 },
		{ .proto = IPPROTO_TCP, .addr = host("0.0.0.0"), .port = 22, .inode = 2 },
		{ .proto = IPPROTO_TCP, .addr = host("::"), .port = 2375, .inode = 1 },
		{ .proto = IPPROTO_TCP, .addr = host("0.0.0.0"), .port = 80, .inode = 3 },
	};
	struct stage stage;

	stage_begin(&stage, "web");
	stage.input.listeners = listeners;
	stage.input.listeners_count = ARRAY_SIZE(listeners);
	stage.input.holders = holders;
	stage.input.holders_count = ARRAY_SIZE(holders);
	assert_rows(&stage, NULL,
		    "443/tcp|0.0.0.0|the Docker API|anyone by IPv4|ufw: allow|risky: Docker API|"
		    "tidegate deny 443/tcp; tidegate up\n"
		    "2375/tcp|::|the Docker API|nobody|ufw: deny|closed: Docker API|\n");
	assert_rows(&stage, "default deny all\nallow 22/tcp",
		    "22/tcp|0.0.0.0|sshd (host)|anyone|ufw: limit|open|tidegate delete 1\n"
		    "443/tcp|0.0.0.0|the Docker API|nobody|ufw: allow|closed: Docker API|\n"
		    "2375/tcp|::|the Docker API|nobody|ufw: deny|closed: Docker API|\n"
		    "80/tcp|0.0.0.0|nginx (host)|nobody|ufw: allow|closed|\n");
	stage_end(&stage);
}

static void a_containers_port_in_the_hosts_network_is_a_row(void **state)
{
	struct socket_holder holder = { .inode = 7, .name = "nginx" };
	struct listener listener = {
		.proto = IPPROTO_TCP, .addr = host("0.0.0.0"), .port = 80, .inode = 7
	};
	struct stage stage;

	stage_begin(&stage, "nginx@sha256:0123");
	stage.facts.has_host_network = true;
	snprintf(holder.container, sizeof(holder.container), "%s", stage.facts.id);
	stage.input.listeners = &listener;
	stage.input.listeners_count = 1;
	stage.input.holders = &holder;
	stage.input.holders_count = 1;
	assert_rows(&stage, NULL,
		    "80/tcp|0.0.0.0|x (host network)|anyone by IPv4|ufw: allow|open|"
		    "tidegate deny 80/tcp; tidegate up\n");
	assert_rows(&stage, "",
		    "80/tcp|0.0.0.0|x (host network)|anyone by IPv4|ufw: allow|open|"
		    "tidegate deny 80/tcp\n");
	assert_rows(&stage, "allow 80/tcp from 192.0.2.10",
		    "80/tcp|0.0.0.0|x (host network)|192.0.2.10|ufw: allow|limited|\n");
	stage_end(&stage);
}

/* Whoever runs in a container names its processes as it likes. */
static void a_container_does_not_hide_behind_a_name_of_dockers(void **state)
{
	static const char *const names[] = { "docker-proxy", "dockerd" };
	struct socket_holder holder = { .inode = 7 };
	struct listener listener = {
		.proto = IPPROTO_TCP, .addr = host("0.0.0.0"), .port = 80, .inode = 7
	};
	struct stage stage;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		stage_begin(&stage, "nginx@sha256:0123");
		stage.facts.has_host_network = true;
		snprintf(holder.name, sizeof(holder.name), "%s", names[i]);
		snprintf(holder.container, sizeof(holder.container), "%s", stage.facts.id);
		stage.input.listeners = &listener;
		stage.input.listeners_count = 1;
		stage.input.holders = &holder;
		stage.input.holders_count = 1;
		assert_rows(&stage, NULL,
			    "80/tcp|0.0.0.0|x (host network)|anyone by IPv4|ufw: allow|open|"
			    "tidegate deny 80/tcp; tidegate up\n");
		stage_end(&stage);
	}
}

static void a_swarm_service_is_a_row(void **state)
{
	struct stage stage;

	stage_begin(&stage, "web");
	publish(world_add(&stage.world, "service:api"), "0.0.0.0", 81, 80);
	assert_rows(&stage, NULL,
		    "81/tcp|0.0.0.0|service:api:80|anyone by IPv4|ufw: deny — open|open|tidegate "
		    "up\n");
	assert_int_equal(stage.audit.rows[0].kind, AUDIT_INGRESS);
	stage_end(&stage);
}

static void how_a_container_runs_makes_it_risky(void **state)
{
	struct stage stage;
	struct container *web;

	stage_begin(&stage, "web@sha256:0123");
	web = world_add(&stage.world, "web");
	publish(web, "0.0.0.0", 80, 80);
	judge(&stage, NULL);
	assert_int_equal(stage.audit.findings_count, 0);
	stage.facts.has_socket = true;
	stage.facts.user = (char *)"root:root";
	assert_rows(&stage, NULL,
		    "80/tcp|0.0.0.0|web:80|anyone by IPv4|ufw: allow|risky|tidegate up\n");
	assert_int_equal(stage.audit.findings_count, 2);
	assert_string_equal(stage.audit.findings[0].id, "docker-socket");
	assert_string_equal(stage.audit.findings[1].id, "user-root");
	assert_int_equal(audit_worst(&stage.audit), AUDIT_RISKY);
	judge(&stage, "");
	assert_int_equal(stage.audit.findings_count, 0);
	stage_end(&stage);
}

/* b may be NULL. */
static void ask_from(struct stage *stage, const char *a, const char *b)
{
	stage->from[0] = parse(a);
	if (b)
		stage->from[1] = parse(b);
	stage->asked = (struct audit_from){ .prefixes = stage->from, .count = b ? 2 : 1 };
	snprintf(stage->asked.name, sizeof(stage->asked.name), "%s", a);
	stage->input.from = &stage->asked;
}

static void from_a_source_only_what_it_reaches(void **state)
{
	struct stage stage;

	stage_begin(&stage, "redis");
	publish_redis(&stage);
	ask_from(&stage, "192.0.2.10", NULL);
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.0/24",
		    "6379/tcp|any|cache:6379|192.0.2.0/24|ufw: deny|limited: cache|\n");
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.0/24\ndeny 6379/tcp from 192.0.2.10", "");
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.0/24\nban 192.0.2.10", "");
	ask_from(&stage, "192.0.2.0/28", NULL);
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.0/24\nban 192.0.2.0/24", "");
	ask_from(&stage, "2001:db8::1", NULL);
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.0/24", "");
	ask_from(&stage, "192.0.0.0/16", NULL);
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.0/24",
		    "6379/tcp|any|cache:6379|192.0.2.0/24|ufw: deny|limited: cache|\n");
	ask_from(&stage, "2001:db8::1", "192.0.2.9");
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.0/24",
		    "6379/tcp|any|cache:6379|192.0.2.0/24|ufw: deny|limited: cache|\n");
	assert_rows(&stage, "allow 6379/tcp from 192.0.2.0/24\ndeny 6379/tcp from 192.0.2.9", "");
	stage.asked.count = 0; /* a set of nobody */
	assert_rows(&stage, "allow 6379/tcp", "");
	stage_end(&stage);
}

static const char *ufw_says(const struct firewall *firewall, const char *addr, unsigned short port)
{
	struct firewall_question question = { IPPROTO_TCP, port, host(addr) };

	return firewall_says(firewall, &question);
}

static void ufw_is_understood(void **state)
{
	_cleanup_(firewall_clear) struct firewall ufw = {}, off = {}, none = {};

	assert_int_equal(firewall_parse_ufw(ufw_text, &ufw), 0);
	assert_string_equal(ufw_says(&ufw, "0.0.0.0", 22), "limit");
	assert_string_equal(ufw_says(&ufw, "::", 22), "deny");
	assert_string_equal(ufw_says(&ufw, "0.0.0.0", 443), "allow");
	assert_string_equal(ufw_says(&ufw, "::", 443), "allow");
	assert_string_equal(ufw_says(&ufw, "0.0.0.0", 5432), "allow some");
	assert_string_equal(ufw_says(&ufw, "0.0.0.0", 8050), "reject");
	assert_string_equal(ufw_says(&ufw, "192.0.2.1", 9000), "allow");
	assert_string_equal(ufw_says(&ufw, "192.0.2.2", 9000), "deny");
	assert_string_equal(ufw_says(&ufw, "0.0.0.0", 53), "deny");
	assert_int_equal(firewall_parse_ufw("Status: inactive\n", &off), 0);
	assert_string_equal(ufw_says(&off, "0.0.0.0", 22), "inactive");
	assert_null(ufw_says(&none, "0.0.0.0", 22));
}

static void firewalld_is_understood(void **state)
{
	_cleanup_(firewall_clear) struct firewall firewalld = {};

	assert_int_equal(
		firewall_parse_firewalld("public (active)\n  target: default\n"
					 "  services: ssh\n  ports: 8080/tcp 1000-1010/tcp\n",
					 &firewalld),
		0);
	assert_string_equal(ufw_says(&firewalld, "0.0.0.0", 8080), "allow");
	assert_string_equal(ufw_says(&firewalld, "::", 1005), "allow");
	assert_string_equal(ufw_says(&firewalld, "0.0.0.0", 6379), "reject");
}

/* ---- formats --------------------------------------------------------------------------------- */

static char *rendered(const struct audit_result *audit,
		      void (*render)(const struct audit_result *audit, FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	render(audit, out);
	fclose(out);
	return text;
}

/* Docker lets no such name through; whoever made the answer may not be Docker. */
static void nothing_in_a_name_is_markup(void **state)
{
	struct stage stage;
	struct container *web;
	_cleanup_free_ char *html = NULL, *markdown = NULL;

	stage_begin(&stage, "web");
	web = world_add(&stage.world, "<script>alert(\"&|`\")</script>");
	publish(web, "0.0.0.0", 81, 80);
	judge(&stage, NULL);
	html = rendered(&stage.audit, render_html);
	assert_null(strstr(html, "<script"));
	assert_non_null(strstr(html, "&lt;script&gt;alert(&quot;&amp;|`&quot;)&lt;/script&gt;:80"));
	assert_null(strstr(html, "http://"));
	assert_null(strstr(html, "https://"));
	markdown = rendered(&stage.audit, render_markdown);
	assert_non_null(strstr(markdown, "| 81/tcp | 0.0.0.0 | \\<script\\>alert(\"&\\|\\`\")"));
	stage_end(&stage);
}

static void every_format_has_every_row(void **state)
{
	struct stage stage;
	_cleanup_free_ char *table = NULL;
	json_t *json, *sarif, *results;

	stage_begin(&stage, "redis");
	publish_redis(&stage);
	judge(&stage, NULL);
	table = rendered(&stage.audit, render_table);
	assert_string_equal(
		table,
		"PORT      BOUND  LEADS TO    REACHED BY      FIREWALL SAYS     RISK          FIX\n"
		"6379/tcp  any    cache:6379  anyone by IPv4  ufw: deny — open  risky: cache  "
		"tidegate up\n"
		"risky  cache: without a password who connects reads and writes all of it\n"
		"note   cache: its image is named by a tag, behind which another may be tomorrow\n"
		"1 risky, 0 open, 0 limited, 0 closed; tidegate is not up: who reaches a port is "
		"as "
		"Docker binds it\n"
		"not seen from here: the provider's firewall, a router's NAT, the payload of "
		"tunnels\n");
	json = render_json(&stage.audit);
	assert_int_equal(json_array_size(json_object_get(json, "rows")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "findings")), 2);
	json_decref(json);
	sarif = render_sarif(&stage.audit);
	results = json_object_get(json_array_get(json_object_get(sarif, "runs"), 0), "results");
	assert_int_equal(json_array_size(results), 3);
	json_decref(sarif);
	stage_end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_published_port_is_one_row),
		cmocka_unit_test(a_port_on_loopback_is_open_to_neighbours_before_engine_28),
		cmocka_unit_test(an_address_of_a_container_is_a_row_where_others_reach_it),
		cmocka_unit_test(the_docker_api_on_tcp_is_the_worst),
		cmocka_unit_test(a_containers_port_in_the_hosts_network_is_a_row),
		cmocka_unit_test(a_container_does_not_hide_behind_a_name_of_dockers),
		cmocka_unit_test(a_swarm_service_is_a_row),
		cmocka_unit_test(how_a_container_runs_makes_it_risky),
		cmocka_unit_test(from_a_source_only_what_it_reaches),
		cmocka_unit_test(ufw_is_understood),
		cmocka_unit_test(firewalld_is_understood),
		cmocka_unit_test(nothing_in_a_name_is_markup),
		cmocka_unit_test(every_format_has_every_row),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
