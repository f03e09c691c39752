/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd.h: the verbs.  One table (cmd_table.c) names them; dispatch, help and completion are
 * printed from it.  cmd_*.c are the only files that print to stdout.
 */
#ifndef TIDEGATE_CMD_H
#define TIDEGATE_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "engine/desired.h"
#include "kernel/kernel.h"
#include "cli/options.h"
#include "engine/reconcile.h"
#include "journal/trail.h"

struct asked;
struct bans;
struct docker;
struct policy;

#define CMD_DONE      0
#define CMD_FAILED    1
#define CMD_USAGE     2
#define CMD_DISAGREES 3 /* of explain: the kernel does something else */

enum command_for { FOR_ROOT, FOR_ANYONE };

struct command {
	const char *name;
	const char *args;
	const char *help;        /* what it does, a line */
	const char *more;        /* NULL, or lines that `help COMMAND` shows below */
	const char *examples[2]; /* without "tidegate" */
	int (*run)(const struct options *options, int argc, char **argv); /* argv[0] = name */
	enum command_for whom;
};
extern const struct command commands[];
extern const size_t commands_count;
const struct command *cmd_find(const char *name); /* or NULL */

int cmd_up(const struct options *options, int argc, char **argv);
int cmd_down(const struct options *options, int argc, char **argv);
int cmd_run(const struct options *options, int argc, char **argv);
int cmd_reload(const struct options *options, int argc, char **argv);
int cmd_confirm(const struct options *options, int argc, char **argv);
int cmd_status(const struct options *options, int argc, char **argv);
int cmd_log(const struct options *options, int argc, char **argv);
int cmd_metrics(const struct options *options, int argc, char **argv);
int cmd_audit(const struct options *options, int argc, char **argv);
int cmd_watch(const struct options *options, int argc, char **argv);
int cmd_explain(const struct options *options, int argc, char **argv);
int cmd_list(const struct options *options, int argc, char **argv);
int cmd_rule(const struct options *options, int argc, char **argv);
int cmd_delete(const struct options *options, int argc, char **argv);
int cmd_ban(const struct options *options, int argc, char **argv);
int cmd_unban(const struct options *options, int argc, char **argv);
int cmd_bans(const struct options *options, int argc, char **argv);
int cmd_check(const struct options *options, int argc, char **argv);
int cmd_version(const struct options *options, int argc, char **argv);
int cmd_completion(const struct options *options, int argc, char **argv);
int cmd_help(const struct options *options, int argc, char **argv);

/* To a name that no command has: what was meant, or what there is instead.  CMD_USAGE. */
int cmd_unknown(const char *name);

void cmd_print_help(FILE *file);
int cmd_print_command_help(const struct command *command);

/* One line about wrong usage of the verb; returns CMD_USAGE. */
int cmd_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- what several verbs do (cmd_common.c) -------------------------------------------- */

/* As text_load() has it; logs what is wrong. */
int cmd_read_config(const struct options *options, struct kernel *kernel, char **ret_text);

/*
 * The Engine that the options or the configuration name.  *ret is NULL and *ret_off true
 * when that is "off".  Logs.
 */
int cmd_open_docker(const struct options *options, const char *config_text, struct docker **ret,
		    bool *ret_off);

/* The lock of base/lock.h; says what it waits for, and gives up after half a minute.  A descriptor
 * to close, or -errno.  Logs. */
int cmd_take_lock(void);

/*
 * The same for a command that wants to know what Docker has: asks before it takes the lock, so that
 * an Engine that is slow does not hold up who wants to ban somebody.  *asked is for asked_answer(),
 * zero but for asks_nobody, and to be cleared in any case.
 */
int cmd_ask_and_lock(const struct options *options, struct asked *asked);

/* kernel_open(), also what is attached and has lost its pins.  The caller holds the lock. */
int cmd_open_kernel(const struct options *options, struct kernel **ret, struct error *error);

/* Reconciles and logs what went wrong.  Returns 0 or -errno. */
int cmd_reconcile(const struct reconcile_input *input, struct reconcile_report *ret);

/* Whether it must not be done, because it would cut the caller's own SSH connection or another.
 * Logs whose, what decides, and --force.  A trial may: that is only warned of. */
bool cmd_cuts_ssh(const struct reconcile_plan *plan, unsigned int trial_seconds);

/* What was counted until now.  kernel may be NULL: nothing. */
struct counted {
	struct counter_ids *ids;
	const struct counters *totals;
};
int cmd_read_counted(struct kernel *kernel, struct counted *ret);
void cmd_counted_clear(struct counted *counted);

/* kind: "rule" or "port", as in user/reconcile.c.  0 = not counted. */
__u32 cmd_counter_id(const struct counted *counted, const char *kind, const char *identity);

/* The command has changed what enforces, or the file: one more entry of the audit trail.  kernel
 * and text as they are now; see journal/trail.h. */
void cmd_record(const struct trail *before, struct kernel *kernel, const char *file,
		const char *text);

/*
 * ---- what changes the configuration or the bans (cmd_rule.c) -----------------------------------
 */
struct edit {
	/* Makes new_text of old_text, or changes the bans.  0 or -errno, logged but for -EINVAL:
	 * the text has an error already. */
	int (*change)(struct edit *edit);
	/* Of what was added, leaves out whom the lockout is about, and logs that.  false = nobody
	 * to leave out.  Of a feed: NULL in others, where it is refused. */
	bool (*spare)(struct edit *edit, const struct lockout *lockout);
	void *arg;
	int argc;
	char **argv;
	bool has_bans;
	bool is_feed;   /* one of many: nothing is written into the audit trail, and nothing said */
	bool is_not_up; /* out: it is saved, and nothing enforces */
	char *old_text, *new_text; /* new_text: NULL = stays */
	struct bans *bans;         /* when it has_bans; may be there from before */
	struct statement added;    /* to the text; empty when nothing is */
};

/* Under the lock: reads, changes, tries, writes, commits.  0 or -errno, logged. */
int cmd_edit(const struct options *options, struct edit *edit);
void cmd_edit_clear(struct edit *edit);

/* A `change` that adds edit->added to the text. */
int cmd_add_statement(struct edit *edit);

/* What was typed behind `tidegate`.  0, or -errno, logged; -EUCLEAN when it is wrong. */
int cmd_parse_statement(int argc, char **argv, struct statement *ret);

/* Warns about what the report says people should know: interfaces, Docker. */
void cmd_warn(const struct reconcile_report *report);

/* Likewise what harms a part of the policy. */
void cmd_warn_problems(const struct desired *desired);

#endif
