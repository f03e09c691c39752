/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One round of the daemon between a fake Engine, a fake lock and a fake kernel: which Engine is
 * asked and when, that others have the lock meanwhile, that what Docker said before somebody else's
 * change is not used after it, and that what is wrong is said once.
 *
 * The functions of docker.c, lock.c, reconcile.c and of the kernel's half are this file's, and so
 * the linker takes none of theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "engine/asked.h"
#include "daemon/heart.h"
#include "daemon/round.h"
#include "docker/docker.h"
#include "engine/reconcile.h"
#include "engine/trial.h"
#include "journal/trail.h"
#include "policy/policy.h"

#define BROKEN "alow 80/tcp\n"

/* ---- the world ------------------------------------------------------------------------- */

struct docker {
	char url[64];
};

static struct world {
	/* what there is */
	const char *file;    /* text of the configuration; NULL = it cannot be read */
	char running[256];   /* text that enforces; "" = nothing does */
	const char *refused; /* text that is not applied */
	__u64 generation;
	bool is_docker_down, is_docker_changed, is_locked, is_heal_broken, is_compile_broken;
	int others; /* so many times somebody replaces the policy while Docker is asked */
	/* what was done */
	int asked, asked_locked, opened, reconciled, beats, loads;
	int lock_fd;
	char asked_url[64];        /* the last one; "" = the default */
	enum docker_source source; /* that the policy was made with */
	int recorded;
	char recorded_before[256];
} world;

static struct round current;
static struct heart heart;
static const struct daemon_setup setup = { .config = { "/etc/t.conf", true }, .pin_dir = "/pins" };

/* To give it back is to close the descriptor. */
static bool has_lock(void)
{
	return world.lock_fd > 0 && fcntl(world.lock_fd, F_GETFD) >= 0;
}

int docker_new(const char *url, struct docker **ret)
{
	if (url && !strstr(url, "://"))
		return -EINVAL;
	*ret = calloc(1, sizeof(**ret));
	snprintf((*ret)->url, sizeof((*ret)->url), "%s", url ?: "");
	world.opened++;
	return 0;
}

void docker_free(struct docker *docker)
{
	free(docker);
}

const char *docker_url(const struct docker *docker)
{
	return docker->url;
}

int docker_answer_read(struct docker *docker, bool is_docker_off, struct docker_answer *ret,
		       struct error *error)
{
	*ret = (struct docker_answer){ .source = is_docker_off ? DOCKER_OFF : DOCKER_UNKNOWN };
	if (!docker)
		return 0;
	world.asked++;
	world.asked_locked += has_lock();
	snprintf(world.asked_url, sizeof(world.asked_url), "%s", docker->url);
	if (world.others && world.others--)
		world.generation++;
	if (world.is_docker_down)
		snprintf(ret->error, sizeof(ret->error), "no answer");
	else
		ret->source = DOCKER_FRESH;
	return 0;
}

void docker_answer_clear(struct docker_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
}

int lock_take(unsigned int wait_ms)
{
	if (world.is_locked)
		return -ETIMEDOUT;
	world.lock_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return world.lock_fd;
}

void lock_describe_holder(char ret[static LOCK_HOLDER_TEXT])
{
	strcpy(ret, "`other` (pid 1)");
}

int lock_take_daemon(const char *pin_dir)
{
	return 1001;
}

void lock_beat(int daemon_fd, const char *pin_dir)
{
	world.beats++;
}

int kernel_load(const char *pin_dir, struct kernel **ret, struct error *error)
{
	world.loads++;
	return 0;
}

void kernel_free(struct kernel *kernel)
{
}

int kernel_heal(struct kernel *kernel, struct error *error)
{
	return world.is_heal_broken ? error_set(error, -EIO, "kernel") : 0;
}

void kernel_hold_links(struct kernel *kernel)
{
}

int kernel_read_header(struct kernel *kernel, enum image_slot slot, struct image_header *ret,
		       struct error *error)
{
	*ret = (struct image_header){ .generation = world.generation };
	return world.running[0] ? 0 : -ENOENT;
}

