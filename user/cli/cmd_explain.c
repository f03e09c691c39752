/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_explain.c: one packet: whether it gets in, why, and what comes then. */
#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "policy/policy.h"
#include "cli/cmd_json.h"
#include "cli/view.h"
#include "base/proto.h"
#include "reason.h"
#include "engine/trial.h"
#include "explain/explain.h"
#include "image/image.h"

/* ---- what is printed ------------------------------------------------------------------------- */

static void print_text(const struct explain_answer *answer)
{
	if (answer->disagreement)
		printf("policy and kernel disagree: %s\n", answer->disagreement);
	puts(answer->sentence);
	for (size_t i = 0; i < answer->steps.count; i++) {
		const char *text = answer->steps.texts[i];
		int length = (int)strcspn(text, "\t");

		printf("  %-12.*s%s\n", length, text, text + length + 1);
	}
	for (size_t i = 0; i < answer->misses.count; i++) {
		const char *text = answer->misses.texts[i];
		int length = (int)strcspn(text, "\t");

		printf("  near miss   %.*s: %s\n", length, text, text + length + 1);
	}
	for (size_t i = 0; i < answer->next.count; i++)
		printf("  then        %s\n", answer->next.texts[i]);
}

#define VERSION_OF_SCHEMA 1

/* Of "WHAT\tTEXT" each. */
static json_t *pairs_json(const struct problems *list, const char *what, const char *text)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const char *item = list->texts[i];
		size_t length = strcspn(item, "\t");

		json_array_append_new(
			array, json_pack("{ss% ss}", what, item, length, text, item + length + 1));
	}
	return array;
}

static json_t *texts_json(const struct problems *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(list->texts[i]));
	return array;
}

static json_t *packet_json(const struct explain_question *question)
{
	char saddr[PREFIX_STRLEN], daddr[PREFIX_STRLEN];

	return json_pack("{ss ss si ss si}", "source", prefix_format(&question->saddr, saddr),
			 "destination", prefix_format(&question->daddr, daddr), "port",
			 question->dport, "proto", proto_name(question->proto), "tcp_flags",
			 question->tcp_flags);
}

static json_t *hooks_json(const struct explain_answer *answer)
{
	json_t *array = json_array();

	for (size_t i = 0; i < answer->hooks_count; i++) {
		const struct explain_hook *hook = &answer->hooks[i];

		json_array_append_new(array,
				      json_pack("{ss ss sb ss}", "interface", hook->name, "hook",
						hook_name(hook->hook), "dropped", hook->is_dropped,
						"reason", reason_name(hook->reason)));
	}
	return array;
}

/* What is not there yet has no number and no line. */
static json_t *rule_json(const struct explain_input *input, const struct policy_rule *rule)
{
	unsigned int line = rule ? explain_line(input, rule->line) : 0;

	if (!rule)
		return json_null();
	return json_pack("{so so ss}", "number",
			 input->with ? json_null() : json_integer(rule->number), "line",
			 line ? json_integer(line) : json_null(), "text", rule->text);
}

static void print_json(const struct explain_input *input, const struct explain_answer *answer)
{
	cmd_json_add("schema", json_integer(VERSION_OF_SCHEMA));
	cmd_json_add("rules_not_there", json_integer(input->with ? input->with->count : 0));
	cmd_json_add("dropped", json_boolean(answer->is_dropped));
	cmd_json_add("audit", json_boolean(answer->is_audit));
	cmd_json_add("reason",
		     answer->reason ? json_string(reason_name(answer->reason)) : json_null());
	cmd_json_add_text("sentence", answer->sentence);
	cmd_json_add("disagreement", json_string(answer->disagreement ?: ""));
	cmd_json_add("packet", packet_json(&answer->question));
	cmd_json_add("container", answer->port && answer->port->container
					  ? json_string(answer->port->container)
					  : json_null());
	cmd_json_add("rule", rule_json(input, answer->rule));
	cmd_json_add("steps", pairs_json(&answer->steps, "asked", "answer"));
	cmd_json_add("near_misses", pairs_json(&answer->misses, "rule", "why_not"));
	cmd_json_add("next", texts_json(&answer->next));
	cmd_json_add("hooks", hooks_json(answer));
}

static int status_of(const struct explain_answer *answer)
{
	if (answer->disagreement)
		return CMD_DISAGREES;
	return answer->is_dropped ? CMD_FAILED : CMD_DONE;
}

