/* SPDX-License-Identifier: GPL-2.0-only */
/* reconcile_private.h: what the reconcile*.c files share behind reconcile.h. */
#ifndef TIDEGATE_RECONCILE_PRIVATE_H
#define TIDEGATE_RECONCILE_PRIVATE_H

#include "engine/reconcile.h"
#include "image/image.h"

struct bound_port;
struct policy;

/* ---- compile.c ---- */

/*
 * Gives counters that others had only if no image counts into them that is in a slot now.  *ret:
 * that a rule or a port has none, because what is in the slots leaves no room: once it has been
 * replaced there is.  0, or -errno with error filled.
 */
int compile(const struct reconcile_input *input, const struct desired *desired, struct image *image,
	    bool *ret_lacks_counters, struct error *error);

/* Equal in what they decide, but for when rules expire. */
bool compile_is_alike(const struct image *a, const struct image *b);

/* Equal in what they decide and remember, for as long as they will be there. */
bool compile_is_same(const struct image *a, const struct image *b);

/* ---- bound.c: the ports that bpf/bindwatch.bpf.c saw Docker bind, and which are history ---- */

/*
 * Forgets what is no longer bound, and what turned out to be the Engine's own.  Does nothing
 * when Docker was not read: then nobody knows.  0, or -errno with error filled.
 */
int bound_forget(struct kernel *kernel, const struct desired *desired, struct error *error);

/* Whether it may be forgotten, by what was read. */
bool bound_is_stale(const struct bound_port *port, const struct desired *desired);

/* ---- reconcile_*.c ---- */

/* After the interfaces are guarded.  running: the policy that was replaced, if it kept forged
 * sources out, or none. */
int reconcile_flows(const struct policy *policy, const struct image *running,
		    struct reconcile_report *report);

/* After the swap.  running: the policy that was replaced. */
int reconcile_interfaces(const struct reconcile_input *input, const struct desired *desired,
			 const struct image *running, struct reconcile_report *report,
			 struct error *error);

#endif
