/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tracking.h: connection tracking turned on, for both families.  Replies are told from new
 * flows by what it knows, but the kernel only watches where somebody asked it to: a firewall
 * rule with a state, address translation.  Docker asks for IPv4, on many hosts nobody does
 * for IPv6.
 *
 * The one who asks is an nftables table of our own, `inet tidegate`, with one rule in a chain
 * that hangs on no hook: no packet ever meets it, its presence is all (nft_ct_get_init() in
 * the kernel).  `nft flush ruleset` removes it, and the daemon makes it again; meanwhile replies
 * of a family that nobody else watches are dropped where their port is closed, and nothing is
 * let in.  The table could belong to the daemon alone (NFT_TABLE_F_OWNER) and outlive a flush, but
 * then a ruleset that was saved with it in it could not be loaded again.
 */
#ifndef TIDEGATE_TRACKING_H
#define TIDEGATE_TRACKING_H

#include <stdbool.h>

/* Whatever was in the table.  -errno: nothing is changed. */
int tracking_turn_on(void);

bool tracking_is_on(void);

/* 0 also when there is nothing to remove. */
int tracking_turn_off(void);

/* A descriptor, nonblocking and the caller's, that is readable once anything in nftables has
 * changed.  What it has to say is only to be thrown away. */
int tracking_subscribe(int *ret_fd);

#endif
