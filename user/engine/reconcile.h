/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reconcile.h: the one way the kernel is changed: desired minus running, where running is
 * read back from the kernel each time.  The CLI and the daemon call the same function, so a
 * restart is not a special case.
 */
#ifndef TIDEGATE_RECONCILE_H
#define TIDEGATE_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/desired.h"
#include "kernel/kernel.h"
#include "engine/lockout.h"

enum audit { AUDIT_KEEP, AUDIT_ON, AUDIT_OFF };

/*
 * GUARD_WANTED attaches to the interfaces that the configuration (or `interfaces`) names, and
 * detaches from others only when the configuration's `interface` statement has changed and
 * all that it names is there: nothing that is guarded becomes open by a mistyped name.
 */
enum guard { GUARD_NONE, GUARD_WANTED };

#define RECONCILE_AGAIN_SECONDS 2

struct reconcile_input {
	const char *config_path;
	const char *text; /* of the configuration */
	struct kernel *kernel;
	const char *copy_of, *sets_dir; /* see desired.h */
	const struct bans *bans;        /* likewise */
	struct docker *docker; /* NULL = do not ask: off, or as the running image remembers */
	bool is_docker_off;
	docker_answer_of *answer_of; /* see desired.h; -ESTALE of it ends a reconcile() that has
					changed nothing and said nothing */
	void *answer_arg;
	char *const *interfaces; /* in place of the configured ones */
	size_t interfaces_count;
	enum guard guard;
	enum audit audit;
	enum hook_kind hook; /* HOOK_NONE = the best there is */
	unsigned int
		trial_seconds; /* the kernel takes this policy back after so long; 0 = it stays */
	bool is_insisted;      /* somebody asked for just this: also when it was refused before */
	bool is_unattended;    /* the daemon: nobody asked for this, the file was saved.  What would
				  cut somebody off who is logged in by SSH is refused */
	const char *complaint; /* why the text cannot be used, for `status`: what runs goes
				  on instead, in step with Docker and the interfaces */
	bool is_dry_run;       /* change nothing, but fail where it would fail; is_changed
				  says whether it would. kernel may be NULL then */
	bool is_kernel_later;  /* the kernel comes only with reconcile_commit() */
};

struct reconcile_report {
	bool is_changed;              /* a new image enforces */
	bool is_refused;              /* the file's text was tried and not confirmed, or not tried:
					 the one before is what enforces */
	char refused_why[STATE_TEXT]; /* why it was not tried; "" = it was */
	__u64 generation;             /* of the image that enforces; 0 = none */
	struct desired *desired;      /* what it was made from */
	char *warnings;               /* lines about interfaces, for people; NULL = none. Free it */
	bool is_too_early;            /* for a word about some bridge: look again after
					 RECONCILE_AGAIN_SECONDS */
	size_t guarded;               /* interfaces the filter is attached to now */
};

/*
 * The same in two steps, for who wants to look at the policy before it enforces, or has to write
 * a file in between.  reconcile_prepare() reads, resolves and compiles; what it changes in the
 * kernel decides nothing (numbers of counters).  reconcile_commit() gets the same input, with the
 * kernel if that came later, and takes the plan's `desired` into the report.
 */
struct reconcile_plan;
int reconcile_prepare(const struct reconcile_input *input, struct reconcile_plan **ret,
		      struct error *error);
int reconcile_commit(const struct reconcile_input *input, struct reconcile_plan *plan,
		     struct reconcile_report *ret, struct error *error);
const struct desired *reconcile_desired(const struct reconcile_plan *plan);

/* Why that configuration was refused and not tried; "" = it was tried, not confirmed, and taken
 * back; NULL = it was not refused. */
const char *reconcile_refused_why(const struct reconcile_plan *plan, const char *text);

/* As lockout_find() has it, of what enforces and what the plan would put in its place. */
int reconcile_find_lockout(const struct reconcile_plan *plan, enum lockout_whose whose,
			   struct lockout *ret);
void reconcile_plan_freep(struct reconcile_plan **plan);

/*
 * The caller holds the lock (base/lock.h).  0, or -errno with error filled: then the running policy
 * is what it was, and the state in the kernel says why (where it can).
 */
int reconcile(const struct reconcile_input *input, struct reconcile_report *ret,
	      struct error *error);

/* The interfaces that the configuration names; NULL and 0 = auto. */
char *const *reconcile_names(const struct desired *desired, size_t *ret_count);

/* What is wrong where a bridge is guarded itself; %s = its name. */
#define RECONCILE_BRIDGE_PROBLEM                                                             \
	"'%s': netfilter translates addresses before the bridge's own hooks "                \
	"(bridge-nf-call-iptables), so ports that Docker publishes stay closed to everyone " \
	"there: name the port of the bridge that leads outside"

/* Whether the interface is one that the configuration (or `names`) wants guarded: of a bridge that
 * is named, the ports that lead outside in its place, if it has any. */
bool reconcile_wants(const struct desired *desired, char *const *names, size_t names_count,
		     int ifindex);

/* Whether an interface is there that the input wants guarded, or one is guarded already. */
bool reconcile_has_outside(const struct reconcile_input *input, const struct desired *desired);

void reconcile_clear(struct reconcile_report *report);

/* ---- what it came to, in the words that command line and daemon share (describe.c) ------ */

/* "3 published ports, 2 rules on eth0 (xdp), eth1 (tcx)", allocated; NULL = no memory. */
char *describe_policy(struct kernel *kernel, const struct reconcile_report *report);

/* Why no interface is to be guarded here, and what to do; likewise. */
char *describe_no_outside(const struct desired *desired, const char *config_path);

/* What it means that Docker did not answer; "" = it did, or nobody wanted it to. */
#define DESCRIBE_DOCKER (ERROR_TEXT + 64)
void describe_docker(const struct desired *desired, char ret[static DESCRIBE_DOCKER]);

#endif
