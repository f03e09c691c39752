/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch.h: a sighting of one packet, out of what the programs report (kernel/events.h), with names.
 *
 * For a loop over epoll(7): watch_open(); wait for watch_fd(), for WATCH_TURN_MS at most; call
 * watch_read(); and watch_tick() about each second, whatever happened, which keeps the filter
 * reporting and the names right.  Of a flood the filter reports some hundred packets between two
 * calls of watch_read(), and else goes on as if nobody listened; watch_lost() says how much it did
 * not tell.
 */
#ifndef TIDEGATE_WATCH_H
#define TIDEGATE_WATCH_H

#include <net/if.h>
#include <stdbool.h>
#include <time.h>
#include <linux/types.h>

#include "addr/prefix.h"
#include "event.h"

struct error;
struct kernel;
struct watch;

#define WATCH_TEXT    160
#define WATCH_TURN_MS 100

struct sighting {
	struct timespec at; /* CLOCK_REALTIME */
	__u32 ifindex;
	char interface[IF_NAMESIZE]; /* "?" = it is gone */
	struct prefix saddr, daddr;  /* family 0 = could not be read */
	__u8 proto;                  /* IPPROTO_*; 0 = not known */
	bool has_ports;
	unsigned short sport, dport;
	bool is_drop, is_audit;    /* dropped; would be, but for the audit */
	bool is_unseen;            /* it came by an interface that nobody has looked at yet */
	__u8 reason;               /* enum reason */
	char owner[WATCH_TEXT];    /* container, compose PROJECT/SERVICE; "" = nobody's */
	char process[16];          /* of this host, where it is no container's; "" = not known */
	char rule[WATCH_TEXT];     /* as typed; "" = no rule decided */
	unsigned int line;         /* of the rule in the configuration; 0 = none */
	unsigned int count;        /* packets that this stands for: fold.h */
	const struct event *event; /* valid during the call */
};

/* What sightings are wanted; zero = all. */
struct watch_filter {
	struct prefix source;  /* family 0 = any */
	unsigned short port;   /* 0 = any */
	__u8 proto;            /* 0 = any */
	const char *owner;     /* NULL = any; a container's name, or PROJECT/SERVICE */
	const char *interface; /* NULL = any */
	__u8 reason;           /* 0 = any */
};
bool watch_is_wanted(const struct watch_filter *filter, const struct sighting *sighting);

/* flags: LISTENER_*.  Borrows the kernel; config_path is for the policy's sets.  0 or -errno with
 * error, see events_open(). */
struct watch_input {
	struct kernel *kernel;
	__u32 flags;
	const char *config_path, *sets_dir;
	bool has_processes; /* names them: reads /proc, which can take a second */
};
int watch_open(const struct watch_input *input, struct watch **ret, struct error *error);
void watch_closep(struct watch **watch);

int watch_fd(const struct watch *watch);

/* Below zero = do not go on. */
typedef int sighting_fn(void *arg, const struct sighting *sighting);
int watch_read(struct watch *watch, sighting_fn *take, void *arg);

/* 0, or -errno with error: the filter reports no more. */
int watch_tick(struct watch *watch, struct error *error);

/* Packets that were not reported since the last call. */
__u64 watch_lost(struct watch *watch);

/* What was missing, for reasons that name no rule; "" = nothing.  A constant. */
const char *watch_missing(const struct sighting *sighting);

#endif
