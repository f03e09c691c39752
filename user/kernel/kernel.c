/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.c: the lifecycle of what lives in the kernel: opened, loaded, moved to maps of another
 * layout, removed; and its errors.  Pins are pins.c's, programs programs.c's.
 */
#include "kernel/kernel.h"

#include <errno.h>

#include "kernel/private.h"
#include "host/tracking.h"
#include "base/log.h"
#include "base/cleanup.h"

/* Refuses maps that another layout made, before anything else looks at them. */
static int check_layout(const char *pin_dir, __u32 layout, struct error *error)
{
	if (layout == DATAPATH_ABI || layout == 0)
		return 0;
	if (kernel_is_older_layout(layout))
		return error_set(
			error, -EPROTO,
			"the filter in the kernel is from an older version (the maps below '%s' "
			"have layout %u, this build's have %u) and still enforcing: `tidegate up`, "
			"or a restart of the unit, upgrades it",
			pin_dir, layout, DATAPATH_ABI);
	return error_set(
		error, -EPROTO,
		"the filter in the kernel is from another version (the maps below '%s' have layout "
		"%u, this build knows %u) and still enforcing: use that version, or run `tidegate "
		"down` and `tidegate up`, which opens all ports in between",
		pin_dir, layout, DATAPATH_ABI);
}

static struct kernel *new_kernel(const char *pin_dir)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return NULL;
	memset(kernel->program_fds, 0xff, sizeof(kernel->program_fds));
	kernel_forget_maps(kernel);
	kernel->maps_dir = MAPS_DIR;
	kernel->pin_dir = strdup(pin_dir);
	if (!kernel->pin_dir) {
		free(kernel);
		return NULL;
	}
	kernel_hear_libbpf();
	return kernel;
}

int kernel_open(const char *pin_dir, struct kernel **ret, struct error *error)
{
	_cleanup_(kernel_freep) struct kernel *kernel = new_kernel(pin_dir);
	__u32 layout;
	int err = kernel ? kernel_read_layout(pin_dir, MAPS_DIR, &layout, error) : -ENOMEM;

	if (err == 0)
		err = check_layout(pin_dir, layout, error);
	if (err == 0)
		err = kernel_open_maps(kernel, error);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(kernel);
	return 0;
}

int kernel_open_older(const char *pin_dir, struct kernel **ret, struct error *error)
{
	_cleanup_(kernel_freep) struct kernel *kernel = new_kernel(pin_dir);
	__u32 layout;
	int err = kernel ? kernel_read_layout(pin_dir, MAPS_DIR, &layout, error) : -ENOMEM;

	if (err < 0)
		return err;
	if (!kernel_is_older_layout(layout))
		return check_layout(pin_dir, layout, error) ?: -EINVAL;
	kernel->is_moving = true;
	kernel->older_layout = layout;
	*ret = TAKE_PTR(kernel);
	return 0;
}

static int stamp_abi(struct kernel *kernel, struct error *error)
{
	__u64 pins = kernel_digest_of_pins(kernel->pin_dir);
	struct state current = {};
	int err;

	err = kernel_read_state(kernel, &current, error);
	if (err < 0 || (current.abi == DATAPATH_ABI && current.pins == pins))
		return err;
	current.abi = DATAPATH_ABI;
	current.pins = pins;
	return kernel_write_state(kernel, &current, error);
}

/* Those of a move that was killed, unless they can be gone on with. */
static int sweep_next_maps(struct kernel *kernel, struct error *error)
{
	__u32 layout = 0;
	bool found;

	if (kernel->is_moving &&
	    kernel_read_layout(kernel->pin_dir, NEXT_MAPS_DIR, &layout, NULL) == 0 &&
	    layout == DATAPATH_ABI)
		return 0;
	return kernel_unlink_all(kernel->pin_dir, "/" NEXT_MAPS_DIR, &found, error);
}

