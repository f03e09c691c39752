/* SPDX-License-Identifier: GPL-2.0-only */
/* netdev_sockets.h: the sockets that Docker's own processes hold, by inode. */
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
bool sockets_have(const struct sockets *sockets, unsigned long inode);
void sockets_clear(struct sockets *sockets);

#endif
