/* SPDX-License-Identifier: GPL-2.0-only */
/* session.h: where the one who typed the command sits. */
#ifndef TIDEGATE_SESSION_H
#define TIDEGATE_SESSION_H

#include <stdbool.h>

#include "addr/prefix.h"

struct ssh_connection {
	struct prefix client; /* full length, of the same family as server */
	struct prefix server;
	unsigned short port; /* the server's */
};

/*
 * The SSH connection that the command came by: $SSH_CONNECTION of this process, or of the nearest
 * process above it that has it, because sudo and su take it away.  False = there is none, or it
 * cannot be read.
 */
bool session_ssh(struct ssh_connection *ret);

#endif
