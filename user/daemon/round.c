/* SPDX-License-Identifier: GPL-2.0-only */
/* round.c: see round.h. */
#include "daemon/round.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "daemon/heart.h"
#include "docker/docker.h"
#include "engine/reconcile.h"
#include "engine/trial.h"
#include "journal/trail.h"
#include "policy/policy.h"

/* Which Engine is to be asked, that it is asked, somebody else in between; then with the lock. */
#define ATTEMPTS 4

#define LOCK_SECONDS 30

/* ---- what is said -------------------------------------------------------------------- */

static void report_problems(struct round *round, const struct desired *desired)
{
	char *problems = NULL;
	size_t size;
	FILE *out = open_memstream(&problems, &size);

	if (!out)
		return;
	/* reconcile() that did not fail has filled it, which the analyzer does not see. */
	for (size_t i = 0; i < desired->problems.count; i++) /* NOLINT(*NullDereference) */
		fprintf(out, "%s\n", desired->problems.texts[i]);
	fclose(out);
	for (size_t i = 0; i < desired->problems.count; i++)
		if (!streq(round->problems ?: "", problems ?: ""))
			log_warning("%s", desired->problems.texts[i]);
	if (round->problems && round->problems[0] && !desired->problems.count)
		log_info("recovered: the problems with the files are solved");
	free(round->problems);
	round->problems = problems;
}

static void report_unguarded(struct round *round, const struct reconcile_report *report)
{
	_cleanup_free_ char *why = NULL;

	if (!report->guarded && !round->was_unguarded) {
		why = describe_no_outside(report->desired, round->setup->config.path);
		log_warning("%s", why ?: "");
	}
	round->was_unguarded = !report->guarded;
}

static void report_refusal(struct round *round, const struct reconcile_report *report,
			   bool is_text_new)
{
	const char *path = round->setup->config.path;

	if (!report->is_refused || (round->was_refused && !is_text_new))
		;
	else if (report->refused_why[0])
		log_warning("'%s' was not applied, because %s; the previous policy stays active: "
			    "`tidegate reload --confirm 120s` tries the file, `tidegate --force "
			    "reload` applies it anyway",
			    path, report->refused_why);
	else
		log_warning("'%s' was on trial, was not confirmed and was rolled back; the last "
			    "confirmed policy is active",
			    path);
	round->was_refused = report->is_refused;
}

static void report_docker(struct round *round, const struct reconcile_report *report)
{
	enum docker_source source = report->desired->docker_source;
	const char *line = report->warnings;
	char docker[DESCRIBE_DOCKER];

	if (source == round->docker_source)
		return;
	round->docker_source = source;
	if (source == DOCKER_FRESH) {
		log_info("following Docker at %s", docker_url(round->asked.docker));
		return;
	}
	for (; line && *line; line += strcspn(line, "\n") + 1)
		log_warning("%.*s", (int)strcspn(line, "\n"), line);
	describe_docker(report->desired, docker);
	if (docker[0])
		log_warning("%s", docker);
}

static void report_round(struct round *round, const struct reconcile_report *report,
			 const char *text)
{
	bool is_text_new = !round->text_applied || !streq(round->text_applied, text);
	_cleanup_free_ char *what = NULL;

	report_refusal(round, report, is_text_new);
	report_problems(round, report->desired);
	report_unguarded(round, report);
	if (round->was_failing)
		log_info("recovered");
	report_docker(round, report);
	if (!report->is_changed)
		return;
	what = describe_policy(round->kernel, report);
	log_info("policy %llu active: %s", report->generation, what ?: "");
}

/* ---- the lock ------------------------------------------------------------------------ */

