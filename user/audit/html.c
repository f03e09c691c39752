/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * html.c: an audit as one page without script, without anything from elsewhere.  On a narrow screen
 * each row becomes a card: the headings are then in front of the cells, from data-label.
 */
#include "audit/render.h"

#include "audit/audit.h"
#include "base/cleanup.h"

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" "
	"content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n";

static const char style[] =
	"<style>\n"
	":root { --ground: #fff; --text: #1b1f24; --soft: #57606a; --line: #d0d7de; --card: "
	"#f6f8fa;\n"
	"\t--risky: #b3121d; --open: #8a4b00; --limited: #0b57a4; --closed: #1a6e35 }\n"
	"@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --text: #e6edf3;\n"
	"\t--soft: #9aa4ae; --line: #30363d; --card: #161b22; --risky: #ff8078; --open: #f0b35c;\n"
	"\t--limited: #79b8ff; --closed: #5fd07e } }\n"
	"* { box-sizing: border-box }\n"
	"body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--ground);\n"
	"\tcolor: var(--text); font: 1rem/1.5 system-ui, sans-serif }\n"
	"h1 { font-size: 1.35rem; margin: 0 0 .25rem; overflow-wrap: anywhere }\n"
	"p { margin: .25rem 0 1rem } .soft { color: var(--soft); font-size: .9rem }\n"
	".sum { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 1rem 0; "
	"list-style: none }\n"
	".sum li { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .8rem;\n"
	"\tbackground: var(--card) } .sum b { font-size: 1.3rem; margin-right: .3rem }\n"
	"table { border-collapse: collapse; width: 100%; font-size: .95rem }\n"
	"th { text-align: left; font-size: .75rem; color: var(--soft); text-transform: uppercase "
	"}\n"
	"th, td { padding: .5rem .6rem; border-bottom: 1px solid var(--line); vertical-align: "
	"top;\n"
	"\toverflow-wrap: anywhere }\n"
	"td:nth-child(-n+2) { overflow-wrap: break-word } li { overflow-wrap: anywhere }\n"
	"h2 { font-size: 1.1rem } h2 + ul { padding-left: 1.1rem }\n"
	"code { font: .85rem/1.4 ui-monospace, monospace; background: var(--card); padding: .1rem "
	".3rem;\n"
	"\tborder-radius: .25rem; user-select: all }\n"
	".risky { color: var(--risky); font-weight: 700 } .open { color: var(--open); font-weight: "
	"700 }\n"
	".limited { color: var(--limited) } .closed { color: var(--closed) }\n"
	".belied { color: var(--risky); font-weight: 700 }\n"
	"@media (max-width: 48rem) {\n"
	"\t.sum { gap: .3rem } .sum li { padding: .3rem .45rem } td:first-child span { "
	"font-weight: "
	"700 }\n"
	"\tthead { display: none } table, tbody, tr, td { display: block }\n"
	"\ttr { border: 1px solid var(--line); border-radius: .5rem; background: var(--card);\n"
	"\t\tmargin-bottom: .8rem; padding: .3rem .2rem }\n"
	"\ttd { border: 0; padding: .2rem .6rem; display: grid; grid-template-columns: 7.5rem 1fr "
	"}\n"
	"\ttd::before { content: attr(data-label); color: var(--soft); font-size: .8rem }\n"
	"\tcode { background: var(--ground) } }\n"
	"</style>\n</head>\n<body>\n";

static void put(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else
			fputc(*text, out);
	}
}

static void put_cell(FILE *out, const char *label, const char *class, const char *text)
{
	fprintf(out, "<td data-label=\"%s\"><span class=\"%s\">", label, class);
	put(out, text);
	fputs("</span></td>", out);
}

static void put_row(FILE *out, const struct audit_row *row)
{
	char text[AUDIT_TEXT];

	fputs("<tr>", out);
	audit_port_text(row, text);
	put_cell(out, "Port", "", text);
	audit_bound_text(row, text);
	put_cell(out, "Bound", "", text);
	audit_target_text(row, text);
	put_cell(out, "Leads to", "", text);
	put_cell(out, "Reached by", "", row->reached_by);
	audit_firewall_text(row, text);
	put_cell(out, "Firewall says", row->is_belied ? "belied" : "", text);
	audit_risk_text(row, text);
	put_cell(out, "Risk", audit_level_name(row->level), text);
	fputs("<td data-label=\"Fix\">", out);
	fputs(row->fix[0] ? "<code>" : "<span>-", out);
	put(out, row->fix);
	fputs(row->fix[0] ? "</code></td></tr>\n" : "</span></td></tr>\n", out);
}

static void put_summary(FILE *out, const struct audit_result *audit)
{
	fputs("<ul class=\"sum\">", out);
	for (enum audit_level level = AUDIT_RISKY + 1; level-- > AUDIT_CLOSED;) {
		size_t count = 0;

		for (size_t i = 0; i < audit->rows_count; i++)
			count += audit->rows[i].level == level;
		fprintf(out, "<li class=\"%s\"><b>%zu</b>%s</li>", audit_level_name(level), count,
			audit_level_name(level));
	}
	fputs("</ul>\n", out);
}

static void put_rows(FILE *out, const struct audit_result *audit)
{
	fputs("<table>\n<thead><tr><th>Port</th><th>Bound</th><th>Leads to</th>"
	      "<th>Reached by</th><th>Firewall says</th><th>Risk</th><th>Fix</th></tr></thead>\n"
	      "<tbody>\n",
	      out);
	for (size_t i = 0; i < audit->rows_count; i++)
		put_row(out, &audit->rows[i]);
	fputs("</tbody>\n</table>\n", out);
}

static void put_findings(FILE *out, const struct audit_result *audit)
{
	fputs("<h2>Why</h2>\n<ul>\n", out);
	for (size_t i = 0; i < audit->findings_count; i++) {
		const struct audit_finding *finding = &audit->findings[i];

		fprintf(out, "<li><span class=\"%s\">",
			finding->level == AUDIT_RISKY ? "risky" : "soft");
		put(out, finding->subject);
		fputs("</span>: ", out);
		put(out, finding->text);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

void render_html(const struct audit_result *audit, FILE *out)
{
	fputs(head, out);
	fputs("<title>What is open on ", out);
	put(out, audit->host);
	fputs("</title>\n", out);
	fputs(style, out);
	fputs("<h1>What is open on ", out);
	put(out, audit->host);
	fprintf(out, "</h1>\n<p class=\"soft\">%s; %s", audit->time, audit_basis_text(audit));
	if (audit->from[0])
		fprintf(out, "; only what %s reaches", audit->from);
	fputs("</p>\n", out);
	put_summary(out, audit);
	put_rows(out, audit);
	if (audit->findings_count)
		put_findings(out, audit);
	fputs("<p class=\"soft\">" AUDIT_BLIND ".</p>\n</body>\n</html>\n", out);
}
