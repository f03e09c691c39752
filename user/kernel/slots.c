/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slots.c: images into and out of the slots, and the fast path that goes with the active one.  An
 * image is complete, and frozen, before the one update that makes it enforce; a packet sees the old
 * policy or the new one.  While the fast path is disabled, packets are decided by the image itself:
 * dearer, and never different.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <sys/mman.h>

#include "fastpath_table.h"
#include "image/fastpath.h"
#include "image/image.h"
#include "kernel/private.h"
#include "base/log.h"
#include "base/cleanup.h"

#define HUGE_PAGE (2u << 20)

/* As in bpf/image.h.  Mapped to be read: a map that no program may write to cannot be mapped to be
 * written, and a frozen one need not. */
#define MAP_FLAGS (BPF_F_RDONLY_PROG | BPF_F_MMAPABLE)

static const __u32 sizes[POLICY_SIZES] = { IMAGE_SMALL, IMAGE_MEDIUM, IMAGE_LARGE };

/* Index into sizes of the smallest that the image fits in, or -E2BIG. */
static int size_for(const struct image *image, struct error *error)
{
	for (int i = 0; i < POLICY_SIZES; i++)
		if (image->size <= sizes[i])
			return i;
	return error_set(error, -E2BIG,
			 "the policy needs %zu MiB of kernel memory, the limit is %u",
			 image->size >> 20, IMAGE_LARGE >> 20);
}

/*
 * As large as the map's value, zero but for the image.  Of megabytes the first touch of each page
 * costs most: what is behind the image is never touched, and the rest is in huge pages where there
 * are any.
 */
static void *new_value(const struct image *image, __u32 size)
{
	void *value = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (value == MAP_FAILED)
		return NULL;
	if (size >= HUGE_PAGE)
		(void)madvise(value, size, MADV_HUGEPAGE);
	return memcpy(value, image->bytes, image->size);
}

static int create_map(__u32 size, struct error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = MAP_FLAGS);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "image", sizeof(__u32), size, 1, &opts);

	if (fd < 0)
		return error_set_errno(error, -errno,
				       "cannot create a map of %u KiB for the policy", size / 1024);
	return fd;
}

/* Written whole, and from then on not even we change it. */
static int fill_map(int fd, const struct image *image, __u32 size, struct error *error)
{
	void *value = new_value(image, size);
	__u32 key = 0;
	int err = 0;

	if (!value)
		return -ENOMEM;
	if (bpf_map_update_elem(fd, &key, value, BPF_ANY) < 0)
		err = error_set_errno(error, -errno, "cannot write the policy into its map");
	munmap(value, size);
	if (err == 0 && bpf_map_freeze(fd) < 0)
		err = error_set_errno(error, -errno, "cannot freeze the policy's map");
	return err;
}

/* The map of the image in a slot, which the programs would take, or -ENOENT. */
static int open_slot(struct kernel *kernel, enum image_slot slot, int *ret_size,
		     struct error *error)
{
	__u32 key = slot, id;

	for (int i = 0; i < POLICY_SIZES; i++) {
		int fd;

		if (bpf_map_lookup_elem(kernel->policy_fds[i], &key, &id) < 0) {
			if (errno == ENOENT)
				continue;
			return error_set_errno(error, -errno, "cannot find the active policy");
		}
		fd = bpf_map_get_fd_by_id(id);
		*ret_size = i;
		return fd < 0 ? error_set_errno(error, -errno, "cannot open the active policy")
			      : fd;
	}
	return -ENOENT;
}

/* The other sizes are emptied afterwards: a packet in between finds the old image or the new one,
 * never none. */
static int put_map(struct kernel *kernel, enum image_slot slot, int fd, int size,
		   struct error *error)
{
	__u32 key = slot;

	if (bpf_map_update_elem(kernel->policy_fds[size], &key, &fd, BPF_ANY) < 0)
		return error_set_errno(error, -errno, "cannot put the new policy into its slot");
	for (int i = 0; i < POLICY_SIZES; i++)
		if (i != size && bpf_map_delete_elem(kernel->policy_fds[i], &key) < 0 &&
		    errno != ENOENT)
			return error_set_errno(error, -errno, "cannot remove the old policy");
	return 0;
}

/* The image as it is in the kernel.  To be unmapped. */
static int map_slot(struct kernel *kernel, enum image_slot slot, struct image *ret,
		    struct error *error)
{
	_cleanup_close_ int fd = -1;
	void *value;
	int size;