/* Who holds it is busy for a moment at most, but when it hangs.  Waiting is no hanging. */
static int take_lock(struct round *round)
{
	char holder[LOCK_HOLDER_TEXT];
	int fd = lock_take(1000);

	for (int i = 1; fd == -ETIMEDOUT && i < LOCK_SECONDS; i++) {
		lock_describe_holder(holder);
		if (i == 1 && !round->was_failing)
			log_info("waiting for %s, which holds '" LOCK_PATH "'", holder);
		heart_beat(round->heart);
		fd = lock_take(1000);
	}
	if (fd == -ETIMEDOUT && !round->was_failing) {
		lock_describe_holder(holder);
		log_error(0,
			  "cannot lock '" LOCK_PATH "', %s has held it for %d s; trying again "
			  "until that process ends",
			  holder, LOCK_SECONDS);
	} else if (fd < 0 && !round->was_failing) {
		log_error(fd, "cannot take the lock in " LOCK_DIR " (tidegate needs root)");
	}
	return fd;
}

/* ---- a round --------------------------------------------------------------------------- */

static __u64 generation(struct round *round)
{
	struct image_header header;

	return kernel_read_header(round->kernel, SLOT_ACTIVE, &header, NULL) < 0
		       ? 0
		       : header.generation;
}

/* A file that is empty now may be one that is being written, or that a full disk left.  Who means
 * it says so with `reload`. */
static int read_config(const struct round *round, char **ret_text, struct error *error)
{
	const struct text_file *file = &round->setup->config;
	int err = text_load(file, round->kernel, ret_text, error);

	if (err < 0 || (*ret_text)[0] || !text_is_enforced(round->kernel))
		return err;
	return error_set(error, -ENODATA,
			 "'%s' is empty now, which may be a mistake: `tidegate reload` applies it",
			 file->path);
}

/* What the active policy knows of containers and interfaces must not grow old meanwhile. */
static int keep_running(struct round *round, struct reconcile_input *input, int err,
			const char *why)
{
	_cleanup_(reconcile_clear) struct reconcile_report ignored = {};
	struct error ignored_error = {};

	input->complaint = why;
	if (reconcile(input, &ignored, &ignored_error) == -ESTALE)
		return -ESTALE;
	if (!round->was_failing || round->is_config_new)
		log_error(0, "%s; keeping the active policy", why);
	return err;
}

static void write_followed(struct round *round, __u32 is_followed)
{
	struct state state;

	if (kernel_read_state(round->kernel, &state, NULL) < 0)
		return;
	state.is_followed = is_followed;
	(void)kernel_write_state(round->kernel, &state, NULL);
}

/* Somebody else made all anew, after what we have was taken away. */
static int take_others(struct round *round, struct error *error)
{
	struct kernel *others;
	int err = kernel_load(round->setup->pin_dir, &others, error);

	if (err < 0)
		return err;
	kernel_free(round->kernel);
	round->kernel = others;
	write_followed(round, 1);
	return 0;
}

/* What was taken away since the last round comes back before anything else. */
static int heal(struct round *round)
{
	struct error error = {};
	int err = kernel_heal(round->kernel, &error);

	if (err == -ESTALE) {
		log_warning("%s; using the new ones", ERROR(&error));
		error = (struct error){};
		err = take_others(round, &error);
	}
	if (err < 0 && !round->was_failing)
		log_failure(err, &error);
	return err;
}

static void read_trial(struct round *round, struct daemon_outcome *ret)
{
	struct image_header header;

	ret->is_enforcing = kernel_read_header(round->kernel, SLOT_ACTIVE, &header, NULL) == 0;
	if (ret->is_enforcing)
		ret->trial_seconds_left = trial_seconds_left(&header);
}

/* Of a text that was applied in the round before nothing is to be recorded; nor of one that a
 * command has applied meanwhile, which has recorded it. */
static bool is_text_same(const struct round *round, const char *text)
{
	return round->text_applied && !round->was_refused && streq(round->text_applied, text);
}

static void record(struct round *round, const struct trail *before,
		   const struct reconcile_report *report, const char *text)
{
	const struct trail_change change = { .file = round->setup->config.path, .text = text };

	if (report->is_changed && !report->is_refused &&
	    (!before->text || !streq(before->text, text)))
		trail_end(before, round->kernel, &change);
}

