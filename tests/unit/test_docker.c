/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the Engine says becomes the inventory, whatever its version; what it says wrongly,
 * late or not at all becomes an error that says so.  docker/<Engine>/ holds its answers:
 * 20.10 as recorded from a real one, the others from the API's description.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "docker/fixture.h"
#include "docker/http.h"

/* ---- recorded answers ---- */

static void print_binding(FILE *out, const struct binding *binding)
{
	char host[PREFIX_STRLEN];
	const char *proto = binding->proto == IPPROTO_TCP   ? "tcp"
			    : binding->proto == IPPROTO_UDP ? "udp"
							    : "sctp";

	fprintf(out, "    %s %s %u-%u -> %u\n", proto, prefix_format(&binding->host, host),
		binding->host_lo, binding->host_hi, binding->port);
}

static void print_endpoint(FILE *out, const struct endpoint *endpoint)
{
	char addr4[PREFIX_STRLEN] = "-", addr6[PREFIX_STRLEN] = "-";

	if (endpoint->addr4.family)
		prefix_format(&endpoint->addr4, addr4);
	if (endpoint->addr6.family)
		prefix_format(&endpoint->addr6, addr6);
	fprintf(out, "    in %s: %s%s %s%s\n", endpoint->network, addr4,
		endpoint->is_routed4 ? " routed" : "", addr6,
		endpoint->is_routed6 ? " routed" : "");
}

static char *print_inventory(const struct inventory *inventory)
{
	size_t size = 0;
	char *text = NULL, prefix[PREFIX_STRLEN];
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < inventory->containers_count; i++) {
		const struct container *container = &inventory->containers[i];

		fprintf(out, "%s %.12s %s", container->is_running ? "running" : "armed",
			container->id, container->name);
		if (container->project)
			fprintf(out, " project=%s", container->project);
		if (container->service)
			fprintf(out, " service=%s", container->service);
		if (container->swarm_service)
			fprintf(out, " swarm=%s", container->swarm_service);
		fputc('\n', out);
		for (size_t j = 0; j < container->bindings_count; j++)
			print_binding(out, &container->bindings[j]);
		for (size_t j = 0; j < container->endpoints_count; j++)
			print_endpoint(out, &container->endpoints[j]);
	}
	for (size_t i = 0; i < inventory->subnets_count; i++)
		fprintf(out, "subnet %s %s%s\n",
			prefix_format(&inventory->subnets[i].prefix, prefix),
			inventory->subnets[i].network,
			inventory->subnets[i].is_routed ? " routed" : "");
	fclose(out);
	return text;
}

/* ping.txt, NAME.json -> /NAME, containers.json -> /containers/json, container-ID.json. */
static void serve_file(struct fake_engine *engine, const char *directory, const char *name)
{
	char path[512], target[128], version[16] = "", swarm[32] = "", id[13] = "";
	_cleanup_free_ char *text = NULL;
	size_t size = 0;

	data_path(path, sizeof(path), directory, name);
	text = read_file(path, &size);
	assert_non_null(text);
	if (streq(name, "ping.txt")) {
		sscanf(text, "%15s %31s", version, swarm);
		fake_set_version(engine, version, *swarm ? swarm : NULL);
		return;
	}
	if (!strstr(name, ".json"))
		return;
	snprintf(target, sizeof(target), "/%.*s", (int)(strlen(name) - 5), name);
	if (streq(name, "containers.json"))
		strcpy(target, "/containers/json");
	if (sscanf(name, "container-%12s.json", id) == 1) {
		const char *whole = strstr(text, id);

		snprintf(target, sizeof(target), "/containers/%.64s/json", whole);
	}
	fake_set_bytes(engine, target, 200, text, size, FAKE_CHUNKED);
}

static void serve_directory(struct fake_engine *engine, const char *directory)
{
	char path[512];
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	data_path(path, sizeof(path), directory, "");
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.' && !streq(entry->d_name, "events.json"))
			serve_file(engine, directory, entry->d_name);
}

/* TIDEGATE_GOLDEN=write accepts what comes out now. */
static void assert_golden(const char *directory, const struct inventory *inventory)
{
	_cleanup_free_ char *printed = print_inventory(inventory), *golden = NULL;
	char path[512];
	size_t size = 0;

	data_path(path, sizeof(path), directory, "inventory.txt");
	if (getenv("TIDEGATE_GOLDEN")) {
		_cleanup_fclose_ FILE *file = fopen(path, "w");

		fputs(printed, file);
		return;
	}
	golden = read_file(path, &size);
	assert_non_null(golden);
	assert_string_equal(printed, golden);
}

