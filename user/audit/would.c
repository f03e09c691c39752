/* SPDX-License-Identifier: GPL-2.0-only */
/* would.c: who is connected now, and would not be by a policy: from conntrack's table. */
#include <errno.h>

#include "audit/audit.h"
#include "base/cleanup.h"
#include "host/flows.h"
#include "policy/policy.h"

static bool is_in(const struct prefix *list, size_t count, const struct prefix *addr)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_contains(&list[i], addr))
			return true;
	return false;
}

/* What the host or a container began does not come in by an interface. */
static bool is_inside(const struct policy *policy, const struct prefix *addr)
{
	return is_in(policy->local, policy->local_count, addr) ||
	       is_in(policy->natted, policy->natted_count, addr) ||
	       is_in(policy->routed, policy->routed_count, addr) ||
	       (addr->family == 4 && addr->addr[0] == 127);
}

static bool is_cut(const struct policy *policy, const struct flow_begun *flow)
{
	struct policy_answer answer;

	if (is_inside(policy, &flow->saddr) || !is_inside(policy, &flow->daddr))
		return false;
	answer = policy_evaluate(policy, &flow->saddr, &flow->daddr, flow->proto, flow->dport);
	return answer.verdict == POLICY_DENY;
}

static bool is_known(const struct audit_result *audit, const struct flow_begun *flow)
{
	for (size_t i = 0; i < audit->cuts_count; i++)
		if (audit->cuts[i].port == flow->dport && audit->cuts[i].proto == flow->proto &&
		    prefix_equal(&audit->cuts[i].saddr, &flow->saddr))
			return true;
	return false;
}

int audit_find_cuts(const struct policy *policy, struct audit_result *audit)
{
	_cleanup_free_ struct flow_begun *flows = NULL;
	size_t count = 0;
	int err = flows_read(&flows, &count);

	for (size_t i = 0; !err && i < count; i++) {
		struct audit_cut *cut;

		if (!is_cut(policy, &flows[i]) || is_known(audit, &flows[i]))
			continue;
		cut = util_append(&audit->cuts, audit->cuts_count, sizeof(*cut));
		if (!cut)
			return -ENOMEM;
		audit->cuts_count++;
		*cut = (struct audit_cut){ flows[i].saddr, flows[i].proto, flows[i].dport };
	}
	return err;
}
