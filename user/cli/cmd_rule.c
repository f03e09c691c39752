/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_rule.c: allow, deny, failsafe, delete: edits of the configuration; and how it and the bans
 * (cmd_ban.c) are edited.  What is new is tried whole (parsed, resolved, compiled) before a file is
 * touched; the files are written before the kernel changes, and put back if it refuses.
 */
#include "cli/cmd.h"
#include "cli/cmd_json.h"

#include <errno.h>
#include <sys/stat.h>

#include "bans/bans.h"
#include "base/file.h"
#include "engine/asked.h"
#include "config/config.h"
#include "policy/hint.h"
#include "base/log.h"
#include "policy/policy.h"
#include "base/cleanup.h"
#include "base/clock.h"

int cmd_parse_statement(int argc, char **argv, struct statement *ret)
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

int cmd_add_statement(struct edit *edit)
{
	int err = config_add(edit->old_text, &edit->added, &edit->new_text);

	if (err == -EINVAL)
		return explain_add(edit->old_text, &edit->added);
	if (err == -EEXIST)
		log_info("the rule exists already");
	return err == -EEXIST ? 0 : err;
}

static int add(struct edit *edit)
{
	int err = cmd_parse_statement(edit->argc, edit->argv, &edit->added);

	return err ?: cmd_add_statement(edit);
}

static bool is_number(const char *word)
{
	return word[0] && !word[strspn(word, "0123456789")];
}

static int delete_number(struct edit *edit, const char *word)
{
	unsigned long number = strtoul(word, NULL, 10);
	int err =
		config_delete_number(edit->old_text, number > ~0u ? ~0u : number, &edit->new_text);

	if (err == -ENOENT)
		log_error(0, "there is no rule %s (`tidegate list` shows the numbers)", word);
	return err;
}

/* argv[0] is "delete". */
static int delete(struct edit *edit)
{
	_cleanup_(config_clear_statement) struct statement statement = {};
	int err;

	if (edit->argc == 2 && is_number(edit->argv[1]))
		return delete_number(edit, edit->argv[1]);
	err = cmd_parse_statement(edit->argc - 1, edit->argv + 1, &statement);
	if (err < 0)
		return err;
	err = config_delete(edit->old_text, &statement, &edit->new_text);
	if (err == -ENOENT) {
		_cleanup_free_ char *rule = config_print_statement(&statement);

		log_error(0, "there is no rule '%s' (`tidegate list` shows them)", rule ?: "");
	}
	return err;
}

/* ---- doing it ------------------------------------------------------------------------ */

/* Both files, or none of them. */
static int write_files(const struct options *options, struct edit *edit)
{
	struct error error = {};
	int err = edit->bans ? bans_save(edit->bans, BANS_PATH, &error) : 0;

	if (err < 0)
		return log_error(0, "nothing was changed: %s", ERROR(&error)), err;
	if (!edit->new_text)
		return 0;
	if (options->is_default_config)
		(void)mkdir(CONFIG_DIR, 0755); /* what fails here fails again below, and is said */
	err = conffile_write(options->config, edit->new_text);
	if (err == 0)
		return 0;
	if (edit->bans)
		(void)bans_unsave(edit->bans, BANS_PATH);
	return log_error(err, "nothing was changed: cannot write '%s'", options->config);
}

static void restore_files(const struct options *options, struct edit *edit)
{
	if (edit->new_text && conffile_write(options->config, edit->old_text) < 0)
		log_error(0,
			  "cannot restore '%s': it has the new text, and the previous policy stays "
			  "active",
			  options->config);
	if (edit->bans && bans_unsave(edit->bans, BANS_PATH) < 0)
		log_error(0, "cannot restore '" BANS_PATH
			     "': it has the new bans, and the previous policy stays active");
}

