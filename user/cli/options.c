/* SPDX-License-Identifier: GPL-2.0-only */
/* options.c: getopt_long(3) over one table.  See options.h. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>

#include "kernel/kernel.h"
#include "config/suggest.h"
#include "base/cleanup.h"

#define OF(member) offsetof(struct options, member)

const struct option_entry option_entries[] = {
	{ "audit", 0, NULL, "decide and count, drop nothing", "up", OF(audit) },
	{ "confirm", 0, "TIME", "put on trial: rolled back unless confirmed within TIME",
	  "up reload", OF(confirm) },
	{ "hook", 0, "HOOK", "attach at this hook only: xdp, xdp-generic, tcx or clsact", "up",
	  OF(hook) },
	{ "without-docker", 0, NULL, "do not ask Docker; the ports it published last stay guarded",
	  "up reload", OF(without_docker) },
	{ "boot", 0, NULL, "at boot: do not ask Docker; keep a policy that is active already", "up",
	  OF(boot) },
	{ "since", 0, "TIME", "only what is no older: 30m, 12h, 7d", "log", OF(since) },
	{ "http", 0, NULL, "answer one HTTP request on standard input", "metrics", OF(http) },
	{ "would", 0, NULL, "as `up` would have it, and who would be cut off", "audit", OF(would) },
	{ "from", 0, "SOURCE", "only what this address or prefix reaches", "audit", OF(from) },
	{ "fail-on", 0, "LEVEL", "exit status 1 from this level on: open, risky or never (open)",
	  "audit", OF(fail_on) },
	{ "format", 0, "FORMAT",
	  "of audit: table, json, markdown, html or sarif; of watch: text, json or kernel",
	  "audit watch", OF(format) },
	{ "drops", 0, NULL, "only what is dropped, as without it", "watch", OF(drops) },
	{ "all", 0, NULL, "what passes as well", "watch", OF(all) },
	{ "all-packets", 0, NULL, "a line for each packet", "watch", OF(all_packets) },
	{ "pcap", 0, "FILE", "write the packets' bytes, as pcapng; - is standard output", "watch",
	  OF(pcap) },
	{ "count", 0, "N", "end after N lines or packets", "watch", OF(count) },
	{ "for", 0, "TIME", "end after TIME: 30s, 5m", "watch", OF(time) },
	{ "stdin", 0, NULL, "read the sources from standard input, one a line", "ban unban",
	  OF(is_stdin) },
	{ "bans", 0, NULL, "the bans, as `bans` shows them", "list", OF(bans) },
	{ "comment", 0, "TEXT", "only the bans with this comment, or of this feed",
	  "unban bans list", OF(comment) },
	{ "flags", 0, "FLAGS", "of TCP, in place of S: SA, A, R", "explain", OF(flags) },
	{ "with", 0, "RULE", "as if this rule were there; may be given several times", "explain",
	  OF(with) },
	{ "config", 0, "FILE", "the configuration (" CONFIG_PATH ")", NULL, OF(config) },
	{ "docker", 0, "URL", "unix:///…, tcp://…, or off", NULL, OF(docker) },
	{ "pin", 0, "DIR", "directory of the pinned maps and links (" KERNEL_PIN_DIR ")", NULL,
	  OF(pin_dir) },
	{ "json", 0, NULL, "print one JSON value", NULL, OF(json) },
	{ "dry-run", 0, NULL, "change nothing; report errors, print the new configuration", NULL,
	  OF(dry_run) },
	{ "force", 0, NULL, "apply even what would cut an SSH connection", NULL, OF(force) },
	{ "quiet", 0, NULL, "print only errors", NULL, OF(quiet) },
	{ "verbose", 0, NULL, "print more, and the kernel's log when it refuses a program", NULL,
	  OF(verbose) },
	{ "help", 'h', NULL, "show this help, or that of a command (-h)", NULL, OF(help) },
	{ "version", 'V', NULL, "print the version (-V)", NULL, OF(version) },
};
const size_t option_entries_count = ARRAY_SIZE(option_entries);

/* What getopt_long() answers for the first of them; below are letters and its own answers. */
#define FIRST 256

