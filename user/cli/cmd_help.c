/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_help.c: help, usage and completion, all printed from the tables. */
#include "cli/cmd.h"

#include <stdarg.h>

#include "base/log.h"
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
