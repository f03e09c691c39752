/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attach.c: where the programs hang.  A link is pinned for each interface; while it
 * is held nobody can put another XDP program in its place or take ours away with `ip link`.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <linux/if_link.h>
#include <sys/stat.h>
#include <time.h>

#include "kernel/private.h"
#include "base/cleanup.h"

#define ATTACH_FIRST (1u << 3) /* BPF_F_BEFORE without a relative: in front of all others */

static const char *const hook_names[HOOK_MAX] = {
	[HOOK_NONE] = "none", [HOOK_XDP_NATIVE] = "xdp", [HOOK_XDP_GENERIC] = "xdp-generic",
	[HOOK_TCX] = "tcx",   [HOOK_CLSACT] = "clsact",
};

const char *hook_name(enum hook_kind hook)
{
	return hook < HOOK_MAX ? hook_names[hook] : "unknown";
}

enum hook_kind hook_from_name(const char *name)
{
	for (int i = 0; i < HOOK_MAX; i++)
		if (streq(name, hook_names[i]))
			return i;
	return HOOK_NONE;
}

int kernel_link_path(const struct kernel *kernel, const char *pin, char **ret)
{
	return asprintf(ret, "%s/links/%s", kernel->pin_dir, pin) < 0 ? -ENOMEM : 0;
}

/* Whether it is one of the entries of bpf/filter.bpf.c, of whichever build. */
static bool is_filter(__u32 program_id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(program_id);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
	       strncmp(info.name, "filter_", strlen("filter_")) == 0;
}

static bool is_program(int fd, __u32 id)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.id == id;
}

/* LIBBPF_OPTS, because libbpf wants the padding zero as well. */
static int query_clsact(int ifindex, __u32 *ret_program_id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	int err = bpf_tc_query(&hook, &opts);

	if (err == 0)
		*ret_program_id = opts.prog_id;
	return err;
}

int kernel_open_clsact(int ifindex)
{
	__u32 id;
	int err = query_clsact(ifindex, &id);

	if (err < 0)
		return err;
	return is_filter(id) ? bpf_prog_get_fd_by_id(id) : -ENOENT;
}

static int detach_clsact(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);

	return bpf_tc_detach(&hook, &opts);
}

/* flags: BPF_TC_F_REPLACE when what is there is ours. */
static int attach_clsact(int program_fd, int ifindex, __u32 flags)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY,
		    .prog_fd = program_fd, .flags = flags);
	int err = bpf_tc_hook_create(&hook);

	if (err < 0 && err != -EEXIST)
		return err;
	return bpf_tc_attach(&hook, &opts);
}

/* The ifindex in the link's own info is 0 once its interface is gone. */
static void read_link(int fd, struct attachment *attachment)
{
	struct later_link_info answer = {};
	__u32 size = sizeof(answer);

	if (bpf_obj_get_info_by_fd(fd, &answer, &size) < 0)
		return;
	attachment->program_id = answer.info.prog_id;
	/* Of XDP and tcx alike: the first word of the part that depends on the type. */
	attachment->is_attached = answer.info.xdp.ifindex == (__u32)attachment->ifindex;
	if (!attachment->is_attached)
		attachment->ifindex = 0;
}

/* The pin of clsact says that it is ours, and the kernel which program: who is killed while it
 * replaces one leaves the pin of another. */
static void read_clsact(struct attachment *attachment)
{
	__u32 id;

	if (query_clsact(attachment->ifindex, &id) < 0)
		return;
	attachment->program_id = id;
	attachment->is_attached = is_filter(id);
}

static bool read_attachment(const struct kernel *kernel, const char *pin,
			    struct attachment *attachment)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	char hook[32];

	memset(attachment, 0, sizeof(*attachment));
	if (sscanf(pin, "%d-%31s", &attachment->ifindex, hook) != 2 ||
	    kernel_link_path(kernel, pin, &path) < 0)
		return false;
	snprintf(attachment->pin, sizeof(attachment->pin), "%s", pin);
	attachment->hook = hook_from_name(hook);
	if (attachment->hook == HOOK_NONE) /* of a replacement that was killed */
		return false;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return true;
	if (attachment->hook == HOOK_CLSACT)
		read_clsact(attachment);
	else
		read_link(fd, attachment);
	return true;
}

