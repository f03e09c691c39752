/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * firewall.h: what another firewall of this host says of a port, whether or not it is so: UFW or
 * firewalld, in the words of its own status.
 */
#ifndef TIDEGATE_AUDIT_FIREWALL_H
#define TIDEGATE_AUDIT_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "addr/prefix.h"

struct firewall_rule {
	__u8 proto;            /* 0 = each */
	unsigned short lo, hi; /* 0 = each */
	__u8 family;           /* 4 or 6; 0 = both */
	struct prefix addr;    /* of this host; family 0 = each */
	bool is_for_some;      /* of some source, or by some interface */
	char word[16];         /* "allow", "deny", "reject" */
};

struct firewall {
	const char *name; /* "ufw", "firewalld"; NULL = there is none */
	bool is_active;
	char otherwise[16]; /* the default for what comes in */
	struct firewall_rule *rules;
	size_t rules_count;
};

/* Asks whichever is installed, an active one first; 5 s for each at most.  0 or -ENOMEM. */
int firewall_read(struct firewall *ret);

/* Pure: the output of `ufw status verbose` and of `firewall-cmd --list-all`.  0 or -ENOMEM. */
int firewall_parse_ufw(const char *text, struct firewall *ret);
int firewall_parse_firewalld(const char *text, struct firewall *ret);

/* One port of this host. */
struct firewall_question {
	__u8 proto;
	unsigned short port;
	struct prefix addr; /* length 0 = each of the family */
};

/* "deny", "allow", "limit", "allow some", "inactive"; NULL = there is none. */
const char *firewall_says(const struct firewall *firewall,
			  const struct firewall_question *question);

/* Whether that word means that nobody new gets in. */
bool firewall_is_closed(const char *word);

void firewall_clear(struct firewall *firewall);

#endif
