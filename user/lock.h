/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lock.h: one at a time.  Whoever edits the configuration or changes the kernel holds the
 * lock; the kernel releases it when the process ends, however it ends.
 */
#ifndef TIDEGATE_LOCK_H
#define TIDEGATE_LOCK_H

#include <stdbool.h>

#define LOCK_DIR "/run/tidegate"

/* Waits for the lock.  A descriptor to close when done, or -errno. */
int lock_take(void);

/* The daemon's own, held as long as it lives.  -EWOULDBLOCK when another one runs. */
int lock_take_daemon(void);
bool lock_is_daemon_running(void);

#endif
