/* SPDX-License-Identifier: GPL-2.0-only */
/* table.c: an audit for a terminal. */
#include "audit/render.h"

#include "audit/audit.h"
#include "base/cleanup.h"
#include "base/proto.h"
#include "base/table.h"

#define COLUMNS 7

static void put_rows(const struct audit_result *audit, FILE *out)
{
	static const char *const heading[COLUMNS] = { "PORT",       "BOUND",         "LEADS TO",
						      "REACHED BY", "FIREWALL SAYS", "RISK",
						      "FIX" };
	_cleanup_(table_clear) struct table table = { .columns = COLUMNS };

	(void)table_add(&table, heading);
	for (size_t i = 0; i < audit->rows_count; i++) {
		const struct audit_row *row = &audit->rows[i];
		char port[AUDIT_TEXT], bound[AUDIT_TEXT], target[AUDIT_TEXT], says[AUDIT_TEXT],
			risk[AUDIT_TEXT];
		const char *texts[COLUMNS] = {
			port,
			bound,
			target,
			row->reached_by,
			says,
			risk,
			row->fix[0] ? row->fix : "-",
		};

		audit_port_text(row, port);
		audit_bound_text(row, bound);
		audit_target_text(row, target);
		audit_firewall_text(row, says);
		audit_risk_text(row, risk);
		(void)table_add(&table, texts);
	}
	table_print_within(&table, out, 0);
}

#define SHOWN_SUBJECTS 5

/* What is so of several containers is one line: "note   cache, web: runs as root".  Returns how
 * many findings it tells. */
static size_t put_finding(const struct audit_result *audit, size_t first, FILE *out)
{
	const struct audit_finding *finding = &audit->findings[first];
	size_t count = 0;

	while (first + count < audit->findings_count && streq(finding[count].text, finding->text) &&
	       finding[count].level == finding->level)
		count++;
	fputs(finding->level == AUDIT_RISKY ? "risky  " : "note   ", out);
	for (size_t i = 0; i < count && i < SHOWN_SUBJECTS; i++)
		fprintf(out, "%s%s", i ? ", " : "", finding[i].subject);
	if (count > SHOWN_SUBJECTS)
		fprintf(out, " and %zu more", count - SHOWN_SUBJECTS);
	fprintf(out, ": %s\n", finding->text);
	return count;
}

static void put_findings(const struct audit_result *audit, FILE *out)
{
	size_t at = 0;

	while (at < audit->findings_count &&
	       (!audit->is_brief || audit->findings[at].level == AUDIT_RISKY))
		at += put_finding(audit, at, out);
	if (at < audit->findings_count)
		fprintf(out, "note   %zu more on how containers run: --verbose shows them\n",
			audit->findings_count - at);
}

static void put_cuts(const struct audit_result *audit, FILE *out)
{
	for (size_t i = 0; i < audit->cuts_count; i++) {
		const struct audit_cut *cut = &audit->cuts[i];
		char from[PREFIX_STRLEN];

		fprintf(out, "cut    %s, which is connected to %u/%s now\n",
			prefix_format(&cut->saddr, from), cut->port, proto_name(cut->proto));
	}
	if (audit->is_would && !audit->cuts_count)
		fputs("nobody who is connected now would be cut off\n", out);
}

void render_table(const struct audit_result *audit, FILE *out)
{
	char summary[AUDIT_TEXT];

	if (audit->rows_count)
		put_rows(audit, out);
	else if (audit->from[0])
		fprintf(out, "nothing here is reached by %s\n", audit->from);
	else
		fputs("nothing here can be reached\n", out);
	put_cuts(audit, out);
	put_findings(audit, out);
	audit_summary_text(audit, summary);
	fprintf(out, "%s; %s\n", summary, audit_basis_text(audit));
	fputs(AUDIT_BLIND "\n", out);
}
