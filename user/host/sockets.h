/* SPDX-License-Identifier: GPL-2.0-only */
/* sockets.h: the sockets that Docker's own processes hold, or sshd's, by inode. */
#ifndef TIDEGATE_NETDEV_SOCKETS_H
#define TIDEGATE_NETDEV_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

struct sockets {
	unsigned long *inodes; /* ascending */
	size_t count;
};

/* Adds what they hold now.  Processes that come and go meanwhile are no error.  0 or -errno. */
int sockets_add_docker(struct sockets *sockets);
/* Adds what sshd holds; and what processes of that name hold for who is logged in, which can be the
 * user's own.  A login is what both have. */
int sockets_add_sshd(struct sockets *sockets);
int sockets_add_logins(struct sockets *sockets);
bool sockets_have(const struct sockets *sockets, unsigned long inode);
void sockets_clear(struct sockets *sockets);

#endif
