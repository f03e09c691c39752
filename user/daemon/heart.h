/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * heart.h: how others know about the daemon: the lock that it holds as long as it lives, the time
 * that it writes down as long as it does something, and systemd's notifications (sd_notify(3)).
 */
#ifndef TIDEGATE_DAEMON_HEART_H
#define TIDEGATE_DAEMON_HEART_H

struct heart {
	const char *pin_dir;
	int lock_fd;
};

/* 0, or -errno; -EAGAIN: another daemon runs there. */
int heart_begin(struct heart *heart, const char *pin_dir);

/* At least every LOCK_HANGS_MS, less what a machine may be busy with. */
void heart_beat(const struct heart *heart);

void heart_ready(void);
void heart_stopping(void);

#endif
