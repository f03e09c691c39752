/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tracking.h: connection tracking turned on, for both families.  Replies are told from new
 * flows by what it knows, but the kernel only watches where somebody asked it to: a firewall
 * rule with a state, address translation.  Docker asks for IPv4, on many hosts nobody does
 * for IPv6.
 *
 * The one who asks is an nftables table of our own, `inet tidegate`, with one rule in a chain
 * that hangs on no hook: no packet ever meets it, its presence is all (nft_ct_get_init() in
 * the kernel).  Since Linux 6.9 it is its owner's alone while that lives, so that
 * `nft flush ruleset` leaves it, and stays when that dies.  Before, or without an owner, a
 * flush removes it until the daemon looks again: meanwhile replies of a family that nobody
 * else watches are dropped where their port is closed; nothing is let in.
 */
#ifndef TIDEGATE_TRACKING_H
#define TIDEGATE_TRACKING_H

#include <stdbool.h>

struct tracking; /* owns the table; freed, it leaves the table */

/* *ret is NULL when another process owns it.  -errno: nothing is changed. */
int tracking_turn_on(struct tracking **ret);

void tracking_free(struct tracking *tracking);
void tracking_freep(struct tracking **tracking);

bool tracking_is_on(void);

/* 0 also when there is nothing to remove. */
int tracking_turn_off(void);

#endif
