/* SPDX-License-Identifier: GPL-2.0-only */
/* ask.c: the programs in use, loaded once more, and what they say of a packet.  See explain.h. */
#include <errno.h>
#include <netinet/in.h>

#include "explain/private.h"
#include "host/netdev.h"
#include "base/cleanup.h"

/* Of who answers no packet, where none was named: from there on there are no services. */
#define ANY_PORT 40122

/* ---- the programs --------------------------------------------------------------------------- */

/* One that is shared by several interfaces is closed with the first. */
static bool is_first(const struct explain *explain, size_t number)
{
	for (size_t i = 0; i < number; i++)
		if (explain->attachments[i].program_id == explain->attachments[number].program_id)
			return false;
	return true;
}

static void explain_free(struct explain *explain)
{
	if (!explain)
		return;
	for (size_t i = 0; i < explain->count; i++)
		if (is_first(explain, i))
			probe_close(&explain->probes[i]);
	free(explain->probes);
	free(explain->attachments);
	counter_ids_free(explain->ids);
	free(explain);
}

void explain_freep(struct explain **explain)
{
	explain_free(*explain);
}

static const char *name_of(const struct explain *explain, size_t number)
{
	const struct netdev *device = netdev_find_index(explain->input.desired->netdevs,
							explain->attachments[number].ifindex);

	return device ? device->name : "?";
}

static int open_probe(struct explain *explain, size_t number, struct error *error)
{
	const struct attachment *attachment = &explain->attachments[number];
	const struct netdev *device =
		netdev_find_index(explain->input.desired->netdevs, attachment->ifindex);
	static const __u8 unknown[6];
	const struct probe_request request = {
		.attachment = attachment,
		.mac = device ? device->mac : unknown,
		.image = explain->input.with ? explain->input.image : NULL,
	};
	int err;

	for (size_t i = 0; i < number; i++) {
		if (explain->attachments[i].program_id != attachment->program_id)
			continue;
		explain->probes[number] = explain->probes[i];
		explain->probes[number].ifindex = attachment->ifindex;
		if (device && netdev_is_ethernet(device))
			memcpy(explain->probes[number].mac, device->mac, sizeof(device->mac));
		return 0;
	}
	err = probe_open_copy(explain->input.kernel, &request, &explain->probes[number], error);
	return err < 0 ? error_prefix(error, err, "'%s'", name_of(explain, number)) : 0;
}

static int open_probes(struct explain *explain, struct error *error)
{
	_cleanup_free_ struct attachment *all = NULL;
	size_t count = 0;
	int err = kernel_attachments(explain->input.kernel, &all, &count, error);

	if (err < 0)
		return err;
	explain->probes = calloc(count + 1, sizeof(*explain->probes));
	explain->attachments = calloc(count + 1, sizeof(*explain->attachments));
	if (!explain->probes || !explain->attachments)
		return -ENOMEM;
	for (size_t i = 0; err == 0 && i < count; i++) {
		if (!all[i].is_attached)
			continue;
		explain->attachments[explain->count] = all[i];
		err = open_probe(explain, explain->count, error);
		explain->count += err == 0;
	}
	if (err == 0 && !explain->count)
		err = error_set(error, -ENOENT, "the filter is attached to no interface");
	return err;
}

int explain_open(const struct explain_input *input, struct explain **ret, struct error *error)
{
	_cleanup_(explain_freep) struct explain *explain = calloc(1, sizeof(*explain));
	int err;

	if (!explain)
		return -ENOMEM;
	explain->input = *input;
	err = input->with ? 0 : counter_ids_read(input->kernel, &explain->ids, error);
	if (err == 0)
		err = open_probes(explain, error);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(explain);
	return 0;
}

/* ---- the packet --------------------------------------------------------------------------------
 */

/* Where the port is, if it is not everywhere. */
static int choose_destination(const struct policy *policy, struct explain_question *question,
			      struct error *error)
{
	const struct prefix *chosen = NULL;

