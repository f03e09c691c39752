/* SPDX-License-Identifier: GPL-2.0-only */
/* json.c: an audit as dist/schema/audit.schema.json has it. */
#include "audit/render.h"

#include <jansson.h>

#include "audit/audit.h"
#include "base/proto.h"
#include "docker/docker.h"

#define VERSION_OF_SCHEMA 1

static json_t *text_or_null(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

static json_t *row_json(const struct audit_row *row)
{
	char bound[AUDIT_TEXT], target[AUDIT_TEXT];

	audit_bound_text(row, bound);
	audit_target_text(row, target);
	return json_pack("{ss ss so si si ss ss so ss so sb so so}", "kind",
			 audit_kind_name(row->kind), "level", audit_level_name(row->level),
			 "protocol", row->proto ? json_string(proto_name(row->proto)) : json_null(),
			 "first_port", row->lo, "last_port", row->hi, "bound", bound, "leads_to",
			 target, "image", text_or_null(row->facts ? row->facts->image : NULL),
			 "reached_by", row->reached_by, "firewall", text_or_null(row->firewall),
			 "firewall_is_wrong", row->is_belied, "service", text_or_null(row->service),
			 "fix", text_or_null(row->fix));
}

static json_t *finding_json(const struct audit_finding *finding)
{
	return json_pack("{ss ss ss ss}", "id", finding->id, "severity",
			 finding->level == AUDIT_RISKY ? "risky" : "note", "subject",
			 finding->subject, "why", finding->text);
}

static json_t *cuts_json(const struct audit_result *audit)
{
	json_t *cuts = json_array();
	char from[PREFIX_STRLEN];

	for (size_t i = 0; i < audit->cuts_count; i++)
		json_array_append_new(cuts, json_pack("{ss ss si}", "source",
						      prefix_format(&audit->cuts[i].saddr, from),
						      "protocol", proto_name(audit->cuts[i].proto),
						      "port", audit->cuts[i].port));
	return cuts;
}

json_t *render_json(const struct audit_result *audit)
{
	json_t *rows = json_array(), *findings = json_array();

	for (size_t i = 0; i < audit->rows_count; i++)
		json_array_append_new(rows, row_json(&audit->rows[i]));
	for (size_t i = 0; i < audit->findings_count; i++)
		json_array_append_new(findings, finding_json(&audit->findings[i]));
	return json_pack("{si ss ss sb sb so so so so ss}", "schema", VERSION_OF_SCHEMA, "host",
			 audit->host, "time", audit->time, "enforced", audit->is_enforced, "would",
			 audit->is_would, "cut", cuts_json(audit), "from",
			 text_or_null(audit->from), "rows", rows, "findings", findings, "not_seen",
			 AUDIT_BLIND);
}