/* Of each interface, ifindex 0, or of one: there is a pin or two for each of hundreds. */
static int read_attachments(struct kernel *kernel, int ifindex, struct attachment **ret,
			    size_t *ret_count, struct error *error)
{
	_cleanup_free_ struct attachment *list = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	size_t count = 0;

	if (kernel_link_path(kernel, "", &path) < 0)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir && errno != ENOENT)
		return error_set_errno(error, -errno, "cannot read '%s'", path);
	while (dir && (entry = readdir(dir))) {
		struct attachment *attachment;

		if (entry->d_name[0] == '.' ||
		    (ifindex && strtol(entry->d_name, NULL, 10) != ifindex))
			continue;
		attachment = util_append(&list, count, sizeof(*list));
		if (!attachment)
			return -ENOMEM;
		count += read_attachment(kernel, entry->d_name, attachment);
	}
	*ret = TAKE_PTR(list);
	*ret_count = count;
	return 0;
}

int kernel_attachments(struct kernel *kernel, struct attachment **ret, size_t *ret_count,
		       struct error *error)
{
	return read_attachments(kernel, 0, ret, ret_count, error);
}

int kernel_unpin_link(struct kernel *kernel, const char *pin, struct error *error)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (kernel_link_path(kernel, pin, &path) < 0)
		return -ENOMEM;
	/* A daemon may hold the link, and a file system that is hidden below another one.  Of
	 * clsact the pin is of a program, which cannot be detached so. */
	fd = bpf_obj_get(path);
	if (fd >= 0)
		(void)bpf_link_detach(fd);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set_errno(error, -errno, "cannot remove the pin '%s'", path);
	return 0;
}

static int detach(struct kernel *kernel, const struct attachment *attachment, struct error *error)
{
	if (attachment->hook == HOOK_CLSACT && attachment->is_attached) {
		int err = detach_clsact(attachment->ifindex);

		if (err < 0)
			return error_set_errno(error, err, "cannot detach from interface %d",
					       attachment->ifindex);
	}
	return kernel_unpin_link(kernel, attachment->pin, error);
}

int kernel_detach(struct kernel *kernel, const struct attachment *attachment, struct error *error)
{
	int err = detach(kernel, attachment, error);
	__u32 ifindex;

	/* The attachment of an interface that is gone knows it by the pin's name only. */
	if (err < 0 || sscanf(attachment->pin, "%u-", &ifindex) != 1)
		return err;
	return kernel_forget_interface(kernel, ifindex, error);
}

bool kernel_is_own_attached(struct kernel *kernel)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;

	if (kernel_attachments(kernel, &list, &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		bool is_own = !list[i].is_attached;

		for (int j = 0; j < PROGRAM_MAX; j++)
			is_own = is_own || is_program(kernel->program_fds[j], list[i].program_id);
		if (!is_own)
			return false;
	}
	return true;
}

static int program_for(struct kernel *kernel, const struct attach_request *request,
		       enum hook_kind hook, struct error *error)
{
	if (hook == HOOK_XDP_NATIVE || hook == HOOK_XDP_GENERIC)
		return kernel_program(kernel, PROGRAM_XDP, error);
	return kernel_program(kernel, request->is_ethernet ? PROGRAM_TC : PROGRAM_TC_L3, error);
}

static int attach_link(int program_fd, int ifindex, enum hook_kind hook)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd;

	opts.flags = hook == HOOK_XDP_NATIVE    ? XDP_FLAGS_DRV_MODE
		     : hook == HOOK_XDP_GENERIC ? XDP_FLAGS_SKB_MODE
						: ATTACH_FIRST;
	fd = bpf_link_create(program_fd, ifindex, hook == HOOK_TCX ? ATTACH_TCX_INGRESS : BPF_XDP,
			     &opts);
	return fd < 0 ? -errno : fd;
}

static int pin_in_place(int fd, const char *path)
{
	_cleanup_free_ char *path_new = NULL;

	if (asprintf(&path_new, "%s-new", path) < 0)
		return -ENOMEM;
	(void)unlink(path_new);
	return bpf_obj_pin(fd, path_new) < 0 || rename(path_new, path) < 0 ? -errno : 0;
}

