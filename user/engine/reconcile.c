/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reconcile.c: desired policy -> image -> kernel.  The order is a safety decision: the image
 * is complete before the swap, the swap comes before any interface is attached (a program
 * never runs without its policy), and detaching comes last.
 */
#include "engine/reconcile.h"

#include <errno.h>

#include "map_values.h"
#include "policy_image.h"
#include "image/image.h"
#include "image/snapshot.h"
#include "policy/policy.h"
#include "engine/reconcile_private.h"
#include "engine/running.h"
#include "engine/trial.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* What enforces now, read back from the kernel. */
struct running {
	struct image image;           /* empty: nothing does */
	__u64 refused[2];             /* hash of a configuration that was tried and not confirmed */
	char refused_why[STATE_TEXT]; /* see struct state */
};

struct reconcile_plan {
	struct running running;
	struct desired *desired;
	struct image image;  /* empty: not compiled yet */
	bool lacks_counters; /* see compile() */
	bool is_refused;
};

/* A trial that is pending stays one, whatever else changes meanwhile. */
static __u64 deadline_of(const struct reconcile_input *input, const struct image *running)
{
	if (input->trial_seconds)
		return trial_deadline_ns(input->trial_seconds);
	if (input->is_insisted || !running->bytes ||
	    trial_of(image_header(running)) != TRIAL_PENDING)
		return 0;
	return image_header(running)->deadline_ns;
}

/* What was confirmed, compiled anew: the new maps have no slot to copy it from. */
static int swap_confirmed(const struct reconcile_input *input, const struct image *running,
			  struct error *error)
{
	_cleanup_(image_clear) struct image source = {}, image = {};
	_cleanup_(desired_freep) struct desired *desired = NULL;
	_cleanup_free_ char *text = NULL;
	struct desired_input desired_input = {
		.config_path = input->config_path,
		.sets_dir = input->sets_dir,
		.bans = input->bans,
		.is_docker_off = input->is_docker_off,
		.kernel = input->kernel,
		.running = running,
	};
	bool ignored;
	int err = 0;

	if (image_header(running)->deadline_ns) {
		err = running_read(input->kernel, SLOT_CONFIRMED, &source, error);
		desired_input.running = &source;
	}
	if (err == 0)
		err = snapshot_unpack(desired_input.running, &text, NULL);
	if (err < 0)
		return err;
	desired_input.text = text;
	desired_input.is_audit = image_header(desired_input.running)->flags & IMAGE_AUDIT;
	err = desired_read(&desired_input, &desired, error);
	if (err == 0)
		err = compile(input, desired, &image, &ignored, error);
	if (err < 0)
		return err;
	return kernel_swap(input->kernel, SLOT_CONFIRMED, &image, error);
}

/* Something that the kernel can go back to, if this is a trial. */
static int prepare_trial(const struct reconcile_input *input, const struct image *running,
			 const struct image *image, struct error *error)
{
	int err = 0;

	if (kernel_is_moving(input->kernel) && running->bytes)
		return image_header(image)->deadline_ns ? swap_confirmed(input, running, error) : 0;
	if (input->trial_seconds)
		err = trial_prepare(input->kernel, running, error);
	else if (input->is_unattended)
		err = trial_follow(input->kernel, running, image, error);
	return err;
}

static int swap(const struct reconcile_input *input, const struct image *running,
		struct image *image, struct error *error)
{
	int err = prepare_trial(input, running, image, error);

	if (err < 0)
		return err;
	return kernel_swap(input->kernel, SLOT_ACTIVE, image, error);
}

/* With counters for all, now that what it replaced leaves room for them.  If that fails, they are
 * missing until the next time, and nothing else is. */
static void swap_again(const struct reconcile_input *input, struct reconcile_plan *plan)
{
	_cleanup_(image_clear) struct image image = {};

	if (compile(input, plan->desired, &image, &plan->lacks_counters, NULL) < 0)
		return;
	((struct image_header *)image.bytes)->deadline_ns = image_header(&plan->image)->deadline_ns;
	if (kernel_swap(input->kernel, SLOT_ACTIVE, &image, NULL) < 0)
		return;
	image_clear(&plan->image);
	plan->image = image;
	image = (struct image){};
}

