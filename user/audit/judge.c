/* SPDX-License-Identifier: GPL-2.0-only */
/* judge.c: the list of rows, which several files add to. */
#include "audit/judge.h"

#include "base/cleanup.h"

struct audit_row *judge_add(struct judging *judging)
{
	struct audit_result *audit = judging->audit;
	struct audit_row *row = util_append(&audit->rows, audit->rows_count, sizeof(*row));

	if (row)
		audit->rows_count++;
	return row;
}