static void assert_engine(void **state, const char *directory, const char *version)
{
	struct fixture *fixture = *state;

	serve_directory(fixture->engine, directory);
	assert_reads(fixture);
	assert_string_equal(fixture->engine->version, version);
	assert_golden(directory, fixture->inventory);
	/* And the same from what is remembered. */
	assert_reads(fixture);
	assert_golden(directory, fixture->inventory);
}

static void engine_20_10_is_understood(void **state)
{
	assert_engine(state, "20.10", "/v1.41");
}

static void swarm_manager_lists_ingress_ports(void **state)
{
	assert_engine(state, "20.10-swarm", "/v1.41");
}

static void engine_25_is_understood_and_hostile_labels_are_none(void **state)
{
	assert_engine(state, "25", "/v1.44");
}

static void engine_28_with_routed_networks_is_understood(void **state)
{
	assert_engine(state, "28", "/v1.51");
}

static void engine_29_is_asked_in_1_52(void **state)
{
	assert_engine(state, "29", "/v1.52");
}

/* ---- what is asked ---- */

static void engine_too_old_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fake_set_version(fixture->engine, "1.39", NULL);
	assert_fails(fixture, -EPROTONOSUPPORT,
		     "speaks API 1.39; 1.41 (Engine 20.10) or newer is needed");
}

static void refusal_of_the_version_is_told_in_the_engines_words(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 400,
		 "{\"message\":\"client version 1.44 is too old. Minimum supported API version is "
		 "1.60\"}");
	assert_fails(fixture, -EPROTO,
		     "GET /v1.44/containers/json?all=1: HTTP 400: client version 1.44 is too old");
	fake_set(fixture->engine, "/containers/json", 400, "plain \033[2Jtext\nmore");
	assert_fails(fixture, -EPROTO, "HTTP 400: plain ?[2Jtext");
}

static void other_server_is_not_taken_for_an_engine(void **state)
{
	struct fixture *fixture = *state;

	fake_set_version(fixture->engine, "seven", NULL);
	assert_fails(fixture, -EPROTO, "is not a Docker Engine's");
}

static void replaced_engine_is_asked_in_its_own_version(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture);
	assert_string_equal(fixture->engine->version, "/v1.44");
	fake_set_version(fixture->engine, "1.41", "inactive");
	assert_reads(fixture);
	assert_string_equal(fixture->engine->version, "/v1.41");
}

static void container_that_runs_is_not_inspected(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "running", PORT("0.0.0.0", "80")) "]");
	assert_reads(fixture);
	assert_int_equal(find(fixture, "a")->bindings_count, 1);
	assert_int_equal(fake_hits(fixture->engine, "/containers/" ID_A "/json"), 0);
}

static void routed_container_is_inspected_once(void **state)
{
	struct fixture *fixture = *state;
	char target[] =
		"/containers/0000000000000000000000000000000000000000000000000000000000000000/json";
	unsigned int hits = 0;

	serve_directory(fixture->engine, "28");
	assert_reads(fixture);
	assert_reads(fixture);
	memcpy(target + strlen("/containers/"), find(fixture, "direct")->id, 64);
	hits = fake_hits(fixture->engine, target);
	assert_int_equal(hits, 1);
}

static void thousand_consecutive_ports_are_one_binding(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "[{\"Id\":\"" ID_A "\",\"Names\":[\"/a\"],\"State\":\"running\",\"Ports\":[");
	for (int i = 0; i < 1000; i++)
		fprintf(out,
			"%s{\"IP\":\"::\",\"PrivatePort\":%d,\"PublicPort\":%d,\"Type\":\"tcp\"}",
			i ? "," : "", 5000 + (i * 7) % 1000, 20000 + (i * 7) % 1000);
	fprintf(out, "]}]");
	fclose(out);
	fake_set(fixture->engine, "/containers/json", 200, text);
	assert_reads(fixture);
	assert_int_equal(find(fixture, "a")->bindings_count, 1);
	assert_int_equal(find(fixture, "a")->bindings[0].host_lo, 20000);
	assert_int_equal(find(fixture, "a")->bindings[0].host_hi, 20999);
	assert_int_equal(find(fixture, "a")->bindings[0].port, 5000);
}

