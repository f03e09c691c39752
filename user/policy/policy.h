/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h: config x inventory -> policy: which rules apply to which ports now.  The one
 * place where the two meet.  Pure.
 *
 * What decides for a port and a source, first match:
 *   failsafe, then ban, then the most specific source prefix of the allow and deny rules
 *   that name the port (at equal length deny wins), then the default.
 *
 * Of several bans the one that ends last: when it has ended, none of them holds.
 */
#ifndef TIDEGATE_POLICY_H
#define TIDEGATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include <linux/types.h>

#include "config/config.h"
#include "addr/prefix.h"

struct ban_groups;
struct inventory;
struct listener;
struct netdev_list;

struct policy_rule {
	enum statement_kind kind; /* STATEMENT_ALLOW, _DENY, _BAN, _FAILSAFE */
	unsigned int number;      /* as in `list`, 1-based; 0 = of ban_groups */
	unsigned int line;        /* likewise */
	char *identity;           /* config_rule_identity() */
	char *text;               /* config_print_statement() */
	char *comment;            /* or NULL */
	struct prefix *sources;   /* sets resolved, sorted, no duplicates; "anywhere" = 0.0.0.0/0
				     and ::/0; none = the sets are empty, it matches nobody */
	size_t sources_count;
	time_t until;       /* 0 = for ever; a rule past it is not in the policy */
	bool is_unknown;    /* a deny against everybody, because its set is unknown */
	bool is_everywhere; /* applies to every port and to packets without one: ban,
			       failsafe without a port */
	size_t ports_count; /* guarded ports it applies to; 0 = it does nothing now (list
			       says so) */
};

enum port_origin {
	PORT_PUBLISHED, /* Docker forwards it (or will: armed) */
	PORT_DIRECT,    /* a container's own address */
	PORT_NAMED,     /* only rules name it */
};

/*
 * Ports that are decided alike: one protocol, one destination, consecutive numbers, the same
 * rules.  For one (proto, destination) the ranges are disjoint.
 */
struct policy_port {
	__u8 proto;         /* IPPROTO_* */
	struct prefix addr; /* destination; length 0: this host's own addresses of that family */
	unsigned short lo, hi;
	enum port_origin origin;
	bool is_closed;      /* no rule's source contains the address: drop (else pass) */
	bool is_armed;       /* published by a container that does not run yet */
	unsigned int *rules; /* indexes into policy.rules, ascending: allow, deny, and failsafe
				with a port.  Ports with the same rules share one array */
	size_t rules_count;
	/* where it leads; NULL/0 for PORT_NAMED.  Of the first container when several claim it. */
	char *container_id;
	char *container;
	unsigned short container_port; /* that lo leads to */
	char *identity;                /* "tcp 0.0.0.0 6379": the key of its counters */
};

struct policy {
	enum default_mode mode;
	bool is_audit;
	struct policy_rule *rules;
	size_t rules_count;
	struct policy_port *ports; /* sorted by proto, lo, family, addr */
	size_t ports_count;
	struct prefix *local; /* this host's own addresses */
	size_t local_count;
	struct prefix *groups; /* broadcast addresses of its networks, groups that it joined */
	size_t groups_count;
	struct prefix *natted; /* container subnets behind NAT */
	size_t natted_count;
	struct prefix *routed; /* container subnets in gateway mode routed */
	size_t routed_count;
	time_t next_expiry;      /* when the first `until` passes; 0 = never */
	unsigned int *rule_pool; /* owns what ports[].rules point into */
};

/* Entries of rule_pool: a bound on memory when thousands of rules overlap on thousands of
 * ports, far above what a readable configuration reaches. */
#define POLICY_LIMIT_POOL (32u << 20)

/* A set whose members came from a file, by name (config_find_set()->set_file). */
struct policy_set {
	const char *name;
	const struct prefix *members;
	size_t count;
	/* It could never be read.  An allow from it lets nobody in, and a ban keeps nobody out; but
	 * where only some may enter, a deny from it is against everybody, so that an allow for all
	 * does not hold without it. */
	bool is_unknown;
};

struct policy_input {
	const struct config *config;
	const struct inventory *inventory; /* NULL = nothing is known of Docker */
	const struct netdev_list *netdevs;
	const struct listener
		*listeners; /* a port that a container not running wants, but a host
			       process holds, is not armed: Docker could not bind it */
	size_t listeners_count;
	const struct policy_set *sets; /* the file-backed ones */
	size_t sets_count;
	const struct ban_groups *bans; /* a rule each; NULL = none */
	time_t now;
	bool is_audit;
};

/* 0, -E2BIG (a limit) or -EINVAL with ret_error, and the line of the configuration if there is one,
 * or -ENOMEM.  *ret untouched on failure. */
int policy_build(const struct policy_input *input, struct policy **ret, struct error *ret_error);

/* What decides, worked out the slow way: what messages name, and the reference that the compiled
 * image is tested against. */
enum policy_verdict { POLICY_UNGUARDED, POLICY_ALLOW, POLICY_DENY };
struct policy_answer {
	enum policy_verdict verdict;
	const struct policy_port *port; /* NULL = not guarded */
	const struct policy_rule *rule; /* NULL = the default decided */
};
/* saddr, daddr of full length and the same family; dport in host order.  daddr is taken for
 * this host's own unless it lies in a subnet of containers or is a container's.  Of several rules
 * that decide alike the one with the most specific source is named (of bans that end, first the one
 * that ends last), at equal length the first in the file. */
struct policy_answer policy_evaluate(const struct policy *policy, const struct prefix *saddr,
				     const struct prefix *daddr, __u8 proto, unsigned short dport);

/* The same for one source and many ports: the source is measured against each rule once, ret has
 * room for policy->rules_count. */
void policy_measure(const struct policy *policy, const struct prefix *saddr, int *ret);
struct policy_answer policy_evaluate_port(const struct policy *policy, const int *lengths,
					  const struct policy_port *port,
					  const struct prefix *daddr);

/* One of this host's own addresses: not link-local, nor its end of a network of Docker's, if there
 * is another.  NULL = it has none of the family. */
const struct prefix *policy_own_address(const struct policy *policy, __u8 family);

/* Whether two neighbours in a policy are one to people: the same port on every IPv4 and on every
 * IPv6 address, with the same rules. */
bool policy_is_pair(const struct policy_port *a, const struct policy_port *b);

/* What people see as one: a port, for its address family or, of a pair, for both. */
struct policy_row {
	const struct policy_port *port;
	bool is_both; /* every IPv4 and every IPv6 address */
};

/* Those sources of a rule that are of the row's address family; borrowed from the rule. */
struct policy_sources {
	const struct prefix *prefixes; /* IPv4 before IPv6, each family sorted */
	size_t count;
};
struct policy_sources policy_sources_of(const struct policy_rule *rule,
					const struct policy_row *row);

/* "10.0.0.0/8; not 10.1.0.0/16", "anyone", "nobody": allocated; NULL = no memory. */
char *policy_who(const struct policy *policy, const struct policy_row *row);

/* When the rule ends, as a number that can be compared: for ever is last. */
static inline unsigned long long policy_end_of(const struct policy_rule *rule)
{
	return rule->until ? (unsigned long long)rule->until : ~0ull;
}

/* As people count them: what one owner has banned is one. */
size_t policy_count_rules(const struct policy *policy);

void policy_free(struct policy *policy);
void policy_freep(struct policy **policy);

#endif
