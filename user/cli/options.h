/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h: the command line, taken apart: options, wherever they stand, and the words that are
 * left.  One table says which there are; the help and the completion are printed from it.
 */
#ifndef TIDEGATE_OPTIONS_H
#define TIDEGATE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define CONFIG_DIR  "/etc/tidegate"
#define CONFIG_PATH CONFIG_DIR "/tidegate.conf"
#define SETS_DIR    "/var/lib/tidegate/sets" /* config/setfile_kept.h */

/* Of an option that may be given several times. */
#define OPTION_VALUES 16
struct option_values {
	const char *last; /* NULL = not given; in front, as if there were one */
	const char *list[OPTION_VALUES];
	size_t count;
};

struct options {
	const char *config;
	bool is_default_config; /* then a missing file is an empty one */
	const char *docker;     /* NULL = as configured */
	const char *pin_dir;
	bool json;
	bool dry_run;
	bool force; /* also when it cuts the caller's own connection */
	bool help, version;
	bool quiet, verbose;
	/* of up and reload */
	bool audit, without_docker, boot;
	const char *confirm, *hook; /* NULL = not given */
	const char *since;          /* of log */
	bool http;                  /* of metrics */
	/* of audit */
	const char *from, *fail_on, *format;
	bool would;
	/* of watch */
	bool drops, all, all_packets;
	const char *pcap, *count, *time;
	/* of ban, unban and bans */
	bool is_stdin;
	bool bans; /* of list */
	const char *comment;
	/* of explain */
	const char *flags;
	struct option_values with;
};

struct option_entry {
	const char *name;  /* without the dashes */
	char letter;       /* '\0' = none */
	const char *value; /* what it takes, for people; NULL = nothing */
	const char *help;
	const char *commands; /* that have it, with blanks between; NULL = all */
	size_t offset;        /* in struct options: a bool, or with a value a const char *, or of
				 --with a struct option_values */
};
extern const struct option_entry option_entries[];
extern const size_t option_entries_count;

/*
 * Takes the options out of argv; argv[1] is then the command, *argc and the closing NULL are right.
 * Behind `--` nothing is an option, nor is the text behind a rule's `comment`.  0, or -EINVAL with
 * what is wrong in error; the rest has been read even so (--json says in which form to tell).
 */
int options_parse(struct options *options, int *argc, char **argv, struct error *error);

bool options_has(const struct option_entry *entry, const char *command);

/* The first option given that the command does not have; NULL = none. */
const struct option_entry *options_stranger(const struct options *options, const char *command);

#endif
