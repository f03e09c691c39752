/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.c: the lifecycle of what lives in the kernel: the BPF file system, the pinned maps,
 * the programs.  Not what the maps hold, and not where the programs hang.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "fastpath_table.h"
#include "filter.skel.h"
#include "kernel/private.h"
#include "host/tracking.h"
#include "base/log.h"
#include "base/cleanup.h"

#define BPF_FILE_SYSTEM "/sys/fs/bpf"

static char error_text[512];

const char *kernel_error(void)
{
	return error_text;
}

int kernel_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error_text, sizeof(error_text), format, args);
	va_end(args);
	return err;
}

/* libbpf's talk goes where ours goes, one level down: what failed is said by us. */
#define LOG_TAIL 8192 /* bytes */

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t length;

	if (log_get_level() < LOG_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	/* Of the verifier's log the end tells. */
	length = strlen(text);
	rest = length > LOG_TAIL ? text + length - LOG_TAIL : text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_debug("%s", line);
	return 0;
}

void kernel_hear_libbpf(void)
{
	libbpf_set_print(print_libbpf);
}

static bool is_bpf_file_system(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/* A system without systemd may not have it mounted.  Only the standard place is. */
static int mount_file_system(const char *pin_dir)
{
	size_t length = strlen(BPF_FILE_SYSTEM);

	if (strncmp(pin_dir, BPF_FILE_SYSTEM "/", length + 1) != 0 ||
	    is_bpf_file_system(BPF_FILE_SYSTEM))
		return 0;
	if (mount("bpf", BPF_FILE_SYSTEM, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") < 0)
		return kernel_fail(-errno, "cannot mount the BPF file system at " BPF_FILE_SYSTEM);
	return 0;
}

static int make_dir(const char *pin_dir, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s", pin_dir, name) < 0)
		return -ENOMEM;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return kernel_fail(-errno, "cannot make the directory '%s'", path);
	return 0;
}

int kernel_make_dirs(const char *pin_dir)
{
	int err;

	err = mount_file_system(pin_dir);
	if (err == 0)
		err = make_dir(pin_dir, "");
	if (err < 0)
		return err;
	if (!is_bpf_file_system(pin_dir))
		return kernel_fail(-EINVAL, "'%s' is not on a BPF file system", pin_dir);
	err = make_dir(pin_dir, "/" MAPS_DIR);
	return err < 0 ? err : make_dir(pin_dir, "/links");
}

int kernel_open_map(const char *pin_dir, const char *maps_dir, const char *name)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/%s/%s", pin_dir, maps_dir, name) < 0)
		return -ENOMEM;
	fd = bpf_obj_get(path);
	return fd < 0 ? kernel_fail(-errno, "cannot open the pinned map '%s'", path) : fd;
}

/* The state's first word, whatever else a layout has behind it. */
int kernel_read_layout(const char *pin_dir, const char *maps_dir, __u32 *ret)
{
	_cleanup_close_ int fd = kernel_open_map(pin_dir, maps_dir, "state");
	_cleanup_free_ __u32 *state = NULL;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), key = 0;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return kernel_fail(-errno, "cannot ask about the pinned map 'state'");
	state = calloc(1, info.value_size + sizeof(*state));
	if (!state)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &key, state) < 0)
		return kernel_fail(-errno, "cannot read the pinned map 'state'");
	*ret = state[0];
	return 0;
}