/*
 * The pin first: an attached program that no pin names would never go.  What is there is ours if
 * it is a filter, pinned or not, and is replaced; if that fails, it goes on.
 */
static int attach_and_pin_clsact(int program_fd, int ifindex, const char *path)
{
	__u32 id;
	bool is_there = query_clsact(ifindex, &id) == 0 && is_filter(id);
	int err = pin_in_place(program_fd, path);

	if (err < 0)
		return err;
	err = attach_clsact(program_fd, ifindex, is_there ? BPF_TC_F_REPLACE : 0);
	if (err < 0 && !is_there)
		(void)unlink(path);
	return err;
}

/* Attaches at one hook and pins what keeps it there. */
static int attach_at(struct kernel *kernel, const struct attach_request *request,
		     enum hook_kind hook, struct error *error)
{
	int program_fd = program_for(kernel, request, hook, error);
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int link_fd = -1;
	char pin[48];

	if (program_fd < 0)
		return program_fd;
	snprintf(pin, sizeof(pin), "%d-%s", request->ifindex, hook_name(hook));
	if (kernel_link_path(kernel, pin, &path) < 0)
		return -ENOMEM;
	if (hook == HOOK_CLSACT)
		return attach_and_pin_clsact(program_fd, request->ifindex, path);
	link_fd = attach_link(program_fd, request->ifindex, hook);
	if (link_fd < 0)
		return link_fd;
	return bpf_obj_pin(link_fd, path) < 0 ? -errno : 0;
}

/* Puts the newly loaded program into the link that is there. */
static int update_link(struct kernel *kernel, const struct attach_request *request,
		       const struct attachment *attachment, struct error *error)
{
	int program_fd = program_for(kernel, request, attachment->hook, error);
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (program_fd < 0)
		return program_fd;
	if (is_program(program_fd, attachment->program_id))
		return 0;
	if (kernel_link_path(kernel, attachment->pin, &path) < 0)
		return -ENOMEM;
	if (attachment->hook == HOOK_CLSACT)
		return attach_and_pin_clsact(program_fd, request->ifindex, path);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_link_update(fd, program_fd, NULL) < 0)
		return error_set_errno(error, -errno, "cannot replace the program on interface %d",
				       request->ifindex);
	return 0;
}

/* "an XDP program of another tool, 'name' (id 7), is attached", or why the driver refused. */
static char *refusal(int ifindex, enum hook_kind hook, int err)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	char *text = NULL;
	int fd = -1;

	if ((err == -EBUSY || err == -EEXIST) && bpf_xdp_query(ifindex, 0, &query) == 0) {
		__u32 id = query.prog_id ?: query.drv_prog_id ?: query.skb_prog_id;

		fd = id ? bpf_prog_get_fd_by_id(id) : -1;
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
		    asprintf(&text, "an XDP program of another tool, '%s' (id %u), is attached",
			     info.name, id) < 0)
			text = NULL;
	}
	util_closep(&fd);
	if (!text && asprintf(&text, "%s was refused: %s", hook_name(hook), strerror(-err)) < 0)
		text = NULL;
	return text;
}

/* Somebody removed the pin of our own link a moment ago; whoever holds the link restores it.  At
 * another hook the filter would be there twice. */
static bool is_unpinned(struct kernel *kernel, int ifindex, int err)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	__u32 id;

	if ((err != -EBUSY && err != -EEXIST) || bpf_xdp_query(ifindex, 0, &query) < 0)
		return false;
	id = query.prog_id ?: query.drv_prog_id ?: query.skb_prog_id;
	return id && kernel_is_of_these_maps(kernel, id);
}

static int attach_best(struct kernel *kernel, const struct attach_request *request,
		       enum hook_kind *ret_hook, char **ret_note, struct error *error)
{
	_cleanup_free_ char *note = NULL;
	int err = -EOPNOTSUPP;

