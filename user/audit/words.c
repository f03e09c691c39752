/* SPDX-License-Identifier: GPL-2.0-only */
/* words.c: a row in words, the same in every format. */
#include "audit/audit.h"

#include "base/cleanup.h"
#include "base/proto.h"

static const char *const kinds[AUDIT_KIND_MAX] = {
	[AUDIT_PUBLISHED] = "published",   [AUDIT_LOOPBACK] = "published-on-loopback",
	[AUDIT_INGRESS] = "swarm-ingress", [AUDIT_DIRECT] = "container-address",
	[AUDIT_SHARED] = "host-network",   [AUDIT_ENGINE] = "docker-api",
	[AUDIT_HOST] = "host-port",        [AUDIT_INTERFACE] = "interface",
};

const char *audit_kind_name(enum audit_kind kind)
{
	return kinds[kind];
}

const char *audit_level_name(enum audit_level level)
{
	static const char *const names[] = { [AUDIT_CLOSED] = "closed",
					     [AUDIT_LIMITED] = "limited",
					     [AUDIT_OPEN] = "open",
					     [AUDIT_RISKY] = "risky" };

	return names[level];
}

void audit_port_text(const struct audit_row *row, char ret[static AUDIT_TEXT])
{
	if (!row->lo)
		snprintf(ret, AUDIT_TEXT, "any");
	else if (row->lo == row->hi)
		snprintf(ret, AUDIT_TEXT, "%u/%s", row->lo, proto_name(row->proto));
	else
		snprintf(ret, AUDIT_TEXT, "%u-%u/%s", row->lo, row->hi, proto_name(row->proto));
}

void audit_bound_text(const struct audit_row *row, char ret[static AUDIT_TEXT])
{
	char addr[PREFIX_STRLEN];

	if (row->kind == AUDIT_INTERFACE)
		snprintf(ret, AUDIT_TEXT, "%s", row->interface);
	else if (row->is_both)
		snprintf(ret, AUDIT_TEXT, "any");
	else if (!row->addr.length)
		snprintf(ret, AUDIT_TEXT, "%s", row->addr.family == 4 ? "0.0.0.0" : "::");
	else
		snprintf(ret, AUDIT_TEXT, "%s", prefix_format(&row->addr, addr));
}

void audit_target_text(const struct audit_row *row, char ret[static AUDIT_TEXT])
{
	const char *target = row->target[0] ? row->target : "?";

	switch (row->kind) {
	case AUDIT_INTERFACE:
		snprintf(ret, AUDIT_TEXT, "every port");
		break;
	case AUDIT_ENGINE:
		snprintf(ret, AUDIT_TEXT, "the Docker API");
		break;
	case AUDIT_SHARED:
		snprintf(ret, AUDIT_TEXT, "%s (host network)", target);
		break;
	case AUDIT_HOST:
		snprintf(ret, AUDIT_TEXT, "%s (host)", target);
		break;
	default:
		if (row->port)
			snprintf(ret, AUDIT_TEXT, "%s:%u", target, row->port);
		else
			snprintf(ret, AUDIT_TEXT, "%s", target);
	}
}

/* "ufw: deny — open" is what people do not know. */
void audit_firewall_text(const struct audit_row *row, char ret[static AUDIT_TEXT])
{
	snprintf(ret, AUDIT_TEXT, "%s%s", row->firewall[0] ? row->firewall : "-",
		 row->is_belied ? " — open" : "");
}

void audit_risk_text(const struct audit_row *row, char ret[static AUDIT_TEXT])
{
	if (row->kind == AUDIT_INTERFACE)
		snprintf(ret, AUDIT_TEXT, "not guarded");
	else if (row->service)
		snprintf(ret, AUDIT_TEXT, "%s: %s", audit_level_name(row->level), row->service);
	else
		snprintf(ret, AUDIT_TEXT, "%s", audit_level_name(row->level));
}

static size_t count(const struct audit_result *audit, enum audit_level level)
{
	size_t found = 0;

	for (size_t i = 0; i < audit->rows_count; i++)
		found += audit->rows[i].level == level;
	return found;
}

void audit_summary_text(const struct audit_result *audit, char ret[static AUDIT_TEXT])
{
	snprintf(ret, AUDIT_TEXT, "%zu risky, %zu open, %zu limited, %zu closed",
		 count(audit, AUDIT_RISKY), count(audit, AUDIT_OPEN), count(audit, AUDIT_LIMITED),
		 count(audit, AUDIT_CLOSED));
}

const char *audit_basis_text(const struct audit_result *audit)
{
	if (audit->is_would)
		return "this is what `tidegate up` would make of it; nothing was changed";
	if (audit->is_enforced)
		return "who reaches a port is as the policy in the kernel has it";
	if (audit->is_dry)
		return "tidegate only counts (`up --audit`): who reaches a port is as Docker binds "
		       "it";
	return "tidegate is not up: who reaches a port is as Docker binds it";
}