/* Which maps are to be used, those that are there or new ones beside them. */
static int choose_maps(struct kernel *kernel, struct error *error)
{
	struct error first = {};
	__u32 layout = 0;
	int err = kernel_read_layout(kernel->pin_dir, MAPS_DIR, &layout, &first);

	if (error_complete(&first, err) < 0 && err != -ENOENT)
		return error_set(error, err, "%s", first.text);
	kernel->is_moving = kernel_is_older_layout(layout);
	kernel->older_layout = layout;
	if (kernel->is_moving)
		kernel->maps_dir = NEXT_MAPS_DIR;
	else if (check_layout(kernel->pin_dir, layout, error) < 0)
		return -EPROTO;
	err = sweep_next_maps(kernel, error);
	return err < 0 || !kernel->is_moving
		       ? err
		       : kernel_make_dir(kernel->pin_dir, "/" NEXT_MAPS_DIR, error);
}

int kernel_load(const char *pin_dir, struct kernel **ret, struct error *error)
{
	_cleanup_(kernel_freep) struct kernel *kernel = new_kernel(pin_dir);
	int err;

	if (!kernel)
		return -ENOMEM;
	err = kernel_adopt(pin_dir, error);
	if (err == 0)
		err = kernel_make_dirs(pin_dir, error);
	if (err == 0)
		err = choose_maps(kernel, error);
	if (err < 0)
		return err;
	kernel_load_conntrack();
	err = kernel_make_maps(kernel, error);
	if (err == 0)
		err = kernel_open_maps(kernel, error);
	if (err == 0)
		err = kernel->is_moving ? kernel_begin_move(kernel, error)
					: stamp_abi(kernel, error);
	if (err < 0)
		return err;
	kernel->is_renewing = true;
	if (!kernel->is_moving)
		kernel_load_defenses(kernel);
	*ret = TAKE_PTR(kernel);
	return 0;
}

/* What is on no interface.  A link goes with its last pin, but somebody may hold it. */
static int detach_links(struct kernel *kernel, struct error *error)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	int err = kernel_link_path(kernel, "", &path);

	if (err < 0)
		return err;
	dir = opendir(path);
	while (err == 0 && dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = kernel_unpin_link(kernel, entry->d_name, error);
	return err;
}

/* What has no link does not go with its pin. */
static int detach_all(const char *pin_dir, struct error *error)
{
	_cleanup_(kernel_freep) struct kernel *kernel = new_kernel(pin_dir);
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err;

	if (!kernel)
		return -ENOMEM;
	err = kernel_attachments(kernel, &list, &count, error);
	for (size_t i = 0; err == 0 && i < count; i++)
		err = kernel_detach(kernel, &list[i], error);
	return err < 0 ? err : detach_links(kernel, error);
}

static int turn_tracking_off(struct error *error)
{
	int err = tracking_turn_off();

	return err < 0 ? error_set_errno(error, err,
					 "cannot remove the nftables table 'inet tidegate'")
		       : 0;
}

int kernel_remove(const char *pin_dir, bool *ret_found, struct error *error)
{
	int err;

	*ret_found = false;
	kernel_hear_libbpf();
	err = kernel_adopt(pin_dir, error);
	if (err == 0)
		err = detach_all(pin_dir, error);
	if (err == 0)
		err = kernel_unlink_all(pin_dir, "/links", ret_found, error);
	if (err == 0)
		err = turn_tracking_off(error);
	if (err == 0)
		err = kernel_unlink_all(pin_dir, "/" NEXT_MAPS_DIR, ret_found, error);
	if (err == 0)
		err = kernel_unlink_all(pin_dir, "/" MAPS_DIR, ret_found, error);
	if (err == 0)
		err = kernel_unlink_all(pin_dir, "", ret_found, error);
	return err;
}

void kernel_free(struct kernel *kernel)
{
	if (!kernel)
		return;
	for (int i = 0; i < PROGRAM_MAX; i++)
		util_closep(&kernel->program_fds[i]);
	kernel_release_links(kernel);
	kernel_unmap_counters(kernel);
	kernel_close_maps(kernel);
	free(kernel->pin_dir);
	free(kernel);
}

void kernel_freep(struct kernel **kernel)
{
	kernel_free(*kernel);
}