	for (enum hook_kind hook = HOOK_XDP_NATIVE; hook < HOOK_MAX; hook++) {
		bool is_xdp = hook <= HOOK_XDP_GENERIC;

		if (request->hook != HOOK_NONE && request->hook != hook)
			continue;
		if (is_xdp && !request->is_ethernet)
			continue;
		if (hook == HOOK_XDP_GENERIC && request->hook != hook)
			continue;
		err = attach_at(kernel, request, hook, NULL);
		if (err == 0) {
			*ret_hook = hook;
			*ret_note = TAKE_PTR(note);
			return 0;
		}
		if (is_xdp && is_unpinned(kernel, request->ifindex, err))
			return error_set_errno(error, err,
					       "the filter on interface %d lost its pin just now",
					       request->ifindex);
		if (is_xdp && !note)
			note = refusal(request->ifindex, hook, err);
	}
	return error_set_errno(error, err, "cannot attach to interface %d", request->ifindex);
}

/* The attachment that stays, or NULL; pins whose interface is gone are removed. */
static int find_attached(struct kernel *kernel, const struct attach_request *request,
			 struct attachment *ret, bool *ret_found, struct error *error)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = read_attachments(kernel, request->ifindex, &list, &count, error);

	*ret_found = false;
	for (size_t i = 0; err == 0 && i < count; i++) {
		if (list[i].ifindex != request->ifindex)
			continue;
		if (!list[i].is_attached) {
			err = kernel_unpin_link(kernel, list[i].pin, error);
			continue;
		}
		*ret = list[i];
		*ret_found = true;
	}
	return err;
}

static bool is_xdp(enum hook_kind hook)
{
	return hook == HOOK_XDP_NATIVE || hook == HOOK_XDP_GENERIC;
}

/* The kernel has native or generic XDP on an interface, never both: tc holds in between. */
static int change_xdp_mode(struct kernel *kernel, const struct attach_request *request,
			   const struct attachment *there, enum hook_kind *ret_hook,
			   char **ret_note, struct error *error)
{
	struct attachment cover = { .ifindex = request->ifindex,
				    .hook = HOOK_TCX,
				    .is_attached = true };
	int err = attach_at(kernel, request, cover.hook, NULL);

	if (err < 0) {
		cover.hook = HOOK_CLSACT;
		err = attach_at(kernel, request, cover.hook, NULL);
	}
	if (err < 0)
		return error_set_errno(error, err, "cannot attach to interface %d",
				       request->ifindex);
	snprintf(cover.pin, sizeof(cover.pin), "%d-%s", cover.ifindex, hook_name(cover.hook));
	err = detach(kernel, there, error);
	if (err == 0)
		err = attach_best(kernel, request, ret_hook, ret_note, error);
	/* If it failed, tc goes on. */
	return err < 0 ? err : detach(kernel, &cover, error);
}

static int keep_or_move(struct kernel *kernel, const struct attach_request *request,
			const struct attachment *there, enum hook_kind *ret_hook, char **ret_note,
			struct error *error)
{
	int err;

	if (request->hook == HOOK_NONE || request->hook == there->hook) {
		*ret_hook = there->hook;
		return kernel->is_renewing ? update_link(kernel, request, there, error) : 0;
	}
	if (is_xdp(there->hook) && is_xdp(request->hook))
		return change_xdp_mode(kernel, request, there, ret_hook, ret_note, error);
	/* The new one holds before the old one lets go. */
	err = attach_best(kernel, request, ret_hook, ret_note, error);
	return err < 0 ? err : detach(kernel, there, error);
}

/* What came in before the filter was there is on its way through the stack for microseconds. */
static void let_through(void)
{
	struct timespec time = { .tv_nsec = 1000000 };

	nanosleep(&time, NULL);
}

int kernel_attach(struct kernel *kernel, const struct attach_request *request,
		  enum hook_kind *ret_hook, char **ret_note, struct error *error)
{
	struct attachment there;
	bool is_there = false;
	int err;

	*ret_note = NULL;
	err = find_attached(kernel, request, &there, &is_there, error);
	if (err < 0)
		return err;
	if (is_there) {
		err = keep_or_move(kernel, request, &there, ret_hook, ret_note, error);
	} else {
		err = attach_best(kernel, request, ret_hook, ret_note, error);
		let_through();
	}
	/* Once it is noted, what stands behind the filter relies on it. */
	return err < 0 ? err : kernel_note_guarded(kernel, request, error);
}
