/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * resolve.h: what the files of the policy share while one is being built; nobody
 * else includes it.  The road from statements to ports:
 *
 *   rules (rules.c)
 *     ├─► by port ──► spans ────────► rule layers  (spans.c) ───┐
 *     └─► by container ─► claims ───► claim layers (contest.c) ─┴─► ports (ports.c)
 *         (naming.c, claims.c)
 *
 * A layer is what one kind of input says about one place: disjoint segments of port
 * numbers, ascending.  Laying the layers of a place over each other gives its ports.
 */
#ifndef TIDEGATE_POLICY_RESOLVE_H
#define TIDEGATE_POLICY_RESOLVE_H

#include "base/intern.h"
#include "base/order.h"
#include "base/proto.h"
#include "docker/inventory.h"
#include "policy/policy.h"
#include "base/cleanup.h"

/*
 * Interned lists of rule indexes, ascending: the same content has the same number, so that
 * "decided alike" is one comparison.  Number 0 is the empty list.
 */
struct rule_lists {
	struct intern intern;
	struct buffer scratch; /* where the next list is written */
};

/* Valid until the next commit. */
struct rule_view {
	const unsigned int *rules;
	unsigned int count;
};

int rule_lists_init(struct rule_lists *lists);
void rule_lists_clear(struct rule_lists *lists);
/* Room for `count` indexes: write them there, then commit how many there are. */
int rule_lists_reserve(struct rule_lists *lists, size_t count, unsigned int **ret_rules);
/* 0, -ENOMEM, or -E2BIG past POLICY_LIMIT_POOL. */
int rule_lists_commit(struct rule_lists *lists, unsigned int count, unsigned int *ret_list);
int rule_lists_union(struct rule_lists *lists, unsigned int a, unsigned int b, unsigned int *ret);

static inline struct rule_view rule_lists_get(const struct rule_lists *lists, unsigned int list)
{
	return (struct rule_view){
		.rules = intern_get(&lists->intern, list),
		.count = (unsigned int)(lists->intern.items[list].length / sizeof(unsigned int)),
	};
}

/* Where a packet goes, but for the port number.  Address family 0: every address of this
 * host; length 0: every one of that family. */
struct place {
	__u8 proto;
	struct prefix addr;
};

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

struct segment {
	unsigned int lo, hi;
	unsigned int list;
	const struct claim *claim; /* NULL in a rule layer */
};

struct layer {
	struct place place;
	struct segment *segments;
	size_t count;
};

struct layers {
	struct layer *array; /* by place */
	size_t count;
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

/* A container's own address. */
struct home {
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
	struct rule_lists lists;
	struct span *spans;
	size_t spans_count;
	struct naming *naming; /* of inventory.containers[i] */
	struct stretch stretch;
	struct claim *claims;
	size_t claims_count;
	struct layers rule_layers, claim_layers;
	struct home *homes; /* by address */
	size_t homes_count;
	struct draft *drafts;
	size_t drafts_count;
};

/*
 * Stands, behind the last rule, for every allow by port whose `until` has passed: the rule
 * is gone, the port that it had to itself stays closed.  Otherwise the end of a temporary
 * allow would open its port to everybody.  Taken out of the lists at the end.
 */
static inline unsigned int resolver_ghost(const struct resolver *resolver)
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
int policy_resolve_homes(struct resolver *resolver);
int policy_draft_ports(struct resolver *resolver);
/* Drafts -> policy.ports; the lists move to policy.rule_pool. */
int policy_finish_ports(struct resolver *resolver);

/* Negative: a has the number, b waits. */
int claim_compare(const struct claim *a, const struct claim *b);
/* What is left of a claim's rules while another container has the number. */
int claim_keep_lost(struct resolver *resolver, unsigned int list, unsigned int *ret_list);

/* Whose address that is, or NO_CONTAINER. */
unsigned int policy_container_at(const struct resolver *resolver, const struct prefix *addr);
/* In a subnet of Docker's, or a container's own elsewhere (macvlan). */
bool policy_is_container_address(const struct resolver *resolver, const struct prefix *addr);

int place_compare(const struct place *a, const struct place *b);
/* "0.0.0.0" and "every address" are the same wish: both become length 0. */
struct prefix place_normalize(const struct prefix *addr);
bool place_is_martian(const struct prefix *addr);

/* An empty layer, appended.  Places come in ascending order. */
struct layer *layers_add(struct layers *layers, const struct place *place);
int layer_append(struct layer *layer, const struct segment *segment);
/* NULL when nothing is known of the place. */
const struct layer *layers_find(const struct layers *layers, const struct place *place);
void layers_clear(struct layers *layers);

#endif