/* Refuses maps that another layout made, before anything else looks at them. */
static int check_layout(const char *pin_dir, __u32 layout)
{
	if (layout == DATAPATH_ABI || layout == 0)
		return 0;
	if (kernel_is_older_layout(layout))
		return kernel_fail(
			-EPROTO,
			"the filter in the kernel is from an older version (the maps below '%s' "
			"have layout %u, this build's have %u) and still enforcing: `tidegate up`, "
			"or a restart of the unit, upgrades it",
			pin_dir, layout, DATAPATH_ABI);
	return kernel_fail(
		-EPROTO,
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
	kernel->policy_fds[0] = kernel->policy_fds[1] = kernel->policy_fds[2] = -1;
	kernel->fastpath_fd = kernel->counters_fd = kernel->counter_owners_fd = -1;
	kernel->interfaces_fd = kernel->own_macs_fd = kernel->state_fd = -1;
	kernel->bound_ports_fd = kernel->bound_at_fd = kernel->bound_marks_fd = -1;
	kernel->defenses_fd = -1;
	kernel->maps_dir = MAPS_DIR;
	kernel->pin_dir = strdup(pin_dir);
	if (!kernel->pin_dir) {
		free(kernel);
		return NULL;
	}
	kernel_hear_libbpf();
	return kernel;
}

#define MAP(name, field)                             \
	{                                            \
		name, offsetof(struct kernel, field) \
	}

static const struct {
	const char *name;
	size_t fd; /* offset */
} map_entries[] = {
	MAP("policy_small", policy_fds[0]),
	MAP("policy_medium", policy_fds[1]),
	MAP("policy_large", policy_fds[2]),
	MAP("lane", fastpath_fd),
	MAP("counters", counters_fd),
	MAP("counter_owners", counter_owners_fd),
	MAP("interfaces", interfaces_fd),
	MAP("own_macs", own_macs_fd),
	MAP("state", state_fd),
	MAP("learned", bound_ports_fd),
	MAP("learned_at", bound_at_fd),
	MAP("learned_ports", bound_marks_fd),
	MAP("means", defenses_fd),
};

static int *map_fd(struct kernel *kernel, size_t entry)
{
	return (int *)((char *)kernel + map_entries[entry].fd);
}

static int open_maps(struct kernel *kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(map_entries); i++) {
		int fd = kernel_open_map(kernel->pin_dir, kernel->maps_dir, map_entries[i].name);

		if (fd < 0)
			return fd;
		*map_fd(kernel, i) = fd;
	}
	return 0;
}

int kernel_pin_maps(struct kernel *kernel)
{
	int err = kernel_make_dirs(kernel->pin_dir), made = 0;

	for (size_t i = 0; err >= 0 && i < ARRAY_SIZE(map_entries); i++) {
		err = kernel_pin_missing(*map_fd(kernel, i), kernel->pin_dir, kernel->maps_dir,
					 map_entries[i].name);
		made += err > 0;
	}
	return err < 0 ? err : made;
}

int kernel_open(const char *pin_dir, struct kernel **ret)
{
	_cleanup_(kernel_freep) struct kernel *kernel = new_kernel(pin_dir);
	__u32 layout;
	int err;

	if (!kernel)
		return -ENOMEM;
	err = kernel_read_layout(pin_dir, MAPS_DIR, &layout);
	if (err == 0)
		err = check_layout(pin_dir, layout);
	if (err == 0)
		err = open_maps(kernel);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(kernel);
	return 0;
}

int kernel_open_older(const char *pin_dir, struct kernel **ret)
{
	_cleanup_(kernel_freep) struct kernel *kernel = new_kernel(pin_dir);
	__u32 layout;
	int err;

	if (!kernel)
		return -ENOMEM;
	err = kernel_read_layout(pin_dir, MAPS_DIR, &layout);
	if (err < 0)
		return err;
	if (!kernel_is_older_layout(layout))
		return check_layout(pin_dir, layout) ?: -EINVAL;
	kernel->is_moving = true;
	*ret = TAKE_PTR(kernel);
	return 0;
}

/* The kfuncs are found only once the module that has them is there, and Docker, which
 * would load it, may start after us. */
