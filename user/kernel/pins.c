/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pins.c: the directories on the BPF file system, and the maps pinned in them: made, opened, shared
 * with the programs, pinned again and removed.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/hash.h"
#include "kernel/private.h"
#include "base/cleanup.h"

#define BPF_FILE_SYSTEM "/sys/fs/bpf"

/* ---- directories --------------------------------------------------------------------- */

static bool is_bpf_file_system(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/* A system without systemd may not have it mounted.  Only the standard place is. */
static int mount_file_system(const char *pin_dir, struct error *error)
{
	size_t length = strlen(BPF_FILE_SYSTEM);

	if (strncmp(pin_dir, BPF_FILE_SYSTEM "/", length + 1) != 0 ||
	    is_bpf_file_system(BPF_FILE_SYSTEM))
		return 0;
	if (mount("bpf", BPF_FILE_SYSTEM, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") < 0)
		return error_set_errno(error, -errno,
				       "cannot mount the BPF file system at " BPF_FILE_SYSTEM);
	return 0;
}

int kernel_make_dir(const char *pin_dir, const char *name, struct error *error)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s", pin_dir, name) < 0)
		return -ENOMEM;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set_errno(error, -errno, "cannot create the directory '%s'", path);
	return 0;
}

int kernel_make_dirs(const char *pin_dir, struct error *error)
{
	int err;

	err = mount_file_system(pin_dir, error);
	if (err == 0)
		err = kernel_make_dir(pin_dir, "", error);
	if (err < 0)
		return err;
	if (!is_bpf_file_system(pin_dir))
		return error_set(error, -EINVAL, "'%s' is not on a BPF file system", pin_dir);
	err = kernel_make_dir(pin_dir, "/" MAPS_DIR, error);
	return err < 0 ? err : kernel_make_dir(pin_dir, "/links", error);
}

int kernel_unlink_all(const char *pin_dir, const char *name, bool *ret_found, struct error *error)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	if (asprintf(&path, "%s%s", pin_dir, name) < 0)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0
				       : error_set_errno(error, -errno, "cannot open '%s'", path);
	*ret_found = true;
	while ((entry = readdir(dir))) {
		if (entry->d_type == DT_DIR)
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			return error_set_errno(error, -errno, "cannot remove '%s/%s'", path,
					       entry->d_name);
	}
	if (rmdir(path) < 0)
		return error_set_errno(error, -errno, "cannot remove '%s'", path);
	return 0;
}

__u64 kernel_digest_of_pins(const char *pin_dir)
{
	_cleanup_free_ char *copy = strdup(pin_dir), *parent = NULL, *path = NULL;
	char *slash = copy ? strrchr(copy, '/') : NULL;
	__u64 hash[2];

	if (slash && slash != copy) {
		*slash = '\0';
		parent = realpath(copy, NULL);
	}
	if (parent && asprintf(&path, "%s/%s", parent, slash + 1) < 0)
		path = NULL;
	hash_text(path ?: pin_dir, hash);
	return hash[0];
}

/* ---- maps ---------------------------------------------------------------------------- */

int kernel_pin_missing(int fd, const char *pin_dir, const char *dir, const char *name,
		       struct error *error)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s/%s", pin_dir, dir, name) < 0)
		return -ENOMEM;
	if (access(path, F_OK) == 0)
		return 0;
	if (bpf_obj_pin(fd, path) < 0)
		return error_set_errno(error, -errno, "cannot pin '%s'", path);
	return 1;
}

int kernel_open_map(const char *pin_dir, const char *maps_dir, const char *name,
		    struct error *error)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/%s/%s", pin_dir, maps_dir, name) < 0)
		return -ENOMEM;
	fd = bpf_obj_get(path);
	return fd < 0 ? error_set_errno(error, -errno, "cannot open the pinned map '%s'", path)
		      : fd;
}

/* The state's first word, whatever else a layout has behind it. */
int kernel_read_layout(const char *pin_dir, const char *maps_dir, __u32 *ret, struct error *error)
{
	_cleanup_close_ int fd = kernel_open_map(pin_dir, maps_dir, "state", error);
	_cleanup_free_ __u32 *state = NULL;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), key = 0;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return error_set_errno(error, -errno,
				       "cannot get the size of the pinned map 'state'");
	state = calloc(1, info.value_size + sizeof(*state));
	if (!state)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &key, state) < 0)
		return error_set_errno(error, -errno, "cannot read the pinned map 'state'");
	*ret = state[0];
	return 0;
}

#define MAP(name, field) { name, offsetof(struct kernel, field), false }
/* A build of the same layout may not have made it; kernel_load() does. */
#define NEW_MAP(name, field) { name, offsetof(struct kernel, field), true }

