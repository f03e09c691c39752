/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adopt.c: what is attached and no longer pinned: somebody removed the pins, or mounted
 * another file system over them.  The programs in the kernel know all their maps, so pins can be
 * made again from them; a daemon makes them from what it holds (held.c).
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "kernel/private.h"
#include "base/log.h"
#include "base/cleanup.h"

/* include/uapi/linux/bpf.h of Linux 6.6; libbpf 1.1 does not have them yet. */
#define LINK_TYPE_TCX      11
#define ATTACH_TCX_INGRESS 46
#define ATTACHED_MAX       64

static int read_program_by_id(__u32 id, struct program *program)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? -errno : kernel_read_program(fd, program);
}

/* ---- whose is it --------------------------------------------------------------------- */

struct known {
	const char *pin_dir;
	__u32 *maps; /* ids */
	size_t count;
	size_t made; /* pins that were not there */
	int err;
	struct error *error;
};

/* Counts what kernel_pin_missing() says that it made; returns only failures. */
static int count_made(struct known *known, int made)
{
	known->made += made > 0;
	return made < 0 ? made : 0;
}

static bool is_known(const struct known *known, __u32 map)
{
	for (size_t i = 0; i < known->count; i++)
		if (known->maps[i] == map)
			return true;
	return false;
}

static bool shares_maps(const struct known *known, const struct program *program)
{
	for (__u32 i = 0; i < program->info.nr_map_ids; i++)
		if (is_known(known, program->maps[i]))
			return true;
	return false;
}

/* The state says for which directory the program was loaded. */
static bool is_state_of(const struct known *known, __u32 map)
{
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(map);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), key = 0;
	struct state state;

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
	       streq(info.name, "state") && info.value_size == sizeof(state) &&
	       bpf_map_lookup_elem(fd, &key, &state) == 0 && state.abi == DATAPATH_ABI &&
	       state.pins == kernel_digest_of_pins(known->pin_dir);
}

static bool is_ours(const struct known *known, const struct program *program)
{
	if (strncmp(program->info.name, "filter_", strlen("filter_")) != 0)
		return false;
	for (__u32 i = 0; i < program->info.nr_map_ids; i++)
		if (is_state_of(known, program->maps[i]))
			return true;
	return false;
}

static void add_maps(struct known *known, const struct program *program)
{
	for (__u32 i = 0; i < program->info.nr_map_ids; i++) {
		__u32 *map;

		if (is_known(known, program->maps[i]))
			continue;
		map = util_append(&known->maps, known->count, sizeof(*map));
		if (!map) {
			known->err = -ENOMEM;
			return;
		}
		*map = program->maps[i];
		known->count++;
	}
}

/* ---- where is it --------------------------------------------------------------------- */

static bool is_xdp_here(int ifindex, __u32 program_id, bool *ret_generic)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query) < 0)
		return false;
	*ret_generic = query.attach_mode == XDP_ATTACHED_SKB;
	return query.prog_id == program_id || query.drv_prog_id == program_id ||
	       query.skb_prog_id == program_id;
}

static bool is_tcx_here(int ifindex, __u32 program_id)
{
	__u32 ids[ATTACHED_MAX], count = ATTACHED_MAX, flags;

	if (bpf_prog_query(ifindex, ATTACH_TCX_INGRESS, 0, &flags, ids, &count) < 0)
		return false;
	for (__u32 i = 0; i < count; i++)
		if (ids[i] == program_id)
			return true;
	return false;
}

/* The name of its pin, if it is on an interface of this network namespace: an ifindex alone does
 * not tell that. */
static bool name_interface_link(const struct bpf_link_info *info, char *ret, size_t size)
{
	int ifindex = info->xdp.ifindex; /* of tcx as well */
	enum hook_kind hook = HOOK_TCX;
	bool is_generic;

	/* Its interface is gone; to a query 0 is any. */
	if (!ifindex)
		return false;
	if (info->type == BPF_LINK_TYPE_XDP) {
		if (!is_xdp_here(ifindex, info->prog_id, &is_generic))
			return false;
		hook = is_generic ? HOOK_XDP_GENERIC : HOOK_XDP_NATIVE;
	} else if (info->type != LINK_TYPE_TCX || !is_tcx_here(ifindex, info->prog_id)) {
		return false;
	}
	snprintf(ret, size, "%d-%s", ifindex, hook_name(hook));
	return true;
}

