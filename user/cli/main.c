/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c: the command line, and dispatch. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "cli/cmd.h"
#include "cli/cmd_json.h"
#include "base/log.h"
#include "base/cleanup.h"

/* Those that print text, whatever the options say. */
static bool is_text(const struct options *options, const char *name)
{
	return options->help || streq(name, "help") || streq(name, "completion") ||
	       streq(name, "run") || streq(name, "metrics") || streq(name, "watch");
}

/* The right to read back from the kernel what enforces, which every command does. */
static bool is_root(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	return geteuid() == 0 && (syscall(SYS_capget, &header, data) < 0 ||
				  data[0].effective & (1u << CAP_SYS_ADMIN));
}

static int dispatch(const struct options *options, int argc, char **argv)
{
	const struct command *command = argc > 1 ? cmd_find(argv[1]) : NULL;
	const struct option_entry *stranger;

	if (argc < 2) {
		if (options->json && !options->help)
			return log_error(CMD_USAGE, "a command is missing");
		cmd_print_help(options->help ? stdout : stderr);
		return options->help ? CMD_DONE : CMD_USAGE;
	}
	if (!command)
		return cmd_unknown(argv[1]);
	if (options->help)
		return command->run == cmd_help && argc > 2 ? cmd_help(options, argc - 1, argv + 1)
							    : cmd_print_command_help(command);
	stranger = options_stranger(options, command->name);
	if (stranger)
		return cmd_usage(command->name, "'--%s': not an option of this command",
				 stranger->name);
	/* Said here, because without the right to look `status` would call the host unprotected. */
	if (command->whom == FOR_ROOT && !is_root()) {
		log_error(0, "%s: needs root, with CAP_SYS_ADMIN", command->name);
		return CMD_USAGE;
	}
	return command->run(options, argc - 1, argv + 1);
}

/* A descriptor that is not there would be the next file that is opened, and get what is printed.
 * This one can be written no more than none, and that is noticed. */
static void open_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDONLY);
}

/* What was asked for has not been delivered if it could not be written. */
static int close_output(int status)
{
	int err = ferror(stdout) ? EIO : 0;

	if (fclose(stdout) != 0)
		err = errno;
	if (!err)
		return status;
	/* Not by log_error(): with --json that would be kept, to be printed where nothing can. */
	fprintf(stderr, "tidegate: cannot write to standard output: %s\n", strerror(err));
	return status == CMD_DONE ? CMD_FAILED : status;
}

int main(int argc, char **argv)
{
	struct options options = {};
	struct error error;
	int err = options_parse(&options, &argc, argv, &error);

	open_standard_files();
	if (options.quiet || options.verbose)
		log_set_level(options.verbose ? LOG_DEBUG : LOG_ERROR);
	if (options.json && !is_text(&options, argc > 1 ? argv[1] : ""))
		cmd_json_begin();
	if (err < 0)
		err = log_error(CMD_USAGE, "%s (see `tidegate --help`)", error.text);
	else if (options.version)
		err = cmd_version(&options, 1, argv);
	else
		err = dispatch(&options, argc, argv);
	return close_output(cmd_json_finish(err));
}