/* ---- a packet -----------------------------------------------------------------------------------
 */

/* What the kernel decides by now: past a trial's deadline, the confirmed policy. */
static int read_image(struct kernel *kernel, struct image *ret, struct error *error)
{
	int err = kernel_read_image(kernel, SLOT_ACTIVE, ret, error);

	if (err == 0 && trial_of(image_header(ret)) == TRIAL_LAPSED) {
		image_clear(ret);
		err = kernel_read_image(kernel, SLOT_CONFIRMED, ret, error);
	}
	if (err == 0 && image_check(ret->bytes, ret->size) < 0)
		err = -EBADMSG;
	return err < 0 ? error_prefix(error, err, "there is no policy in the kernel") : 0;
}

/* An answer, and what it was made from and borrows. */
struct answered {
	struct image image;
	struct desired *desired;
	struct explain_with with; /* what is not there yet, and the image with it */
	struct image candidate;
	struct explain_input input;
	struct explain_answer answer;
};

static void answered_clear(struct answered *answered)
{
	explain_answer_clear(&answered->answer);
	desired_freep(&answered->desired);
	explain_with_clear(&answered->with);
	image_clear(&answered->candidate);
	image_clear(&answered->image);
	*answered = (struct answered){};
}

static int read_with(const struct options *options, struct desired_input *how, struct answered *ret,
		     struct error *error)
{
	int err = explain_with_begin(&ret->image, &ret->with, error);

	for (size_t i = 0; err == 0 && i < options->with.count; i++)
		err = explain_with_add(&ret->with, options->with.list[i], error);
	if (err < 0)
		return err;
	how->text = ret->with.text;
	how->is_audit = image_header(&ret->image)->flags & IMAGE_AUDIT;
	err = desired_read(how, &ret->desired, error);
	if (err == 0)
		err = explain_with_compile(ret->desired, &ret->candidate, error);
	ret->input.image = &ret->candidate;
	ret->input.with = &ret->with;
	return err;
}

/* What the kernel has, or would have with the rules that are not there yet. */
static int read_policy(const struct options *options, struct kernel *kernel, struct answered *ret,
		       struct error *error)
{
	struct desired_input how = { .config_path = options->config,
				     .sets_dir = SETS_DIR,
				     .running = &ret->image };
	int err = read_image(kernel, &ret->image, error);

	if (err < 0)
		return err;
	ret->input = (struct explain_input){ .kernel = kernel,
					     .image = &ret->image,
					     .config_path = options->config };
	err = options->with.count ? read_with(options, &how, ret, error)
				  : desired_from_image(&how, &ret->desired, error);
	ret->input.desired = ret->desired;
	return err;
}

static int ask(const struct options *options, struct kernel *kernel,
	       const struct explain_question *question, struct answered *ret, struct error *error)
{
	_cleanup_(explain_freep) struct explain *explain = NULL;
	int err = read_policy(options, kernel, ret, error);

	if (err == 0)
		err = explain_open(&ret->input, &explain, error);
	return err < 0 ? err : explain_ask(explain, question, &ret->answer, error);
}

/* The words may be of one policy, and the verdict of the next. */
static bool is_outdated(struct kernel *kernel, const struct answered *answered)
{
	_cleanup_(image_clear) struct image now = {};

	return answered->answer.disagreement && read_image(kernel, &now, NULL) == 0 &&
	       image_header(&now)->generation != image_header(&answered->image)->generation;
}

#define ASK_TIMES 3

static int answer_question(const struct options *options, const struct explain_question *question,
			   struct error *error)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(answered_clear) struct answered answered = {};
	int err = kernel_open(options->pin_dir, &kernel, error);

	for (int i = 0; err == 0 && i < ASK_TIMES; i++) {
		answered_clear(&answered);
		err = ask(options, kernel, question, &answered, error);
		if (err == 0 && !is_outdated(kernel, &answered))
			break;
	}
	if (err < 0)
		return err;
	if (options->json)
		print_json(&answered.input, &answered.answer);
	else
		print_text(&answered.answer);
	return status_of(&answered.answer);
}

/* ---- a container ------------------------------------------------------------------------------
 */