static int replace(const struct reconcile_input *input, struct reconcile_plan *plan,
		   struct reconcile_report *report, struct error *error)
{
	const struct image *running = &plan->running.image;
	struct image *image = &plan->image;
	int err = image->bytes ? 0
			       : compile(input, plan->desired, image, &plan->lacks_counters, error);

	if (err < 0)
		return err;
	((struct image_header *)image->bytes)->deadline_ns = deadline_of(input, running);
	report->generation = running->bytes ? image_header(running)->generation : 0;
	report->is_changed = kernel_is_moving(input->kernel) || !running->bytes ||
			     !compile_is_same(running, image);
	if (input->is_dry_run)
		return 0;
	if (!report->is_changed)
		return kernel_tend_fastpath(input->kernel, error);
	err = swap(input, running, image, error);
	if (err == 0 && plan->lacks_counters)
		swap_again(input, plan);
	if (err == 0)
		report->generation = image_header(image)->generation;
	return err;
}

/* ---- state -------------------------------------------------------------------------- */

static const char *first_problem(const struct desired *desired)
{
	return desired && desired->problems.count ? desired->problems.texts[0] : "";
}

/* why: what went wrong; NULL = nothing. */
static void write_state(const struct reconcile_input *input, const struct desired *desired,
			const char *why)
{
	struct state state;

	/* Only talk for `status`; what it cannot say it will find out by itself. */
	if (input->is_dry_run || kernel_read_state(input->kernel, &state, NULL) < 0)
		return;
	state.reconciled_at = clock_s(CLOCK_REALTIME);
	if (input->hook != HOOK_NONE)
		state.hook = input->hook;
	if (input->is_insisted && !why) {
		memset(state.refused, 0, sizeof(state.refused));
		state.refused_why[0] = '\0';
	}
	if (input->is_insisted && !input->trial_seconds && !why)
		state.unconfirmed_ns = 0;
	if (desired && desired->docker_source == DOCKER_FRESH)
		state.docker_seen_at = clock_s(CLOCK_REALTIME);
	/* Where nobody was asked, the last answer still says how it is. */
	if (desired && (desired->docker_source <= DOCKER_FRESH || desired->docker_error[0]))
		snprintf(state.docker_error, sizeof(state.docker_error), "%s",
			 desired->docker_error);
	snprintf(state.config_error, sizeof(state.config_error), "%s",
		 why ?: input->complaint ?: first_problem(desired));
	(void)kernel_write_state(input->kernel, &state, NULL);
}

static int read_enforcing(const struct reconcile_input *input, struct running *running,
			  struct error *error)
{
	struct state state;
	int err = kernel_read_state(input->kernel, &state, error);

	if (err < 0)
		return err;
	memcpy(running->refused, state.refused, sizeof(running->refused));
	memcpy(running->refused_why, state.refused_why, sizeof(running->refused_why));
	err = running_read(input->kernel, SLOT_ACTIVE, &running->image, error);
	if (err == -ENOENT)
		*error = (struct error){};
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	if (trial_of(image_header(&running->image)) != TRIAL_LAPSED)
		return 0;
	running->refused_why[0] = '\0';
	err = trial_fall_back(input->kernel, &running->image, running->refused, error);
	if (err < 0 || input->is_dry_run)
		return err;
	if (!kernel_is_moving(input->kernel))
		return trial_settle(input->kernel, running->refused, error);
	/* The older slots are left alone.  Before kernel_load() there is no state to note it in,
	 * and no need: it will be done again. */
	memcpy(state.refused, running->refused, sizeof(state.refused));
	(void)kernel_write_state(input->kernel, &state, NULL);
	return 0;
}

static bool is_audit(const struct reconcile_input *input, const struct image *running)
{
	if (input->audit != AUDIT_KEEP)
		return input->audit == AUDIT_ON;
	return running->bytes && (image_header(running)->flags & IMAGE_AUDIT);
}

/*
 * The text to enforce: the file's, unless it was tried and not confirmed.  Then what was
 * confirmed goes on, in step with Docker, until the file changes or somebody insists.  So does
 * what runs, if the file's cannot be used.
 */