	fd = open_slot(kernel, slot, &size, error);
	if (fd < 0)
		return fd;
	value = mmap(NULL, sizes[size], PROT_READ, MAP_SHARED, fd, 0);
	if (value == MAP_FAILED)
		return error_set_errno(error, -errno, "cannot read the policy back");
	*ret = (struct image){ .bytes = value, .size = sizes[size] };
	return 0;
}

static void unmap_slot(struct image *image)
{
	if (image->bytes)
		munmap(image->bytes, image->size);
}

/* ---- the fast path ----------------------------------------------------------------------- */

static struct fastpath *map_fastpath(const struct kernel *kernel)
{
	void *fastpath = mmap(NULL, sizeof(struct fastpath), PROT_READ | PROT_WRITE, MAP_SHARED,
			      kernel->fastpath_fd, 0);

	return fastpath == MAP_FAILED ? NULL : fastpath;
}

int kernel_disable_fastpath(struct kernel *kernel, struct error *error)
{
	struct fastpath *fastpath = map_fastpath(kernel);

	if (!fastpath)
		return error_set_errno(error, -errno, "cannot disable the fast path");
	__atomic_and_fetch(&fastpath->offset, FASTPATH_WATCHED, __ATOMIC_SEQ_CST);
	munmap(fastpath, sizeof(*fastpath));
	return 0;
}

bool kernel_is_fastpath_enabled(struct kernel *kernel)
{
	struct fastpath *fastpath = map_fastpath(kernel);
	bool is_enabled = fastpath && fastpath->offset & (FASTPATH_OFFSET | FASTPATH_KEPT);

	if (fastpath)
		munmap(fastpath, sizeof(*fastpath));
	return is_enabled;
}

/*
 * Changes who may use the table, and whether anybody listens, in one step: programs change the word
 * as well, when a listener is dead.  What is_filled() and who listens come to: see
 * fastpath_table.h.
 */
