/* SPDX-License-Identifier: GPL-2.0-only */
/* status_json.c: what `status` prints with --json. */
#include "map_values.h"
#include "reason.h"
#include "cli/status.h"

#include <jansson.h>

#include "cli/cmd_json.h"
#include "config/config.h"
#include "host/netdev.h"

static void add_prefix(json_t *array, const struct prefix *prefix)
{
	char buf[PREFIX_STRLEN];

	json_array_append_new(array, json_string(prefix_format(prefix, buf)));
}

/* Prefixes, and sets by their names: what is in these is in the answer once, not for each port. */
static json_t *sources_json(const struct policy_rule *rule, const struct view_row *row,
			    const struct config *config)
{
	const struct statement *statement = config_find_line(config, rule->line);
	const struct policy_row policy_row = view_policy_row(row);
	const struct policy_sources resolved = policy_sources_of(rule, &policy_row);
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

static json_t *who_json(const struct view_row *row, const struct desired *desired)
{
	const struct policy_row policy_row = view_policy_row(row);
	json_t *who = json_array();

	for (size_t i = 0; i < row->port->rules_count; i++) {
		const struct policy_rule *rule = &desired->policy->rules[row->port->rules[i]];

		if (policy_sources_of(rule, &policy_row).count)
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

static const char *set_state(const struct set_file *file)
{
	return file->is_unknown ? "unknown" : file->is_fresh ? "current" : "previous";
}

static json_t *set_files_json(const struct desired *desired)
{
	json_t *files = json_array();

	for (size_t i = 0; desired && i < desired->sets_count; i++) {
		const struct set_file *file = &desired->set_files[i];

		json_array_append_new(
			files,
			json_pack("{ss ss ss sI so}", "set", file->name, "file", file->path,
				  "state", set_state(file), "prefixes",
				  (json_int_t)desired->sets[i].count, "modified",
				  file->modified ? json_integer(file->modified) : json_null()));
	}
	return files;
}

static json_t *row_json(const struct view_row *row, const struct desired *desired)
{
	const struct policy_port *port = row->port;
	char address[PREFIX_STRLEN];

	return json_pack("{ss si si ss ss? si sb sb sb so s{sI sI} s{sI sI}}", "proto",
			 view_proto(row), "port", port->lo, "port_last", port->hi, "address",
			 view_address_text(row, address), "container", port->container,
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

static json_t *defenses_json(const struct health *health)
{
	json_t *defenses = json_array();

	for (enum defense i = 0; health->is_loaded && i < DEFENSE_MAX; i++)
		json_array_append_new(defenses,
				      json_pack("{ss sb ss}", "name", defense_name(i), "attached",
						health->defenses[i].is_attached, "reason",
						health->defenses[i].why_not));
	return defenses;
}

static json_t *texts_json(const struct problems *problems)
{
	json_t *texts = json_array();

	for (size_t i = 0; i < problems->count; i++)
		json_array_append_new(texts, json_string(problems->texts[i]));
	return texts;
}

static json_t *interfaces_json(const struct health *health)
{
	json_t *interfaces = json_array();

	for (size_t i = 0; i < health->interfaces_count; i++)
		json_array_append_new(
			interfaces, json_pack("{ss ss ss? sb}", "name", health->interfaces[i].name,
					      "hook", hook_name(health->interfaces[i].hook),
					      "bridge", health->interfaces[i].bridge, "attached",
					      health->interfaces[i].is_attached));
	return interfaces;
}

static json_t *unguarded_json(const struct health *health)
{
	json_t *unguarded = json_array();

	for (size_t i = 0; i < health->unguarded_count; i++)
		json_array_append_new(unguarded, json_string(health->unguarded[i].name));
	return unguarded;
}

static json_t *rows_json(const struct status *status)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < status->view.count; i++)
		json_array_append_new(
			rows, row_json(&status->view.rows[i], status->health->report.desired));
	return rows;
}

void status_print_json(const struct status *status)
{
	const struct health *health = status->health;

	cmd_json_add("enforcing", json_boolean(health->is_loaded && !health->problems.count));
	cmd_json_add("audit", json_boolean(health->is_audit));
	cmd_json_add("trial_seconds_left", json_integer(health->trial_seconds_left));
	cmd_json_add("problems", texts_json(&health->problems));
	cmd_json_add("notes", texts_json(&health->notes));
	cmd_json_add("interfaces", interfaces_json(health));
	cmd_json_add("unguarded", unguarded_json(health));
	cmd_json_add("defenses", defenses_json(health));
	cmd_json_add("proof", json_pack("{sI sI sI}", "packets", (json_int_t)health->proof.packets,
					"dropped", (json_int_t)health->proof.dropped, "wrong",
					(json_int_t)health->proof.wrong));
	cmd_json_add_text("docker", view_docker_word(status->health->report.desired));
	cmd_json_add("daemon", json_boolean(health->is_daemon_running));
	cmd_json_add("generation", json_integer((json_int_t)health->header.generation));
	cmd_json_add("reconciled_at", json_integer((json_int_t)health->state.reconciled_at));
	cmd_json_add("ports", rows_json(status));
	cmd_json_add("sets", sets_json(health->report.desired));
	cmd_json_add("set_files", set_files_json(health->report.desired));
	cmd_json_add("reasons", reasons_json(status->totals));
}
