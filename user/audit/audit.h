/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * audit.h: one row for each thing of this host that can be reached, with who reaches it.  That is
 * computed from the policy that the image in the kernel was made from, where one enforces, and from
 * Docker's bindings where none does.
 */
#ifndef TIDEGATE_AUDIT_H
#define TIDEGATE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "addr/prefix.h"
#include "base/error.h"

struct attachment;
struct desired;
struct docker_facts;
struct firewall;
struct image;
struct kernel;
struct listener;
struct netdev;
struct netdev_list;
struct inventory;
struct policy;

enum audit_kind {
	AUDIT_PUBLISHED, /* Docker forwards it */
	AUDIT_LOOPBACK,  /* likewise, bound to 127.0.0.0/8 or ::1 */
	AUDIT_INGRESS,   /* of a swarm service: every node has it */
	AUDIT_DIRECT,    /* a container's own address: routed, macvlan, ipvlan, global IPv6 */
	AUDIT_SHARED,    /* a container in the host's network listens */
	AUDIT_ENGINE,    /* the Docker API on TCP */
	AUDIT_HOST,      /* a process of the host listens, and the policy decides on its port */
	AUDIT_INTERFACE, /* nothing filters what comes in by it */
	AUDIT_KIND_MAX,
};

/* In this order: each contains the harm of the one before. */
enum audit_level {
	AUDIT_CLOSED,  /* nobody outside reaches it */
	AUDIT_LIMITED, /* some sources do */
	AUDIT_OPEN,    /* everybody does, or everybody on the same wire */
	AUDIT_RISKY,   /* likewise, and what is behind it gives them much */
};

struct audit_row {
	enum audit_kind kind;
	enum audit_level level;
	__u8 proto;            /* 0 = any, or none */
	unsigned short lo, hi; /* 0 = every port */
	struct prefix addr;    /* length 0: every address of the family; family 0: none */
	bool is_both;          /* every address of both families */
	bool is_relayed; /* docker-proxy hands it over, so that the host's firewall comes first */
	bool is_beside;  /* AUDIT_DIRECT: in no bridge of Docker's, as macvlan is */
	char interface[16];               /* AUDIT_INTERFACE */
	char target[96];                  /* container, "service:NAME", process; "" = none */
	unsigned short port;              /* there, that lo leads to; 0 = none */
	const struct docker_facts *facts; /* of the container; NULL = not known */
	const char *service;              /* "database": struct risk_service; NULL = not known */
	char *reached_by;                 /* "anyone", "192.0.2.10", "nobody" */
	char firewall[48];                /* "ufw: deny"; "" = nothing */
	bool is_belied;                   /* the firewall says it is closed, and it is not */
	char fix[160];                    /* a command to paste; "" = nothing to mend */
};

/* Why something is a risk, about a container or a service behind a port. */
struct audit_finding {
	enum audit_level level; /* AUDIT_RISKY, or AUDIT_OPEN for what only should be otherwise */
	const char *id;         /* "privileged" */
	char subject[96];       /* container */
	char text[192];
};

/* A flow that the policy would end: somebody is connected now. */
struct audit_cut {
	struct prefix saddr; /* full length */
	__u8 proto;
	unsigned short port;
};

/* Whose way in is asked about. */
#define AUDIT_FROM_STRLEN 80
struct audit_from {
	char name[AUDIT_FROM_STRLEN]; /* as typed, for people */
	struct prefix *prefixes;      /* some of them reaches a row: it stays */
	size_t count;
};

struct audit_result {
	struct audit_row *rows; /* the worst first */
	size_t rows_count;
	struct audit_finding *findings; /* likewise */
	size_t findings_count;
	bool is_brief;          /* the table tells only how many findings are none of a risk */
	bool is_would;          /* as `up` would have it, which has not been typed */
	struct audit_cut *cuts; /* then */
	size_t cuts_count;
	bool is_enforced;             /* REACHED BY is from the image in the kernel */
	bool is_dry;                  /* one is there, and drops nothing: `up --audit` */
	char from[AUDIT_FROM_STRLEN]; /* rows are what this source reaches; "" = all */
	size_t hidden;                /* rows that it does not reach */
	char time[32];                /* "2026-11-27T16:00:00Z" */
	char host[65];
	struct docker_facts *facts; /* owned */
	size_t facts_count;
};

/* What audit_judge() reads; audit_read() gathers it.  All is borrowed. */
struct audit_input {
	const struct inventory *inventory; /* NULL = there is no Docker, by configuration */
	const struct docker_facts *facts;
	size_t facts_count;
	int api_minor; /* of Docker's API: 48 is Engine 28 */
	const struct netdev_list *netdevs;
	const struct listener *listeners;
	size_t listeners_count;
	const struct socket_holder *holders; /* of their inodes, ascending */
	size_t holders_count;
	const struct firewall *firewall;
	const struct policy *policy; /* what enforces; NULL = nothing does */
	const struct attachment *attachments;
	size_t attachments_count;
	const struct audit_from *from; /* NULL = all rows */
};

/* Pure.  0 or -ENOMEM; *ret may then be half filled, and is cleared all the same. */
int audit_judge(const struct audit_input *input, struct audit_result *ret);

struct docker;
struct audit_source {
	struct kernel *kernel; /* NULL = not up */
	struct docker *docker; /* NULL = there is none, by configuration */
	const char *config_path, *sets_dir;
	const struct audit_from *from; /* NULL */
	const char *would; /* text of a configuration: as that would have it; NULL: what enforces */
};

/*
 * What `word` means: an address, a prefix, or a set of the configuration with that text, of which
 * the source has path and folder.  0, -ENOENT with error: none of these; or another -errno with
 * error.
 */
int audit_from_read(const struct audit_source *source, const char *word, const char *text,
		    struct audit_from *ret, struct error *error);
void audit_from_clear(struct audit_from *from);

/* 0, or -errno with error: then nothing can be said, and least that nothing is open. */
int audit_read(const struct audit_source *source, struct audit_result *ret, struct error *error);

/* Adds the flows to it that a policy ends (would.c).  0 or -errno. */
int audit_find_cuts(const struct policy *policy, struct audit_result *audit);

void audit_clear(struct audit_result *audit);

/* ---- in words, the same in every format --------------------------------------------------- */

#define AUDIT_TEXT 128
const char *audit_kind_name(enum audit_kind kind);    /* "published" */
const char *audit_level_name(enum audit_level level); /* "risky" */
void audit_port_text(const struct audit_row *row, char ret[static AUDIT_TEXT]);
void audit_bound_text(const struct audit_row *row, char ret[static AUDIT_TEXT]);
void audit_target_text(const struct audit_row *row, char ret[static AUDIT_TEXT]);
void audit_firewall_text(const struct audit_row *row, char ret[static AUDIT_TEXT]);
void audit_risk_text(const struct audit_row *row, char ret[static AUDIT_TEXT]);
/* "2 risky, 1 open, 0 limited, 3 closed" */
void audit_summary_text(const struct audit_result *audit, char ret[static AUDIT_TEXT]);
/* From where REACHED BY is. */
const char *audit_basis_text(const struct audit_result *audit);

/* What no row can say. */
#define AUDIT_BLIND \
	"not seen from here: the provider's firewall, a router's NAT, the payload of tunnels"

enum audit_level audit_worst(const struct audit_result *audit);

#endif
