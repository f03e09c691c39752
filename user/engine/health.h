/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * health.h: is the host protected right now?  Compares what the kernel enforces with what
 * configuration and Docker say at this moment, and lists whatever stands between.
 */
#ifndef TIDEGATE_HEALTH_H
#define TIDEGATE_HEALTH_H

#include "engine/reconcile.h"

struct health_interface {
	char *name;
	char *bridge; /* that it is a port of; NULL = none */
	enum hook_kind hook;
	bool is_attached;
};

struct netdev;

/* A packet for each guarded port and family, of a range the first and the last, shown to the
 * program that is attached; taken back out of the counters. */
struct health_proof {
	size_t interfaces;
	size_t packets, dropped;
	size_t wrong; /* of them, against the policy */
};

struct health {
	bool is_loaded;
	bool is_unreadable; /* another version's is */
	bool is_audit;
	bool is_daemon_running;
	long long
		daemon_silent_ms; /* no sign of life of it for so long: it hangs; 0 = it does not */
	bool is_behind;           /* the daemon has not applied a change, maybe of a moment ago */
	unsigned int trial_seconds_left; /* 0 = nothing is on trial */
	struct health_interface *interfaces;
	size_t interfaces_count;
	struct netdev *unguarded; /* up, and what comes in by it reaches this host unfiltered */
	size_t unguarded_count;
	struct defense_state defenses[DEFENSE_MAX];
	struct health_proof proof;
	bool is_arming;           /* a daemon follows Docker: ports are known from `create` on */
	struct problems problems; /* none: attached, enforcing and in step */
	struct problems notes; /* no fault of the filter, and it cannot tell what they do to it */
	struct state state;
	struct image_header header;     /* of what enforces; zero when nothing does */
	struct reconcile_report report; /* of a dry run; desired is NULL when it failed */
};

struct health_input {
	const char *pin_dir;
	const char *config_path;
	const char *sets_dir; /* see desired.h */
	const char *text;
	struct kernel *kernel;  /* NULL = not up */
	const char *unreadable; /* why what is up cannot be read; NULL = it can */
	struct docker *docker;
	bool is_docker_off;
};

/* The interfaces that are up and by which packets reach this host unfiltered, when the filter is
 * attached as listed; not Docker's own bridges.  0 or -ENOMEM. */
struct netdev_list;
int health_list_unguarded(const struct netdev_list *netdevs, const struct attachment *list,
			  size_t count, struct netdev **ret, size_t *ret_count);

int health_read(const struct health_input *input, struct health *ret);
/* Adds what is wrong to the problems (prove.c).  0 or -ENOMEM. */
int health_prove(struct kernel *kernel, struct health *health);

void health_clear(struct health *health);

#endif
