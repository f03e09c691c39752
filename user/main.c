/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: the command line, and dispatch. */
#include <stdio.h>

#include "cmd.h"
#include "cmd_json.h"
#include "log.h"
#include "util.h"

/* Those that print text, whatever the options say. */
static bool is_text(const struct options *options, const char *name)
{
	return options->help || streq(name, "help") || streq(name, "completion") ||
	       streq(name, "run");
}

static int dispatch(const struct options *options, int argc, char **argv)
{
	const struct command *command = argc > 1 ? cmd_find(argv[1]) : NULL;
	const struct option_entry *stranger;

	if (argc < 2) {
		if (options->json && !options->help)
			return log_error(CMD_USAGE, "the command is missing");
		cmd_print_help(options->help ? stdout : stderr);
		return options->help ? CMD_DONE : CMD_USAGE;
	}
	if (!command)
		return cmd_unknown(argv[1]);
	if (options->help)
		return command->run == cmd_help && argc > 2 ?
			       cmd_help(options, argc - 1, argv + 1) :
			       cmd_print_command_help(command);
	stranger = options_stranger(options, command->name);
	if (stranger)
		return cmd_usage(command->name, "'--%s': not with this command", stranger->name);
	return command->run(options, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	struct options options = {};
	char error[OPTIONS_ERROR];
	int err = options_parse(&options, &argc, argv, error);

	if (options.quiet || options.verbose)
		log_set_level(options.verbose ? LOG_DEBUG : LOG_ERROR);
	if (options.json && !is_text(&options, argc > 1 ? argv[1] : ""))
		cmd_json_begin();
	if (err < 0)
		err = log_error(CMD_USAGE, "%s (see `tidegate --help`)", error);
	else if (options.version)
		err = cmd_version(&options, 1, argv);
	else
		err = dispatch(&options, argc, argv);
	return cmd_json_finish(err);
}
