/* SPDX-License-Identifier: GPL-2.0-only */
/* audit.c: rows, put together and judged; and their words. */
#include "audit/audit.h"

#include <errno.h>

#include "audit/firewall.h"
#include "audit/judge.h"
#include "audit/risk.h"
#include "base/cleanup.h"
#include "base/proto.h"
#include "docker/docker.h"

/* ---- risk ------------------------------------------------------------------------------------ */

static int find(struct audit_result *audit, const struct audit_finding *finding)
{
	struct audit_finding *added;

	for (size_t i = 0; i < audit->findings_count; i++)
		if (streq(audit->findings[i].id, finding->id) &&
		    streq(audit->findings[i].subject, finding->subject))
			return 0;
	added = util_append(&audit->findings, audit->findings_count, sizeof(*added));
	if (!added)
		return -ENOMEM;
	audit->findings_count++;
	*added = *finding;
	return 0;
}

static int judge_service(struct audit_result *audit, struct audit_row *row)
{
	bool is_api = row->kind == AUDIT_ENGINE;
	const struct risk_service *service =
		risk_service(row->facts ? row->facts->image : NULL, is_api ? 2375 : row->port);
	struct audit_finding finding = { .level = AUDIT_RISKY, .id = "service" };

	if (!service || row->kind == AUDIT_HOST)
		return 0;
	row->service = service->kind;
	if (row->level != AUDIT_OPEN)
		return 0;
	row->level = AUDIT_RISKY;
	snprintf(finding.subject, sizeof(finding.subject), "%s", row->target);
	snprintf(finding.text, sizeof(finding.text), "%s", service->why);
	return find(audit, &finding);
}

/* Who is in a container that nobody reaches is nobody's concern here. */
static int judge_container(struct audit_result *audit, struct audit_row *row)
{
	bool is_open = row->level >= AUDIT_OPEN;
	int err = 0;

	for (size_t i = 0; row->facts && row->level > AUDIT_CLOSED && !err && i < risk_facts_count;
	     i++) {
		struct audit_finding finding = {
			.level = risk_facts[i].is_severe ? AUDIT_RISKY : AUDIT_OPEN,
			.id = risk_facts[i].id,
		};

		if (!risk_facts[i].is_so(row->facts))
			continue;
		if (is_open && risk_facts[i].is_severe)
			row->level = AUDIT_RISKY;
		snprintf(finding.subject, sizeof(finding.subject), "%s", row->target);
		snprintf(finding.text, sizeof(finding.text), "%s", risk_facts[i].text);
		err = find(audit, &finding);
	}
	return err;
}

static void ask_firewall(const struct judging *judging, struct audit_row *row)
{
	const struct firewall *firewall = judging->input->firewall;
	struct firewall_question question = { row->proto, row->lo, row->addr };
	const char *word = row->lo && row->kind != AUDIT_DIRECT && row->kind != AUDIT_LOOPBACK
				   ? firewall_says(firewall, &question)
				   : NULL;

	if (!word)
		return;
	snprintf(row->firewall, sizeof(row->firewall), "%s: %s", firewall->name, word);
	/* What a process of the host listens on is the firewall's to close. */
	row->is_belied = firewall_is_closed(word) && row->level >= AUDIT_OPEN &&
			 (row->kind == AUDIT_PUBLISHED || row->kind == AUDIT_INGRESS);
}

static int judge_row(const struct judging *judging, struct audit_row *row)
{
	int err = judge_service(judging->audit, row);

	if (!err)
		err = judge_container(judging->audit, row);
	ask_firewall(judging, row);
	judge_fix(judging, row);
	return err;
}

/* ---- all of them -------------------------------------------------------------------------- */

static int compare_rows(const void *a_, const void *b_)
{
	const struct audit_row *a = a_, *b = b_;

	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	return prefix_compare(&a->addr, &b->addr) ?: strcmp(a->target, b->target)
	       ?: strcmp(a->interface, b->interface);
}

static int compare_findings(const void *a_, const void *b_)
{
	const struct audit_finding *a = a_, *b = b_;

	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	return strcmp(a->id, b->id) ?: strcmp(a->subject, b->subject);
}

static void keep_reached(struct judging *judging)
{
	struct audit_result *audit = judging->audit;
	size_t kept = 0;

	for (size_t i = 0; i < audit->rows_count; i++) {
		if (judge_is_reached(judging, &audit->rows[i]))
			audit->rows[kept++] = audit->rows[i];
		else
			free(audit->rows[i].reached_by);
	}
	audit->hidden = audit->rows_count - kept;
	audit->rows_count = kept;
}

int audit_judge(const struct audit_input *input, struct audit_result *ret)
{
	struct judging judging = { input, ret };
	int err;

	ret->is_enforced = input->policy != NULL;
	if (input->from)
		memcpy(ret->from, input->from->name, sizeof(ret->from));
	err = judge_containers(&judging);
	if (!err)
		err = judge_listeners(&judging);
	if (!err)
		err = judge_interfaces(&judging);
	if (err)
		return err;
	keep_reached(&judging);
	for (size_t i = 0; !err && i < ret->rows_count; i++)
		err = judge_row(&judging, &ret->rows[i]);
	if (ret->rows_count)
		qsort(ret->rows, ret->rows_count, sizeof(*ret->rows), compare_rows);
	if (ret->findings_count)
		qsort(ret->findings, ret->findings_count, sizeof(*ret->findings), compare_findings);
	return err;
}

void audit_clear(struct audit_result *audit)
{
	for (size_t i = 0; i < audit->rows_count; i++)
		free(audit->rows[i].reached_by);
	free(audit->rows);
	free(audit->findings);
	free(audit->cuts);
	docker_facts_free(audit->facts, audit->facts_count);
	*audit = (struct audit_result){};
}

enum audit_level audit_worst(const struct audit_result *audit)
{
	return audit->rows_count ? audit->rows[0].level : AUDIT_CLOSED;
}
