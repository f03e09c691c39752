/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lock.h: one at a time.  Whoever edits the configuration or changes the kernel holds the
 * lock; the kernel releases it when the process ends, however it ends.
 */
#ifndef TIDEGATE_LOCK_H
#define TIDEGATE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#define LOCK_DIR         "/run/tidegate"
#define LOCK_PATH        LOCK_DIR "/lock"
#define LOCK_HOLDER_TEXT 128

/* Waits for the lock, so long at most.  A descriptor to close when done; -ETIMEDOUT, or another
 * -errno. */
int lock_take(unsigned int wait_ms);

/* Who holds it now, for people: "`tidegate run` (pid 12)". */
void lock_describe_holder(char ret[static LOCK_HOLDER_TEXT]);

/* The daemon's own of this pin directory, held as long as it lives.  -EAGAIN when another one
 * runs there. */
int lock_take_daemon(const char *pin_dir);
bool lock_is_daemon_running(const char *pin_dir);

/* A daemon that has not written for so long hangs.  It may wait for Docker in between
 * (DOCKER_READ_MS). */
#define LOCK_HANGS_MS 20000

/* The daemon writes down that it does something, in the file that it has locked; how long ago that
 * was, in milliseconds, or -1 when it does not tell (an older version, or there is none). */
void lock_beat(int daemon_fd, const char *pin_dir);
int64_t lock_beaten_ms(const char *pin_dir);

#endif