static int choose_text(const struct reconcile_input *input, struct reconcile_plan *plan, char **ret)
{
	const struct running *running = &plan->running;

	*ret = NULL;
	if (input->complaint && !running->image.bytes)
		return -ENOENT;
	if (input->complaint)
		return snapshot_unpack(&running->image, ret, NULL);
	if (!input->text || !running->image.bytes || input->is_insisted ||
	    !trial_is_refused(running->refused, input->text))
		return 0;
	plan->is_refused = true;
	return snapshot_unpack(&running->image, ret, NULL);
}

static int prepare(const struct reconcile_input *input, struct reconcile_plan *plan,
		   struct error *error)
{
	_cleanup_free_ char *confirmed_text = NULL;
	const struct image *running = &plan->running.image;
	struct desired_input desired_input = {
		.config_path = input->config_path,
		.text = input->text,
		.copy_of = input->copy_of,
		.sets_dir = input->sets_dir,
		.bans = input->bans,
		.docker = input->docker,
		.is_docker_off = input->is_docker_off,
		.kernel = input->kernel,
		.answer_of = input->answer_of,
		.answer_arg = input->answer_arg,
		.running = running->bytes ? running : NULL,
		.is_audit = is_audit(input, running),
	};
	int err = choose_text(input, plan, &confirmed_text);

	if (confirmed_text)
		desired_input.text = confirmed_text;
	if (err == 0)
		err = desired_read(&desired_input, &plan->desired, error);
	if (err < 0 || input->is_kernel_later)
		return err;
	return compile(input, plan->desired, &plan->image, &plan->lacks_counters, error);
}

static void plan_free(struct reconcile_plan *plan)
{
	if (!plan)
		return;
	image_clear(&plan->running.image);
	image_clear(&plan->image);
	desired_free(plan->desired);
	free(plan);
}

void reconcile_plan_freep(struct reconcile_plan **plan)
{
	plan_free(*plan);
}

/* *ret is there also after a failure, with what was read until then. */
static int make_plan(const struct reconcile_input *input, struct reconcile_plan **ret,
		     struct error *error)
{
	struct reconcile_plan *plan = *ret = calloc(1, sizeof(*plan));
	int err = 0;

	*error = (struct error){ 0 };
	if (!plan)
		return -ENOMEM;
	if (input->kernel)
		err = read_enforcing(input, &plan->running, error);
	return err < 0 ? err : prepare(input, plan, error);
}

int reconcile_prepare(const struct reconcile_input *input, struct reconcile_plan **ret,
		      struct error *error)
{
	_cleanup_(reconcile_plan_freep) struct reconcile_plan *plan = NULL;
	int err = make_plan(input, &plan, error);

	if (err == 0)
		*ret = TAKE_PTR(plan);
	return error_complete(error, err);
}

const struct desired *reconcile_desired(const struct reconcile_plan *plan)
{
	return plan->desired;
}

const char *reconcile_refused_why(const struct reconcile_plan *plan, const char *text)
{
	if (!plan->running.image.bytes || !trial_is_refused(plan->running.refused, text))
		return NULL;
	return plan->running.refused_why;
}

int reconcile_find_lockout(const struct reconcile_plan *plan, enum lockout_whose whose,
			   struct lockout *ret)
{
	static const struct reconcile_input without_kernel;
	const struct image *before = &plan->running.image, *after = &plan->image;
	_cleanup_(image_clear) struct image compiled = {};
	bool lacks_counters;
	int err = 0;

	if (!after->bytes) {
		err = compile(&without_kernel, plan->desired, &compiled, &lacks_counters, NULL);
		after = &compiled;
	}
	if (err < 0 || (before->bytes && compile_is_alike(before, after)))
		return err;
	return lockout_find(before, after, whose, ret);
}

/* Layout 6 kept no source out.  Of layout 7, which did, this cuts a flow too many, once. */
static int forget_flows(const struct reconcile_input *input, const struct reconcile_plan *plan,
			struct reconcile_report *report)
{
	const struct image none = {};
	bool is_moving = kernel_is_moving(input->kernel);

	if (input->guard == GUARD_NONE || input->is_dry_run)
		return 0;
	return reconcile_flows(plan->desired->policy, is_moving ? &none : &plan->running.image,
			       report);
}

