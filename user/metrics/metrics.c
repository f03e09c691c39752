/* SPDX-License-Identifier: GPL-2.0-only */
/* metrics.c: the state of the filter and of the policy, and what each reason counted.  See
 * metrics.h.
 */
#include "metrics/metrics.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "engine/health.h"
#include "metrics/counts.h"
#include "metrics/exposition.h"
#include "policy/policy.h"
#include "reason.h"

static void put_one(FILE *out, const char *name, const char *help, unsigned long long value)
{
	exposition_describe(out, name, "gauge", help);
	exposition_put(out, name, NULL, value);
}

/* ---- the filter ------------------------------------------------------------------------- */

/* Something is out of step with less than this: that is a problem, and counted as one. */
static bool is_enforcing(const struct health *health)
{
	if (!health->is_loaded || health->is_unreadable || health->is_audit ||
	    !health->header.generation || !health->interfaces_count || health->proof.wrong)
		return false;
	for (size_t i = 0; i < health->interfaces_count; i++)
		if (!health->interfaces[i].is_attached)
			return false;
	return true;
}

static void put_build(FILE *out)
{
	char layout[12];
	const struct exposition_label labels[] = { { "version", VERSION },
						   { "layout", layout },
						   {} };

	snprintf(layout, sizeof(layout), "%d", DATAPATH_ABI);
	exposition_describe(out, "tidegate_build_info", "gauge",
			    "Version of the program that answers, and layout of its maps.");
	exposition_put(out, "tidegate_build_info", labels, 1);
}

static void put_state(FILE *out, const struct health *health)
{
	put_one(out, "tidegate_up", "Whether the filter is loaded.", health && health->is_loaded);
	put_one(out, "tidegate_enforcing",
		"Whether a policy drops packets on every interface that has the filter.",
		health && is_enforcing(health));
	put_one(out, "tidegate_problems",
		"What keeps `tidegate status` from being green, how many things.",
		health ? health->problems.count : 1);
	put_one(out, "tidegate_audit_mode", "Whether the filter counts and drops nothing.",
		health && health->is_audit);
	put_one(out, "tidegate_trial_seconds_left",
		"Seconds until the policy rolls back unless it is confirmed; 0: none is on trial.",
		health ? health->trial_seconds_left : 0);
	put_one(out, "tidegate_daemon_up", "Whether `tidegate run` is running and does not hang.",
		health && health->is_daemon_running && !health->daemon_silent_ms);
}

static void put_docker(FILE *out, const struct health *health)
{
	const struct desired *desired = health ? health->report.desired : NULL;

	if (desired && desired->docker_source == DOCKER_OFF)
		return;
	put_one(out, "tidegate_docker_in_step",
		"Whether Docker answers and the active policy is what it and the configuration ask "
		"for.",
		desired && desired->docker_source == DOCKER_FRESH && health->is_loaded &&
			!health->report.is_changed);
}

static void put_interfaces(FILE *out, const struct health *health)
{
	exposition_describe(out, "tidegate_interface_attached", "gauge",
			    "Whether the filter is attached to the interface, at that hook.");
	for (size_t i = 0; i < health->interfaces_count; i++) {
		const struct health_interface *interface = &health->interfaces[i];
		const struct exposition_label labels[] = { { "interface", interface->name },
							   { "hook", hook_name(interface->hook) },
							   {} };

		exposition_put(out, "tidegate_interface_attached", labels, interface->is_attached);
	}
	put_one(out, "tidegate_interfaces_unguarded",
		"Interfaces that are up and by which packets reach this host unfiltered.",
		health->unguarded_count);
}

static void put_defenses(FILE *out, const struct health *health)
{
	exposition_describe(out, "tidegate_defense_attached", "gauge",
			    "Whether the optional program is attached.");
	for (enum defense i = 0; health->is_loaded && i < DEFENSE_MAX; i++)
		exposition_put(
			out, "tidegate_defense_attached",
			(const struct exposition_label[]){ { "defense", defense_name(i) }, {} },
			health->defenses[i].is_attached);
}

/* ---- the policy ------------------------------------------------------------------------- */

static void put_image(FILE *out, const struct health *health)
{
	const struct image_header *header = &health->header;
	char digest[33];

	if (!header->generation)
		return;
	snprintf(digest, sizeof(digest), "%016" PRIx64 "%016" PRIx64, (uint64_t)header->digest[0],
		 (uint64_t)header->digest[1]);
	exposition_describe(out, "tidegate_policy_info", "gauge",
			    "Digest of the active policy; another one means another policy.");
	exposition_put(out, "tidegate_policy_info",
		       (const struct exposition_label[]){ { "digest", digest }, {} }, 1);
	put_one(out, "tidegate_policy_generation", "Number of the active policy since the load.",
		header->generation);
	put_one(out, "tidegate_policy_built_timestamp_seconds", "When the active policy was made.",
		header->built_at);
	put_one(out, "tidegate_policy_reconciled_timestamp_seconds",
		"When it was last compared with Docker and the configuration.",
		health->state.reconciled_at);
	put_one(out, "tidegate_image_bytes", "Size of the active policy in the kernel.",
		header->size);
}

static size_t count_set(const struct desired *active, const struct statement *set)
{
	for (size_t i = 0; i < active->sets_count; i++)
		if (streq(active->sets[i].name, set->set))
			return active->sets[i].count;
	return set->sources_count;
}

static void put_sets(FILE *out, const struct desired *active)
{
	exposition_describe(out, "tidegate_set_prefixes", "gauge", "Prefixes in the set.");
	for (size_t i = 0; i < active->config->count; i++) {
		const struct statement *set = &active->config->statements[i];

		if (set->kind == STATEMENT_SET)
			exposition_put(out, "tidegate_set_prefixes",
				       (const struct exposition_label[]){ { "set", set->set }, {} },
				       count_set(active, set));
	}
	exposition_describe(out, "tidegate_set_changed_timestamp_seconds", "gauge",
			    "When the set's file was last changed.");
	for (size_t i = 0; i < active->sets_count; i++) {
		const struct exposition_label labels[] = { { "set", active->sets[i].name }, {} };
		struct stat file;

		if (active->set_files[i].path && stat(active->set_files[i].path, &file) == 0)
			exposition_put(out, "tidegate_set_changed_timestamp_seconds", labels,
				       file.st_mtime);
	}
}

static void put_policy(FILE *out, const struct desired *active)
{
	put_one(out, "tidegate_policy_ports", "Guarded ports, each address family.",
		active->policy->ports_count);
	put_one(out, "tidegate_policy_rules", "Rules of the active policy.",
		policy_count_rules(active->policy));
	put_sets(out, active);
}

void metrics_print(FILE *out, const struct metrics *metrics)
{
	const struct health *health = metrics->health;

	put_build(out);
	put_state(out, health);
	put_docker(out, health);
	if (health) {
		put_interfaces(out, health);
		put_defenses(out, health);
		put_image(out, health);
	}
	if (metrics->active)
		put_policy(out, metrics->active);
	if (metrics->totals)
		counts_put(out, metrics);
}
