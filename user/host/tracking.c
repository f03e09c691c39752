/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tracking.c: the nftables table that asks for connection tracking.  See tracking.h.
 *
 * libnftables speaks to nobody here but us: its output and its errors go to buffers, and the
 * commands include no file.  (When it starts it reads the names in /etc/iproute2, which the
 * commands do not use.)
 */
#include "host/tracking.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/cleanup.h"

#define TABLE "inet tidegate"
#define CHAIN "tracks_connections"
#define NOTE  "never reached: that it is there turns connection tracking on"

static void free_context(struct nft_ctx **nft)
{
	if (*nft)
		nft_ctx_free(*nft);
}

/* Where libnftables cannot open its socket, it ends the process: so see before. */
static int check_socket(void)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	return fd < 0 ? -errno : 0;
}

/* All of the commands, or none.  Their output, unless NULL, is allocated. */
static int run(const char *commands, char **ret_output)
{
	_cleanup_(free_context) struct nft_ctx *nft = NULL;
	int err = check_socket();

	nft = err < 0 ? NULL : nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft || nft_ctx_buffer_output(nft) || nft_ctx_buffer_error(nft))
		return err < 0 ? err : -ENOMEM;
	errno = 0;
	if (nft_run_cmd_from_buffer(nft, commands) < 0) {
		err = errno && errno != EAGAIN ? -errno : -EIO; /* of its last message */
		log_debug("libnftables: %s", nft_ctx_get_error_buffer(nft));
		return err;
	}
	if (!ret_output)
		return 0;
	*ret_output = strdup(nft_ctx_get_output_buffer(nft));
	return *ret_output ? 0 : -ENOMEM;
}

int tracking_turn_on(void)
{
	/* Made if need be, so that removing it cannot fail. */
	return run("add table " TABLE "; delete table " TABLE "; add table " TABLE "; "
		   "add chain " TABLE " " CHAIN "; "
		   "add rule " TABLE " " CHAIN " ct state new comment \"" NOTE "\"",
		   NULL);
}

bool tracking_is_on(void)
{
	_cleanup_free_ char *rules = NULL;

	return run("list chain " TABLE " " CHAIN, &rules) == 0 && strstr(rules, "ct state");
}

int tracking_turn_off(void)
{
	return run("add table " TABLE "; delete table " TABLE, NULL);
}

int tracking_subscribe(int *ret_fd)
{
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	struct sockaddr_nl self = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1u << (NFNLGRP_NFTABLES - 1),
	};

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