static void begin_trail(const struct reconcile_input *input, const struct edit *edit,
			struct trail *ret)
{
	if (edit->is_feed)
		return;
	trail_begin(ret, input->kernel, input->kernel ? NULL : edit->old_text);
	if (edit->bans)
		trail_note_bans(ret, edit->bans);
}

static void end_trail(const struct options *options, const struct reconcile_input *input,
		      const struct edit *edit, const struct trail *trail)
{
	if (!edit->is_feed)
		cmd_record(trail, input->kernel, options->config, input->text);
}

static int commit(const struct options *options, const struct reconcile_input *input,
		  struct reconcile_plan *plan, struct edit *edit)
{
	_cleanup_(reconcile_clear) struct reconcile_report report = {};
	_cleanup_(trail_clear) struct trail before = {};
	struct error error = {};
	int err;

	begin_trail(input, edit, &before);
	err = write_files(options, edit);
	if (err < 0)
		return err;
	edit->is_not_up = !input->kernel;
	if (edit->is_not_up) {
		if (!edit->is_feed)
			log_info("saved in '%s', but the filter is not up: `tidegate up` enforces "
				 "it",
				 edit->new_text ? options->config : BANS_PATH);
		end_trail(options, input, edit, &before);
		return 0;
	}
	err = reconcile_commit(input, plan, &report, &error);
	if (err < 0) {
		log_error(0, "%s", ERROR(&error));
		restore_files(options, edit);
		return err;
	}
	end_trail(options, input, edit, &before);
	if (!edit->is_feed)
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

/* Of a feed that would cut somebody off who is logged in: whoever it is, is left out, and what is
 * left is tried.  1 = again, 0 = nobody is cut off, or -EPERM. */
static int spare(const struct options *options, const struct reconcile_plan *plan,
		 struct edit *edit)
{
	struct lockout lockout;

	if (options->force)
		return 0;
	if (edit->spare && reconcile_find_lockout(plan, LOCKOUT_ALL, &lockout) > 0 &&
	    edit->spare(edit, &lockout))
		return 1;
	/* What is not the feed's doing does not hold it up. */
	if (edit->is_feed)
		return 0;
	return cmd_cuts_ssh(plan, 0) ? -EPERM : 0;
}

static int print_dry_run(const struct options *options, const struct edit *edit,
			 const struct reconcile_input *input)
{
	size_t length = 0;
	const char *changes = edit->bans ? bans_changes(edit->bans, &length) : NULL;

	if (edit->bans)
		cmd_json_add("bans", json_stringn(changes ?: "", length));
	if (edit->new_text || !edit->bans)
		cmd_json_add_text("configuration", input->text);
	if (options->json)
		return 0;
	if (edit->new_text || !edit->bans)
		fputs(input->text, stdout);
	fwrite(changes ?: "", 1, length, stdout);
	return 0;
}

static int try_and_commit(const struct options *options, const struct reconcile_input *input,
			  struct edit *edit)
{
	int again;

	do {
		_cleanup_(reconcile_plan_freep) struct reconcile_plan *plan = NULL;
		const struct desired *desired;
		struct error error = {};
		int err = reconcile_prepare(input, &plan, &error);

		if (err < 0)
			return log_failure(err, &error);
		/* A ban changes what enforces, and brings no text back. */
		err = edit->has_bans && !edit->new_text
			      ? 0
			      : check_refused(options, plan, edit->old_text);
		if (err < 0)
			return err;
		desired = reconcile_desired(plan);
		err = check_name(desired, &edit->added);
		if (err < 0)
			return err;
		hint(desired, &edit->added);
		again = spare(options, plan, edit);
		if (again < 0)
			return again;
		if (!again)
			return options->dry_run ? print_dry_run(options, edit, input)
						: commit(options, input, plan, edit);
	} while (again);
	return 0;
}

/* What no longer holds goes before the policy is made, so that it is made of what the file has. */
static int read_bans(const struct options *options, struct edit *edit)
{
	struct error error = {};
	int err = bans_read_again(BANS_PATH, &edit->bans, &error);

	if (err == 0 && !error.line && !options->dry_run &&
	    bans_tidy(edit->bans, BANS_PATH, clock_s(CLOCK_REALTIME)) > 0)
		err = bans_read_again(BANS_PATH, &edit->bans, &error);
	if (err == 0 && error.line)
		log_warning("%s", ERROR(&error));
	return err < 0 ? log_failure(err, &error) : 0;
}

static bool has_changed(const struct edit *edit)
{
	size_t length = 0;

	if (edit->bans)
		(void)bans_changes(edit->bans, &length);
	return edit->new_text || length;
}

/* wrong: why the configuration cannot be used, where that is no reason to do nothing. */
static int read_text(const struct options *options, struct kernel *kernel, struct edit *edit,
		     struct error *wrong)
{
	const struct text_file file = { options->config, options->is_default_config };
	_cleanup_(config_freep) struct config *config = NULL;
	int err;