static const struct {
	const char *name;
	size_t fd; /* offset */
	bool may_be_missing;
} map_entries[] = {
	MAP("policy_small", policy_fds[0]),
	MAP("policy_medium", policy_fds[1]),
	MAP("policy_large", policy_fds[2]),
	MAP("fastpath", fastpath_fd),
	MAP("counters", counters_fd),
	MAP("counter_owners", counter_owners_fd),
	MAP("interfaces", interfaces_fd),
	MAP("own_macs", own_macs_fd),
	MAP("state", state_fd),
	MAP("bound_ports", bound_ports_fd),
	MAP("bound_ports_at", bound_at_fd),
	MAP("bound_marks", bound_marks_fd),
	MAP("defenses", defenses_fd),
	NEW_MAP("listeners", listeners_fd),
	NEW_MAP("event_buckets", event_buckets_fd),
	NEW_MAP("event_rings", event_rings_fd),
};

static int *map_fd(struct kernel *kernel, size_t entry)
{
	return (int *)((char *)kernel + map_entries[entry].fd);
}

int kernel_open_maps(struct kernel *kernel, struct error *error)
{
	for (size_t i = 0; i < ARRAY_SIZE(map_entries); i++) {
		int fd = kernel_open_map(kernel->pin_dir, kernel->maps_dir, map_entries[i].name,
					 map_entries[i].may_be_missing ? NULL : error);

		if (fd < 0 && !(fd == -ENOENT && map_entries[i].may_be_missing))
			return fd;
		*map_fd(kernel, i) = fd < 0 ? -1 : fd;
	}
	return 0;
}

void kernel_forget_maps(struct kernel *kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(map_entries); i++)
		*map_fd(kernel, i) = -1;
}

void kernel_close_maps(struct kernel *kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(map_entries); i++)
		util_closep(map_fd(kernel, i));
}

int kernel_pin_maps(struct kernel *kernel, struct error *error)
{
	int err = kernel_make_dirs(kernel->pin_dir, error), made = 0;

	for (size_t i = 0; err >= 0 && i < ARRAY_SIZE(map_entries); i++) {
		if (*map_fd(kernel, i) < 0)
			continue;
		err = kernel_pin_missing(*map_fd(kernel, i), kernel->pin_dir, kernel->maps_dir,
					 map_entries[i].name, error);
		made += err > 0;
	}
	return err < 0 ? err : made;
}

/* As many elements as the pinned map has, which may be from when there were more CPUs or fewer. */
static int size_counters(const struct kernel *kernel, struct bpf_map *map, struct error *error)
{
	_cleanup_close_ int fd =
		kernel_open_map(kernel->pin_dir, kernel->maps_dir, "counters", NULL);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), elements;

	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return error_set_errno(error, -errno, "cannot get the size of the counters");
	elements = fd >= 0 ? info.max_entries : kernel_counter_elements();
	if (!elements)
		return error_set_errno(error, -ENOENT,
				       "cannot read in /sys how many CPUs there are");
	return bpf_map__set_max_entries(map, elements);
}

int kernel_share_map(const struct kernel *kernel, struct bpf_map *map, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s/%s", kernel->pin_dir, kernel->maps_dir, name) < 0)
		return -ENOMEM;
	return bpf_map__set_pin_path(map, path);
}

int kernel_share_maps(const struct kernel *kernel, struct bpf_object *object, struct error *error)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		int err;

		if (strchr(name, '.')) /* .rodata and the like: private */
			continue;
		err = kernel_share_map(kernel, map, name);
		if (err == 0 && streq(name, "counters"))
			err = size_counters(kernel, map, error);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Those as well that no instruction names: with the program the kernel keeps all maps, and says
 * which they are to who has lost the pins (adopt.c). */
void kernel_bind_maps(struct kernel *kernel, int program_fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(map_entries); i++)
		(void)bpf_prog_bind_map(program_fd, *map_fd(kernel, i), NULL);
}

bool kernel_is_defunct(int link_fd)
{
	struct later_link_info later = {};
	const struct bpf_link_info *info = &later.info;
	__u32 size = sizeof(later);

	if (bpf_obj_get_info_by_fd(link_fd, &later, &size) < 0)
		return true;
	if (info->type == BPF_LINK_TYPE_XDP || info->type == LINK_TYPE_TCX)
		return info->xdp.ifindex == 0;
	if (info->type == BPF_LINK_TYPE_CGROUP)
		return info->cgroup.cgroup_id == 0;
	return info->type == BPF_LINK_TYPE_NETNS && info->netns.netns_ino == 0;
}

__u32 kernel_map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}
