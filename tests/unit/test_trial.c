/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_trial.c: what is confirmed, what a trial goes back to, and what is refused afterwards, with
 * a kernel that is two slots and a state, and a clock that stands still.  The functions of the
 * kernel are this file's, so the linker takes none of user/kernel/.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "image/snapshot.h"
#include "engine/trial.h"
#include "image/image.h"
#include "kernel/kernel.h"
#include "policy/policy.h"

#define BEFORE "allow 80/tcp\n"
#define AFTER  "allow 81/tcp\n"

/* ---- the kernel and the clock ------------------------------------------------------------------
 */

struct kernel {
	struct image slots[2]; /* bytes NULL = empty */
	struct state state;
};

static struct kernel kernel;
static __u64 now_ns;

static int read_clock(clockid_t clock, struct timespec *ret)
{
	*ret = (struct timespec){ now_ns / CLOCK_SECOND_NS, now_ns % CLOCK_SECOND_NS };
	return 0;
}

static void copy(struct image *to, const struct image *from)
{
	struct image copied = { malloc(from->size), from->size };

	memcpy(copied.bytes, from->bytes, from->size);
	image_clear(to);
	*to = copied;
}

int kernel_swap(struct kernel *k, enum image_slot slot, struct image *image, struct error *error)
{
	copy(&k->slots[slot], image);
	return 0;
}

int kernel_copy_slot(struct kernel *k, enum image_slot from, enum image_slot to,
		     struct error *error)
{
	copy(&k->slots[to], &k->slots[from]);
	return 0;
}

int kernel_read_image(struct kernel *k, enum image_slot slot, struct image *ret,
		      struct error *error)
{
	if (!k->slots[slot].bytes)
		return -ENOENT;
	copy(ret, &k->slots[slot]);
	return 0;
}

int kernel_read_state(struct kernel *k, struct state *ret, struct error *error)
{
	*ret = k->state;
	return 0;
}

int kernel_write_state(struct kernel *k, const struct state *state, struct error *error)
{
	k->state = *state;
	return 0;
}

bool kernel_is_moving(const struct kernel *k)
{
	return false;
}

int kernel_read_source(struct kernel *k, enum image_slot slot, struct image_source *ret,
		       struct error *error)
{
	return -ENOENT;
}

/* ---- images
 * ---------------------------------------------------------------------------------------- */

static struct image made_from(const char *text, unsigned int trial_seconds)
{
	struct policy policy = {};
	struct image_input input = { .policy = &policy };
	_cleanup_free_ void *snapshot = NULL;
	struct image image = {};

	assert_int_equal(snapshot_pack(text, NULL, &snapshot, &input.snapshot_size), 0);
	input.snapshot = snapshot;
	assert_int_equal(image_build(&input, &image, NULL), 0);
	if (trial_seconds)
		((struct image_header *)image.bytes)->deadline_ns =
			trial_deadline_ns(trial_seconds);
	return image;
}

static void put(enum image_slot slot, const char *text, unsigned int trial_seconds)
{
	image_clear(&kernel.slots[slot]);
	kernel.slots[slot] = made_from(text, trial_seconds);
}

static void assert_made_from(const struct image *image, const char *expected)
{
	_cleanup_free_ char *text = NULL;

	assert_non_null(image->bytes);
	assert_int_equal(snapshot_unpack(image, &text, NULL), 0);
	assert_string_equal(text, expected);
}

static const struct image *slot(enum image_slot number)
{
	return &kernel.slots[number];
}

static void wait_seconds(unsigned int seconds)
{
	now_ns += seconds * CLOCK_SECOND_NS;
}

static int set_up(void **state)
{
	kernel = (struct kernel){};
	now_ns = 1000 * CLOCK_SECOND_NS;
	clock_replace(read_clock);
	put(SLOT_ACTIVE, BEFORE, 0);
	return 0;
}