	for (size_t i = 0; i < policy->ports_count; i++) {
		const struct policy_port *port = &policy->ports[i];

		if (port->proto != question->proto || question->dport < port->lo ||
		    question->dport > port->hi || port->addr.family != question->saddr.family ||
		    port->origin == PORT_DIRECT)
			continue;
		if (!port->addr.length || !chosen)
			chosen = port->addr.length ? &port->addr
						   : policy_own_address(policy, port->addr.family);
	}
	chosen = chosen ?: policy_own_address(policy, question->saddr.family);
	if (!chosen)
		return error_set(error, -EADDRNOTAVAIL, "this host has no IPv%d address",
				 question->saddr.family);
	question->daddr = *chosen;
	return 0;
}

/* ---- asking -------------------------------------------------------------------------------------
 */

static const struct policy_rule *rule_counted(struct explain *explain, __u32 id)
{
	const struct policy *policy = explain->input.desired->policy;

	if (explain->input.with)
		return explain_with_counted(policy, id);
	for (size_t i = 0; id && i < policy->rules_count; i++) {
		_cleanup_free_ char *name = NULL;

		if (asprintf(&name, "rule %s", policy->rules[i].identity) < 0)
			return NULL;
		if (counter_ids_find(explain->ids, name) == id)
			return &policy->rules[i];
	}
	return NULL;
}

static int ask_one(struct explain *explain, size_t number, struct explain_answer *answer,
		   struct error *error)
{
	const struct explain_question *question = &answer->question;
	struct probe_packet packet = { .saddr = question->saddr,
				       .daddr = question->daddr,
				       .sport = question->sport ?: ANY_PORT,
				       .dport = question->dport,
				       .proto = question->proto,
				       .tcp_flags = question->tcp_flags };
	struct explain_hook *hook = util_append(&answer->hooks, answer->hooks_count, sizeof(*hook));
	struct probe_counted counted;
	size_t bytes;
	int err;

	if (!hook)
		return -ENOMEM;
	snprintf(hook->name, sizeof(hook->name), "%s", name_of(explain, number));
	hook->hook = explain->attachments[number].hook;
	err = probe_run(&explain->probes[number], &packet, &hook->is_dropped, &bytes, error);
	if (err == 0)
		err = probe_read_counted(&explain->probes[number], explain->ids, &counted, error);
	if (err < 0)
		return error_prefix(error, err, "'%s'", hook->name);
	hook->reason = counted.reason;
	answer->hooks_count++;
	answer->rule = rule_counted(explain, counted.rule) ?: answer->rule;
	return 0;
}

/* The verdict is that of the interface that is open the most. */
static int ask_each(struct explain *explain, struct explain_answer *answer, struct error *error)
{
	const char *name = answer->question.interface;
	int err = 0;

	answer->is_dropped = true;
	for (size_t i = 0; err == 0 && i < explain->count; i++) {
		if (name[0] && !explain_is_seen(explain, i, name))
			continue;
		err = ask_one(explain, i, answer, error);
		if (err == 0 && (answer->is_dropped || answer->hooks_count == 1)) {
			const struct explain_hook *hook = &answer->hooks[answer->hooks_count - 1];

			answer->reason = hook->reason;
			answer->is_dropped = hook->is_dropped;
		}
	}
	return err;
}

/* What the words leave to the kernel's tables, it may answer either way. */
static bool agrees(const struct words *words, const struct explain_question *question,
		   enum reason reason)
{
	bool is_syn = question->proto == IPPROTO_TCP && (question->tcp_flags & 0x12) == PROBE_SYN;

	if (reason == words->reason)
		return true;
	if (!reason_is_drop(words->reason))
		return false;
	return (reason == PASS_REPLY && !is_syn) ||
	       (reason == PASS_FORWARDED && words->image.kind == DESTINATION_OTHER);
}

