/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * resolve.h: what the files of this folder share while they build a policy.  From statements to
 * ports:
 *
 *   rules (rules.c)
 *     ├─► by port ──► spans ────────► rule layers  (spans.c) ───┐
 *     └─► by container ─► claims ───► claim layers (contest.c) ─┴─► ports (ports.c)
 *         (naming.c, claims.c)
 *
 * A layer holds what one kind of input knows about one place.  ports.c walks the layers of a place
 * together and makes its ports.
 */
#ifndef TIDEGATE_POLICY_RESOLVE_H
#define TIDEGATE_POLICY_RESOLVE_H

#include "base/order.h"
#include "base/proto.h"
#include "docker/inventory.h"
#include "policy/place.h"
#include "policy/policy.h"
#include "policy/rule_lists.h"
#include "base/cleanup.h"

/* One rule over port numbers. */
struct span {
	struct place place;
	unsigned int lo, hi;
	unsigned int rule;
};

/* One container that wants port numbers, with the rules that name it there. */
struct claim {
	struct place place;
	unsigned int lo, hi;
	unsigned int port; /* container port that lo leads to */
	unsigned int list;
	unsigned int container;
	enum port_origin origin;
	bool is_running;
};

/* Numbers of one container that the same rules name. */
struct stretch {
	unsigned int container;
	__u8 proto; /* 0 = none yet */
	unsigned int lo, hi;
	unsigned int list;
};

/* The rules that name a container, by index, ascending. */
struct naming {
	unsigned int *rules;
	size_t count;
};

/* The address of a container's endpoint, and the container's index in the inventory. */
struct container_address {
	struct prefix addr;
	unsigned int container;
};

#define NO_CONTAINER (~0u)

/* A guarded port before its strings: what can be compared and merged. */
struct draft {
	struct place place;
	unsigned int lo, hi;
	unsigned int list;
	unsigned int container; /* or NO_CONTAINER */
	unsigned int port;
	enum port_origin origin;
	bool is_closed, is_armed;
};

struct resolver {
	const struct policy_input *input;
	struct policy *policy;
	struct error error;                  /* no text yet: none */
	const struct statement **statements; /* of policy.rules[i] */
	size_t prefixes;                     /* of all rules */
	struct rule_lists lists;
	struct span *spans;
	size_t spans_count;
	struct naming *naming; /* of inventory.containers[i] */
	struct stretch stretch;
	struct claim *claims;
	size_t claims_count;
	struct layers rule_layers, claim_layers;
	struct container_address *addresses; /* ascending by address */
	size_t addresses_count;
	struct draft *drafts;
	size_t drafts_count;
};

/*
 * An index behind the last rule that stands for every allow by port whose `until` has passed.  The
 * rule is gone, but its port stays closed: otherwise the end of a temporary allow would open the
 * port to everybody.  finish.c removes the index from the lists.
 */
static inline unsigned int resolver_expired(const struct resolver *resolver)
{
	return (unsigned int)resolver->policy->rules_count;
}

static inline bool statement_is_past(const struct statement *statement, time_t now)
{
	return statement->until && statement->until <= now;
}

int policy_resolve_rules(struct resolver *resolver);
int policy_resolve_spans(struct resolver *resolver);
int policy_resolve_naming(struct resolver *resolver);
int policy_collect_claims(struct resolver *resolver);
int policy_resolve_claims(struct resolver *resolver);
int policy_resolve_addresses(struct resolver *resolver);
int policy_draft_ports(struct resolver *resolver);
/* Drafts -> policy.ports; the lists move to policy.rule_pool. */
int policy_finish_ports(struct resolver *resolver);

/* Negative: a has the number, b waits. */
int claim_compare(const struct claim *a, const struct claim *b);
/* What is left of a claim's rules while another container has the number. */
int claim_keep_lost(struct resolver *resolver, unsigned int list, unsigned int *ret_list);

/* The container that has the address, or NO_CONTAINER. */
unsigned int policy_container_at(const struct resolver *resolver, const struct prefix *addr);
/* Whether the address is in one of Docker's subnets, or a container's elsewhere (macvlan). */
bool policy_is_container_address(const struct resolver *resolver, const struct prefix *addr);

#endif