static void load_conntrack(void)
{
	pid_t pid;

	if (access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK) == 0)
		return;
	pid = fork();
	if (pid == 0) {
		execl("/sbin/modprobe", "modprobe", "-q", "nf_conntrack", NULL);
		_exit(127);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static int size_counters(struct bpf_map *map)
{
	__u32 elements = kernel_counter_elements();

	if (!elements)
		return kernel_fail(-ENOENT, "cannot read in /sys how many CPUs there can be");
	return bpf_map__set_max_entries(map, elements);
}

static int share_map(const struct kernel *kernel, struct bpf_map *map, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s/%s", kernel->pin_dir, kernel->maps_dir, name) < 0)
		return -ENOMEM;
	return bpf_map__set_pin_path(map, path);
}

int kernel_share_maps(const struct kernel *kernel, struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		int err;

		if (strchr(name, '.')) /* .rodata and the like: private */
			continue;
		err = share_map(kernel, map, name);
		if (err == 0 && streq(name, "counters"))
			err = size_counters(map);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Opens the object with that program to load, or with none. */
static struct filter_bpf *open_filter(struct kernel *kernel, enum filter_program wanted)
{
	struct filter_bpf *filter = filter_bpf__open();

	if (!filter) {
		kernel_fail(-errno, "cannot read the built-in programs");
		return NULL;
	}
	filter->rodata->has_conntrack = kernel_has_conntrack();
	bpf_program__set_autoload(filter->progs.filter_xdp, wanted == PROGRAM_XDP);
	bpf_program__set_autoload(filter->progs.filter_tc, wanted == PROGRAM_TC);
	bpf_program__set_autoload(filter->progs.filter_tc_l3, wanted == PROGRAM_TC_L3);
	if (kernel_share_maps(kernel, filter->obj) == 0 &&
	    share_map(kernel, filter->maps.bss, "lane") == 0)
		return filter;
	filter_bpf__destroy(filter);
	return NULL;
}

static const struct bpf_program *pick(const struct filter_bpf *filter, enum filter_program program)
{
	return program == PROGRAM_XDP  ? filter->progs.filter_xdp
	       : program == PROGRAM_TC ? filter->progs.filter_tc
				       : filter->progs.filter_tc_l3;
}

static int load_program(struct kernel *kernel, enum filter_program program)
{
	struct filter_bpf *filter = open_filter(kernel, program);
	int err, fd = -1;

	if (!filter)
		return -ENOMEM;
	err = filter_bpf__load(filter);
	if (err == 0)
		fd = fcntl(bpf_program__fd(pick(filter, program)), F_DUPFD_CLOEXEC, 0);
	if (err < 0)
		kernel_fail(err, "the kernel refused the programs (--verbose shows its log)");
	else if (fd < 0)
		err = kernel_fail(-errno, "cannot keep a program");
	filter_bpf__destroy(filter);
	return err < 0 ? err : fd;
}

/* Those as well that no instruction names: with the program the kernel keeps all maps, and says
 * which they are to who has lost the pins (adopt.c). */
static void bind_maps(struct kernel *kernel, int program_fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(map_entries); i++)
		(void)bpf_prog_bind_map(program_fd, *map_fd(kernel, i), NULL);
}

int kernel_program(struct kernel *kernel, enum filter_program program)
{
	int fd = kernel->program_fds[program];

	if (fd >= 0)
		return fd;
	fd = load_program(kernel, program);
	if (fd < 0)
		return fd;
	kernel->program_fds[program] = fd;
	bind_maps(kernel, fd);
	return fd;
}

/* Those that are pinned already are taken over, with all they hold. */
static int make_maps(struct kernel *kernel)
{
	struct filter_bpf *filter = open_filter(kernel, PROGRAM_MAX);
	int err;

	if (!filter)
		return -ENOMEM;
	err = filter_bpf__load(filter);
	filter_bpf__destroy(filter);
	if (err == -ESRCH)
		return kernel_fail(-EOPNOTSUPP,
				   "this kernel does not describe its types "
				   "(/sys/kernel/btf/vmlinux): it needs CONFIG_DEBUG_INFO_BTF");
	return err < 0 ? kernel_fail(err, "cannot make the maps (--verbose shows why)") : 0;
}

static int stamp_abi(struct kernel *kernel)
{
	struct state current = {};
	int err;

	__u64 pins = kernel_digest_of_pins(kernel->pin_dir);

	err = kernel_read_state(kernel, &current);
	if (err < 0 || (current.abi == DATAPATH_ABI && current.pins == pins))
		return err;
	current.abi = DATAPATH_ABI;
	current.pins = pins;
	return kernel_write_state(kernel, &current);
}

/* Those of a move that was killed, unless they can be gone on with. */
static int sweep_next_maps(struct kernel *kernel)
{
	__u32 layout = 0;
	bool found;

	if (kernel->is_moving && kernel_read_layout(kernel->pin_dir, NEXT_MAPS_DIR, &layout) == 0 &&
	    layout == DATAPATH_ABI)
		return 0;
	return kernel_unlink_all(kernel->pin_dir, "/" NEXT_MAPS_DIR, &found);
}

/* Which maps are to be used, those that are there or new ones beside them. */
static int choose_maps(struct kernel *kernel)
{
	__u32 layout = 0;
	int err = kernel_read_layout(kernel->pin_dir, MAPS_DIR, &layout);

	if (err < 0 && err != -ENOENT)
		return err;
	kernel->is_moving = kernel_is_older_layout(layout);
	if (kernel->is_moving)
		kernel->maps_dir = NEXT_MAPS_DIR;
	else if (check_layout(kernel->pin_dir, layout) < 0)
		return -EPROTO;
	err = sweep_next_maps(kernel);
	return err < 0 || !kernel->is_moving ? err : make_dir(kernel->pin_dir, "/" NEXT_MAPS_DIR);
}

int kernel_load(const char *pin_dir, struct kernel **ret)
{
	_cleanup_(kernel_freep) struct kernel *kernel = new_kernel(pin_dir);
	int err;

	if (!kernel)
		return -ENOMEM;
	err = kernel_adopt(pin_dir);
	if (err == 0)
		err = kernel_make_dirs(pin_dir);
	if (err == 0)
		err = choose_maps(kernel);
	if (err < 0)
		return err;
	load_conntrack();
	err = make_maps(kernel);
	if (err == 0)
		err = open_maps(kernel);
	if (err == 0)
		err = kernel->is_moving ? kernel_begin_move(kernel) : stamp_abi(kernel);
	if (err < 0)
		return err;
	kernel->is_renewing = true;
	if (!kernel->is_moving)
		kernel_load_means(kernel);
	*ret = TAKE_PTR(kernel);
	return 0;
}

int kernel_unlink_all(const char *pin_dir, const char *name, bool *ret_found)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	if (asprintf(&path, "%s%s", pin_dir, name) < 0)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : kernel_fail(-errno, "cannot open '%s'", path);
	*ret_found = true;
	while ((entry = readdir(dir))) {
		if (entry->d_type == DT_DIR)
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			return kernel_fail(-errno, "cannot remove '%s/%s'", path, entry->d_name);
	}
	if (rmdir(path) < 0)
		return kernel_fail(-errno, "cannot remove '%s'", path);
	return 0;
}