static bool name_other_link(const struct bpf_link_info *info, const char *program, char *ret,
			    size_t size)
{
	static const struct {
		const char *program, *pin;
	} entries[] = {
		{ "learn_bind4", "learn-4" },       { "learn_bind6", "learn-6" },
		{ "learn_try4", "learn-try-4" },    { "learn_try6", "learn-try-6" },
		{ "learn_socket", "learn-socket" },
	};

	if (streq(program, "gate")) /* the first word of the part that depends on the type: pf */
		return snprintf(ret, size, "gate-inet%c", info->xdp.ifindex == 2 ? '4' : '6') > 0;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (streq(program, entries[i].program))
			return snprintf(ret, size, "%s", entries[i].pin) > 0;
	return false;
}

/* ---- maps and links -------------------------------------------------------------------- */

static int pin_map(const struct known *known, __u32 id)
{
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	const char *dot;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return 0;
	dot = strchr(info.name, '.');
	if (dot && !streq(dot, ".bss")) /* a program's own constants */
		return 0;
	return kernel_pin_missing(fd, known->pin_dir, MAPS_DIR, dot ? "fastpath" : info.name,
				  known->error);
}

typedef int link_handler(struct known *known, int fd, const struct bpf_link_info *info);

static int for_each_link(struct known *known, link_handler *handle)
{
	__u32 id = 0;
	int err = 0;

	while (err >= 0 && bpf_link_get_next_id(id, &id) == 0) {
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
		struct later_link_info later = {};
		__u32 size = sizeof(later);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &later, &size) == 0)
			err = handle(known, fd, &later.info);
	}
	return err < 0 ? err : 0;
}

static int know_link(struct known *known, int fd, const struct bpf_link_info *info)
{
	struct program program;
	char pin[48];

	if (name_interface_link(info, pin, sizeof(pin)) &&
	    read_program_by_id(info->prog_id, &program) == 0 && is_ours(known, &program))
		add_maps(known, &program);
	return known->err;
}

static int pin_link(struct known *known, int fd, const struct bpf_link_info *info)
{
	struct program program;
	char pin[48];

	if (read_program_by_id(info->prog_id, &program) < 0 || !shares_maps(known, &program) ||
	    !(name_interface_link(info, pin, sizeof(pin)) ||
	      name_other_link(info, program.info.name, pin, sizeof(pin))))
		return 0;
	return count_made(known,
			  kernel_pin_missing(fd, known->pin_dir, "links", pin, known->error));
}

/* ---- clsact, which has no links ------------------------------------------------------ */

static int adopt_clsact(struct known *known, bool with_pins)
{
	struct if_nameindex *names = if_nameindex();
	int err = 0;

	for (struct if_nameindex *one = names; err >= 0 && one && one->if_index; one++) {
		_cleanup_close_ int fd = kernel_open_clsact(one->if_index);
		struct program program;
		char pin[48];

		if (fd < 0 || kernel_read_program(fd, &program) < 0 || !is_ours(known, &program))
			continue;
		add_maps(known, &program);
		snprintf(pin, sizeof(pin), "%d-%s", one->if_index, hook_name(HOOK_CLSACT));
		err = known->err;
		if (with_pins)
			err = count_made(known, kernel_pin_missing(fd, known->pin_dir, "links", pin,
								   known->error));
	}
	if (names)
		if_freenameindex(names);
	return err < 0 ? err : 0;
}

/* ---- the whole ----------------------------------------------------------------------- */

static int find(struct known *known)
{
	int err = for_each_link(known, know_link);

	return err < 0 ? err : adopt_clsact(known, false);
}

static int pin_all(struct known *known)
{
	int err = kernel_make_dirs(known->pin_dir, known->error);

	for (size_t i = 0; err >= 0 && i < known->count; i++)
		err = count_made(known, pin_map(known, known->maps[i]));
	if (err >= 0)
		err = for_each_link(known, pin_link);
	return err < 0 ? err : adopt_clsact(known, true);
}

bool kernel_has_strays(const char *pin_dir)
{
	struct known known = { .pin_dir = pin_dir };
	bool has;

	kernel_hear_libbpf();
	has = find(&known) == 0 && known.count;

	free(known.maps);
	return has;
}

int kernel_adopt(const char *pin_dir, struct error *error)
{
	struct known known = { .pin_dir = pin_dir, .error = error };
	int err = find(&known);

	if (err == 0 && known.count)
		err = pin_all(&known);
	if (err == 0 && known.made)
		log_warning("the pins below '%s' were missing, removed or hidden by a mount; "
			    "restored them",
			    pin_dir);
	free(known.maps);
	return err;
}