static void change_in_a_remembered_list_is_seen(void **state)
{
#define A         LISTED(ID_A, "a", "running", PORT("0.0.0.0", "80"))
#define B         LISTED(ID_B, "b", "running", PORT("0.0.0.0", "81"))
#define B_CHANGED LISTED(ID_B, "b", "running", PORT("0.0.0.0", "82"))
	static const struct {
		const char *list;
		unsigned int a, b;
	} rows[] = {
		{ "[" A "," B "]", 80, 81 },
		{ "[" A " , " B_CHANGED "]", 80, 82 },
		{ "[" B "," A "]", 80, 81 },
		{ "[" B_CHANGED "]", 0, 82 },
		{ "[" A "," B_CHANGED "]", 80, 82 },
		{ "[" A "]", 80, 0 },
		{ "[]", 0, 0 },
		{ "[" B "," A "]", 80, 81 },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct container *a, *b;

		fake_set(fixture->engine, "/containers/json", 200, rows[i].list);
		assert_reads(fixture);
		a = find(fixture, "a");
		b = find(fixture, "b");
		assert_int_equal(a ? a->bindings[0].host_lo : 0, rows[i].a);
		assert_int_equal(b ? b->bindings[0].host_lo : 0, rows[i].b);
	}
}

static void network_that_changed_its_mode_is_seen_in_a_remembered_list(void **state)
{
	static const char network[] =
		"[{\"Id\":\"n\",\"Name\":\"n\",\"Driver\":\"bridge\",\"Options\":"
		"{\"com.docker.network.bridge.gateway_mode_ipv4\":\"%s\"}}]";
	struct fixture *fixture = *state;
	char text[256];

	fake_set_version(fixture->engine, "1.48", "inactive");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 500, "");
	fake_set(fixture->engine, "/containers/json", 200,
		 "[{\"Id\":\"" ID_A
		 "\",\"Names\":[\"/a\"],\"State\":\"running\",\"NetworkSettings\":"
		 "{\"Networks\":{\"n\":{\"NetworkID\":\"n\"}}}}]");
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), network, i % 2 ? "routed" : "nat");
		fake_set(fixture->engine, "/networks", 200, text);
		assert_reads(fixture);
		assert_int_equal(find(fixture, "a")->endpoints[0].is_routed4, i % 2);
	}
}

static void routed_mode_is_not_believed_of_an_engine_before_27(void **state)
{
	struct fixture *fixture = *state;

	serve_directory(fixture->engine, "28");
	fake_set_version(fixture->engine, "1.45", "inactive");
	assert_reads(fixture);
	for (size_t i = 0; i < fixture->inventory->subnets_count; i++)
		assert_false(fixture->inventory->subnets[i].is_routed);
}

/* ---- containers that come and go ---- */

static void container_gone_between_list_and_inspect_is_left_out(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "," LISTED(ID_B, "b", "running", "") "]");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 404,
		 "{\"message\":\"No such container: a\"}");
	assert_reads(fixture);
	assert_null(find(fixture, "a"));
	assert_non_null(find(fixture, "b"));
}

static void container_that_blocks_is_as_it_was_known(void **state)
{
	struct fixture *fixture = *state;
	long long start;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "]");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 200,
		 DETAILS("created", "",
			 "\"80/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"80\"}]"));
	assert_reads(fixture);
	fake_set_way(fixture->engine, "/containers/" ID_A "/json", FAKE_SILENT);
	start = now_ms();
	assert_reads(fixture);
	assert_true(now_ms() - start < 500);
	assert_false(find(fixture, "a")->is_running);
	assert_int_equal(find(fixture, "a")->bindings_count, 1);
	assert_int_equal(find(fixture, "a")->bindings[0].host_lo, 80);
}

static void container_that_blocks_and_is_not_known_is_an_error(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "]");
	fake_set_bytes(fixture->engine, "/containers/" ID_A "/json", 200, "", 0, FAKE_SILENT);
	assert_fails(fixture, -ETIMEDOUT,
		     "did not answer GET /v1.44/containers/" ID_A "/json within 5 s");
}