static int compare(const struct words *words, struct explain_answer *answer)
{
	for (size_t i = 0; i < answer->hooks_count; i++) {
		const struct explain_hook *hook = &answer->hooks[i];
		bool is_right =
			hook->is_dropped == (reason_is_drop(hook->reason) && !answer->is_audit);

		if (answer->disagreement ||
		    (is_right && agrees(words, &answer->question, hook->reason)))
			continue;
		if (asprintf(&answer->disagreement,
			     "by the policy the packet is %s (%s), and the program on '%s' %s it "
			     "(%s)",
			     reason_is_drop(words->reason) ? "dropped" : "passed",
			     reason_name(words->reason), hook->name,
			     hook->is_dropped ? "drops" : "passes", reason_name(hook->reason)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int answer_from_kernel(struct explain *explain, struct explain_answer *answer,
			      struct error *error)
{
	struct words words;
	int err = explain_words(&explain->input, &answer->question, &words, error);

	if (err < 0)
		return err;
	answer->is_audit = image_header(explain->input.image)->flags & IMAGE_AUDIT;
	answer->port = words.policy.port;
	answer->rule = words.policy.rule;
	err = ask_each(explain, answer, error);
	if (err == 0)
		err = compare(&words, answer);
	if (err == 0)
		err = explain_add_steps(&explain->input, &words, answer);
	if (err == 0)
		err = explain_add_misses(&explain->input, answer);
	if (err == 0 && !answer->is_dropped)
		err = explain_add_next(&explain->input, answer);
	return err;
}

/* ---- who never meets the filter
 * ------------------------------------------------------------------ */

/* 1 = it is answered by that. */
static int answer_inside(const struct explain *explain, struct explain_answer *answer,
			 struct error *error)
{
	const struct explain_question *question = &answer->question;
	_cleanup_free_ char *inside = explain_inside(&explain->input, &question->saddr)
					      ?: explain_behind(explain, &question->saddr);
	char saddr[PREFIX_STRLEN];
	int written = 0;

	if (question->interface[0] && explain_is_guarded(explain, question->interface))
		return 0;
	if (question->interface[0] &&
	    !netdev_find(explain->input.desired->netdevs, question->interface))
		return error_set(error, -ENODEV, "'%s': there is no such interface",
				 question->interface);
	if (question->interface[0])
		written = asprintf(&answer->sentence,
				   "passes: the interface '%s' is not guarded, what comes in by it "
				   "never meets the filter",
				   question->interface);
	else if (inside)
		written = asprintf(&answer->sentence,
				   "passes: %s is %s, and never meets the filter; from outside the "
				   "source is forged: name an interface, `in IFACE`",
				   prefix_format(&question->saddr, saddr), inside);
	return written < 0 ? -ENOMEM : answer->sentence ? 1 : 0;
}

int explain_ask(struct explain *explain, const struct explain_question *question,
		struct explain_answer *ret, struct error *error)
{
	_cleanup_(explain_answer_clear) struct explain_answer answer = { .question = *question };
	int err = 0;

	if (!question->daddr.family)
		err = choose_destination(explain->input.desired->policy, &answer.question, error);
	if (err == 0)
		err = answer_inside(explain, &answer, error);
	if (err == 0) {
		err = answer_from_kernel(explain, &answer, error);
		if (err == 0)
			answer.sentence = explain_sentence(&explain->input, &answer);
	}
	if (err < 0)
		return error_complete(error, err);
	if (!answer.sentence)
		return error_complete(error, -ENOMEM);
	*ret = answer;
	memset(&answer, 0, sizeof(answer));
	return 0;
}

void explain_answer_clear(struct explain_answer *answer)
{
	free(answer->sentence);
	free(answer->disagreement);
	problems_clear(&answer->steps);
	problems_clear(&answer->misses);
	problems_clear(&answer->next);
	free(answer->hooks);
	memset(answer, 0, sizeof(*answer));
}
