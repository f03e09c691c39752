/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steps.c: in words, from policy and image: the questions of "How a packet is decided" in the
 * manual, in its order, up to the one that answered.  See private.h.
 */
#include <errno.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proto.h"
#include "explain/private.h"

/* ---- what the words come to ------------------------------------------------------------------ */

static int is_learned(const struct explain_input *input, const struct explain_question *question,
		      bool *ret, struct error *error)
{
	_cleanup_free_ struct bound_port *ports = NULL;
	size_t count = 0;
	int err = kernel_read_bound(input->kernel, &ports, &count, error);

	*ret = err == 0 &&
	       kernel_is_bound(ports, count, &question->daddr, question->proto, question->dport);
	return err;
}

int explain_words(const struct explain_input *input, const struct explain_question *question,
		  struct words *ret, struct error *error)
{
	const struct image_flow flow = { .saddr = &question->saddr,
					 .daddr = &question->daddr,
					 .dport = question->dport,
					 .proto = question->proto };
	int err;

	image_answer(input->image, &flow, clock_ns(CLOCK_MONOTONIC_COARSE), &ret->image);
	ret->policy = policy_evaluate(input->desired->policy, &question->saddr, &question->daddr,
				      question->proto, question->dport);
	ret->reason = ret->image.reason;
	err = is_learned(input, question, &ret->is_learned, error);
	ret->is_learned = ret->is_learned &&
			  (ret->reason == PASS_UNGUARDED || ret->reason == PASS_DEFAULT) &&
			  !(image_header(input->image)->flags & IMAGE_ALLOW_ALL);
	if (ret->is_learned)
		ret->reason = DROP_LEARNED;
	return err;
}

/* ---- pieces of text
 * ------------------------------------------------------------------------------ */

static void put_rule(FILE *out, const struct explain_input *input, const struct policy_rule *rule)
{
	_cleanup_free_ char *place = explain_place_of(input, rule);

	fprintf(out, "%s: %s", place ?: "?", rule->text);
}

static void put_port(FILE *out, const struct explain_answer *answer)
{
	fprintf(out, "%u/%s", answer->question.dport, proto_name(answer->question.proto));
	if (answer->port && answer->port->container)
		fprintf(out, " (container %s)", answer->port->container);
}

/* ---- the steps, each as "QUESTION\tANSWER" ----------------------------------------------------
 */

static const struct policy_rule *rule_if(const struct explain_answer *answer,
					 enum statement_kind kind)
{
	return answer->rule && answer->rule->kind == kind ? answer->rule : NULL;
}

static void put_everywhere(FILE *out, const struct explain_input *input,
			   const struct explain_answer *answer, enum statement_kind kind)
{
	const struct policy_rule *rule = rule_if(answer, kind);
	char saddr[PREFIX_STRLEN];

	if (rule)
		put_rule(out, input, rule);
	else
		fprintf(out, "no %s contains %s", kind == STATEMENT_BAN ? "ban" : "failsafe",
			prefix_format(&answer->question.saddr, saddr));
}

static const char *const kinds[] = {
	[DESTINATION_OTHER] = "is not known here: the kernel's routing table says whose it is",
	[DESTINATION_LOCAL] = "is this host's own",
	[DESTINATION_CONTAINER] = "is a container's own, behind NAT",
	[DESTINATION_ROUTED] = "is a container's own, in a routed network",
	[DESTINATION_MARTIAN] = "cannot be reached from outside",
	[DESTINATION_MACVLAN] = "is a container's own, on the wire",
};

static void put_destination(FILE *out, const struct words *words,
			    const struct explain_answer *answer)
{
	char daddr[PREFIX_STRLEN];

	fprintf(out, "%s %s", prefix_format(&answer->question.daddr, daddr),
		words->image.kind < ARRAY_SIZE(kinds) ? kinds[words->image.kind] : "is unknown");
}

static void put_guarded(FILE *out, const struct words *words, const struct explain_answer *answer)
{
	const struct policy_port *port = answer->port;

	put_port(out, answer);
	if (words->is_learned)
		fputs(" was bound by Docker, and no policy knows it yet", out);
	else if (!port)
		fputs(" is published by no container and named by no rule", out);
	else if (port->origin == PORT_NAMED)
		fputs(" is not published; a rule names it", out);
	else if (port->origin == PORT_DIRECT)
		fputs(" is at the container's own address", out);
	else
		fprintf(out, " is published, and leads to its port %u%s",
			port->container_port + (answer->question.dport - port->lo),
			port->is_armed ? "; it does not run" : "");
}

static void put_rules(FILE *out, const struct explain_input *input,
		      const struct explain_answer *answer)
{
	size_t count = answer->port ? answer->port->rules_count : 0;
	char saddr[PREFIX_STRLEN];

	if (answer->rule) {
		put_rule(out, input, answer->rule);
		if (count > 1)
			fprintf(out, " (the most specific source of %zu rules)", count);
	} else if (!count) {
		fputs("no rule names it", out);
	} else {
		fprintf(out, "%zu name%s it, and not %s", count, count == 1 ? "s" : "",
			prefix_format(&answer->question.saddr, saddr));
	}
}

static int add(struct explain_answer *answer, const char *what, char *text)
{
	int err = text ? problems_add(&answer->steps, "%s\t%s", what, text) : -ENOMEM;

	free(text);
	return err;
}

enum step { STEP_FAILSAFE, STEP_BAN, STEP_DESTINATION, STEP_PORT, STEP_RULE, STEP_MAX };

static const char *const step_names[STEP_MAX] = { "failsafe", "ban", "destination", "port",
						  "rule" };