/* On a busy host a start takes seconds. */
static void container_that_is_slow_to_start_is_waited_for(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "]");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 200,
		 DETAILS("created", "", "\"80/tcp\":[{\"HostPort\":\"80\"}]"));
	fake_set_way(fixture->engine, "/containers/" ID_A "/json", FAKE_LATE);
	assert_reads(fixture);
	assert_int_equal(find(fixture, "a")->bindings_count, 2);
}

static void failed_start_disarms_and_a_new_one_arms(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "]");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 200,
		 DETAILS("created", "port is already allocated",
			 "\"80/tcp\":[{\"HostPort\":\"80\"}]"));
	assert_reads(fixture);
	assert_null(find(fixture, "a"));
	/* It answers no more: it is being started again. */
	fake_set_way(fixture->engine, "/containers/" ID_A "/json", FAKE_SILENT);
	assert_reads(fixture);
	assert_int_equal(find(fixture, "a")->bindings_count, 2);
}

static void container_the_engine_cannot_describe_does_not_hide_the_others(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "exited", "") "," LISTED(ID_B, "b", "running", "") "]");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 500,
		 "{\"message\":\"RWLayer of container a is unexpectedly nil\"}");
	assert_reads(fixture);
	assert_null(find(fixture, "a"));
	assert_non_null(find(fixture, "b"));
}

static void started_after_it_was_listed_counts_as_running(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "]");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 200,
		 "{\"State\":{\"Status\":\"running\",\"Error\":\"\"},\"HostConfig\":{"
		 "\"PortBindings\":"
		 "{\"80/"
		 "tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}]}},\"NetworkSettings\":{\"Ports\":"
		 "{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"32768\"}]},\"Networks\":"
		 "{\"bridge\":{\"NetworkID\":\"x\",\"IPAddress\":\"172.17.0.2\"}}}}");
	assert_reads(fixture);
	assert_true(find(fixture, "a")->is_running);
	assert_int_equal(find(fixture, "a")->bindings_count, 1);
	assert_int_equal(find(fixture, "a")->bindings[0].host_lo, 32768);
	assert_int_equal(find(fixture, "a")->endpoints[0].addr4.length, 32);
}

/* Its address is the same, its port of the host is another one, and nobody asks for details. */
static void ports_of_an_earlier_start_are_forgotten(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "]");
	fake_set(fixture->engine, "/containers/" ID_A "/json", 200,
		 "{\"State\":{\"Status\":\"running\",\"Error\":\"\"},\"HostConfig\":{},"
		 "\"NetworkSettings\":{\"Ports\":{\"80/tcp\":"
		 "[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"32768\"}]},\"Networks\":{}}}");
	assert_reads(fixture);
	assert_int_equal(find(fixture, "a")->bindings[0].host_lo, 32768);
	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "running", PORT("0.0.0.0", "80")) "]");
	assert_reads(fixture);
	assert_int_equal(find(fixture, "a")->bindings_count, 1);
	assert_int_equal(find(fixture, "a")->bindings[0].host_lo, 80);
}