static int tear_down(void **state)
{
	image_clear(&kernel.slots[SLOT_ACTIVE]);
	image_clear(&kernel.slots[SLOT_CONFIRMED]);
	clock_replace(NULL);
	return 0;
}

/* ---- the deadline
 * ------------------------------------------------------------------------------------ */

static void a_trial_is_pending_until_its_deadline(void **state)
{
	struct image_header header = {};

	assert_int_equal(trial_of(&header), TRIAL_NONE);
	assert_int_equal(trial_seconds_left(&header), 0);
	header.deadline_ns = trial_deadline_ns(120);
	assert_int_equal(trial_of(&header), TRIAL_PENDING);
	assert_int_equal(trial_seconds_left(&header), 120);
	now_ns++;
	assert_int_equal(trial_seconds_left(&header), 120);
	wait_seconds(119);
	assert_int_equal(trial_seconds_left(&header), 1);
	now_ns = header.deadline_ns;
	assert_int_equal(trial_of(&header), TRIAL_PENDING);
	assert_int_equal(trial_seconds_left(&header), 0);
	now_ns++;
	assert_int_equal(trial_of(&header), TRIAL_LAPSED);
}

/* ---- before a trial
 * ------------------------------------------------------------------------------------ */

static void what_runs_is_confirmed_before_a_trial(void **state)
{
	assert_int_equal(trial_prepare(&kernel, slot(SLOT_ACTIVE), NULL), 0);
	assert_made_from(slot(SLOT_CONFIRMED), BEFORE);
}

static void where_nothing_runs_a_trial_goes_back_to_an_open_policy(void **state)
{
	assert_int_equal(trial_prepare(&kernel, &(struct image){}, NULL), 0);
	assert_true(image_header(slot(SLOT_CONFIRMED))->flags & IMAGE_ALLOW_ALL);
}

static void a_trial_behind_a_trial_goes_back_to_the_same(void **state)
{
	put(SLOT_CONFIRMED, BEFORE, 0);
	put(SLOT_ACTIVE, AFTER, 60);
	assert_int_equal(trial_prepare(&kernel, slot(SLOT_ACTIVE), NULL), 0);
	assert_made_from(slot(SLOT_CONFIRMED), BEFORE);
}

/* Ten minutes make it so. */
static void a_text_that_nobody_asked_for_is_not_confirmed_at_once(void **state)
{
	struct image next = made_from(AFTER, 0);

	assert_int_equal(trial_follow(&kernel, slot(SLOT_ACTIVE), &next, NULL), 0);
	assert_int_equal(kernel.state.unconfirmed_ns, now_ns);
	assert_made_from(slot(SLOT_CONFIRMED), BEFORE);
	put(SLOT_ACTIVE, AFTER, 0);
	wait_seconds(599);
	assert_int_equal(trial_prepare(&kernel, slot(SLOT_ACTIVE), NULL), 0);
	assert_made_from(slot(SLOT_CONFIRMED), BEFORE);
	wait_seconds(1);
	assert_int_equal(trial_prepare(&kernel, slot(SLOT_ACTIVE), NULL), 0);
	assert_made_from(slot(SLOT_CONFIRMED), AFTER);
	image_clear(&next);
}

static void the_same_text_is_not_followed(void **state)
{
	struct image next = made_from(BEFORE, 0);

	assert_int_equal(trial_follow(&kernel, slot(SLOT_ACTIVE), &next, NULL), 0);
	assert_int_equal(kernel.state.unconfirmed_ns, 0);
	assert_null(slot(SLOT_CONFIRMED)->bytes);
	image_clear(&next);
}

static void a_trial_is_not_followed(void **state)
{
	struct image next = made_from(BEFORE, 0);

	put(SLOT_ACTIVE, AFTER, 60);
	assert_int_equal(trial_follow(&kernel, slot(SLOT_ACTIVE), &next, NULL), 0);
	assert_int_equal(kernel.state.unconfirmed_ns, 0);
	assert_null(slot(SLOT_CONFIRMED)->bytes);
	image_clear(&next);
}