int kernel_read_state(struct kernel *kernel, struct state *ret, struct error *error)
{
	return -ENOENT;
}

int kernel_write_state(struct kernel *kernel, const struct state *state, struct error *error)
{
	return 0;
}

unsigned int trial_seconds_left(const struct image_header *header)
{
	return 17;
}

int text_load(const struct text_file *file, struct kernel *kernel, char **ret_text,
	      struct error *error)
{
	if (!world.file)
		return error_set(error, -EIO, "cannot read it");
	*ret_text = strdup(world.file);
	return 0;
}

bool text_is_enforced(struct kernel *kernel)
{
	return world.running[0];
}

char *describe_policy(struct kernel *kernel, const struct reconcile_report *report)
{
	return strdup("policy");
}

char *describe_no_outside(const struct desired *desired, const char *config_path)
{
	return strdup("no outside");
}

void describe_docker(const struct desired *desired, char ret[static DESCRIBE_DOCKER])
{
	snprintf(ret, DESCRIBE_DOCKER, "%s",
		 desired->docker_source == DOCKER_UNKNOWN ? "Docker is down" : "");
}

void trail_begin(struct trail *trail, struct kernel *kernel, const char *text)
{
	trail->text = strdup(text ?: world.running);
}

void trail_end(const struct trail *trail, struct kernel *kernel, const struct trail_change *change)
{
	assert_null(change->command);
	assert_string_equal(change->text, world.running);
	world.recorded++;
	snprintf(world.recorded_before, sizeof(world.recorded_before), "%s", trail->text);
}

void trail_clear(struct trail *trail)
{
	free(trail->text);
}

/* As the real one chooses the text, and asks for the answer that belongs to it. */
int reconcile(const struct reconcile_input *input, struct reconcile_report *ret,
	      struct error *error)
{
	static struct policy policy;
	static struct desired desired;
	_cleanup_(config_freep) struct config *config = NULL;
	const struct docker_answer *answer;
	struct error at = {};
	bool is_refused = !input->complaint && world.refused && streq(world.refused, input->text);
	const char *text = input->complaint || is_refused ? world.running : input->text;
	bool is_changed = world.is_docker_changed || !streq(text, world.running);
	int err;

	assert_true(has_lock());
	if (input->complaint && !world.running[0])
		return -ENOENT;
	if (config_parse(text, strlen(text), 1700000000, &config, &at) < 0)
		return error_set(error, -EINVAL, "%u: %s", at.line, at.text);
	err = input->answer_of(input->answer_arg, config, &answer);
	if (err < 0)
		return err;
	if (world.is_compile_broken)
		return error_set(error, -E2BIG, "cannot compile");
	world.reconciled++;
	world.source = answer->source;
	if (text != world.running)
		snprintf(world.running, sizeof(world.running), "%s", text);
	policy.next_expiry = 1234567;
	desired = (struct desired){ .policy = &policy,
				    .config = TAKE_PTR(config),
				    .docker_source = answer->source };
	*ret = (struct reconcile_report){ .desired = &desired,
					  .is_refused = is_refused,
					  .is_changed = is_changed,
					  .is_too_early = true,
					  .guarded = 1 };
	return 0;
}

void reconcile_clear(struct reconcile_report *report)
{
	if (report->desired)
		config_freep(&report->desired->config);
}

/* ---- helpers -------------------------------------------------------------------------- */

static int set_up(void **state)
{
	world = (struct world){ .file = "" };
	heart_begin(&heart, "/pins");
	assert_int_equal(round_begin(&current, &setup, &heart), 0);
	return 0;
}

static int tear_down(void **state)
{
	round_clear(&current);
	return 0;
}

static struct daemon_outcome run(void)
{
	struct daemon_outcome outcome;

	world.asked = world.asked_locked = world.reconciled = world.opened = 0;
	round_run(&current, &outcome);
	assert_false(has_lock());
	return outcome;
}

