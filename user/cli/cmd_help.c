/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_help.c: help, usage and completion, all printed from the tables; and what to answer to a
 * command that there is not: the one that was meant, or what there is here in place of a command of
 * ufw, iptables or systemctl.
 */
#include "cli/cmd.h"

#include <stdarg.h>

#include "base/log.h"
#include "config/suggest.h"
#include "base/cleanup.h"

static void print_option(FILE *file, const struct option_entry *entry)
{
	fprintf(file, "  --%s%s%s%*s  %s\n", entry->name, entry->value ? " " : "",
		entry->value ?: "",
		(int)(16 - strlen(entry->name) - (entry->value ? strlen(entry->value) + 1 : 0)), "",
		entry->help);
}

void cmd_print_help(FILE *file)
{
	fprintf(file, "usage: tidegate COMMAND [OPTION…] [ARGUMENT…]\n\n");
	for (size_t i = 0; i < commands_count; i++)
		fprintf(file, "  %-10s %s\n  %-10s   %s\n", commands[i].name, commands[i].args, "",
			commands[i].help);
	fprintf(file, "\n");
	for (size_t i = 0; i < option_entries_count; i++)
		if (!option_entries[i].commands)
			print_option(file, &option_entries[i]);
	fprintf(file, "\n`tidegate help COMMAND` describes one command; tidegate(8) and "
		      "tidegate.conf(5) describe everything\n");
}

/* Its own options, which stand first in the table, then everybody's. */
static void print_options(const struct command *command)
{
	bool was_own = false;

	for (size_t i = 0; i < option_entries_count; i++) {
		const struct option_entry *entry = &option_entries[i];

		if (!options_has(entry, command->name))
			continue;
		if (was_own && !entry->commands)
			printf("\n");
		was_own = entry->commands;
		print_option(stdout, entry);
	}
}

int cmd_print_command_help(const struct command *command)
{
	printf("usage: tidegate %s%s%s\n\n%s\n", command->name, command->args[0] ? " " : "",
	       command->args, command->help);
	if (command->more)
		printf("%s\n", command->more);
	printf("\n");
	print_options(command);
	printf("\nexamples:\n");
	for (size_t i = 0; i < ARRAY_SIZE(command->examples); i++)
		printf("  tidegate %s\n", command->examples[i]);
	return CMD_DONE;
}

int cmd_help(const struct options *options, int argc, char **argv)
{
	const struct command *command;

	if (argc > 2)
		return cmd_usage("help", "'%s': takes one command", argv[2]);
	if (argc < 2) {
		cmd_print_help(stdout);
		return CMD_DONE;
	}
	command = cmd_find(argv[1]);
	return command ? cmd_print_command_help(command) : cmd_unknown(argv[1]);
}

int cmd_completion(const struct options *options, int argc, char **argv)
{
	if (argc != 2 || !streq(argv[1], "bash"))
		return cmd_usage("completion", "name the shell: bash");
	printf("# bash completion for tidegate, printed by `tidegate completion bash`\n"
	       "complete -W '");
	for (size_t i = 0; i < commands_count; i++)
		printf("%s ", commands[i].name);
	for (size_t i = 0; i < option_entries_count; i++)
		printf("%s--%s", i ? " " : "", option_entries[i].name);
	printf("' -o default tidegate\n");
	return CMD_DONE;
}

int cmd_usage(const char *verb, const char *format, ...)
{
	bool is_command = cmd_find(verb) != NULL;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error(0, "%s: %s (see `tidegate %s%s`)", verb, text, is_command ? "help " : "--help",
		  is_command ? verb : "");
	return CMD_USAGE;
}

/* ---- commands that there are not --------------------------------------------------------- */

#define IN_FILE(statement)                                                         \
	"write the line `" statement "` into the configuration '" CONFIG_PATH "'," \
	" then `tidegate reload`"
#define DENY   "`tidegate deny TARGET from SOURCE` closes a port, `tidegate ban SOURCE` all of them"
#define DELETE "`tidegate list` numbers the rules, `tidegate delete NUMBER` removes one"

static const struct foreign {
	const char *name, *instead;
} foreign[] = {
	{ "enable", "`tidegate up` closes published ports now, `systemctl enable --now tidegate` "
		    "does so at each boot as well" },
	{ "start", "`tidegate up` closes published ports, `systemctl start tidegate` follows "
		   "Docker as well" },
	{ "disable", "`systemctl disable --now tidegate`, then `tidegate down`, opens published "
		     "ports for good" },
	{ "stop", "`tidegate down` opens published ports; before it `systemctl stop tidegate`" },
	{ "restart", "`tidegate reload` applies the configuration, `tidegate up` also replaces the "
		     "programs, without a gap" },
	{ "reset", DELETE "; to remove all, empty '" CONFIG_PATH "' and `tidegate reload`" },
	{ "flush", DELETE "; to remove all, empty '" CONFIG_PATH "' and `tidegate reload`" },
	{ "remove", DELETE },
	{ "limit", "there are no rate limits: `tidegate allow TARGET from SOURCE` opens a port to "
		   "some sources, and fail2ban can call `tidegate ban`" },
	{ "reject", "packets are dropped without an answer: " DENY },
	{ "drop", DENY },
	{ "block", DENY },
	{ "unblock", "`tidegate unban SOURCE` lifts a ban, `tidegate delete` removes a rule" },
	{ "insert", "the order of rules does not matter, the most specific source decides: "
		    "`tidegate allow …`" },
	{ "prepend", "the order of rules does not matter, the most specific source decides: "
		     "`tidegate allow …`" },
	{ "route", "every rule covers packets forwarded to containers, leave the word out: "
		   "`tidegate allow TARGET`" },
	{ "app", "name the ports of the service: `tidegate allow 80,443/tcp`" },
	{ "show", "`tidegate status` shows ports and who may enter, `tidegate list` the rules, "
		  "`tidegate check` the configuration" },
	{ "logging", "packets are counted, not logged: `tidegate status` shows them by reason and "
		     "port, `tidegate list` by rule" },
	{ "verbose", "`tidegate status` shows everything; every command takes `--verbose`" },
	{ "default", IN_FILE("default deny all") " (or deny published, or allow)" },
	{ "set", IN_FILE("set NAME PREFIX…") },
	{ "interface", IN_FILE("interface eth0") "; for now `tidegate up eth0` is enough" },
	{ "docker", IN_FILE("docker URL") "; every command takes `--docker URL` for one time" },
	{ "labels", "container labels have no effect: use `tidegate allow container NAME`" },
};

int cmd_unknown(const char *name)
{
	struct suggestion meant = { .word = name, .length = strlen(name) };

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (!streq(foreign[i].name, name))
			continue;
		log_error(0, "'%s': no such command; %s", name, foreign[i].instead);
		return CMD_USAGE;
	}
	for (size_t i = 0; i < commands_count; i++)
		suggest_offer(&meant, commands[i].name);
	log_error(0, "'%s': no such command%s%s%s `tidegate --help` lists them", name,
		  meant.best ? ", did you mean '" : ";", meant.best ?: "", meant.best ? "'?" : "");
	return CMD_USAGE;
}
