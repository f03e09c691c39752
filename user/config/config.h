/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config.h: text -> struct config and back.  One grammar for the file and the command
 * line (tidegate.conf(5)).  Pure: no system call but memory; reading and writing the file
 * is base/file.h.  Everything is parsed before anything is used; printing a parsed file
 * gives a file that parses to the same thing.
 */
#ifndef TIDEGATE_CONFIG_H
#define TIDEGATE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "addr/prefix.h"
#include "base/error.h"

enum statement_kind {
	STATEMENT_INTERFACE,
	STATEMENT_DEFAULT,
	STATEMENT_DOCKER,
	STATEMENT_LABELS,
	STATEMENT_LOG,
	STATEMENT_SET,
	STATEMENT_ALLOW,
	STATEMENT_DENY,
	STATEMENT_BAN,
	STATEMENT_FAILSAFE,
	STATEMENT_MAX
};

enum default_mode { DEFAULT_DENY_PUBLISHED, DEFAULT_DENY_ALL, DEFAULT_ALLOW };

/* Which dropped packets the daemon writes down. */
enum log_mode {
	LOG_OFF,
	LOG_NEW, /* the first of a source and a port, each hour */
	LOG_ALL,
};

enum target_kind {
	TARGET_NONE,      /* every port: ban, failsafe */
	TARGET_PORTS,     /* allow 80,443/tcp */
	TARGET_CONTAINER, /* allow container redis */
	TARGET_COMPOSE,   /* allow compose shop/db: all containers of that service */
	TARGET_SERVICE,   /* allow service api: swarm */
};

/* Bits of target.protos, each 1u << enum proto_index.  0 in a statement never occurs: "no protocol
 * named" is all three. */
#define PROTO_BIT_TCP  1u
#define PROTO_BIT_UDP  2u
#define PROTO_BIT_SCTP 4u
#define PROTO_BITS_ALL 7u

struct port_range {
	unsigned short lo, hi; /* lo <= hi; 1..65535 */
};

struct target {
	enum target_kind kind;
	unsigned int protos; /* PROTO_BIT_*; for a container: of its ports, all if none named */
	/* Published ports; for a container its own, and may be empty there.  Sorted, disjoint,
	 * no two that touch. */
	struct port_range *ports;
	size_t ports_count;
	struct prefix on; /* "on ADDRESS"; family 0 = not given. Only with TARGET_PORTS */
	char *name;       /* container name or id, compose project, swarm service */
	bool is_bare;     /* a container that was named by nothing but a word, so perhaps a
			   * mistake; only from the command line */
	char *service;    /* compose: the part behind the slash, or NULL = whole project */
};

/* Where packets come from: a prefix, or the name of a set. */
struct source {
	struct prefix prefix; /* family 0 when set != NULL */
	char *set;
};

struct statement {
	enum statement_kind kind;
	unsigned int line; /* 1-based; 0 when it came from the command line */

	/* interface: names, empty = auto */
	char **interfaces;
	size_t interfaces_count;
	enum default_mode mode; /* default */
	char *url;              /* docker: "unix://…", "tcp://…" or "off" */
	enum log_mode log;      /* log */

	char *set;      /* set: its name */
	char *set_file; /* set … file PATH, else NULL and the members are in sources */

	struct target target;   /* allow, deny, failsafe */
	struct source *sources; /* allow, deny, ban, failsafe, set.  Empty = from anywhere */
	size_t sources_count;
	time_t until;  /* seconds since the epoch, 0 = for ever */
	char *comment; /* or NULL */
};

struct config {
	struct statement *statements; /* in the order of the file */
	size_t count;
};

/*
 * Parses a whole file.  `now` resolves "for 2h" (which is printed as "until") on the command
 * line; in a file "for" is an error that says which "until" to write, because it would be
 * counted anew at every reading and the rule would never end.
 * Returns 0, -EINVAL with *ret_error filled, which names the offending word in single quotes and
 * what to do, or -ENOMEM.  *ret is untouched on failure.
 * Checked here as well: a set used before or without its definition, a set or interface
 * or default given twice, limits.  An empty text is a valid configuration.
 */
int config_parse(const char *text, size_t length, time_t now, struct config **ret,
		 struct error *ret_error);

/* One statement, as typed after `tidegate`; line is 0.  Sets are not resolved. */
int config_parse_statement(const char *text, time_t now, struct statement *ret,
			   struct error *ret_error);

/* Canonical text without newline, allocated.  NULL = no memory. */
char *config_print_statement(const struct statement *statement);
char *config_print(const struct config *config);

/* Words as the shell hands them over -> text for config_parse_statement(): what has blanks,
 * quotes or a leading # is quoted.  Allocated; NULL = no memory. */
char *config_join_words(const char *const *words, size_t count);

/*
 * Identity of a rule: its canonical text without comment and until, so that changing those
 * keeps its counters; the sources sorted, each once.  Allocated; NULL = no memory.
 */
char *config_rule_identity(const struct statement *statement);

/* Whether it is allow, deny, ban or failsafe. */
bool config_is_rule(const struct statement *statement);

/* The set of that name, or NULL. */
const struct statement *config_find_set(const struct config *config, const char *name);

/* The statement of that line, or NULL. */
const struct statement *config_find_line(const struct config *config, unsigned int line);

/* The first set among the statement's sources that the configuration does not define, or NULL:
 * what to say when config_add() answers -EINVAL. */
const char *config_missing_set(const struct config *config, const struct statement *statement);

/* DEFAULT_DENY_PUBLISHED and NULL if not given. */
enum default_mode config_default(const struct config *config);
const char *config_docker_url(const struct config *config);
enum log_mode config_log(const struct config *config); /* LOG_OFF if not given */

/*
 * Edits of the text: comments, blank lines and order stay.  Each gives a new text
 * (allocated), or -EINVAL/-ENOENT/-EEXIST/-ENOMEM and *ret untouched.
 *
 * config_add appends the statement behind the last one of its kind (at the end if none) and
 * behind the sets it uses; the same rule with another until or comment is replaced, and so is
 * a set of that name or the one setting of that kind; exactly the same: -EEXIST.  A ban with
 * another comment is another ban: the comment names its owner.
 * config_delete removes every rule with the same identity: -ENOENT if there is none.  For a
 * ban it takes the sources given out of all bans, or out of those with the same comment if it
 * has one; -ENOENT if none of them is banned.
 * Each result parses; -EINVAL if it would not (a set that is undefined, or still used).
 * config_delete_number removes the rule that `status numbered` and `list` show as `number`
 * (1-based, in file order, over allow, deny, ban and failsafe).
 */
int config_add(const char *text, const struct statement *statement, char **ret);
int config_delete(const char *text, const struct statement *statement, char **ret);
int config_delete_number(const char *text, unsigned int number, char **ret);

void config_free(struct config *config);
void config_freep(struct config **config);
void config_clear_statement(struct statement *statement);

#endif