static void print_port(const struct explain_port *port)
{
	const struct view_row row = { .port = port->port, .is_both = port->is_both };
	char number[32], address[PREFIX_STRLEN];

	view_port_text(&row, number, sizeof(number));
	printf("%s at %s, of %s: port %u of the container\n", number,
	       view_address_text(&row, address), port->port->container, port->port->container_port);
	printf("  gets in     %s\n", port->who);
	for (size_t i = 0; i < port->rules.count; i++)
		printf("  rule        %s\n", port->rules.texts[i]);
	if (port->bans)
		printf("  ban         %zu ban%s before that\n", port->bans,
		       port->bans == 1 ? " comes" : "s come");
	for (size_t i = 0; i < port->next.count; i++)
		printf("  then        %s\n", port->next.texts[i]);
}

static json_t *port_json(const struct explain_port *port)
{
	const struct view_row row = { .port = port->port, .is_both = port->is_both };
	char address[PREFIX_STRLEN];

	return json_pack("{ss ss ss si si si ss so sI so}", "container", port->port->container,
			 "address", view_address_text(&row, address), "proto", view_proto(&row),
			 "port", port->port->lo, "last_port", port->port->hi, "container_port",
			 port->port->container_port, "who", port->who, "rules",
			 texts_json(&port->rules), "bans", (json_int_t)port->bans, "next",
			 texts_json(&port->next));
}

static void print_ports(const struct options *options, const struct explain_input *input,
			const struct explain_ports *ports)
{
	json_t *array = json_array();

	for (size_t i = 0; i < ports->count; i++)
		json_array_append_new(array, port_json(&ports->list[i]));
	cmd_json_add("schema", json_integer(VERSION_OF_SCHEMA));
	cmd_json_add("rules_not_there", json_integer(input->with ? input->with->count : 0));
	cmd_json_add("ports", array);
	if (options->json)
		return;
	if (input->with)
		printf("with %zu rule%s not there yet:\n", input->with->count,
		       input->with->count == 1 ? " that is" : "s that are");
	for (size_t i = 0; i < ports->count; i++)
		print_port(&ports->list[i]);
	if (!ports->count)
		puts("no port leads to it from outside");
}

static int answer_name(const struct options *options, const struct explain_name *name,
		       struct error *error)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	_cleanup_(answered_clear) struct answered answered = {};
	_cleanup_(explain_ports_clear) struct explain_ports ports = {};
	int err = kernel_open(options->pin_dir, &kernel, error);

	if (err == 0)
		err = read_policy(options, kernel, &answered, error);
	if (err == 0)
		err = explain_ports(&answered.input, name, &ports, error);
	if (err < 0)
		return err;
	print_ports(options, &answered.input, &ports);
	return CMD_DONE;
}

/* ---- the verb -----------------------------------------------------------------------------------
 */

/* Before anything is read: what is wrong in itself is wrong usage everywhere. */
static int check_rules(const struct options *options, struct error *error)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < options->with.count; i++) {
		_cleanup_(config_clear_statement) struct statement statement = {};

		err = explain_read_rule(options->with.list[i], &statement, error);
	}
	return err;
}

/* A packet, or a container; 0 or -EINVAL with error. */
static int read_words(const struct options *options, int argc, char **argv,
		      struct explain_question *ret_question, struct explain_name *ret_name,
		      struct error *error)
{
	int err = check_rules(options, error);

	if (err < 0 || explain_read_name(argv + 1, argc - 1, ret_name) == 0)
		return err;
	err = explain_read_question(argv + 1, argc - 1, ret_question, error);
	if (err == 0 && options->flags)
		err = explain_read_flags(options->flags, &ret_question->tcp_flags, error);
	return err;
}

int cmd_explain(const struct options *options, int argc, char **argv)
{
	struct explain_question question;
	struct explain_name name = {};
	struct error error = {};
	int err;

	if (argc < 2)
		return cmd_usage(argv[0],
				 "the source and the port are missing, or a container's name");
	err = read_words(options, argc, argv, &question, &name, &error);
	if (err < 0)
		return cmd_usage(argv[0], "%s", ERROR(&error));
	err = name.text ? answer_name(options, &name, &error)
			: answer_question(options, &question, &error);
	if (err >= 0)
		return err;
	log_failure(err, &error);
	if (err == -ENODEV || err == -EUCLEAN)
		return CMD_USAGE;
	return err == -EPROTO ? CMD_DISAGREES : CMD_FAILED;
}