/* The leading - gives words in their places, the : tells a missing value apart. */
#define LETTERS "-:hV"

static void fill(struct option longs[static ARRAY_SIZE(option_entries) + 1])
{
	for (size_t i = 0; i < option_entries_count; i++)
		longs[i] =
			(struct option){ option_entries[i].name,
					 option_entries[i].value ? required_argument : no_argument,
					 NULL, FIRST + (int)i };
	longs[option_entries_count] = (struct option){};
}

static const struct option_entry *find(int answer)
{
	if (answer >= FIRST)
		return &option_entries[answer - FIRST];
	for (size_t i = 0; i < option_entries_count; i++)
		if (option_entries[i].letter && option_entries[i].letter == answer)
			return &option_entries[i];
	return NULL;
}

static int set(struct options *options, const struct option_entry *entry, const char *value,
	       struct error *error)
{
	void *member = (char *)options + entry->offset;

	if (entry->offset == OF(with)) {
		if (options->with.count == OPTION_VALUES)
			return error_set(error, -EINVAL, "'--%s': more than %d of them",
					 entry->name, OPTION_VALUES);
		options->with.list[options->with.count++] = value;
	}
	if (entry->value)
		*(const char **)member = value;
	else
		*(bool *)member = true;
	return 0;
}

static bool is_set(const struct options *options, const struct option_entry *entry)
{
	const void *member = (const char *)options + entry->offset;

	return entry->value ? *(const char *const *)member != NULL : *(const bool *)member;
}

static int explain(const char *word, struct error *error)
{
	const char *name = word + strspn(word, "-");
	struct suggestion meant = { .word = name, .length = strcspn(name, "=") };

	for (size_t i = 0; i < option_entries_count; i++)
		suggest_offer(&meant, option_entries[i].name);
	return error_set(error, -EINVAL, "'%s': no such option%s%s%s", word,
			 meant.best ? ", did you mean '--" : "", meant.best ?: "",
			 meant.best ? "'?" : "");
}

/* Of several mistakes the first is told. */
static int take(struct options *options, int answer, const char *word, struct error *error)
{
	const struct option_entry *entry = find(answer == ':' ? optopt : answer);

	if (entry && answer != ':')
		return set(options, entry, optarg, *error->text ? NULL : error);
	if (*error->text)
		return -EINVAL;
	return entry ? error_set(error, -EINVAL, "'--%s': %s is missing", entry->name, entry->value)
		     : explain(word, error);
}

int options_parse(struct options *options, int *argc, char **argv, struct error *error)
{
	struct option longs[ARRAY_SIZE(option_entries) + 1];
	int kept = 1, answer, at = 1, err = 0;

	fill(longs);
	*error = (struct error){};
	opterr = 0;
	optind = 0; /* begin anew, also in getopt's memory */
	while ((answer = getopt_long(*argc, argv, LETTERS, longs, NULL)) != -1) {
		if (answer == 1) {
			argv[kept++] = optarg;
			/* kept counts the program's name and the command. */
			if (kept > 2 && streq(optarg, "comment") && optind < *argc)
				argv[kept++] = argv[optind++];
		} else if (take(options, answer, argv[at], error) < 0) {
			err = -EINVAL;
		}
		at = optind;
	}
	while (optind < *argc)
		argv[kept++] = argv[optind++];
	argv[kept] = NULL;
	*argc = kept;
	options->is_default_config = !options->config;
	options->config = options->config ?: CONFIG_PATH;
	options->pin_dir = options->pin_dir ?: KERNEL_PIN_DIR;
	return err;
}

bool options_has(const struct option_entry *entry, const char *command)
{
	const char *at = entry->commands;
	size_t length = strlen(command);

	for (; at && *at; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == length && strncmp(at, command, length) == 0)
			return true;
	return !entry->commands;
}

const struct option_entry *options_stranger(const struct options *options, const char *command)
{
	for (size_t i = 0; i < option_entries_count; i++)
		if (is_set(options, &option_entries[i]) &&
		    !options_has(&option_entries[i], command))
			return &option_entries[i];
	return NULL;
}