static void set_word(struct fastpath *fastpath, __u64 clear, __u64 set)
{
	__u64 old = __atomic_load_n(&fastpath->offset, __ATOMIC_RELAXED), new;

	do {
		bool is_filled =
			((old & (FASTPATH_OFFSET | FASTPATH_KEPT)) || (set & FASTPATH_OFFSET));

		new = ((old & ~clear) | set) & FASTPATH_WATCHED;
		if (is_filled)
			new |= new ? FASTPATH_KEPT : FASTPATH_OFFSET;
	} while (!__atomic_compare_exchange_n(&fastpath->offset, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
}

int kernel_set_watched(struct kernel *kernel, bool is_watched, bool *ret_was, struct error *error)
{
	struct fastpath *fastpath = map_fastpath(kernel);

	if (!fastpath)
		return error_set_errno(error, -errno, "cannot tell the programs who listens");
	*ret_was = fastpath->offset & FASTPATH_WATCHED;
	set_word(fastpath, FASTPATH_WATCHED, is_watched ? FASTPATH_WATCHED : 0);
	munmap(fastpath, sizeof(*fastpath));
	return 0;
}

/* From the image in SLOT_ACTIVE.  A failure is logged and costs time, nothing else. */
static void enable_fastpath(struct kernel *kernel, const struct image *image)
{
	struct fastpath *fastpath = map_fastpath(kernel);

	if (!fastpath) {
		log_warning(
			"cannot enable the fast path: %s; the policy is in place, and packets cost "
			"more than they need to",
			strerror(errno));
		return;
	}
	if (image_fill_fastpath(image, &fastpath->table) == 0)
		set_word(fastpath, 0, FASTPATH_OFFSET);
	else
		log_warning(
			"no memory to enable the fast path; the policy is in place, and packets "
			"cost more than they need to");
	munmap(fastpath, sizeof(*fastpath));
}

/* Whether the fast path can say what the image says, until another image comes: a trial ends by
 * itself, and nobody would disable the fast path then. */
static bool is_for_fastpath(const struct image *image)
{
	const struct image_header *header = image_header(image);

	return header->deadline_ns == 0 && header->size <= image->size &&
	       image_check(image->bytes, header->size) == 0;
}

/*
 * Puts the map into the slot.  What enforces changes while the fast path is disabled, so that a
 * packet is decided by the old fast path, the old image, the new image, the new fast path, in this
 * order.  After a failure nobody knows that the kernel waited for who still reads the fast path: it
 * stays disabled, until kernel_tend_fastpath().
 */
static int fill_slot(struct kernel *kernel, enum image_slot slot, int fd, int size,
		     struct error *error)
{
	_cleanup_(unmap_slot) struct image active = {};
	int err;

	if (slot != SLOT_ACTIVE)
		return put_map(kernel, slot, fd, size, error);
	err = kernel_disable_fastpath(kernel, error);
	if (err < 0)
		return err;
	err = put_map(kernel, slot, fd, size, error);
	if (err < 0)
		return err;
	if (map_slot(kernel, slot, &active, NULL) == 0 && is_for_fastpath(&active))
		enable_fastpath(kernel, &active);
	return 0;
}

static int next_generation(struct kernel *kernel, __u64 *ret, struct error *error)
{
	struct state current;
	int err = kernel_read_state(kernel, &current, error);

	if (err < 0)
		return err;
	current.generation++;
	*ret = current.generation;
	return kernel_write_state(kernel, &current, error);
}

int kernel_swap(struct kernel *kernel, enum image_slot slot, struct image *image,
		struct error *error)
{
	struct image_header *header = image->bytes;
	_cleanup_close_ int old_fd = -1, fd = -1;
	int size = size_for(image, error), old_size, err;

	if (size < 0)
		return size;
	/* Held until the update is through: before the fix of CVE-2023-52447 the old map could
	 * be freed under a running program. */
	old_fd = open_slot(kernel, slot, &old_size, NULL);
	err = next_generation(kernel, &header->generation, error);
	if (err < 0)
		return err;
	fd = create_map(sizes[size], error);
	if (fd < 0)
		return fd;
	err = fill_map(fd, image, sizes[size], error);
	return err < 0 ? err : fill_slot(kernel, slot, fd, size, error);
}

int kernel_fill_copy(const int policy_fds[POLICY_SIZES], const struct image *image,
		     struct error *error)
{
	_cleanup_close_ int fd = -1;
	int size = size_for(image, error), err;
	__u32 key = SLOT_ACTIVE;

	if (size < 0)
		return size;
	fd = create_map(sizes[size], error);
	if (fd < 0)
		return fd;
	err = fill_map(fd, image, sizes[size], error);
	if (err == 0 && bpf_map_update_elem(policy_fds[size], &key, &fd, BPF_ANY) < 0)
		err = error_set_errno(error, -errno, "cannot put the policy into a slot of a copy");
	return err;
}

int kernel_copy_slot(struct kernel *kernel, enum image_slot from, enum image_slot to,
		     struct error *error)
{
	_cleanup_close_ int fd = -1, old_fd = -1;
	int size, old_size;

	fd = open_slot(kernel, from, &size, error);
	if (fd < 0)
		return error_set_errno(error, fd, "cannot read the policy back");
	old_fd = open_slot(kernel, to, &old_size, NULL);
	return fill_slot(kernel, to, fd, size, error);
}

int kernel_tend_fastpath(struct kernel *kernel, struct error *error)
{
	_cleanup_(unmap_slot) struct image active = {};

	if (kernel_is_fastpath_enabled(kernel) ||
	    map_slot(kernel, SLOT_ACTIVE, &active, NULL) < 0 || !is_for_fastpath(&active))
		return 0;
	return kernel_copy_slot(kernel, SLOT_ACTIVE, SLOT_ACTIVE, error);
}

int kernel_read_image(struct kernel *kernel, enum image_slot slot, struct image *ret,
		      struct error *error)
{
	_cleanup_(unmap_slot) struct image mapped = {};
	struct image copy = {};
	int err;

	err = map_slot(kernel, slot, &mapped, error);
	if (err < 0)
		return err;
	copy.size = image_header(&mapped)->size;
	if (copy.size > mapped.size || copy.size < sizeof(struct image_header))
		return error_set(error, -EPROTO, "the policy in the kernel is not an image");
	copy.bytes = malloc(copy.size);
	if (!copy.bytes)
		return -ENOMEM;
	memcpy(copy.bytes, mapped.bytes, copy.size);
	*ret = copy;
	return 0;
}

int kernel_read_header(struct kernel *kernel, enum image_slot slot, struct image_header *ret,
		       struct error *error)
{
	_cleanup_(unmap_slot) struct image mapped = {};
	int err;

	err = map_slot(kernel, slot, &mapped, error);
	if (err == 0)
		*ret = *image_header(&mapped);
	return err;
}
