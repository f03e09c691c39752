/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_image.c: images into and out of the slots.  An image is complete, and frozen, before
 * the one update that makes it enforce; a packet sees the old policy or the new one.
 */
#include "kernel.h"

#include <errno.h>

#include "image.h"
#include "kernel_private.h"
#include "util.h"

#define BATCH 64 /* chunks in one system call: 4 MiB */

static int create_map(__u32 chunks)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP | BPF_F_RDONLY_PROG);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "image", sizeof(__u32), IMAGE_CHUNK, chunks,
				&opts);

	if (fd < 0)
		return kernel_fail(-errno, "cannot make a map of %u KiB for the policy",
				   chunks * (IMAGE_CHUNK / 1024));
	return fd;
}

static int fill_map(int fd, const struct image *image)
{
	__u32 chunks = image->size / IMAGE_CHUNK;
	__u32 keys[BATCH];

	for (__u32 first = 0; first < chunks; first += BATCH) {
		__u32 count = chunks - first < BATCH ? chunks - first : BATCH;

		for (__u32 i = 0; i < count; i++)
			keys[i] = first + i;
		if (bpf_map_update_batch(fd, keys, (char *)image->bytes + first * IMAGE_CHUNK,
					 &count, NULL) < 0)
			return kernel_fail(-errno, "cannot write the policy into its map");
	}
	/* From here on not even we change it. */
	if (bpf_map_freeze(fd) < 0)
		return kernel_fail(-errno, "cannot freeze the policy's map");
	return 0;
}

/* The inner map in a slot, or -ENOENT. */
static int open_slot(struct kernel *kernel, enum image_slot slot)
{
	__u32 key = slot, id;
	int fd;

	if (bpf_map_lookup_elem(kernel->policy_fd, &key, &id) < 0)
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

static int next_generation(struct kernel *kernel, __u64 *ret)
{
	struct state current;
	int err = kernel_read_state(kernel, &current);

	if (err < 0)
		return err;
	current.generation++;
	*ret = current.generation;
	return kernel_write_state(kernel, &current);
}

int kernel_swap(struct kernel *kernel, enum image_slot slot, struct image *image)
{
	/* Held until the update is through: before the fix of CVE-2023-52447 the old map could
	 * be freed under a running program. */
	_cleanup_close_ int old_fd = open_slot(kernel, slot);
	struct image_header *header = image->bytes;
	_cleanup_close_ int fd = -1;
	__u32 key = slot;
	int err;

	err = next_generation(kernel, &header->generation);
	if (err < 0)
		return err;
	fd = create_map(image->size / IMAGE_CHUNK);
	if (fd < 0)
		return fd;
	err = fill_map(fd, image);
	if (err < 0)
		return err;
	if (bpf_map_update_elem(kernel->policy_fd, &key, &fd, BPF_ANY) < 0)
		return kernel_fail(-errno, "cannot put the new policy in place");
	return 0;
}

int kernel_copy_slot(struct kernel *kernel, enum image_slot from, enum image_slot to)
{
	_cleanup_close_ int fd = open_slot(kernel, from);
	_cleanup_close_ int old_fd = open_slot(kernel, to);
	__u32 key = to;

	if (fd < 0)
		return kernel_fail(fd, "cannot read the policy back");
	if (bpf_map_update_elem(kernel->policy_fd, &key, &fd, BPF_ANY) < 0)
		return kernel_fail(-errno, "cannot keep the policy that runs");
	return 0;
}

static int read_chunk(int fd, __u32 chunk, void *bytes)
{
	if (bpf_map_lookup_elem(fd, &chunk, bytes) < 0)
		return kernel_fail(-errno, "cannot read the policy back");
	return 0;
}

int kernel_read_header(struct kernel *kernel, enum image_slot slot, struct image_header *ret)
{
	_cleanup_close_ int fd = open_slot(kernel, slot);
	_cleanup_free_ void *chunk = malloc(IMAGE_CHUNK);
	int err;

	if (fd < 0)
		return fd;
	if (!chunk)
		return -ENOMEM;
	err = read_chunk(fd, 0, chunk);
	if (err == 0)
		memcpy(ret, chunk, sizeof(*ret));
	return err;
}

int kernel_read_image(struct kernel *kernel, enum image_slot slot, struct image *ret)
{
	_cleanup_close_ int fd = open_slot(kernel, slot);
	_cleanup_free_ char *bytes = NULL;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int err;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return kernel_fail(-errno, "cannot ask about the policy's map");
	if (info.value_size != IMAGE_CHUNK)
		return kernel_fail(-EPROTO, "the policy in the kernel is not an image");
	bytes = calloc(info.max_entries, IMAGE_CHUNK);
	if (!bytes)
		return -ENOMEM;
	for (__u32 i = 0; i < info.max_entries; i++) {
		err = read_chunk(fd, i, bytes + (size_t)i * IMAGE_CHUNK);
		if (err < 0)
			return err;
	}
	ret->size = (size_t)info.max_entries * IMAGE_CHUNK;
	ret->bytes = TAKE_PTR(bytes);
	return 0;
}