static size_t count_logged(enum log_level level, const char *part)
{
	size_t count = 0;
	const char *text;

	for (size_t i = 0; (text = log_kept(level, i)); i++)
		count += strstr(text, part) != NULL;
	return count;
}

#define ENGINE_A "docker unix:///run/a.sock\n"
#define ENGINE_B "docker unix:///run/b.sock\n"

/* ---- what is recorded --------------------------------------------------------------------- */

static void saved_file_is_recorded_once(void **state)
{
	world.file = "allow 80/tcp\n";
	run();
	assert_int_equal(world.recorded, 1);
	assert_string_equal(world.recorded_before, "");
	run();
	assert_int_equal(world.recorded, 1);
	world.file = "allow 81/tcp\n";
	run();
	assert_int_equal(world.recorded, 2);
	assert_string_equal(world.recorded_before, "allow 80/tcp\n");
}

static void what_was_refused_or_done_by_a_command_is_not(void **state)
{
	world.file = "allow 80/tcp\n";
	run();
	world.is_docker_changed = true;
	run();
	assert_int_equal(world.recorded, 1);
	world.refused = world.file = "deny 22/tcp\n";
	run();
	run();
	assert_int_equal(world.recorded, 1);
	world.file = "allow 82/tcp\n";
	strcpy(world.running, world.file);
	run();
	assert_int_equal(world.recorded, 1);
	world.file = "allow 83/tcp\n";
	run();
	assert_int_equal(world.recorded, 2);
	assert_string_equal(world.recorded_before, "allow 82/tcp\n");
}

/* ---- which Engine ----------------------------------------------------------------------- */

static void configured_engine_is_asked_and_no_other(void **state)
{
	struct daemon_outcome outcome;

	world.file = ENGINE_A;
	outcome = run();
	assert_true(outcome.is_ok);
	assert_true(outcome.is_enforcing && outcome.is_too_early);
	assert_int_equal(outcome.next_expiry, 1234567);
	assert_int_equal(outcome.trial_seconds_left, 17);
	assert_string_equal(world.asked_url, "unix:///run/a.sock");
	assert_int_equal(world.asked, 1);
	assert_int_equal(world.opened, 1);
	assert_int_equal(world.source, DOCKER_FRESH);
}

static void file_that_names_none_means_the_default(void **state)
{
	run();
	assert_int_equal(world.asked, 1);
	assert_string_equal(world.asked_url, "");
}

static void broken_file_does_not_change_which_engine_is_asked(void **state)
{
	world.file = ENGINE_A "allow 80/tcp\n";
	run();
	world.file = ENGINE_A BROKEN;
	assert_false(run().is_ok);
	assert_int_equal(world.opened, 0);
	assert_int_equal(world.asked, 1);
	assert_string_equal(world.asked_url, "unix:///run/a.sock");
	/* What runs is kept in step with it. */
	assert_int_equal(world.reconciled, 1);
	assert_int_equal(world.source, DOCKER_FRESH);
	assert_string_equal(world.running, ENGINE_A "allow 80/tcp\n");
	/* Also where the error is in that very line, or the file is gone. */
	world.file = "docker unix//run/b.sock\n";
	assert_false(run().is_ok);
	world.file = NULL;
	assert_false(run().is_ok);
	assert_int_equal(world.opened, 0);
	assert_string_equal(world.asked_url, "unix:///run/a.sock");
}

static void broken_file_does_not_turn_docker_on(void **state)
{
	world.file = "docker off\n";
	assert_true(run().is_ok);
	world.file = "docker off\n" BROKEN;
	for (int i = 0; i < 3; i++) {
		assert_false(run().is_ok);
		assert_int_equal(world.asked + world.opened, 0);
		assert_int_equal(world.source, DOCKER_OFF);
	}
}

static void daemon_that_begins_with_a_broken_file_asks_what_enforces_names(void **state)
{
	strcpy(world.running, ENGINE_A);
	world.file = BROKEN;
	assert_false(run().is_ok);
	assert_int_equal(world.opened, 1);
	assert_string_equal(world.asked_url, "unix:///run/a.sock");
}

