/* SPDX-License-Identifier: GPL-2.0-only */
/* reconcile_private.h: what the reconcile*.c files share behind reconcile.h. */
#ifndef TIDEGATE_RECONCILE_PRIVATE_H
#define TIDEGATE_RECONCILE_PRIVATE_H

#include "engine/reconcile.h"

struct image;
struct policy;

/* Makes kernel_error() the error that people read; returns err. */
int reconcile_fail(int err, char *error);

/* After the interfaces are guarded.  running: the policy that was replaced, if it kept forged
 * sources out, or none. */
int reconcile_flows(const struct policy *policy, const struct image *running,
		    struct reconcile_report *report);

/* After the swap.  running: the policy that was replaced. */
int reconcile_interfaces(const struct reconcile_input *input, const struct desired *desired,
			 const struct image *running, struct reconcile_report *report, char *error);

#endif