/* A move ends as soon as no interface has the older program, also if one refuses that never had. */
static int attach_and_move(const struct reconcile_input *input, struct reconcile_plan *plan,
			   struct reconcile_report *report, struct error *error)
{
	int err = reconcile_interfaces(input, plan->desired, &plan->running.image, report, error);
	int move_err = 0;

	if (err == 0)
		err = forget_flows(input, plan, report);
	if (!input->is_dry_run && kernel_is_moving(input->kernel))
		move_err = kernel_finish_move(input->kernel, err < 0 ? NULL : error);
	if (err < 0)
		return err;
	return move_err;
}

int reconcile_commit(const struct reconcile_input *input, struct reconcile_plan *plan,
		     struct reconcile_report *ret, struct error *error)
{
	_cleanup_(reconcile_clear) struct reconcile_report report = {};
	int err;

	*error = (struct error){ 0 };
	report.is_refused = plan->is_refused;
	memcpy(report.refused_why, plan->running.refused_why, sizeof(report.refused_why));
	err = replace(input, plan, &report, error);
	if (err == 0)
		err = attach_and_move(input, plan, &report, error);
	if (err == 0 && !input->is_dry_run)
		err = bound_forget(input->kernel, plan->desired, error);
	/* What cannot be kept undoes nothing: it enforces. */
	if (err == 0 && input->sets_dir && !input->is_dry_run)
		desired_keep_sets(plan->desired, input->sets_dir);
	write_state(input, plan->desired, error_complete(error, err) < 0 ? ERROR(error) : NULL);
	if (err < 0)
		return err;
	report.desired = TAKE_PTR(plan->desired);
	*ret = report;
	memset(&report, 0, sizeof(report));
	return 0;
}

/* 1: it was another text than the one that enforces, and is refused.  Then the old one goes on,
 * in step with Docker. */
static int refuse_text(const struct reconcile_input *input, const struct reconcile_plan *plan,
		       const char *why, struct error *error)
{
	_cleanup_free_ char *running = NULL;
	const struct image *image = &plan->running.image;
	int err = image->bytes ? snapshot_unpack(image, &running, NULL) : 0;

	if (err < 0 || !running || streq(running, plan->desired->text))
		return err;
	err = trial_refuse(input->kernel, plan->desired->text, why, error);
	return err < 0 ? err : 1;
}

/*
 * Nobody is cut off who is logged in by SSH because a file was saved.  The text stays refused when
 * he has left, else he would be locked out then.  Where not the text but a file of a set
 * did it, nothing is replaced as long as he is there.
 */
static int protect_logins(const struct reconcile_input *input, struct reconcile_plan **plan,
			  struct error *error)
{
	char whom[LOCKOUT_TEXT];
	struct lockout lockout;
	int found;

	for (;;) {
		found = reconcile_find_lockout(*plan, LOCKOUT_OTHERS, &lockout);
		if (found <= 0)
			break;
		lockout_describe(&lockout, (*plan)->desired->policy, whom);
		error_set(error, -EPERM, "it would cut %s", whom);
		found = refuse_text(input, *plan, error->text, error);
		if (found <= 0)
			return found < 0 ? found : -EPERM;
		reconcile_plan_freep(plan);
		found = make_plan(input, plan, error);
		if (found < 0)
			return found;
	}
	if (found < 0)
		error_set_errno(error, found, "cannot tell who is logged in by SSH");
	return found;
}

int reconcile(const struct reconcile_input *input, struct reconcile_report *ret,
	      struct error *error)
{
	_cleanup_(reconcile_plan_freep) struct reconcile_plan *plan = NULL;
	int err = make_plan(input, &plan, error);

	if (err == 0 && input->is_unattended)
		err = protect_logins(input, &plan, error);
	if (err == 0)
		return reconcile_commit(input, plan, ret, error);
	error_complete(error, err);
	if (input->kernel && err != -ESTALE)
		write_state(input, plan ? plan->desired : NULL, ERROR(error));
	return err;
}

void reconcile_clear(struct reconcile_report *report)
{
	free(report->warnings);
	desired_free(report->desired);
	memset(report, 0, sizeof(*report));
}
