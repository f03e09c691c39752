/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_run.c: the daemon, in the foreground: systemd, or who starts it, keeps it running. */
#include "cli/cmd.h"

#include "daemon/daemon.h"

int cmd_run(const struct options *options, int argc, char **argv)
{
	const struct daemon_setup setup = {
		.config = { options->config, options->is_default_config },
		.docker = options->docker,
		.pin_dir = options->pin_dir,
		.sets_dir = SETS_DIR,
	};

	if (argc > 1)
		return cmd_usage(argv[0], "'%s': takes no argument", argv[1]);
	return daemon_run(&setup) < 0 ? CMD_FAILED : CMD_DONE;
}
