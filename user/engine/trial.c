/* SPDX-License-Identifier: GPL-2.0-only */
/* trial.c: see trial.h. */
#include "engine/trial.h"

#include <errno.h>

#include "base/clock.h"
#include "base/hash.h"
#include "image/image.h"
#include "kernel/kernel.h"
#include "image/snapshot.h"
#include "policy/policy.h"
#include "engine/running.h"
#include "base/cleanup.h"

/* A text that was saved and left alone for so long has been confirmed by that. */
#define SETTLED_NS (600 * CLOCK_SECOND_NS)

enum trial trial_of(const struct image_header *header)
{
	if (!header->deadline_ns)
		return TRIAL_NONE;
	return clock_ns(CLOCK_MONOTONIC) <= header->deadline_ns ? TRIAL_PENDING : TRIAL_LAPSED;
}

unsigned int trial_seconds_left(const struct image_header *header)
{
	__u64 now = clock_ns(CLOCK_MONOTONIC);

	if (header->deadline_ns <= now)
		return 0;
	return (header->deadline_ns - now + CLOCK_SECOND_NS - 1) / CLOCK_SECOND_NS;
}

__u64 trial_deadline_ns(unsigned int seconds)
{
	return clock_ns(CLOCK_MONOTONIC) + seconds * CLOCK_SECOND_NS;
}

/* A policy that passes everything. */
static int build_open(struct image *ret)
{
	struct policy open = { .mode = DEFAULT_ALLOW };
	struct image_input input = { .policy = &open };
	_cleanup_free_ void *snapshot = NULL;
	int err = snapshot_pack("default allow\n", NULL, &snapshot, &input.snapshot_size);

	input.snapshot = snapshot;
	return err < 0 ? err : image_build(&input, ret, NULL);
}

/* What nobody asked for is not confirmed until it has run for a while.  Until then the confirmed
 * slot has what was before. */
static int fill_confirmed(struct kernel *kernel, const struct state *state, struct error *error)
{
	if (state->unconfirmed_ns && clock_ns(CLOCK_MONOTONIC) - state->unconfirmed_ns < SETTLED_NS)
		return 0;
	return kernel_copy_slot(kernel, SLOT_ACTIVE, SLOT_CONFIRMED, error);
}

int trial_prepare(struct kernel *kernel, const struct image *running, struct error *error)
{
	_cleanup_(image_clear) struct image open = {};
	struct state state;
	int err;

	if (running->bytes && image_header(running)->deadline_ns)
		return 0;
	if (running->bytes) {
		err = kernel_read_state(kernel, &state, error);
		return err < 0 ? err : fill_confirmed(kernel, &state, error);
	}
	err = build_open(&open);
	return err < 0 ? err : kernel_swap(kernel, SLOT_CONFIRMED, &open, error);
}

static int write_unconfirmed(struct kernel *kernel, __u64 since_ns, struct error *error)
{
	struct state state;
	int err = kernel_read_state(kernel, &state, error);

	if (err < 0)
		return err;
	state.unconfirmed_ns = since_ns;
	return kernel_write_state(kernel, &state, error);
}

int trial_confirm(struct kernel *kernel, struct error *error)
{
	_cleanup_(image_clear) struct image running = {};
	int err = kernel_read_image(kernel, SLOT_ACTIVE, &running, error);
	struct image_header *header = running.bytes;

	if (err < 0)
		return err;
	if (trial_of(header) == TRIAL_NONE)
		return -ENOENT;
	if (trial_of(header) == TRIAL_LAPSED)
		return -ETIME;
	header->deadline_ns = 0;
	err = kernel_swap(kernel, SLOT_ACTIVE, &running, error);
	return err < 0 ? err : write_unconfirmed(kernel, 0, error);
}

static int hash_configuration(const struct image *image, __u64 ret[2])
{
	_cleanup_free_ char *text = NULL;
	int err = snapshot_unpack(image, &text, NULL);

	if (err == 0)
		hash_text(text, ret);
	return err;
}

/* The trial's text; nothing (zero) when the confirmed one was made from the same. */
static int hash_refused(const struct image *trial, const struct image *confirmed, __u64 ret[2])
{
	__u64 other[2];
	int err = hash_configuration(trial, ret);

	if (err == 0)
		err = hash_configuration(confirmed, other);
	if (err == 0 && memcmp(ret, other, sizeof(other)) == 0)
		memset(ret, 0, sizeof(other));
	return err;
}

int trial_follow(struct kernel *kernel, const struct image *running, const struct image *next,
		 struct error *error)
{
	__u64 old[2], new[2];
	int err = 0;

	/* With nothing before, there is nothing that could have been confirmed. */
	if (!running->bytes || image_header(running)->deadline_ns)
		return 0;
	err = hash_configuration(running, old);
	if (err == 0)
		err = hash_configuration(next, new);
	if (err < 0 || memcmp(old, new, sizeof(old)) == 0)
		return err;
	err = trial_prepare(kernel, running, error);
	return err < 0 ? err : write_unconfirmed(kernel, clock_ns(CLOCK_MONOTONIC), error);
}

int trial_fall_back(struct kernel *kernel, struct image *running, __u64 ret_refused[2],
		    struct error *error)
{
	_cleanup_(image_clear) struct image confirmed = {};
	int err = running_read(kernel, SLOT_CONFIRMED, &confirmed, error);

	if (err == 0)
		err = hash_refused(running, &confirmed, ret_refused);
	if (err < 0)
		return err;
	image_clear(running);
	*running = confirmed;
	memset(&confirmed, 0, sizeof(confirmed));
	return 0;
}

int trial_settle(struct kernel *kernel, const __u64 refused[2], struct error *error)
{
	struct state state;
	int err = kernel_read_state(kernel, &state, error);

	if (err < 0)
		return err;
	memcpy(state.refused, refused, sizeof(state.refused));
	state.refused_why[0] = '\0';
	state.unconfirmed_ns = 0;
	err = kernel_write_state(kernel, &state, error);
	return err < 0 ? err : kernel_copy_slot(kernel, SLOT_CONFIRMED, SLOT_ACTIVE, error);
}

int trial_refuse(struct kernel *kernel, const char *text, const char *why, struct error *error)
{
	struct state state;
	int err = kernel_read_state(kernel, &state, error);

	if (err < 0)
		return err;
	hash_text(text, state.refused);
	snprintf(state.refused_why, sizeof(state.refused_why), "%s", why);
	return kernel_write_state(kernel, &state, error);
}

bool trial_is_refused(const __u64 refused[2], const char *text)
{
	__u64 hash[2], older[2];

	hash_text(text, hash);
	hash_text_layout6(text, older);
	return (refused[0] | refused[1]) && (memcmp(hash, refused, sizeof(hash)) == 0 ||
					     memcmp(older, refused, sizeof(older)) == 0);
}
