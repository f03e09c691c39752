/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * view.h: the policy's endpoints as people see them: a row each, with who may enter and what was
 * counted.  `status` prints the rows as a table or as JSON.
 */
#ifndef TIDEGATE_VIEW_H
#define TIDEGATE_VIEW_H

#include "addr/prefix.h"
#include "cli/cmd.h"
#include "policy/policy.h"

/* A port that is published on every address is one row, not one for each family. */
struct view_row {
	const struct policy_port *port; /* borrowed from the policy */
	bool is_both;                   /* every IPv4 and every IPv6 address */
	char *who;                      /* "10.0.0.0/8; not 10.1.0.0/16"; NULL: no memory */
	struct counter passed, dropped;
};

struct view {
	struct view_row *rows;
	size_t count;
};

/* policy: NULL for no rows.  Of `counted` only what was counted until now is taken.  0 or -ENOMEM.
 */
int view_make(const struct counted *counted, const struct policy *policy, struct view *ret);
void view_clear(struct view *view);

/* The row as policy/policy.h knows it. */
struct policy_row view_policy_row(const struct view_row *row);

/* "tcp", "udp" or "sctp". */
const char *view_proto(const struct view_row *row);

/* "8000-8100/tcp" */
void view_port_text(const struct view_row *row, char *buf, size_t size);

/* "any", "0.0.0.0", "::" or the address; in buf where it is not a constant. */
const char *view_address_text(const struct view_row *row, char buf[static PREFIX_STRLEN]);

/* "in sync", "does not answer".  desired: NULL when nothing could be read. */
const char *view_docker_word(const struct desired *desired);

#endif
