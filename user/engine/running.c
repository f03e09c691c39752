/* SPDX-License-Identifier: GPL-2.0-only */
/* running.c: reads a slot of this layout, or makes an image that remembers an older one's. */
#include "engine/running.h"

#include <errno.h>

#include "image/image.h"
#include "kernel/kernel.h"
#include "policy/policy.h"
#include "base/cleanup.h"

static int make_memory(const struct image_source *source, struct image *ret)
{
	struct policy policy = { .mode = DEFAULT_DENY_PUBLISHED, .is_audit = source->is_audit };
	struct image_input input = {
		.policy = &policy,
		.snapshot = source->snapshot,
		.snapshot_size = source->snapshot_size,
	};
	int err = image_build(&input, ret, NULL);
	struct image_header *header = ret->bytes;

	if (err < 0)
		return err;
	header->generation = source->generation;
	header->deadline_ns = source->deadline_ns;
	return 0;
}

static int read_older(struct kernel *kernel, enum image_slot slot, struct image *ret,
		      struct error *error)
{
	struct image_source source = {};
	int err = kernel_read_source(kernel, slot, &source, error);

	if (err == 0)
		err = make_memory(&source, ret);
	free(source.snapshot);
	return err;
}

int running_read(struct kernel *kernel, enum image_slot slot, struct image *ret,
		 struct error *error)
{
	int err;

	if (kernel_is_moving(kernel))
		return read_older(kernel, slot, ret, error);
	err = kernel_read_image(kernel, slot, ret, error);
	if (err < 0 || image_check(ret->bytes, ret->size) == 0)
		return err;
	image_clear(ret);
	return -ENOENT;
}
