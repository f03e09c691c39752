/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_status.c: is it enforcing, and what happens at each published port. */
#include "cli/cmd.h"
#include "cli/cmd_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>

#include "config/config.h"
#include "docker/docker.h"
#include "engine/health.h"
#include "base/log.h"
#include "host/netdev.h"
#include "policy/policy.h"
#include "base/reason.h"
#include "base/table.h"
#include "base/cleanup.h"

/* A guarded port as people see it: published on every address is one row, not two. */
struct row {
	const struct policy_port *port;
	bool is_both; /* every IPv4 and every IPv6 address */
	char *who;
	struct counter passed, dropped;
};

static const char *proto_name(__u8 proto)
{
	return proto == IPPROTO_TCP ? "tcp" : proto == IPPROTO_UDP ? "udp" : "sctp";
}

static void port_text(const struct policy_port *port, char *buf, size_t size)
{
	if (port->lo == port->hi)
		snprintf(buf, size, "%u/%s", port->lo, proto_name(port->proto));
	else
		snprintf(buf, size, "%u-%u/%s", port->lo, port->hi, proto_name(port->proto));
}

static const char *address_text(const struct row *row, char buf[static PREFIX_STRLEN])
{
	if (row->is_both)
		return "any";
	if (row->port->addr.length == 0)
		return row->port->addr.family == 4 ? "0.0.0.0" : "::";
	return prefix_format(&row->port->addr, buf);
}

/* ---- who may enter -------------------------------------------------------------------- */

#define SHOWN_SOURCES 3

/* Those of a rule that a row is about. */
struct sources {
	const struct prefix *prefixes; /* IPv4 before IPv6, each family sorted */
	size_t count;
};

/* There may be a million. */
static size_t first_ipv6(const struct policy_rule *rule)
{
	size_t low = 0, high = rule->sources_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rule->sources[middle].family == 4)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct sources sources_of(const struct policy_rule *rule, const struct row *row)
{
	size_t ipv4_count = first_ipv6(rule);

	if (row->is_both)
		return (struct sources){ rule->sources, rule->sources_count };
	if (row->port->addr.family == 4)
		return (struct sources){ rule->sources, ipv4_count };
	return (struct sources){ rule->sources + ipv4_count, rule->sources_count - ipv4_count };
}

/* The shortest prefix of a family is its first. */
static bool is_anyone(const struct policy_rule *rule, const struct row *row)
{
	size_t ipv4_count = first_ipv6(rule);
	bool is_all4 = ipv4_count && rule->sources[0].length == 0;
	bool is_all6 = ipv4_count < rule->sources_count && rule->sources[ipv4_count].length == 0;

	if (row->is_both)
		return is_all4 && is_all6;
	return row->port->addr.family == 4 ? is_all4 : is_all6;
}

static const char *source_text(const struct prefix *source, char buf[static PREFIX_STRLEN])
{
	if (source->length == 0)
		return source->family == 4 ? "anyone by IPv4" : "anyone by IPv6";
	return prefix_format(source, buf);
}

static void put_sources(FILE *out, const struct sources *sources)
{
	char buf[PREFIX_STRLEN];

	for (size_t i = 0; i < sources->count && i < SHOWN_SOURCES; i++)
		fprintf(out, "%s%s", i ? ", " : "", source_text(&sources->prefixes[i], buf));
	if (sources->count > SHOWN_SOURCES)
		fprintf(out, " and %zu more", sources->count - SHOWN_SOURCES);
}

static bool put_rule(FILE *out, const struct policy_rule *rule, const struct row *row,
		     bool is_first)
{
	struct sources sources = sources_of(rule, row);
	bool is_deny = rule->kind == STATEMENT_DENY;

	if (!sources.count)
		return is_first;
	fprintf(out, "%s%s", is_first ? "" : is_deny ? "; " : ", ", is_deny ? "not " : "");
	if (is_anyone(rule, row))
		fputs("anyone", out);
	else
		put_sources(out, &sources);
	return false;
}