	if (!edit->has_bans || !kernel)
		return cmd_read_config(options, kernel, &edit->old_text);
	err = text_load(&file, kernel, &edit->old_text, wrong);
	if (err < 0) {
		edit->old_text = strdup("");
		return edit->old_text ? 0 : -ENOMEM;
	}
	err = config_parse(edit->old_text, strlen(edit->old_text), clock_s(CLOCK_REALTIME), &config,
			   wrong);
	if (err == -EINVAL)
		error_in_file(wrong, options->config);
	return err == -ENOMEM ? err : 0;
}

int cmd_edit(const struct options *options, struct edit *edit)
{
	struct error error = {}, wrong = {};
	char complaint[ERROR_STRLEN];
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	/* Who bans somebody waits for no Engine: nothing that it could say changes what he wants.
	 */
	_cleanup_(asked_clear) struct asked asked = { .asks_nobody = edit->has_bans };
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
	err = read_text(options, kernel, edit, &wrong);
	if (err == 0 && edit->has_bans)
		err = read_bans(options, edit);
	if (err < 0)
		return err;
	err = edit->change(edit);
	if (err == -EINVAL)
		log_error(
			0,
			"nothing was changed: '%s' has an error already, `tidegate check` shows it",
			options->config);
	if (err < 0)
		return err;
	if (edit->spare && !has_changed(edit))
		return 0;
	/* Who is to be banned is not let in because of a typing error somewhere else: then what
	 * enforces goes on, with the ban. */
	if (!edit->new_text && wrong.text[0]) {
		input.complaint = error_format(&wrong, complaint);
		if (!edit->is_feed)
			log_warning("%s; the active policy is kept, with the change of its bans",
				    complaint);
	}
	input.text = edit->new_text ?: edit->old_text;
	input.bans = edit->bans;
	input.kernel = kernel;
	return try_and_commit(options, &input, edit);
}

void cmd_edit_clear(struct edit *edit)
{
	free(edit->old_text);
	free(edit->new_text);
	bans_free(edit->bans);
	config_clear_statement(&edit->added);
	edit->old_text = edit->new_text = NULL;
	edit->bans = NULL;
}

static int edit_text(const struct options *options, int argc, char **argv,
		     int (*change)(struct edit *edit))
{
	_cleanup_(
		cmd_edit_clear) struct edit edit = { .change = change, .argc = argc, .argv = argv };

	return cmd_edit(options, &edit) < 0 ? CMD_FAILED : CMD_DONE;
}

int cmd_rule(const struct options *options, int argc, char **argv)
{
	if (argc < 2)
		return cmd_usage(argv[0], "say what to %s", argv[0]);
	return edit_text(options, argc, argv, add);
}

int cmd_delete(const struct options *options, int argc, char **argv)
{
	if (argc < 2)
		return cmd_usage(argv[0], "name a rule, as typed or by its number");
	return edit_text(options, argc, argv, delete);
}
