/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * move.c: from maps of an older layout to those of this build, without a packet that meets
 * a program without its policy.  The new maps are pinned beside the old ones; programs move from
 * those to these one by one, each in one step; then the directories change places.  The older maps
 * are not written to, so a move that was killed is begun anew.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <time.h>

#include "kernel/older.h"
#include "kernel/private.h"
#include "base/log.h"
#include "base/cleanup.h"

bool kernel_is_older_layout(__u32 layout)
{
	return layout >= OLDEST_LAYOUT && layout < DATAPATH_ABI;
}

bool kernel_is_moving(const struct kernel *kernel)
{
	return kernel && kernel->is_moving;
}

int kernel_read_source(struct kernel *kernel, enum image_slot slot, struct image_source *ret,
		       struct error *error)
{
	return older_read_source(kernel, slot, ret, error);
}

static int carry_state(struct kernel *kernel, struct error *error)
{
	struct state state, old;
	int err = kernel_read_state(kernel, &state, error);

	if (err == 0)
		err = older_read_state(kernel, &old, error);
	if (err < 0)
		return err;
	/* A move that was killed has given out numbers. */
	if (old.generation < state.generation)
		old.generation = state.generation;
	old.abi = DATAPATH_ABI;
	old.pins = kernel_digest_of_pins(kernel->pin_dir);
	return kernel_write_state(kernel, &old, error);
}

static int carry_interfaces(struct kernel *kernel, struct error *error)
{
	_cleanup_free_ struct carried_interface *list = NULL;
	size_t count = 0;
	int err = older_read_interfaces(kernel, &list, &count, error);

	for (size_t i = 0; err == 0 && i < count; i++)
		if (bpf_map_update_elem(kernel->interfaces_fd, &list[i].ifindex, &list[i].value,
					BPF_ANY) < 0)
			err = error_set_errno(error, -errno, "cannot carry over interface %u",
					      list[i].ifindex);
	return err;
}

/* From now on both maps hear of each bind; then what only the older one has heard of. */
static int carry_bound(struct kernel *kernel, struct error *error)
{
	_cleanup_free_ struct bound_port *ports = NULL;
	size_t count = 0;
	int err;

	/* Without, the kernel cannot; `status` will say why. */
	(void)kernel_load_bindwatch_beside(kernel, NULL);
	err = older_read_bound(kernel, &ports, &count, error);
	return err < 0 ? err : kernel_carry_bound(kernel, ports, count, error);
}

/* What the older programs count they have counted, but for those that run at this moment. */
static int carry_counters(struct kernel *kernel, struct error *error)
{
	struct timespec a_moment = { .tv_nsec = 1000000 };
	struct carried_counters carried = {};
	int err;

	nanosleep(&a_moment, NULL);
	err = older_read_counters(kernel, &carried, error);
	if (err == 0)
		err = kernel_carry_counters(kernel, &carried, error);
	free(carried.list);
	return err;
}

int kernel_begin_move(struct kernel *kernel, struct error *error)
{
	int err = carry_state(kernel, error);

	if (err == 0)
		err = carry_interfaces(kernel, error);
	/* Whose they are, before the policy asks for its own; what they count in the end later. */
	if (err == 0)
		err = carry_counters(kernel, error);
	return err < 0 ? err : carry_bound(kernel, error);
}

/* The two directories change places in one step. */
static int exchange(struct kernel *kernel, struct error *error)
{
	_cleanup_free_ char *old = NULL, *new = NULL;

	if (asprintf(&old, "%s/" MAPS_DIR, kernel->pin_dir) < 0 ||
	    asprintf(&new, "%s/" NEXT_MAPS_DIR, kernel->pin_dir) < 0)
		return -ENOMEM;
	if (renameat2(AT_FDCWD, new, AT_FDCWD, old, RENAME_EXCHANGE) < 0)
		return error_set_errno(error, -errno, "cannot put '%s' in place of '%s'", new, old);
	return 0;
}

int kernel_finish_move(struct kernel *kernel, struct error *error)
{
	bool found;
	int err;

	if (!kernel_is_own_attached(kernel))
		return error_set(error, -EAGAIN,
				 "an interface still has a program of the older "
				 "version");
	kernel_load_defenses(kernel);
	kernel_unload_bindwatch_beside(kernel);
	err = carry_counters(kernel, error);
	if (err == 0)
		err = exchange(kernel, error);
	if (err < 0)
		return err;
	kernel->maps_dir = MAPS_DIR;
	kernel->is_moving = false;
	log_info("upgraded the filter from layout %u of the maps to layout %u",
		 kernel->older_layout, DATAPATH_ABI);
	return kernel_unlink_all(kernel->pin_dir, "/" NEXT_MAPS_DIR, &found, error);
}