/* What is on no interface.  A link goes with its last pin, but somebody may hold it. */
static int detach_links(struct kernel *kernel)
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
			err = kernel_unpin_link(kernel, entry->d_name);
	return err;
}

/* What has no link does not go with its pin. */
static int detach_all(const char *pin_dir)
{
	_cleanup_(kernel_freep) struct kernel *kernel = new_kernel(pin_dir);
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err;

	if (!kernel)
		return -ENOMEM;
	err = kernel_attachments(kernel, &list, &count);
	for (size_t i = 0; err == 0 && i < count; i++)
		err = kernel_detach(kernel, &list[i]);
	return err < 0 ? err : detach_links(kernel);
}

static int turn_tracking_off(void)
{
	int err = tracking_turn_off();

	return err < 0 ? kernel_fail(err, "cannot remove the nftables table 'inet tidegate'") : 0;
}

int kernel_remove(const char *pin_dir, bool *ret_found)
{
	int err;

	*ret_found = false;
	kernel_hear_libbpf();
	err = kernel_adopt(pin_dir);
	if (err == 0)
		err = detach_all(pin_dir);
	if (err == 0)
		err = kernel_unlink_all(pin_dir, "/links", ret_found);
	if (err == 0)
		err = turn_tracking_off();
	if (err == 0)
		err = kernel_unlink_all(pin_dir, "/" NEXT_MAPS_DIR, ret_found);
	if (err == 0)
		err = kernel_unlink_all(pin_dir, "/" MAPS_DIR, ret_found);
	if (err == 0)
		err = kernel_unlink_all(pin_dir, "", ret_found);
	return err;
}

int kernel_read_state(struct kernel *kernel, struct state *ret)
{
	__u32 key = 0;

	if (kernel->state_fd < 0 && kernel->is_moving)
		return kernel_read_older_state(kernel, ret);
	if (bpf_map_lookup_elem(kernel->state_fd, &key, ret) < 0)
		return kernel_fail(-errno, "cannot read the state");
	return 0;
}

int kernel_write_state(struct kernel *kernel, const struct state *current)
{
	__u32 key = 0;

	if (bpf_map_update_elem(kernel->state_fd, &key, current, BPF_ANY) < 0)
		return kernel_fail(-errno, "cannot write the state");
	return 0;
}

void kernel_free(struct kernel *kernel)
{
	if (!kernel)
		return;
	for (int i = 0; i < PROGRAM_MAX; i++)
		util_closep(&kernel->program_fds[i]);
	for (int i = 0; i < POLICY_SIZES; i++)
		util_closep(&kernel->policy_fds[i]);
	kernel_release_links(kernel);
	kernel_unmap_counters(kernel);
	util_closep(&kernel->fastpath_fd);
	util_closep(&kernel->counters_fd);
	util_closep(&kernel->counter_owners_fd);
	util_closep(&kernel->interfaces_fd);
	util_closep(&kernel->own_macs_fd);
	util_closep(&kernel->state_fd);
	util_closep(&kernel->bound_ports_fd);
	util_closep(&kernel->bound_at_fd);
	util_closep(&kernel->bound_marks_fd);
	util_closep(&kernel->defenses_fd);
	free(kernel->pin_dir);
	free(kernel);
}

void kernel_freep(struct kernel **kernel)
{
	kernel_free(*kernel);
}
