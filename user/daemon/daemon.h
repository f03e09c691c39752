/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.h: `tidegate run`: reconcile() whenever something may have changed.  It keeps nothing that
 * the next one would miss: killed, the filter goes on with the last policy; started, it begins
 * where the kernel is.
 */
#ifndef TIDEGATE_DAEMON_H
#define TIDEGATE_DAEMON_H

#include "engine/desired.h"

struct daemon_setup {
	struct text_file config;
	const char *docker; /* URL or "off"; NULL = as configured */
	const char *pin_dir;
	const char *sets_dir; /* config/setfile_kept.h */
};

/* Until SIGTERM or SIGINT: 0, or -errno when it could not begin.  Logs. */
int daemon_run(const struct daemon_setup *setup);

#endif