static char *who_may_enter(const struct policy *policy, const struct row *row)
{
	const struct policy_port *port = row->port;
	bool is_first = true;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (!port->is_closed)
		is_first = (fputs("anyone", out), false);
	for (size_t i = 0; i < port->rules_count; i++)
		is_first = put_rule(out, &policy->rules[port->rules[i]], row, is_first);
	if (is_first)
		fputs("nobody", out);
	fclose(out);
	return text;
}

/* ---- rows ------------------------------------------------------------------------------ */

static bool is_twin(const struct policy_port *a, const struct policy_port *b)
{
	return a->proto == b->proto && a->lo == b->lo && a->hi == b->hi && a->addr.length == 0 &&
	       b->addr.length == 0 && a->addr.family != b->addr.family && a->origin == b->origin &&
	       a->is_closed == b->is_closed && streq(a->container ?: "", b->container ?: "") &&
	       a->rules_count == b->rules_count &&
	       (!a->rules_count ||
		memcmp(a->rules, b->rules, a->rules_count * sizeof(*a->rules)) == 0);
}

static void add(struct counter *to, const struct counter *more)
{
	to->packets += more->packets;
	to->bytes += more->bytes;
}

static void add_counters(const struct counted *counted, const struct policy_port *port,
			 struct row *row)
{
	__u32 id = cmd_counter_id(counted, "port", port->identity);

	if (!id)
		return;
	add(&row->passed, &counted->totals->of[id]);
	add(&row->dropped, &counted->totals->of[id + 1]);
}

static size_t make_rows(const struct counted *counted, const struct policy *policy,
			struct row *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];
		struct row *row = &rows[count];

		if (count && !rows[count - 1].is_both && is_twin(rows[count - 1].port, port)) {
			row = &rows[count - 1];
			row->is_both = true;
		} else {
			row->port = port;
			count++;
		}
		add_counters(counted, port, row);
	}
	for (size_t i = 0; i < count; i++)
		rows[i].who = who_may_enter(policy, &rows[i]);
	return count;
}

/* ---- printing -------------------------------------------------------------------------- */

static void leads_to(const struct policy_port *port, char *buf, size_t size)
{
	if (port->origin == PORT_NAMED)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%s:%u%s", port->container ?: "?", port->container_port,
			 port->is_armed ? " (not running)" : "");
}

/* The kernel takes a packet for any of its addresses by any interface. */
static void print_address_note(const struct health *health, const struct row *rows, size_t count)
{
	if (health->interfaces_count + health->unguarded_count < 2)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct policy_port *port = rows[i].port;

		if (!port->addr.length || port->origin == PORT_DIRECT ||
		    (port->addr.family == 4 && port->addr.addr[0] == 127))
			continue;
		puts("ADDRESS is what a packet is sent to; it can come in by any interface");
		return;
	}
}

static void print_rows(const struct row *rows, size_t count)
{
	static const char *const heading[] = { "PORT",          "ADDRESS", "LEADS TO",
					       "WHO MAY ENTER", "PASSED",  "DROPPED" };
	_cleanup_(table_clear) struct table table = { .columns = 6, .wrapped = 3, .right = 0x30 };

	if (!count) {
		puts("no published ports");
		return;
	}
	(void)table_add(&table, heading);
	for (size_t i = 0; i < count; i++) {
		char port[48], address[PREFIX_STRLEN], target[160], passed[24], dropped[24];
		const char *row[] = { port,   address_text(&rows[i], address),
				      target, rows[i].who ?: "",
				      passed, dropped };

		port_text(rows[i].port, port, sizeof(port));
		leads_to(rows[i].port, target, sizeof(target));
		snprintf(passed, sizeof(passed), "%llu", rows[i].passed.packets);
		snprintf(dropped, sizeof(dropped), "%llu", rows[i].dropped.packets);
		(void)table_add(&table, row);
	}
	table_print(&table, stdout);
}

