/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * programs.c: bpf/filter.bpf.c loaded, each of its entries when it is first needed, and what the
 * running kernel can do, found out by looking, never by its version: distributions backport.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fastpath_table.h"
#include "filter.skel.h"
#include "kernel/private.h"
#include "base/cleanup.h"

/* ---- connection tracking ------------------------------------------------------------- */

/* Whether the type information has that name among its strings, which is as good as parsing
 * it, and twenty times as fast. */
static bool has_name(const char *path, const char *name)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *bytes = NULL;
	struct stat stat;
	size_t length = 0;
	ssize_t count = 1;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return false;
	bytes = malloc(stat.st_size + 1);
	while (bytes && count > 0 && length < (size_t)stat.st_size) {
		count = read(fd, bytes + length, stat.st_size - length);
		length += count > 0 ? count : 0;
	}
	return bytes && memmem(bytes, length, name, strlen(name) + 1);
}

/* The kfuncs are in the kernel's own BTF, or in the module's. */
bool kernel_has_conntrack(void)
{
	return has_name("/sys/kernel/btf/vmlinux", "bpf_xdp_ct_lookup") ||
	       has_name("/sys/kernel/btf/nf_conntrack", "bpf_xdp_ct_lookup");
}

/* The kfuncs are found only once the module that has them is there, and Docker, which
 * would load it, may start after us. */
void kernel_load_conntrack(void)
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

/* ---- the filter ---------------------------------------------------------------------- */

/* Opens the object with that program to load, or with none. */
static struct filter_bpf *open_filter(struct kernel *kernel, enum filter_program wanted,
				      struct error *error)
{
	struct filter_bpf *filter = filter_bpf__open();

	if (!filter) {
		error_set_errno(error, -errno, "cannot read the built-in programs");
		return NULL;
	}
	filter->rodata->has_conntrack = kernel_has_conntrack();
	bpf_program__set_autoload(filter->progs.filter_xdp, wanted == PROGRAM_XDP);
	bpf_program__set_autoload(filter->progs.filter_tc, wanted == PROGRAM_TC);
	bpf_program__set_autoload(filter->progs.filter_tc_l3, wanted == PROGRAM_TC_L3);
	if (kernel_share_maps(kernel, filter->obj, error) == 0 &&
	    kernel_share_map(kernel, filter->maps.bss, "fastpath") == 0)
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

static int load_program(struct kernel *kernel, enum filter_program program, struct error *error)
{
	struct filter_bpf *filter = open_filter(kernel, program, error);
	int err, fd = -1;

	if (!filter)
		return -ENOMEM;
	err = filter_bpf__load(filter);
	if (err == 0)
		fd = fcntl(bpf_program__fd(pick(filter, program)), F_DUPFD_CLOEXEC, 0);
	if (err < 0)
		error_set_errno(error, err,
				"the kernel refused the programs (--verbose shows its log)");
	else if (fd < 0)
		err = error_set_errno(error, -errno,
				      "cannot duplicate the descriptor of a program");
	filter_bpf__destroy(filter);
	return err < 0 ? err : fd;
}

int kernel_program(struct kernel *kernel, enum filter_program program, struct error *error)
{
	int fd = kernel->program_fds[program];

	if (fd >= 0)
		return fd;
	fd = load_program(kernel, program, error);
	if (fd < 0)
		return fd;
	kernel->program_fds[program] = fd;
	kernel_bind_maps(kernel, fd);
	return fd;
}

/* Those by which it decides are empty then, and the fast path's zeros mean that it is disabled. */
static int keep_apart(struct filter_bpf *filter, const struct copy_request *request)
{
	struct bpf_map *deciding[] = { filter->maps.policy_small, filter->maps.policy_medium,
				       filter->maps.policy_large, filter->maps.bss };
	int err = bpf_map__set_pin_path(filter->maps.counters, NULL);

	if (err == 0)
		err = bpf_map__set_max_entries(filter->maps.counters, request->elements);
	for (size_t i = 0; err == 0 && request->image && i < ARRAY_SIZE(deciding); i++)
		err = bpf_map__set_pin_path(deciding[i], NULL);
	return err;
}

static int load_apart(struct filter_bpf *filter, const struct copy_request *request,
		      struct error *error)
{
	int policy_fds[POLICY_SIZES];
	int err = keep_apart(filter, request);

	if (err == 0)
		err = filter_bpf__load(filter);
	if (err < 0)
		return error_set_errno(error, err, "the kernel refused a copy of the program");
	policy_fds[0] = bpf_map__fd(filter->maps.policy_small);
	policy_fds[1] = bpf_map__fd(filter->maps.policy_medium);
	policy_fds[2] = bpf_map__fd(filter->maps.policy_large);
	return request->image ? kernel_fill_copy(policy_fds, request->image, error) : 0;
}

int kernel_load_copy(struct kernel *kernel, const struct copy_request *request, int *ret_program_fd,
		     int *ret_counters_fd, struct error *error)
{
	struct filter_bpf *filter = open_filter(kernel, request->program, error);
	int err;

	if (!filter)
		return -ENOMEM;
	err = load_apart(filter, request, error);
	if (err == 0) {
		*ret_program_fd =
			fcntl(bpf_program__fd(pick(filter, request->program)), F_DUPFD_CLOEXEC, 0);
		*ret_counters_fd = fcntl(bpf_map__fd(filter->maps.counters), F_DUPFD_CLOEXEC, 0);
		if (*ret_program_fd < 0 || *ret_counters_fd < 0)
			err = error_set_errno(error, -errno, "cannot duplicate a descriptor");
	}
	filter_bpf__destroy(filter);
	return err;
}

/* Those that are pinned already are taken over, with all they hold. */
int kernel_make_maps(struct kernel *kernel, struct error *error)
{
	struct filter_bpf *filter = open_filter(kernel, PROGRAM_MAX, error);
	int err;

	if (!filter)
		return -ENOMEM;
	err = filter_bpf__load(filter);
	filter_bpf__destroy(filter);
	if (err == -ESRCH)
		return error_set(
			error, -EOPNOTSUPP,
			"this kernel has no BTF type information (/sys/kernel/btf/vmlinux): it "
			"must be built with CONFIG_DEBUG_INFO_BTF");
	return err < 0 ? error_set_errno(error, err, "cannot create the maps (--verbose shows why)")
		       : 0;
}

/* ---- any program --------------------------------------------------------------------- */

/* tcx programs on one interface */

int kernel_read_program(int fd, struct program *program)
{
	__u32 size = sizeof(program->info);

	memset(program, 0, sizeof(*program));
	program->info.nr_map_ids = PROGRAM_MAPS;
	program->info.map_ids = (__u64)(unsigned long)program->maps;
	if (bpf_obj_get_info_by_fd(fd, &program->info, &size) < 0)
		return -errno;
	if (program->info.nr_map_ids > PROGRAM_MAPS)
		program->info.nr_map_ids = PROGRAM_MAPS;
	return 0;
}

bool kernel_is_of_these_maps(struct kernel *kernel, __u32 program_id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(program_id);
	__u32 id = kernel_map_id(kernel->state_fd);
	struct program program;

	if (fd < 0 || kernel_read_program(fd, &program) < 0)
		return false;
	for (__u32 i = 0; i < program.info.nr_map_ids; i++)
		if (program.maps[i] == id)
			return true;
	return false;
}
