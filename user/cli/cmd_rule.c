/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_rule.c: allow, deny, ban, failsafe, delete, unban: edits of the configuration.  A new
 * text is tried whole (parsed, resolved, compiled) before the file is touched; the file is
 * replaced before the kernel is, and put back if the kernel refuses.
 */
#include "cli/cmd.h"
#include "cli/cmd_json.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "engine/asked.h"
#include "config/config.h"
#include "policy/hint.h"
#include "base/log.h"
#include "policy/policy.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* An edit of the text; -EINVAL and the like have been logged. */
typedef int edit_fn(const char *text, int argc, char **argv, char **ret);

static int parse(int argc, char **argv, struct statement *ret)
{
	_cleanup_free_ char *text = config_join_words((const char *const *)argv, argc);
	struct error at = {};
	int err;

	if (!text)
		return -ENOMEM;
	err = config_parse_statement(text, clock_s(CLOCK_REALTIME), ret, &at);
	if (err == -EINVAL)
		return log_error(0, "%s: column %u: %s", text, at.column, at.text), -EUCLEAN;
	return err;
}

/* Why config_add() refused: the statement names an unknown set, or the file is wrong. */
static int explain_add(const char *text, const struct statement *statement)
{
	_cleanup_(config_freep) struct config *config = NULL;
	const char *set = NULL;

	if (config_parse(text, strlen(text), clock_s(CLOCK_REALTIME), &config, NULL) == 0)
		set = config_missing_set(config, statement);
	if (!set)
		return -EINVAL;
	return log_error(0, "there is no set '%s' in the configuration", set), -ENOENT;
}

static int add(const char *text, int argc, char **argv, char **ret)
{
	_cleanup_(config_clear_statement) struct statement statement = {};
	int err = parse(argc, argv, &statement);

	if (err < 0)
		return err;
	err = config_add(text, &statement, ret);
	if (err == -EINVAL)
		return explain_add(text, &statement);
	if (err == -EEXIST) {
		log_info("the rule exists already");
		*ret = strdup(text);
		err = *ret ? 0 : -ENOMEM;
	}
	return err;
}

static bool is_number(const char *word)
{
	return word[0] && !word[strspn(word, "0123456789")];
}

static int delete_number(const char *text, const char *word, char **ret)
{
	unsigned long number = strtoul(word, NULL, 10);
	int err = config_delete_number(text, number > ~0u ? ~0u : number, ret);

	if (err == -ENOENT)
		log_error(0, "there is no rule %s (`tidegate list` shows the numbers)", word);
	return err;
}

/* argv[0] is "delete". */
static int delete(const char *text, int argc, char **argv, char **ret)
{
	_cleanup_(config_clear_statement) struct statement statement = {};
	int err;

	if (argc == 2 && is_number(argv[1]))
		return delete_number(text, argv[1], ret);
	err = parse(argc - 1, argv + 1, &statement);
	if (err < 0)
		return err;
	err = config_delete(text, &statement, ret);
	if (err == -ENOENT) {
		_cleanup_free_ char *rule = config_print_statement(&statement);

		log_error(0, "there is no rule '%s' (`tidegate list` shows them)", rule ?: "");
	}
	return err;
}

/* argv[0] is "unban": a ban taken back is a ban deleted. */
static int unban(const char *text, int argc, char **argv, char **ret)
{
	_cleanup_(config_clear_statement) struct statement statement = {};
	int err;

	argv[0] = "ban";
	err = parse(argc, argv, &statement);
	if (err < 0)
		return err;
	err = config_delete(text, &statement, ret);
	if (err == -ENOENT)
		log_error(0, "no ban names '%s'%s%s%s (`tidegate list` shows the bans)", argv[1],
			  statement.comment ? " with the comment '" : "", statement.comment ?: "",
			  statement.comment ? "'" : "");
	return err;
}

/* ---- doing it ------------------------------------------------------------------------ */

static int commit(const struct options *options, const struct reconcile_input *input,
		  struct reconcile_plan *plan, const char *old_text)
{
	_cleanup_(reconcile_clear) struct reconcile_report report = {};
	_cleanup_(trail_clear) struct trail before = {};
	struct error error = {};
	int err;

	trail_begin(&before, input->kernel, input->kernel ? NULL : old_text);
	if (options->is_default_config)
		(void)mkdir(CONFIG_DIR, 0755); /* what fails here fails again below, and is said */
	err = conffile_write(options->config, input->text);
	if (err < 0)
		return log_error(err, "nothing was changed: cannot write '%s'", options->config);
	if (!input->kernel) {
		log_info("saved in '%s', but the filter is not up: `tidegate up` enforces it",
			 options->config);
		cmd_record(&before, NULL, options->config, input->text);
		return 0;
	}
	err = reconcile_commit(input, plan, &report, &error);
	if (err < 0)
		log_error(0, "%s", ERROR(&error));
	if (err < 0 && conffile_write(options->config, old_text) < 0)
		log_error(0,
			  "cannot restore '%s': it has the new text, and the previous policy stays "
			  "active",
			  options->config);
	if (err < 0)
		return err;
	cmd_record(&before, input->kernel, options->config, input->text);
	cmd_warn(&report), cmd_warn_problems(report.desired);
	return 0;
}

