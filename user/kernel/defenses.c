/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * defenses.c: what helps the filter where the kernel can: found out by trying, each by
 * itself, and remembered in the kernel for `status` to say.
 */
#include "kernel/kernel.h"

#include <errno.h>

#include "kernel/private.h"
#include "host/tracking.h"
#include "base/cleanup.h"

#define DEFENSE_LINKS 5

static int load_tracking(struct kernel *kernel, struct error *error)
{
	int err = tracking_turn_on();

	(void)kernel;
	return err < 0 ? error_set_errno(error, err,
					 "cannot create the nftables table 'inet tidegate'")
		       : 0;
}

static const struct defense_entry {
	const char *option; /* in TIDEGATE_WITHOUT */
	const char *name;
	const char *without;              /* what is weaker then */
	const char *links[DEFENSE_LINKS]; /* the rest NULL; none: it is no program */
	int (*load)(struct kernel *kernel, struct error *error);
} entries[] = {
	[DEFENSE_BINDWATCH] = {
		.option = "learn",
		.name = "bindwatch",
		.without = "a port that Docker chooses (-P), or opens while `tidegate run` is not "
			   "running, and relays by docker-proxy, is open until Docker is read",
		.links = { "learn-4", "learn-6", "learn-try-4", "learn-try-6", "learn-socket" },
		.load = kernel_load_bindwatch,
	},
	[DEFENSE_GATE] = {
		.option = "gate",
		.name = "gate",
		.without = "a container or a network that was made a moment ago can be reached "
			   "until Docker is read",
		.links = { "gate-inet4", "gate-inet6" },
		.load = kernel_load_gate,
	},
	[DEFENSE_TRACKING] = {
		.option = "tracking",
		.name = "connection tracking",
		.without = "replies are recognised only where a firewall rule or translation turns "
			   "connection tracking on; elsewhere, often for IPv6, replies to a closed "
			   "port or a container's own address are dropped",
		.load = load_tracking,
	},
};
_Static_assert(ARRAY_SIZE(entries) == DEFENSE_MAX, "a defense has no entry");

const char *defense_name(enum defense defense)
{
	return entries[defense].name;
}

const char *defense_without(enum defense defense)
{
	return entries[defense].without;
}

#define LEFT_OUT "left out by TIDEGATE_WITHOUT"

/* A diagnostic: a test shows what a defense does by leaving it out. */
static bool is_left_out(const struct defense_entry *entry)
{
	const char *list = getenv("TIDEGATE_WITHOUT");
	size_t length = strlen(entry->option);

	for (; list && *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == length && strncmp(list, entry->option, length) == 0)
			return true;
	return false;
}

static void unpin(struct kernel *kernel, const struct defense_entry *entry)
{
	for (int i = 0; i < DEFENSE_LINKS && entry->links[i]; i++)
		(void)kernel_unpin_link(kernel, entry->links[i], NULL);
	if (entry->load == load_tracking)
		(void)tracking_turn_off();
}

static void write_note(struct kernel *kernel, __u32 defense, const char *why_not)
{
	struct defense_note note = {};

	snprintf(note.why_not, sizeof(note.why_not), "%s", why_not);
	(void)bpf_map_update_elem(kernel->defenses_fd, &defense, &note, BPF_ANY);
}

static void load(struct kernel *kernel, enum defense defense)
{
	const struct defense_entry *entry = &entries[defense];
	struct error error = {};
	int err;

	if (is_left_out(entry)) {
		unpin(kernel, entry);
		write_note(kernel, defense, LEFT_OUT);
		return;
	}
	err = error_complete(&error, entry->load(kernel, &error));
	write_note(kernel, defense, err < 0 ? error.text : "");
}

void kernel_load_defenses(struct kernel *kernel)
{
	for (enum defense defense = 0; defense < DEFENSE_MAX; defense++)
		load(kernel, defense);
}

void kernel_tend_defenses(struct kernel *kernel)
{
	if (!kernel->is_moving && !tracking_is_on())
		load(kernel, DEFENSE_TRACKING);
}

/* The kernel keeps a link's program for as long as the link is there. */
static bool is_attached(struct kernel *kernel, const struct defense_entry *entry)
{
	if (entry->load == load_tracking)
		return tracking_is_on();
	for (int i = 0; i < DEFENSE_LINKS && entry->links[i]; i++) {
		_cleanup_free_ char *path = NULL;
		_cleanup_close_ int fd = -1;

		if (kernel_link_path(kernel, entry->links[i], &path) < 0)
			return false;
		fd = bpf_obj_get(path);
		if (fd < 0 || kernel_is_defunct(fd))
			return false;
	}
	return true;
}

int kernel_read_defenses(struct kernel *kernel, struct defense_state ret[DEFENSE_MAX],
			 struct error *error)
{
	for (__u32 i = 0; i < DEFENSE_MAX; i++) {
		struct defense_note note;

		if (bpf_map_lookup_elem(kernel->defenses_fd, &i, &note) < 0)
			return error_set_errno(error, -errno,
					       "cannot read the state of the defenses");
		ret[i].is_attached = is_attached(kernel, &entries[i]);
		ret[i].is_left_out = !ret[i].is_attached && streq(note.why_not, LEFT_OUT);
		snprintf(ret[i].why_not, sizeof(ret[i].why_not), "%s", note.why_not);
	}
	return 0;
}

void kernel_mend_defenses(struct kernel *kernel)
{
	struct defense_state states[DEFENSE_MAX];

	if (kernel_read_defenses(kernel, states, NULL) < 0)
		return;
	for (enum defense defense = 0; defense < DEFENSE_MAX; defense++)
		if (!states[defense].is_attached && !states[defense].why_not[0])
			load(kernel, defense);
}