static const char *const docker_words[] = {
	[DOCKER_OFF] = "off",
	[DOCKER_FRESH] = "in step",
	[DOCKER_REMEMBERED] = "does not answer",
	[DOCKER_UNKNOWN] = "unknown",
};

/* What keeps ports closed until the policy knows them, and what is weaker where it is not. */
static void print_means(const struct health *health)
{
	const char *separator = "  means      ";

	for (enum means i = 0; i < MEANS_MAX; i++) {
		if (!health->means[i].is_attached)
			continue;
		printf("%s%s", separator, means_name(i));
		separator = ", ";
	}
	if (health->is_arming) {
		printf("%screate arming", separator);
		separator = ", ";
	}
	if (separator[0] == ',')
		putchar('\n');
	for (enum means i = 0; i < MEANS_MAX; i++)
		if (!health->means[i].is_attached)
			printf("  missing    %s (%s): %s\n", means_name(i),
			       health->means[i].why_not[0] ? health->means[i].why_not
							   : "somebody removed it",
			       means_without(i));
}

/* What each of them may have been meant to be, `list` says. */
static void print_useless(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rules_count; i++)
		count += !policy->rules[i].is_everywhere && !policy->rules[i].ports_count;
	if (count)
		printf("  rules      %zu of %zu appl%s to nothing that runs now: `tidegate list` "
		       "says why\n",
		       count, policy->rules_count, count == 1 ? "ies" : "y");
}

static void print_head(const struct options *options, const struct health *health)
{
	const struct desired *desired = health->report.desired;

	printf("tidegate: %s\n", health->is_unreadable    ? "NOT IN ORDER"
				 : !health->is_loaded     ? "DOWN"
				 : health->is_audit       ? "AUDIT (nothing is dropped)"
				 : health->problems_count ? "NOT IN ORDER"
							  : "enforcing");
	for (size_t i = 0; i < health->problems_count; i++)
		printf("  problem    %s\n", health->problems[i]);
	if (health->trial_seconds_left)
		printf("  on trial   for %u s more: `tidegate confirm` keeps it\n",
		       health->trial_seconds_left);
	for (size_t i = 0; i < health->interfaces_count; i++)
		printf("  interface  %s: %s%s%s%s\n", health->interfaces[i].name,
		       hook_name(health->interfaces[i].hook),
		       health->interfaces[i].bridge ? ", port of " : "",
		       health->interfaces[i].bridge ?: "",
		       health->interfaces[i].is_attached ? "" : ", NOT ATTACHED");
	for (size_t i = 0; i < health->unguarded_count; i++)
		printf("%s%s (%s)%s", i ? ", " : "  unguarded  ", health->unguarded[i].name,
		       netdev_kind_text(&health->unguarded[i]),
		       i + 1 == health->unguarded_count ? "\n" : "");
	if (health->is_loaded)
		print_means(health);
	if (desired)
		printf("  docker     %s\n", docker_words[desired->docker_source]);
	if (desired)
		print_useless(desired->policy);
	printf("  daemon     %s\n",
	       health->is_daemon_running ? "running"
					 : "not running: later changes in Docker are not followed");
	printf("  config     %s\n", options->config);
}