static const struct policy_rule *find_rule(const struct policy *policy,
					   const struct statement *statement)
{
	_cleanup_free_ char *identity = config_rule_identity(statement);

	for (size_t i = 0; identity && i < policy->rules_count; i++)
		if (streq(policy->rules[i].identity, identity))
			return &policy->rules[i];
	return NULL;
}

/* A rule for a port that nothing has yet is fine, but a typing error looks the same.  What is to
 * be said of other rules, `list` and `status` say. */
static void hint(const struct desired *desired, const struct statement *added)
{
	const struct policy_rule *rule = find_rule(desired->policy, added);
	const struct hint_world world = { desired->inventory, desired->listeners,
					  desired->listeners_count };
	_cleanup_free_ char *text = NULL;

	if (!rule || rule->is_everywhere)
		return;
	text = rule->ports_count ? hint_inside(added, &world)
				 : hint_useless(added, desired->inventory);
	if (text)
		log_warning("'%s': %s", rule->text, text);
}

/* `allow ssh` would open a container of that name, one day. */
static int check_name(const struct desired *desired, const struct statement *added)
{
	_cleanup_free_ char *text = NULL;

	if (!added->target.is_bare || hint_is_container(desired->inventory, added->target.name))
		return 0;
	if (desired->docker_error[0])
		log_warning("%s", desired->docker_error);
	text = hint_unknown(added, desired->inventory);
	return log_error(0, "%s", text ?: "out of memory"), -ENOENT;
}

/* An edit on top of a configuration that was tried and not confirmed would bring it back. */
static int check_refused(const struct options *options, const struct reconcile_plan *plan,
			 const char *old_text)
{
	const char *why = reconcile_refused_why(plan, old_text);

	if (!why)
		return 0;
	log_error(0,
		  "'%s' %s%s: correct it, or try it with `tidegate reload --confirm 120s`, before "
		  "you change rules",
		  options->config,
		  why[0] ? "was not applied when it was saved, because "
			 : "was on trial, was not confirmed and was rolled back",
		  why);
	return -EPERM;
}

/* added: empty when nothing is. */
static int try_and_commit(const struct options *options, const struct reconcile_input *input,
			  const char *old_text, const struct statement *added)
{
	_cleanup_(reconcile_plan_freep) struct reconcile_plan *plan = NULL;
	const struct desired *desired;
	struct error error = {};
	int err = reconcile_prepare(input, &plan, &error);

	if (err < 0)
		return log_failure(err, &error);
	err = check_refused(options, plan, old_text);
	if (err < 0)
		return err;
	desired = reconcile_desired(plan);
	err = check_name(desired, added);
	if (err < 0)
		return err;
	hint(desired, added);
	if (!options->force && cmd_cuts_ssh(plan, 0))
		return -EPERM;
	if (options->dry_run) {
		cmd_json_add_text("configuration", input->text);
		if (!options->json)
			fputs(input->text, stdout);
		return 0;
	}
	return commit(options, input, plan, old_text);
}

static bool is_ban(const char *verb)
{
	return streq(verb, "ban") || streq(verb, "unban");
}

static int edit(const struct options *options, int argc, char **argv, edit_fn *change)
{
	struct error error = {};
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	/* Who bans somebody waits for no Engine: nothing that it could say changes what he wants.
	 */
	_cleanup_(asked_clear) struct asked asked = { .asks_nobody = is_ban(argv[0]) };
	_cleanup_(config_clear_statement) struct statement added = {};
	_cleanup_free_ char *old_text = NULL, *new_text = NULL;
	_cleanup_close_ int lock_fd = cmd_ask_and_lock(options, &asked);
	struct reconcile_input input = {
		.config_path = options->config,
		.sets_dir = SETS_DIR,
		.answer_of = asked_answer,
		.answer_arg = &asked,
		.is_dry_run = options->dry_run,
	};
	int err;

	if (lock_fd < 0)
		return lock_fd;
	err = cmd_open_kernel(options, &kernel, &error);
	if (err < 0 && err != -ENOENT)
		return log_failure(err, &error);
	err = cmd_read_config(options, kernel, &old_text);
	if (err < 0)
		return err;
	err = change(old_text, argc, argv, &new_text);
	if (err == 0 && change == add)
		err = parse(argc, argv, &added);
	if (err == -EINVAL)
		log_error(
			0,
			"nothing was changed: '%s' has an error already, `tidegate check` shows it",
			options->config);
	if (err < 0)
		return err;
	input.text = new_text;
	input.kernel = kernel;
	return try_and_commit(options, &input, old_text, &added);
}

int cmd_rule(const struct options *options, int argc, char **argv)
{
	if (argc < 2)
		return cmd_usage(argv[0], "say what to %s", argv[0]);
	return edit(options, argc, argv, add) < 0 ? CMD_FAILED : CMD_DONE;
}

int cmd_delete(const struct options *options, int argc, char **argv)
{
	if (argc < 2)
		return cmd_usage(argv[0], "name a rule, as typed or by its number");
	return edit(options, argc, argv, delete) < 0 ? CMD_FAILED : CMD_DONE;
}

int cmd_unban(const struct options *options, int argc, char **argv)
{
	if (argc < 2)
		return cmd_usage(argv[0], "name a source");
	return edit(options, argc, argv, unban) < 0 ? CMD_FAILED : CMD_DONE;
}