static void container_without_a_name_goes_by_its_id(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[{\"Id\":\"" ID_A "\",\"Names\":[],\"State\":\"running\"}]");
	assert_reads(fixture);
	assert_non_null(find(fixture, "aaaaaaaaaaaa"));
}

static void link_of_another_container_is_not_the_name(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[{\"Id\":\"" ID_A
		 "\",\"Names\":[\"/web/alias\",\"/db\"],\"State\":\"running\"}]");
	assert_reads(fixture);
	assert_non_null(find(fixture, "db"));
}

/* ---- answers that are wrong ---- */

static void wrong_value_is_named(void **state)
{
	static const struct {
		const char *path, *body, *error;
	} rows[] = {
		{ "/containers/json",
		  "[" LISTED(ID_A, "a", "running",
			     "{\"PrivatePort\":1,"
			     "\"PublicPort\":\"x\",\"Type\":\"tcp\"}") "]",
		  "unexpected answer to GET /containers/json: "
		  "containers[0].Ports[0].PublicPort is not a number" },
		{ "/containers/json",
		  "[" LISTED(ID_A, "a", "running",
			     "{\"PrivatePort\":1,"
			     "\"PublicPort\":65536,\"Type\":\"tcp\"}") "]",
		  "is 65536, not within 0..65535" },
		{ "/containers/json",
		  "[" LISTED(ID_A, "a", "running",
			     "{\"PrivatePort\":1,"
			     "\"PublicPort\":-1,\"Type\":\"tcp\"}") "]",
		  "is -1, not within" },
		{ "/containers/json",
		  "[" LISTED(ID_A, "a", "running",
			     "{\"PrivatePort\":0,"
			     "\"PublicPort\":1,\"Type\":\"tcp\"}") "]",
		  "Ports[0].PrivatePort is not a port" },
		{ "/containers/json",
		  "[" LISTED(ID_A, "a", "running",
			     "{\"PrivatePort\":1,"
			     "\"PublicPort\":1,\"Type\":\"icmp\"}") "]",
		  "Type is not tcp, udp or sctp" },
		{ "/containers/json", "[" LISTED(ID_A, "a", "running", PORT("1.2.3", "1")) "]",
		  "containers[0].Ports[0] has an invalid address" },
		{ "/containers/json", "[" LISTED(ID_A, "a", "running", PORT("10.0.0.0/8", "1")) "]",
		  "has an invalid address" },
		{ "/containers/json", "[" LISTED("short", "a", "running", "") "]",
		  "containers[0].Id is not 64 hex digits" },
		{ "/containers/json", "[{\"Names\":[\"/a\"]}]", "containers[0].Id is missing" },
		{ "/containers/json", "[" LISTED(ID_A, "\\u001b[2J", "running", "") "]",
		  "containers[0].Names[0] has characters that are not printable ASCII" },
		{ "/containers/json", "[" LISTED(ID_A, "", "running", "") "]",
		  "containers[0].Names[0] is not a name" },
		{ "/containers/json", "[7]", "containers[0] is not JSON" },
		{ "/containers/json", "{}", "containers is not an array" },
		{ "/containers/json", "null", "containers is not an array" },
		{ "/containers/json", "", "containers is not an array" },
		{ "/containers/json", "[] []", "containers is not an array (byte 1)" },
		{ "/containers/json", "[{\"Id\":", "containers[0] ends too early" },
		{ "/containers/json", "[", "containers ends too early" },
		{ "/networks", "[{\"Driver\":\"bridge\",\"Name\":\"n\"}]",
		  "unexpected answer to GET /networks: networks[0].Id is missing" },
		{ "/networks",
		  "[{\"Driver\":\"bridge\",\"Name\":\"n\",\"Id\":\"i\",\"IPAM\":"
		  "{\"Config\":[{\"Subnet\":\"10.0.0.0/33\"}]}}]",
		  "networks[0].IPAM.Config[0].Subnet is not a subnet" },
		{ "/networks", "[{\"Driver\":\"bridge\",\"Name\":\"n\",\"Id\":\"i\",\"IPAM\":[]}]",
		  "networks[0].IPAM is not an object" },
		{ "/containers/json",
		  "[{\"Id\":\"" ID_A "\",\"State\":\"running\",\"NetworkSettings\":\"none\"}]",
		  "containers[0].NetworkSettings is not an object" },
		{ "/containers/json", "[{\"Id\":\"" ID_A "\",\"Labels\":[]}]",
		  "containers[0].Labels is not an object" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fake_set(fixture->engine, "/containers/json", 200, "[]");
		fake_set(fixture->engine, "/networks", 200, "[]");
		fake_set(fixture->engine, rows[i].path, 200, rows[i].body);
		assert_fails(fixture, -EBADMSG, rows[i].error);
	}
}

static void wrong_details_are_named(void **state)
{
	static const struct {
		const char *body, *error;
	} rows[] = {
		{ DETAILS("created", "", "\"80/tcp\":[{\"HostPort\":\"x\"}]"),
		  "container.HostConfig.PortBindings[\"80/tcp\"][0].HostPort is not a port" },
		{ DETAILS("created", "", "\"80/tcp\":[{\"HostPort\":\"9-8\"}]"), "is not a port" },
		{ DETAILS("created", "", "\"80/tcp\":[{\"HostPort\":\"70000\"}]"),
		  "is not a port" },
		{ DETAILS("created", "", "\"80/tcp\":[{\"HostPort\":80}]"), "is not a string" },
		{ DETAILS("created", "", "\"80/tcp\":{}"), "[\"80/tcp\"] is not an array" },
		{ DETAILS("created", "", "\"0/tcp\":[]"), "is not a port and a protocol" },
		{ DETAILS("created", "", "\"80/ip\":[]"), "is not a port and a protocol" },
		{ DETAILS("created", "", "\"1-3/tcp\":[{\"HostPort\":\"5\"}]"),
		  "of different length" },
		{ DETAILS("created", "", "\"1/tcp\":[{\"HostIp\":\"::g\",\"HostPort\":\"5\"}]"),
		  "has an invalid address" },
		{ "{\"State\":{}}", "container.State.Status is missing" },
		{ "[]", "container is not an object" },
	};
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/containers/json", 200,
		 "[" LISTED(ID_A, "a", "created", "") "]");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fake_set(fixture->engine, "/containers/" ID_A "/json", 200, rows[i].body);
		assert_fails(fixture, -EBADMSG, rows[i].error);
	}
}

static void answer_cut_short_is_an_error(void **state)
{
	struct fixture *fixture = *state;

	fake_set_way(fixture->engine, "/networks", FAKE_TRUNCATED);
	assert_fails(fixture, -ECONNRESET, "the connection broke before the answer was whole");
	fake_set_way(fixture->engine, "/networks", FAKE_CLOSED);
	assert_fails(fixture, -ECONNRESET, "the connection broke before the answer was whole");
	fake_set_way(fixture->engine, "/networks", FAKE_WHOLE);
	assert_reads(fixture);
}

static void answer_that_is_not_http_is_an_error(void **state)
{
	struct fixture *fixture = *state;

	fake_set_bytes(fixture->engine, "/networks", 200, "\x16\x03\x01garbage\r\n\r\n", 14,
		       FAKE_GARBAGE);
	assert_fails(fixture, -EPROTO, "the answer is not HTTP");
}

static void internal_error_is_told(void **state)
{
	struct fixture *fixture = *state;

	fake_set(fixture->engine, "/networks", 500, "{\"message\":\"boom\"}");
	assert_fails(fixture, -EPROTO, "GET /v1.44/networks: HTTP 500: boom");
}

static void answer_too_long_is_refused(void **state)
{
	struct fixture *fixture = *state;
	size_t size = (64 << 20) + 1;
	_cleanup_free_ char *text = malloc(size);

	memset(text, ' ', size);
	fake_set_bytes(fixture->engine, "/containers/json", 200, text, size, FAKE_WHOLE);
	assert_fails(fixture, -EFBIG, "is longer than 67108864 bytes");
}

static void engine_that_does_not_answer_is_given_up_after_five_seconds(void **state)
{
	struct fixture *fixture = *state;
	long long start = now_ms();

	fake_set_bytes(fixture->engine, "/containers/json", 200,
		       "[                                                                        "
		       "                                                                         ]",
		       146, FAKE_DRIP);
	assert_fails(fixture, -ETIMEDOUT,
		     "did not answer GET /v1.44/containers/json?all=1 within 5 s");
	assert_in_range(now_ms() - start, 4900, 9000);
}

static void count_timeouts(struct docker_request *request, void *arg)
{
	size_t *count = arg;

	*count += request->err == -ETIMEDOUT;
	buffer_clear(&request->body);
}

/* Many containers whose details do not come: 16 at a time, a second for each of these. */
static void many_requests_are_over_at_the_deadline(void **state)
{
	struct fixture *fixture = *state;
	struct docker_request requests[200];
	struct docker_http *http;
	struct error error;
	long long start = now_ms();
	size_t count = 0;

	fake_set_bytes(fixture->engine, "/slow", 200, "", 0, FAKE_SILENT);
	assert_int_equal(docker_http_new(fixture->engine->url, &http), 0);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		requests[i] = (struct docker_request){ .path = "/slow", .timeout_ms = 1000 };
	docker_http_set_deadline(http, start + 1500);
	docker_http_get(http, requests, ARRAY_SIZE(requests), count_timeouts, &count);
	assert_in_range(now_ms() - start, 1400, 5000);
	assert_int_equal(count, ARRAY_SIZE(requests));
	assert_int_equal(docker_http_explain(http, &requests[ARRAY_SIZE(requests) - 1], &error),
			 -ETIMEDOUT);
	assert_non_null(
		strstr(error.text, "answers so slowly that GET /slow was not asked in time"));
	docker_http_free(http);
}

static void no_engine_is_told_with_what_to_do(void **state)
{
	struct fixture *fixture = *state;

	fake_stop(fixture->engine);
	assert_fails(fixture, -ENOENT, "cannot connect to the Docker Engine at unix:///tmp/");
	assert_non_null(strstr(docker_error(fixture->docker),
			       "No such file or directory; is it "
			       "running? set `docker` in the configuration or --docker"));
	fake_listen(fixture->engine);
	assert_reads(fixture);
}

static void url_that_cannot_be_is_refused(void **state)
{
	static const char *const urls[] = {
		"",
		"docker",
		"unix://",
		"unix://relative",
		"unix:/path",
		"https://host:2376",
		"ssh://host",
		"npipe:////./pipe/docker",
		"tcp://",
		"tcp://host/path",
		"tcp://u@h:1",
		"tcp:/host",
		"uni:///x",
		"unix:///x234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890",
	};
	struct docker *docker = NULL;

	for (size_t i = 1; i < ARRAY_SIZE(urls); i++) {
		assert_int_equal(docker_new(urls[i], &docker), -EINVAL);
		assert_null(docker);
	}
}

static void url_comes_from_the_environment_then_from_the_default(void **state)
{
	struct docker *docker;

	setenv("DOCKER_HOST", "tcp://127.0.0.1:2375", 1);
	assert_int_equal(docker_new(NULL, &docker), 0);
	assert_string_equal(docker_url(docker), "tcp://127.0.0.1:2375");
	docker_free(docker);
	unsetenv("DOCKER_HOST");
	assert_int_equal(docker_new(NULL, &docker), 0);
	assert_string_equal(docker_url(docker), "unix:///var/run/docker.sock");
	docker_free(docker);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		DOCKER_TEST(engine_20_10_is_understood),
		DOCKER_TEST(swarm_manager_lists_ingress_ports),
		DOCKER_TEST(engine_25_is_understood_and_hostile_labels_are_none),
		DOCKER_TEST(engine_28_with_routed_networks_is_understood),
		DOCKER_TEST(engine_29_is_asked_in_1_52),
		DOCKER_TEST(engine_too_old_is_refused),
		DOCKER_TEST(refusal_of_the_version_is_told_in_the_engines_words),
		DOCKER_TEST(other_server_is_not_taken_for_an_engine),
		DOCKER_TEST(replaced_engine_is_asked_in_its_own_version),
		DOCKER_TEST(container_that_runs_is_not_inspected),
		DOCKER_TEST(routed_container_is_inspected_once),
		DOCKER_TEST(thousand_consecutive_ports_are_one_binding),
		DOCKER_TEST(change_in_a_remembered_list_is_seen),
		DOCKER_TEST(network_that_changed_its_mode_is_seen_in_a_remembered_list),
		DOCKER_TEST(routed_mode_is_not_believed_of_an_engine_before_27),
		DOCKER_TEST(container_gone_between_list_and_inspect_is_left_out),
		DOCKER_TEST(container_that_blocks_is_as_it_was_known),
		DOCKER_TEST(container_that_blocks_and_is_not_known_is_an_error),
		DOCKER_TEST(container_that_is_slow_to_start_is_waited_for),
		DOCKER_TEST(failed_start_disarms_and_a_new_one_arms),
		DOCKER_TEST(container_the_engine_cannot_describe_does_not_hide_the_others),
		DOCKER_TEST(started_after_it_was_listed_counts_as_running),
		DOCKER_TEST(ports_of_an_earlier_start_are_forgotten),
		DOCKER_TEST(container_without_a_name_goes_by_its_id),
		DOCKER_TEST(link_of_another_container_is_not_the_name),
		DOCKER_TEST(wrong_value_is_named),
		DOCKER_TEST(wrong_details_are_named),
		DOCKER_TEST(answer_cut_short_is_an_error),
		DOCKER_TEST(answer_that_is_not_http_is_an_error),
		DOCKER_TEST(internal_error_is_told),
		DOCKER_TEST(answer_too_long_is_refused),
		DOCKER_TEST(engine_that_does_not_answer_is_given_up_after_five_seconds),
		DOCKER_TEST(many_requests_are_over_at_the_deadline),
		DOCKER_TEST(no_engine_is_told_with_what_to_do),
		cmocka_unit_test(url_that_cannot_be_is_refused),
		cmocka_unit_test(url_comes_from_the_environment_then_from_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