static int add_step(const struct explain_input *input, const struct words *words, enum step step,
		    struct explain_answer *answer)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	if (step == STEP_FAILSAFE)
		put_everywhere(out, input, answer, STATEMENT_FAILSAFE);
	else if (step == STEP_BAN)
		put_everywhere(out, input, answer, STATEMENT_BAN);
	else if (step == STEP_DESTINATION)
		put_destination(out, words, answer);
	else if (step == STEP_PORT)
		put_guarded(out, words, answer);
	else
		put_rules(out, input, answer);
	return fclose(out) == 0 ? add(answer, step_names[step], text) : -ENOMEM;
}

/* The last that was asked. */
static enum step last_step(const struct words *words, const struct explain_answer *answer)
{
	if (rule_if(answer, STATEMENT_FAILSAFE))
		return STEP_FAILSAFE;
	if (rule_if(answer, STATEMENT_BAN))
		return STEP_BAN;
	if (words->image.kind == DESTINATION_MARTIAN)
		return STEP_DESTINATION;
	return answer->port && !words->is_learned ? STEP_RULE : STEP_PORT;
}

static const char *reply_text(const struct explain_answer *answer)
{
	if (answer->reason == PASS_REPLY)
		return "connection tracking knows the flow: this host or a container began it";
	if (answer->question.proto == IPPROTO_TCP && (answer->question.tcp_flags & 0x12) == 0x02)
		return "a SYN is never one";
	return "connection tracking knows no flow that this side began";
}

/* What is asked of a packet on its way to a drop, and of one that would pass. */
static int add_last_steps(const struct explain_input *input, const struct words *words,
			  struct explain_answer *answer)
{
	char saddr[PREFIX_STRLEN];
	bool may_be_reply = reason_is_drop(words->reason) && words->reason != DROP_BANNED &&
			    words->reason != DROP_MARTIAN && words->reason != DROP_SPOOFED;
	int err = 0;

	if (answer->reason == PASS_FORWARDED)
		return add(answer, "forwarded", strdup("the destination is not this host's own"));
	if (may_be_reply)
		err = add(answer, "reply", strdup(reply_text(answer)));
	if (err == 0 && answer->reason == DROP_SPOOFED) {
		_cleanup_free_ char *inside = explain_inside(input, &answer->question.saddr);

		err = problems_add(&answer->steps, "source\t%s is %s: from outside it is forged",
				   prefix_format(&answer->question.saddr, saddr),
				   inside ?: "no address of one host outside");
	}
	return err;
}

static int add_verdicts(struct explain_answer *answer)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < answer->hooks_count; i++)
		err = problems_add(&answer->steps,
				   "kernel\t"
				   "the program on %s (%s) %s it: %s",
				   answer->hooks[i].name, hook_name(answer->hooks[i].hook),
				   answer->hooks[i].is_dropped ? "drops" : "passes",
				   reason_name(answer->hooks[i].reason));
	return err;
}

int explain_add_steps(const struct explain_input *input, const struct words *words,
		      struct explain_answer *answer)
{
	enum step last = last_step(words, answer);
	int err = 0;

	for (enum step step = STEP_FAILSAFE; err == 0 && step <= last; step++)
		err = add_step(input, words, step, answer);
	if (err == 0)
		err = add_last_steps(input, words, answer);
	return err < 0 ? err : add_verdicts(answer);
}

/* ---- the sentence ------------------------------------------------------------------------------
 */

static void put_by_rule(FILE *out, const struct explain_answer *answer)
{
	char saddr[PREFIX_STRLEN];

	prefix_format(&answer->question.saddr, saddr);
	if (answer->rule) {
		fprintf(out, "`%s` decides about %s at ", answer->rule->text, saddr);
	} else if (answer->port && answer->port->rules_count) {
		fprintf(out, "%s is in no rule of ", saddr);
	} else if (answer->reason == PASS_UNGUARDED) {
		fputs("no container publishes and no rule names ", out);
	} else {
		fputs("no rule names ", out);
	}
	put_port(out, answer);
}

static void put_why(FILE *out, const struct explain_input *input,
		    const struct explain_answer *answer)
{
	_cleanup_free_ char *inside = explain_inside(input, &answer->question.saddr);
	char addr[PREFIX_STRLEN];

	switch (answer->reason) {
	case DROP_SPOOFED:
		fprintf(out, "%s is %s: from outside it is forged",
			prefix_format(&answer->question.saddr, addr),
			inside ?: "no address of one host outside");
		break;
	case DROP_MARTIAN:
		fprintf(out, "%s cannot be reached from outside",
			prefix_format(&answer->question.daddr, addr));
		break;
	case DROP_LEARNED:
		put_port(out, answer);
		fputs(" was bound by Docker, and no policy knows it yet", out);
		break;
	case PASS_FORWARDED:
		fprintf(out, "%s is not this host's own",
			prefix_format(&answer->question.daddr, addr));
		break;
	case PASS_REPLY:
		fputs(reply_text(answer), out);
		break;
	case DROP_NO_POLICY:
		fputs("there is no policy in the kernel", out);
		break;
	default:
		put_by_rule(out, answer);
	}
}

char *explain_sentence(const struct explain_input *input, const struct explain_answer *answer)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s, %s",
		answer->is_dropped               ? "dropped"
		: reason_is_drop(answer->reason) ? "passes in audit mode, would be dropped"
						 : "passes",
		reason_name(answer->reason));
	if (input->with && input->with->count == 1)
		fputs(", with a rule that is not there yet", out);
	else if (input->with)
		fprintf(out, ", with %zu rules that are not there yet", input->with->count);
	fputs(": ", out);
	put_why(out, input, answer);
	return fclose(out) == 0 ? text : NULL;
}
