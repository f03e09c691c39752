/* SPDX-License-Identifier: GPL-2.0-only */
/* judge.h: what the files that make rows share.  Private to this folder. */
#ifndef TIDEGATE_AUDIT_JUDGE_H
#define TIDEGATE_AUDIT_JUDGE_H

#include "audit/audit.h"

struct policy_port;

struct judging {
	const struct audit_input *input;
	struct audit_result *audit;
};

/* A new row, or NULL. */
struct audit_row *judge_add(struct judging *judging);

/* Who reaches the row, and how bad that is: its kind, port and address are known (reach.c). */
int judge_reach(const struct judging *judging, struct audit_row *row);

/* The port of the policy that decides on it, from lo on; NULL = none does. */
const struct policy_port *judge_port(const struct policy *policy, const struct audit_row *row);

/* Whether the source that was asked for reaches the row (reach.c). */
bool judge_is_reached(const struct judging *judging, const struct audit_row *row);

/* What to type against it (fix.c). */
void judge_fix(const struct judging *judging, struct audit_row *row);

/* Rows of containers, of listening sockets and of interfaces.  0 or -ENOMEM. */
int judge_containers(struct judging *judging);
int judge_listeners(struct judging *judging);
int judge_interfaces(struct judging *judging);

const struct docker_facts *judge_facts(const struct audit_input *input, const char *id);

#endif
