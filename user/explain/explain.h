/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explain.h: what becomes of one packet, and why.  The verdict is the loaded program's, which is
 * shown the packet; the words come from the policy that its image was made of.  Where the two
 * disagree, that is the answer.
 */
#ifndef TIDEGATE_EXPLAIN_H
#define TIDEGATE_EXPLAIN_H

#include <net/if.h>

#include "addr/prefix.h"
#include "base/problems.h"
#include "engine/desired.h"
#include "kernel/kernel.h"
#include "kernel/probe.h"

struct image;
struct inventory;
struct policy_port;
struct policy_rule;

/* ---- the question (question.c; pure) ----------------------------------------------------- */

struct explain_question {
	struct prefix saddr;         /* full length */
	struct prefix daddr;         /* likewise; family 0 = this host, at the port's own address */
	unsigned short sport, dport; /* sport 0 = any */
	__u8 proto;                  /* IPPROTO_* */
	__u8 tcp_flags;
	char interface[IFNAMSIZ]; /* "" = each that is guarded */
};

/*
 * SOURCE [DESTINATION] PORT[/PROTO] [in IFACE], `from SOURCE to DESTINATION port PORT proto PROTO`,
 * or a line of `watch`, of the kernel's log, of ss or conntrack, as one word or several.  0, or
 * -EINVAL with error.
 */
int explain_read_question(char *const *words, size_t count, struct explain_question *ret,
			  struct error *error);

/* "S", "SA", "R", as tcpdump has them. */
int explain_read_flags(const char *text, __u8 *ret, struct error *error);

/* ---- the answer ---------------------------------------------------------------------------- */

/* One interface's. */
struct explain_hook {
	char name[IFNAMSIZ];
	enum hook_kind hook;
	enum reason reason;
	bool is_dropped;
};

struct explain_answer {
	struct explain_question question; /* with a destination */
	enum reason reason;               /* REASON_NONE: it never meets the filter */
	bool is_dropped;                  /* at each interface */
	bool is_audit;
	char *sentence;         /* the answer, in a line */
	char *disagreement;     /* between words and kernel; NULL = none */
	struct problems steps;  /* what was asked, in order: "WHAT\tANSWER" */
	struct problems misses; /* rules that would have decided, and why they did not */
	struct problems next;   /* what comes behind the filter */
	struct explain_hook *hooks;
	size_t hooks_count;
	const struct policy_port *port; /* borrowed; NULL = nobody names it */
	const struct policy_rule *rule; /* likewise; NULL = none decided */
};

/* ---- rules that are not there yet (with.c) --------------------------------------------------- */

struct explain_with {
	char *text;                  /* the active policy's configuration, with them */
	struct inventory *inventory; /* that it remembers */
	unsigned int *lines;         /* of each line of the text: in the present one, 0 = new */
	size_t lines_count;
	size_t count; /* of the rules */
};

/* Only whether the text is a rule: 0, or -EUCLEAN with error, which names the column. */
int explain_read_rule(const char *text, struct statement *ret, struct error *error);

/* 0, or -errno with error; -EUCLEAN: the rule is wrong, or there already. */
int explain_with_begin(const struct image *running, struct explain_with *ret, struct error *error);
int explain_with_add(struct explain_with *with, const char *rule, struct error *error);
void explain_with_clear(struct explain_with *with);

/* What was read from the text, with numbers of counters that only explain_open() knows. */
int explain_with_compile(const struct desired *desired, struct image *ret, struct error *error);

struct explain_input {
	struct kernel *kernel;
	const struct image *image;     /* that enforces, or that explain_with_compile() made */
	const struct desired *desired; /* that it was made of */
	const char *config_path;
	const struct explain_with *with; /* NULL = the image enforces */
};

/* Of a rule of the policy, in the configuration; 0 = it is not there yet. */
unsigned int explain_line(const struct explain_input *input, unsigned int line);

/* Loads the programs in use once; asked as often as one likes. */
struct explain;
int explain_open(const struct explain_input *input, struct explain **ret, struct error *error);
void explain_freep(struct explain **explain);

/* 0, or -errno with error; -EPROTO: what is attached is not what was loaded. */
int explain_ask(struct explain *explain, const struct explain_question *question,
		struct explain_answer *ret, struct error *error);
void explain_answer_clear(struct explain_answer *answer);

/* ---- a container (container.c): from the policy, which the kernel is not asked about ----------
 */

enum explain_name_kind { EXPLAIN_CONTAINER, EXPLAIN_COMPOSE, EXPLAIN_SWARM };

/* "NAME", "PROJECT/SERVICE", "container NAME", "compose PROJECT[/SERVICE]", "service NAME", as
 * rules name them. */
struct explain_name {
	enum explain_name_kind kind;
	const char *text; /* borrowed */
};

struct explain_port {
	const struct policy_port *port; /* borrowed */
	bool is_both;                   /* at every IPv4 and every IPv6 address */
	char *who;                      /* policy_who() */
	struct problems rules;          /* "PLACE: TEXT" */
	size_t bans;                    /* that come before them */
	struct problems next;           /* what comes behind the filter */
};

struct explain_ports {
	struct explain_port *list;
	size_t count;
	size_t containers; /* that are meant */
};

/* -ENOENT when the words are no name of a container. */
int explain_read_name(char *const *words, size_t count, struct explain_name *ret);

/* 0, or -errno with error; -EUCLEAN: nobody has that name. */
int explain_ports(const struct explain_input *input, const struct explain_name *name,
		  struct explain_ports *ret, struct error *error);
void explain_ports_clear(struct explain_ports *ports);

#endif