/* ---- after it
 * ------------------------------------------------------------------------------------------- */

static void a_trial_is_confirmed_while_it_is_pending(void **state)
{
	assert_int_equal(trial_confirm(&kernel, NULL), -ENOENT);
	put(SLOT_ACTIVE, AFTER, 60);
	kernel.state.unconfirmed_ns = 5;
	assert_int_equal(trial_confirm(&kernel, NULL), 0);
	assert_int_equal(image_header(slot(SLOT_ACTIVE))->deadline_ns, 0);
	assert_made_from(slot(SLOT_ACTIVE), AFTER);
	assert_int_equal(kernel.state.unconfirmed_ns, 0);
}

static void a_trial_that_lapsed_is_not_confirmed(void **state)
{
	put(SLOT_ACTIVE, AFTER, 60);
	wait_seconds(61);
	assert_int_equal(trial_confirm(&kernel, NULL), -ETIME);
	assert_int_not_equal(image_header(slot(SLOT_ACTIVE))->deadline_ns, 0);
}

static void a_trial_that_lapsed_goes_back_and_is_refused(void **state)
{
	struct image running = made_from(AFTER, 60);
	__u64 refused[2] = {};

	put(SLOT_CONFIRMED, BEFORE, 0);
	assert_int_equal(trial_fall_back(&kernel, &running, refused, NULL), 0);
	assert_made_from(&running, BEFORE);
	assert_true(trial_is_refused(refused, AFTER));
	assert_false(trial_is_refused(refused, BEFORE));
	assert_int_equal(trial_settle(&kernel, refused, NULL), 0);
	assert_made_from(slot(SLOT_ACTIVE), BEFORE);
	assert_true(trial_is_refused(kernel.state.refused, AFTER));
	image_clear(&running);
}

/* Where audit mode was tried, say: the file is the one that is confirmed. */
static void the_text_that_is_confirmed_is_not_refused(void **state)
{
	struct image running = made_from(BEFORE, 60);
	__u64 refused[2] = { 1, 1 };

	put(SLOT_CONFIRMED, BEFORE, 0);
	assert_int_equal(trial_fall_back(&kernel, &running, refused, NULL), 0);
	assert_false(trial_is_refused(refused, BEFORE));
	image_clear(&running);
}

static void a_trial_with_nothing_to_go_back_to_stays_as_it_is(void **state)
{
	struct image running = made_from(AFTER, 60);
	__u64 refused[2] = {};

	assert_int_equal(trial_fall_back(&kernel, &running, refused, NULL), -ENOENT);
	assert_made_from(&running, AFTER);
	image_clear(&running);
}

static void a_text_can_be_refused_without_a_trial(void **state)
{
	assert_int_equal(trial_refuse(&kernel, AFTER, "it would cut your own SSH connection", NULL),
			 0);
	assert_true(trial_is_refused(kernel.state.refused, AFTER));
	assert_string_equal(kernel.state.refused_why, "it would cut your own SSH connection");
	assert_false(trial_is_refused(kernel.state.refused, BEFORE));
	assert_false(trial_is_refused((__u64[2]){}, AFTER));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_trial_is_pending_until_its_deadline),
		TEST(what_runs_is_confirmed_before_a_trial),
		TEST(where_nothing_runs_a_trial_goes_back_to_an_open_policy),
		TEST(a_trial_behind_a_trial_goes_back_to_the_same),
		TEST(a_text_that_nobody_asked_for_is_not_confirmed_at_once),
		TEST(the_same_text_is_not_followed),
		TEST(a_trial_is_not_followed),
		TEST(a_trial_is_confirmed_while_it_is_pending),
		TEST(a_trial_that_lapsed_is_not_confirmed),
		TEST(a_trial_that_lapsed_goes_back_and_is_refused),
		TEST(the_text_that_is_confirmed_is_not_refused),
		TEST(a_trial_with_nothing_to_go_back_to_stays_as_it_is),
		TEST(a_text_can_be_refused_without_a_trial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
