/* SPDX-License-Identifier: GPL-2.0-only */
/* markdown.c: an audit for an issue, a chat or a wiki: tables as GitHub has them. */
#include "audit/render.h"

#include "audit/audit.h"
#include "base/cleanup.h"

/* Names are printable ASCII, and may hold what makes a table or a link. */
static void put(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\`*_[]<>|", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void put_cell(FILE *out, const char *text)
{
	fputs(" ", out);
	put(out, text);
	fputs(" |", out);
}

static void put_row(FILE *out, const struct audit_row *row)
{
	static void (*const texts[])(const struct audit_row *, char *) = {
		audit_port_text,     audit_bound_text, audit_target_text, NULL,
		audit_firewall_text, audit_risk_text,
	};
	char text[AUDIT_TEXT];

	fputs("|", out);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i])
			texts[i](row, text);
		put_cell(out, texts[i] ? text : row->reached_by);
	}
	/* A command has none of the three that end a code span or a cell. */
	if (row->fix[0])
		fprintf(out, " `%s` |\n", row->fix);
	else
		fputs(" - |\n", out);
}

void render_markdown(const struct audit_result *audit, FILE *out)
{
	char summary[AUDIT_TEXT];

	audit_summary_text(audit, summary);
	fputs("# What is open on ", out);
	put(out, audit->host);
	fprintf(out, "\n\n**%s** (%s); %s.\n\n", summary, audit->time, audit_basis_text(audit));
	if (audit->from[0])
		fprintf(out, "Only what `%s` reaches.\n\n", audit->from);
	fputs("| PORT | BOUND | LEADS TO | REACHED BY | FIREWALL SAYS | RISK | FIX |\n"
	      "|---|---|---|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < audit->rows_count; i++)
		put_row(out, &audit->rows[i]);
	fputs("\n", out);
	for (size_t i = 0; i < audit->findings_count; i++) {
		const struct audit_finding *finding = &audit->findings[i];

		fprintf(out, "- %s", finding->level == AUDIT_RISKY ? "**risky:** " : "");
		put(out, finding->subject);
		fputs(": ", out);
		put(out, finding->text);
		fputs("\n", out);
	}
	fputs("\n" AUDIT_BLIND "\n", out);
}
