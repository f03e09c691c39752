/* SPDX-License-Identifier: GPL-2.0-only */
/* render.h: an audit as text.  Pure: to any file. */
#ifndef TIDEGATE_AUDIT_RENDER_H
#define TIDEGATE_AUDIT_RENDER_H

#include <stdio.h>

struct audit_result;
struct json_t;

void render_table(const struct audit_result *audit, FILE *out);
void render_markdown(const struct audit_result *audit, FILE *out);
void render_html(const struct audit_result *audit, FILE *out);

/* What --json prints (dist/schema/audit.schema.json), and a SARIF 2.1.0 log.  The caller's; NULL =
 * no memory. */
struct json_t *render_json(const struct audit_result *audit);
struct json_t *render_sarif(const struct audit_result *audit);

#endif
