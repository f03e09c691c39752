/* SPDX-License-Identifier: GPL-2.0-only */
/* desired_private.h: what desired*.c and bound.c share behind desired.h. */
#ifndef TIDEGATE_DESIRED_PRIVATE_H
#define TIDEGATE_DESIRED_PRIVATE_H

#include "engine/desired.h"
#include "host/netdev.h"

struct bound_port;

/* The files of the configuration's sets.  0, or -errno with error filled if it is to be told. */
int desired_read_sets(const struct desired_input *input, struct desired *desired,
		      struct error *error);

/* The policy has too many prefixes, which `why` says: sets that have grown become what is kept of
 * them.  The number of these, or -ENOMEM. */
int desired_recall_grown(const struct desired_input *input, struct desired *desired,
			 const char *why);

/* A problem when others than root may write the file.  0 or -ENOMEM. */
int desired_check_exposure(struct desired *desired, const char *path);

/*
 * ---- holders.c: whose the listening sockets are: Docker's, or another process's of this host.
 * To search all processes for it is dear (host/netdev.h), so the ports that Docker was seen to
 * bind are asked first, by the cookies of their sockets. ----
 */

/* The listeners of one protocol and port, of those that netdev_read_listeners() returned. */
struct listener *holders_at(struct listener *listeners, size_t count, __u8 proto,
			    unsigned short port, size_t *ret_count);

/*
 * Asks about the ports that a container wants that does not run: what another process of this host
 * has, Docker will not get, and it is not closed.  Whether there are any.
 */
bool holders_ask_wanted(const struct inventory *inventory, struct listener *listeners,
			size_t count);

/* Answers what is asked.  0 or -errno. */
int holders_find(struct listener *listeners, size_t count, const struct bound_port *ports,
		 size_t ports_count);

#endif
