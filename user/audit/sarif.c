/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sarif.c: an audit as a SARIF 2.1.0 log (OASIS), for what shows findings of scanners.  A result
 * for each row that is open, and one for each finding; a host has no files, so a result's place is
 * a logical location, and a file of that name, which GitHub asks for.
 */
#include "audit/render.h"

#include <jansson.h>

#include "audit/audit.h"
#include "audit/risk.h"
#include "base/cleanup.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static const char *level_name(enum audit_level level)
{
	return level == AUDIT_RISKY ? "error" : level == AUDIT_OPEN ? "warning" : "note";
}

static json_t *rule_json(const char *id, const char *text)
{
	return json_pack("{ss s{ss}}", "id", id, "shortDescription", "text", text);
}

static json_t *rules_json(void)
{
	json_t *rules = json_array();

	for (enum audit_kind kind = 0; kind < AUDIT_KIND_MAX; kind++) {
		char id[64], text[96];

		snprintf(id, sizeof(id), "open-%s", audit_kind_name(kind));
		snprintf(text, sizeof(text), "can be reached from outside: %s",
			 audit_kind_name(kind));
		json_array_append_new(rules, rule_json(id, text));
	}
	json_array_append_new(rules, rule_json("service", "a service that must not be open is"));
	for (size_t i = 0; i < risk_facts_count; i++)
		json_array_append_new(rules, rule_json(risk_facts[i].id, risk_facts[i].text));
	return rules;
}

static json_t *place_json(const char *name)
{
	json_t *logical = json_pack("[{ss ss}]", "fullyQualifiedName", name, "kind", "resource");
	json_t *physical = json_pack("{s{ss} s{si}}", "artifactLocation", "uri",
				     "etc/tidegate/tidegate.conf", "region", "startLine", 1);

	return json_pack("[{so so}]", "logicalLocations", logical, "physicalLocation", physical);
}

static json_t *result_json(const char *id, enum audit_level level, const char *text,
			   const char *where)
{
	return json_pack("{ss ss s{ss} so}", "ruleId", id, "level", level_name(level), "message",
			 "text", text, "locations", place_json(where));
}

static json_t *row_json(const struct audit_row *row)
{
	char id[64], port[AUDIT_TEXT], bound[AUDIT_TEXT], target[AUDIT_TEXT], risk[AUDIT_TEXT],
		text[1024], where[2 * AUDIT_TEXT];

	audit_port_text(row, port);
	audit_bound_text(row, bound);
	audit_target_text(row, target);
	audit_risk_text(row, risk);
	snprintf(id, sizeof(id), "open-%s", audit_kind_name(row->kind));
	snprintf(where, sizeof(where), "%s on %s", port, bound);
	snprintf(text, sizeof(text), "%s on %s leads to %s and is reached by %s (%s)%s%s%s%s", port,
		 bound, target, row->reached_by, risk, row->is_belied ? ", although " : "",
		 row->is_belied ? row->firewall : "", row->fix[0] ? ". Fix: " : "", row->fix);
	return result_json(id, row->level, text, where);
}

json_t *render_sarif(const struct audit_result *audit)
{
	json_t *results = json_array();

	for (size_t i = 0; i < audit->rows_count; i++)
		if (audit->rows[i].level >= AUDIT_OPEN)
			json_array_append_new(results, row_json(&audit->rows[i]));
	for (size_t i = 0; i < audit->findings_count; i++) {
		const struct audit_finding *finding = &audit->findings[i];
		char text[512];

		snprintf(text, sizeof(text), "%s: %s", finding->subject, finding->text);
		json_array_append_new(
			results,
			result_json(finding->id,
				    finding->level == AUDIT_RISKY ? AUDIT_RISKY : AUDIT_LIMITED,
				    text, finding->subject));
	}
	return json_pack("{ss ss s[{s{s{ss ss so}} so s[{sb ss}]}]}", "$schema", SCHEMA, "version",
			 "2.1.0", "runs", "tool", "driver", "name", "tidegate", "version", VERSION,
			 "rules", rules_json(), "results", results, "invocations",
			 "executionSuccessful", 1, "endTimeUtc", audit->time);
}
