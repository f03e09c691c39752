/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * held.c: what a daemon holds, so that links do not go with their pins: whether all is in its
 * place, and the pins made again from it.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>

#include "kernel/private.h"
#include "base/log.h"
#include "base/cleanup.h"

struct held_link {
	char pin[48];
	int fd;
};

static void release(struct held_link *links, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(links[i].fd);
	free(links);
}

static bool is_gone(const struct held_link *link)
{
	int ifindex;

	if (!strstr(link->pin, "-clsact"))
		return kernel_is_defunct(link->fd);
	if (sscanf(link->pin, "%d-", &ifindex) == 1) {
		_cleanup_close_ int fd = kernel_open_clsact(ifindex);

		return fd < 0;
	}
	return true;
}

void kernel_release_links(struct kernel *kernel)
{
	release(TAKE_PTR(kernel->held), kernel->held_count);
	kernel->held_count = 0;
}

static int open_links(struct kernel *kernel, struct held_link **ret, size_t *ret_count)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	int err = kernel_link_path(kernel, "", &path);

	dir = err == 0 ? opendir(path) : NULL;
	while (err == 0 && dir && (entry = readdir(dir))) {
		_cleanup_free_ char *pin = NULL;
		struct held_link *link;

		if (entry->d_name[0] == '.')
			continue;
		link = util_append(ret, *ret_count, sizeof(*link));
		if (!link || kernel_link_path(kernel, entry->d_name, &pin) < 0)
			return -ENOMEM;
		snprintf(link->pin, sizeof(link->pin), "%s", entry->d_name);
		link->fd = bpf_obj_get(pin);
		*ret_count += link->fd >= 0;
	}
	return err;
}

static bool has_pin(const struct held_link *links, size_t count, const char *pin)
{
	for (size_t i = 0; i < count; i++)
		if (streq(links[i].pin, pin))
			return true;
	return false;
}

/* Those whose pins have just gone. */
static int keep_held(struct kernel *kernel, struct held_link **ret, size_t *ret_count)
{
	for (size_t i = 0; i < kernel->held_count; i++) {
		struct held_link *old = &kernel->held[i], *link;

		if (has_pin(*ret, *ret_count, old->pin) || is_gone(old))
			continue;
		link = util_append(ret, *ret_count, sizeof(*link));
		if (!link)
			return -ENOMEM;
		*link = *old;
		link->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 0);
		*ret_count += link->fd >= 0;
	}
	return 0;
}

void kernel_hold_links(struct kernel *kernel)
{
	struct held_link *links = NULL;
	size_t count = 0;

	if (open_links(kernel, &links, &count) < 0 || keep_held(kernel, &links, &count) < 0) {
		release(links, count);
		return;
	}
	kernel_release_links(kernel);
	kernel->held = links;
	kernel->held_count = count;
}

static __u32 pinned_state_id(const struct kernel *kernel)
{
	_cleanup_close_ int fd = kernel_open_map(kernel->pin_dir, kernel->maps_dir, "state", NULL);

	return kernel_map_id(fd);
}

bool kernel_is_in_place(struct kernel *kernel)
{
	_cleanup_free_ struct attachment *list = NULL;
	struct defense_state defenses[DEFENSE_MAX];
	size_t count = 0;

	if (kernel->is_moving)
		return true;
	if (pinned_state_id(kernel) != kernel_map_id(kernel->state_fd) ||
	    kernel_attachments(kernel, &list, &count, NULL) < 0 ||
	    kernel_read_defenses(kernel, defenses, NULL) < 0)
		return false;
	for (size_t i = 0; i < kernel->held_count; i++) {
		_cleanup_free_ char *path = NULL;

		if (kernel_link_path(kernel, kernel->held[i].pin, &path) < 0 ||
		    access(path, F_OK) < 0)
			return false;
	}
	for (size_t i = 0; i < count; i++)
		if (!list[i].is_attached)
			return false;
	for (int i = 0; i < DEFENSE_MAX; i++)
		if (!defenses[i].is_attached && !defenses[i].why_not[0])
			return false;
	return true;
}

/* Links that somebody detached are left: they are made anew. */
static int pin_held_links(struct kernel *kernel, struct error *error)
{
	int err = 0, made = 0;

	for (size_t i = 0; err >= 0 && i < kernel->held_count; i++) {
		struct held_link *link = &kernel->held[i];

		if (is_gone(link))
			continue;
		err = kernel_pin_missing(link->fd, kernel->pin_dir, "links", link->pin, error);
		made += err > 0;
	}
	return err < 0 ? err : made;
}

int kernel_heal(struct kernel *kernel, struct error *error)
{
	__u32 pinned = pinned_state_id(kernel);
	int made, links;

	if (kernel->is_moving)
		return 0;
	if (pinned && pinned != kernel_map_id(kernel->state_fd))
		return error_set(error, -ESTALE, "the maps below '%s' were replaced",
				 kernel->pin_dir);
	made = kernel_pin_maps(kernel, error);
	links = made < 0 ? made : pin_held_links(kernel, error);
	if (links < 0)
		return links;
	kernel_mend_defenses(kernel);
	if (made + links)
		log_warning(
			"pins below '%s' were missing, removed or hidden by a mount; restored them",
			kernel->pin_dir);
	return 0;
}
