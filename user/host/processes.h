/* SPDX-License-Identifier: GPL-2.0-only */
/* processes.h: which processes hold sockets, and in which container they are, from /proc. */
#ifndef TIDEGATE_PROCESSES_H
#define TIDEGATE_PROCESSES_H

#include <stddef.h>

#define PROCESSES_ID_SIZE 65

struct socket_holder {
	unsigned long inode;               /* asked */
	char name[16];                     /* answered: "" = nobody holds it, or not to be seen */
	char container[PROCESSES_ID_SIZE]; /* its id; "" = the process is in none of Docker's */
};

/*
 * Looks into every process of this machine: dear, for who asks once.  holders: by inode, ascending.
 * Of several processes one is named.  0 or -errno.
 */
int processes_find(struct socket_holder *holders, size_t count);

#endif