static void print_reasons(const struct counters *totals)
{
	for (int drop = 0; drop <= 1; drop++) {
		const char *separator = "";

		printf("%s", drop ? "\ndropped: " : "passed:  ");
		for (enum reason reason = 1; reason < REASON_MAX; reason++) {
			if (reason_is_drop(reason) != drop || !totals->of[reason].packets)
				continue;
			printf("%s%s %llu", separator, reason_name(reason),
			       totals->of[reason].packets);
			separator = ", ";
		}
	}
	putchar('\n');
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void add_prefix(json_t *array, const struct prefix *prefix)
{
	char buf[PREFIX_STRLEN];

	json_array_append_new(array, json_string(prefix_format(prefix, buf)));
}

/* Prefixes, and sets by their names: what is in these is in the answer once, not for each port. */
static json_t *sources_json(const struct policy_rule *rule, const struct row *row,
			    const struct config *config)
{
	const struct statement *statement = config_find_line(config, rule->line);
	const struct sources resolved = sources_of(rule, row);
	json_t *array = json_array();

	if (!statement || !statement->sources_count)
		for (size_t i = 0; i < resolved.count; i++)
			add_prefix(array, &resolved.prefixes[i]);
	for (size_t i = 0; statement && i < statement->sources_count; i++) {
		const struct source *source = &statement->sources[i];

		if (source->set)
			json_array_append_new(array, json_string(source->set));
		else if (row->is_both || source->prefix.family == row->port->addr.family)
			add_prefix(array, &source->prefix);
	}
	return array;
}

static json_t *who_json(const struct row *row, const struct desired *desired)
{
	json_t *who = json_array();

	for (size_t i = 0; i < row->port->rules_count; i++) {
		const struct policy_rule *rule = &desired->policy->rules[row->port->rules[i]];

		if (sources_of(rule, row).count)
			json_array_append_new(who,
					      json_pack("{si sb so}", "rule", rule->number, "allow",
							rule->kind != STATEMENT_DENY, "sources",
							sources_json(rule, row, desired->config)));
	}
	return who;
}

static json_t *prefixes_json(const struct prefix *prefixes, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		add_prefix(array, &prefixes[i]);
	return array;
}

static json_t *sets_json(const struct desired *desired)
{
	json_t *sets = json_object();

	for (size_t i = 0; desired && i < desired->config->count; i++) {
		const struct statement *set = &desired->config->statements[i];
		json_t *members = json_array();

		for (size_t j = 0; j < set->sources_count; j++)
			add_prefix(members, &set->sources[j].prefix);
		if (set->kind == STATEMENT_SET && !set->set_file)
			json_object_set(sets, set->set, members);
		json_decref(members);
	}
	for (size_t i = 0; desired && i < desired->sets_count; i++)
		json_object_set_new(
			sets, desired->sets[i].name,
			prefixes_json(desired->sets[i].members, desired->sets[i].count));
	return sets;
}

static json_t *row_json(const struct row *row, const struct desired *desired)
{
	const struct policy_port *port = row->port;
	char address[PREFIX_STRLEN];

	return json_pack("{ss si si ss ss? si sb sb sb so s{sI sI} s{sI sI}}", "proto",
			 proto_name(port->proto), "port", port->lo, "port_last", port->hi,
			 "address", address_text(row, address), "container", port->container,
			 "container_port", port->container_port, "published",
			 port->origin == PORT_PUBLISHED, "running", !port->is_armed, "open",
			 !port->is_closed, "who", who_json(row, desired), "passed", "packets",
			 (json_int_t)row->passed.packets, "bytes", (json_int_t)row->passed.bytes,
			 "dropped", "packets", (json_int_t)row->dropped.packets, "bytes",
			 (json_int_t)row->dropped.bytes);
}

static json_t *reasons_json(const struct counters *totals)
{
	json_t *reasons = json_object();

	for (enum reason reason = 1; totals && reason < REASON_MAX; reason++)
		json_object_set_new(reasons, reason_name(reason),
				    json_integer(totals->of[reason].packets));
	return reasons;
}

static json_t *means_json(const struct health *health)
{
	json_t *means = json_array();

	for (enum means i = 0; health->is_loaded && i < MEANS_MAX; i++)
		json_array_append_new(means, json_pack("{ss sb ss}", "name", means_name(i),
						       "attached", health->means[i].is_attached,
						       "why_not", health->means[i].why_not));
	return means;
}

static void print_json(const struct counters *totals, const struct health *health,
		       const struct row *rows, size_t count)
{
	json_t *problems = json_array(), *interfaces = json_array(), *ports = json_array();
	json_t *unguarded = json_array();
	const struct desired *desired = health->report.desired;
	json_t *root, *value;
	const char *key;

	for (size_t i = 0; i < health->problems_count; i++)
		json_array_append_new(problems, json_string(health->problems[i]));
	for (size_t i = 0; i < health->interfaces_count; i++)
		json_array_append_new(
			interfaces, json_pack("{ss ss ss? sb}", "name", health->interfaces[i].name,
					      "hook", hook_name(health->interfaces[i].hook),
					      "bridge", health->interfaces[i].bridge, "attached",
					      health->interfaces[i].is_attached));
	for (size_t i = 0; i < health->unguarded_count; i++)
		json_array_append_new(unguarded, json_string(health->unguarded[i].name));
	for (size_t i = 0; i < count; i++)
		json_array_append_new(ports, row_json(&rows[i], desired));
	root = json_pack(
		"{sb sb si so so so so ss sb sI sI so so so}", "enforcing",
		health->is_loaded && !health->problems_count, "audit", health->is_audit,
		"trial_seconds_left", (int)health->trial_seconds_left, "problems", problems,
		"interfaces", interfaces, "unguarded", unguarded, "means", means_json(health),
		"docker", desired ? docker_words[desired->docker_source] : "unknown", "daemon",
		health->is_daemon_running, "generation", (json_int_t)health->header.generation,
		"reconciled_at", (json_int_t)health->state.reconciled_at, "ports", ports, "sets",
		sets_json(desired), "reasons", reasons_json(totals));
	json_object_foreach (root, key, value)
		cmd_json_add(key, json_incref(value));
	json_decref(root);
}

/* ---- the verb -------------------------------------------------------------------------- */

static int show(const struct options *options, struct kernel *kernel, const struct health *health)
{
	const struct policy *policy =
		health->report.desired ? health->report.desired->policy : NULL;
	_cleanup_(cmd_counted_clear) struct counted counted = {};
	size_t count = 0;
	struct row *rows _cleanup_free_ =
		calloc((policy ? policy->ports_count : 0) + 1, sizeof(*rows));
	int err = rows ? cmd_read_counted(kernel, &counted) : -ENOMEM;

	if (err < 0)
		return err;
	if (policy)
		count = make_rows(&counted, policy, rows);
	if (options->json) {
		print_json(counted.totals, health, rows, count);
	} else {
		print_head(options, health);
		if (counted.totals)
			print_reasons(counted.totals);
		putchar('\n');
		print_rows(rows, count);
		print_address_note(health, rows, count);
	}
	for (size_t i = 0; i < count; i++)
		free(rows[i].who);
	return 0;
}

int cmd_status(const struct options *options, int argc, char **argv)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(docker_freep) struct docker *docker = NULL;
	_cleanup_(health_clear) struct health health = {};
	_cleanup_free_ char *text = NULL, *unreadable = NULL;
	struct health_input input = { .pin_dir = options->pin_dir,
				      .config_path = options->config,
				      .sets_dir = SETS_DIR };
	int err;

	if (argc == 2 && streq(argv[1], "numbered"))
		return cmd_list(options, 1, argv);
	if (argc > 1)
		return cmd_usage(argv[0], "'%s': only `numbered` can follow", argv[1]);
	err = kernel_open(options->pin_dir, &kernel);
	if (err < 0 && err != -ENOENT && err != -EPROTO) {
		log_error(err, "%s", kernel_error());
		return CMD_FAILED;
	}
	if (err == -EPROTO)
		input.unreadable = unreadable = strdup(kernel_error()); /* of the last failure */
	else if (err == -ENOENT && kernel_has_strays(options->pin_dir))
		input.unreadable = "the filter is attached and enforces, but its pins are gone, "
				   "removed or hidden by a mount: `tidegate up` makes them again";
	if (cmd_read_config(options, kernel, &text) < 0 ||
	    cmd_open_docker(options, text, &docker, &input.is_docker_off) < 0)
		return CMD_FAILED;
	input.kernel = kernel;
	input.docker = docker;
	input.text = text;
	err = health_read(&input, &health);
	if (err == 0)
		err = show(options, kernel, &health);
	if (err < 0)
		return log_error(err, "cannot tell the status"), CMD_FAILED;
	return health.problems_count ? CMD_FAILED : CMD_DONE;
}