static void refused_file_does_not_change_which_engine_is_asked(void **state)
{
	world.file = ENGINE_A;
	run();
	world.file = world.refused = ENGINE_B;
	assert_true(run().is_ok);
	assert_int_equal(world.opened, 0);
	assert_string_equal(world.asked_url, "unix:///run/a.sock");
}

static void changed_file_keeps_the_engine_and_its_stream(void **state)
{
	struct docker *before;

	world.file = ENGINE_A;
	run();
	before = current.asked.docker;
	for (int i = 0; i < 10; i++) {
		world.file = i % 2 ? ENGINE_A "ban 192.0.2.1\n" : ENGINE_A "ban 192.0.2.2\n";
		assert_true(run().is_ok);
		assert_int_equal(world.opened, 0);
		assert_int_equal(world.asked, 1);
		assert_ptr_equal(current.asked.docker, before);
	}
}

static void other_engine_is_asked_when_the_file_names_another(void **state)
{
	world.file = ENGINE_A;
	run();
	world.file = ENGINE_B;
	assert_true(run().is_ok);
	assert_int_equal(world.opened, 1);
	assert_string_equal(world.asked_url, "unix:///run/b.sock");
	world.file = "docker off\n";
	assert_true(run().is_ok);
	assert_int_equal(world.source, DOCKER_OFF);
	assert_null(current.asked.docker);
	run();
	assert_int_equal(world.asked, 0);
	world.file = ENGINE_A;
	assert_true(run().is_ok);
	assert_int_equal(world.source, DOCKER_FRESH);
}

static void command_line_comes_before_the_file(void **state)
{
	current.asked.forced_url = "unix:///run/forced.sock";
	world.file = ENGINE_A;
	assert_true(run().is_ok);
	assert_string_equal(world.asked_url, "unix:///run/forced.sock");
	world.file = ENGINE_B;
	run();
	assert_int_equal(world.opened, 0);
}

static void address_that_cannot_be_used_is_said_and_enforces_what_is_known(void **state)
{
	current.asked.forced_url = "nonsense";
	assert_true(run().is_ok);
	assert_int_equal(world.source, DOCKER_UNKNOWN);
	assert_int_equal(world.asked, 0);
	assert_null(current.asked.docker);
}

/* ---- the lock ----------------------------------------------------------------------------- */

static void lock_is_free_while_docker_is_asked(void **state)
{
	static const char *const files[] = { ENGINE_A, ENGINE_A "allow 80/tcp\n", ENGINE_B,
					     ENGINE_B BROKEN, "" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		world.file = files[i];
		run();
		assert_int_equal(world.asked, i == 2 ? 2 : 1);
		assert_int_equal(world.asked_locked, 0);
	}
}

static void what_docker_said_before_a_change_is_not_used_after_it(void **state)
{
	world.file = ENGINE_A;
	run();
	world.others = 1;
	assert_true(run().is_ok);
	assert_int_equal(world.asked, 2);
	assert_int_equal(world.asked_locked, 0);
	assert_int_equal(world.reconciled, 1);
}

static void change_after_change_ends_with_asking_under_the_lock(void **state)
{
	world.file = ENGINE_A;
	run();
	world.others = 1000;
	assert_true(run().is_ok);
	assert_int_equal(world.asked_locked, 1);
	assert_true(world.asked <= 4);
	assert_int_equal(world.reconciled, 1);
}

static void lock_that_is_not_to_be_had_fails_the_round_and_is_no_hanging(void **state)
{
	int before;

	world.file = ENGINE_A;
	run();
	world.is_locked = true;
	before = world.beats;
	assert_false(run().is_ok);
	assert_int_equal(world.reconciled, 0);
	assert_true(world.beats - before >= 29);
	run();
	assert_int_equal(count_logged(LOG_INFO, "waiting for `other` (pid 1)"), 1);
	assert_int_equal(count_logged(LOG_ERROR, "`other` (pid 1) has held it for 30 s"), 1);
	world.is_locked = false;
	assert_true(run().is_ok);
}