/* With the lock. */
static int apply(struct round *round, struct daemon_outcome *ret)
{
	_cleanup_(reconcile_clear) struct reconcile_report report = {};
	_cleanup_(trail_clear) struct trail before = {};
	_cleanup_free_ char *text = NULL;
	struct reconcile_input input = {
		.config_path = round->setup->config.path,
		.sets_dir = round->setup->sets_dir,
		.kernel = round->kernel,
		.answer_of = asked_answer,
		.answer_arg = &round->asked,
		.guard = GUARD_WANTED,
		.is_unattended = true,
	};
	struct error error = {};
	int err = read_config(round, &text, &error);

	input.text = text;
	if (err == 0) {
		trail_begin(&before, round->kernel, is_text_same(round, text) ? text : NULL);
		err = reconcile(&input, &report, &error);
	}
	if (err == -ESTALE)
		return err;
	if (err < 0)
		return keep_running(round, &input, err, ERROR(&error));
	record(round, &before, &report, text);
	report_round(round, &report, text);
	free(round->text_applied);
	round->text_applied = TAKE_PTR(text);
	round->log = config_log(report.desired->config);
	ret->is_too_early = report.is_too_early;
	ret->next_expiry = report.desired->policy->next_expiry;
	return 0;
}

/*
 * Docker is asked without the lock: who wants to ban somebody does not wait for an Engine that is
 * slow.  -ESTALE when what it said then is not to be used: another one was to be asked, or somebody
 * has replaced the policy since, perhaps by what Docker said later.
 */
static int attempt(struct round *round, struct daemon_outcome *ret)
{
	_cleanup_close_ int lock_fd = -1;
	__u64 before = generation(round);
	struct error error = {};
	int err = 0;

	if (round->asked.is_last)
		asked_forget(&round->asked);
	else
		err = asked_ask(&round->asked, &error);
	if (err < 0)
		return round->was_failing ? err : log_failure(err, &error);
	heart_beat(round->heart);
	lock_fd = take_lock(round);
	if (lock_fd < 0)
		return lock_fd;
	err = heal(round);
	if (err < 0)
		return err;
	if (!round->asked.is_last && asked_can_be_old(&round->asked) && generation(round) != before)
		return -ESTALE;
	return apply(round, ret);
}

void round_run(struct round *round, struct daemon_outcome *ret)
{
	int err = -ESTALE;

	*ret = (struct daemon_outcome){};
	for (int i = 1; err == -ESTALE && i <= ATTEMPTS; i++) {
		round->asked.is_last = i == ATTEMPTS;
		err = attempt(round, ret);
	}
	asked_forget(&round->asked);
	read_trial(round, ret);
	ret->is_ok = err == 0;
	round->was_failing = err < 0;
	kernel_hold_links(round->kernel);
	heart_beat(round->heart);
}

/* ---- beginning and end ------------------------------------------------------------------- */

int round_begin(struct round *round, const struct daemon_setup *setup, const struct heart *heart)
{
	struct error error = {};
	_cleanup_close_ int lock_fd = -1;
	int err;

	*round = (struct round){
		.setup = setup,
		.heart = heart,
		.asked.forced_url = setup->docker,
		.is_config_new = true,
		.docker_source = DOCKER_OFF,
	};
	lock_fd = take_lock(round);
	if (lock_fd < 0)
		return lock_fd;
	err = kernel_load(setup->pin_dir, &round->kernel, &error);
	if (err < 0)
		return log_failure(err, &error);
	write_followed(round, 1);
	return 0;
}

void round_end(struct round *round)
{
	_cleanup_close_ int lock_fd = take_lock(round);

	if (lock_fd >= 0)
		write_followed(round, 0);
}

void round_clear(struct round *round)
{
	asked_clear(&round->asked);
	kernel_free(round->kernel);
	free(round->problems);
	free(round->text_applied);
}