/* ---- what fails ----------------------------------------------------------------------------- */

static void engine_that_is_down_is_no_failure(void **state)
{
	size_t down = count_logged(LOG_WARNING, "Docker is down");
	size_t up = count_logged(LOG_INFO, "following Docker at");

	world.is_docker_down = true;
	assert_true(run().is_ok);
	run();
	assert_int_equal(count_logged(LOG_WARNING, "Docker is down") - down, 1);
	world.is_docker_down = false;
	run();
	assert_int_equal(count_logged(LOG_INFO, "following Docker at") - up, 1);
}

static void wrong_file_is_said_once_and_again_when_it_is_another(void **state)
{
	size_t before = count_logged(LOG_ERROR, "keeping the active policy");

	world.file = "allow 80/tcp\n";
	run();
	world.file = BROKEN;
	for (int i = 0; i < 5; i++) {
		current.is_config_new = i == 0;
		assert_false(run().is_ok);
	}
	assert_int_equal(count_logged(LOG_ERROR, "keeping the active policy") - before, 1);
	current.is_config_new = true;
	run();
	assert_int_equal(count_logged(LOG_ERROR, "keeping the active policy") - before, 2);
}

static void file_that_became_empty_is_not_applied(void **state)
{
	world.file = "allow 80/tcp\n";
	run();
	world.file = "";
	assert_false(run().is_ok);
	assert_string_equal(world.running, "allow 80/tcp\n");
}

static void kernel_that_cannot_be_mended_fails_the_round(void **state)
{
	struct daemon_outcome outcome;

	world.is_heal_broken = true;
	outcome = run();
	assert_false(outcome.is_ok || outcome.is_enforcing);
	assert_int_equal(world.reconciled, 0);
	world.is_heal_broken = false;
	assert_true(run().is_ok);
}

static void policy_that_cannot_be_compiled_keeps_what_enforces(void **state)
{
	struct daemon_outcome outcome;

	world.file = "allow 80/tcp\n";
	run();
	world.is_compile_broken = true;
	outcome = run();
	assert_false(outcome.is_ok);
	assert_true(outcome.is_enforcing);
}

#define ROUND_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROUND_TEST(saved_file_is_recorded_once),
		ROUND_TEST(what_was_refused_or_done_by_a_command_is_not),
		ROUND_TEST(configured_engine_is_asked_and_no_other),
		ROUND_TEST(file_that_names_none_means_the_default),
		ROUND_TEST(broken_file_does_not_change_which_engine_is_asked),
		ROUND_TEST(broken_file_does_not_turn_docker_on),
		ROUND_TEST(daemon_that_begins_with_a_broken_file_asks_what_enforces_names),
		ROUND_TEST(refused_file_does_not_change_which_engine_is_asked),
		ROUND_TEST(changed_file_keeps_the_engine_and_its_stream),
		ROUND_TEST(other_engine_is_asked_when_the_file_names_another),
		ROUND_TEST(command_line_comes_before_the_file),
		ROUND_TEST(address_that_cannot_be_used_is_said_and_enforces_what_is_known),
		ROUND_TEST(lock_is_free_while_docker_is_asked),
		ROUND_TEST(what_docker_said_before_a_change_is_not_used_after_it),
		ROUND_TEST(change_after_change_ends_with_asking_under_the_lock),
		ROUND_TEST(lock_that_is_not_to_be_had_fails_the_round_and_is_no_hanging),
		ROUND_TEST(engine_that_is_down_is_no_failure),
		ROUND_TEST(wrong_file_is_said_once_and_again_when_it_is_another),
		ROUND_TEST(file_that_became_empty_is_not_applied),
		ROUND_TEST(kernel_that_cannot_be_mended_fails_the_round),
		ROUND_TEST(policy_that_cannot_be_compiled_keeps_what_enforces),
	};

	log_keep();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
