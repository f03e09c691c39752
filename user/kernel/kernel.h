/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h: the seam to the kernel: load, attach, pin, swap, read back, count.  Behind it are the
 * only files that include libbpf; nothing of libbpf is in here.
 *
 * Everything lives below one directory of a BPF file system:
 *   maps/NAME         the maps of bpf/maps.h
 *   maps-new/NAME     likewise, while the filter moves to maps of another layout
 *   links/IFINDEX-HOOK   a link each (for clsact, which has no links, the program)
 *   links/MEANS-FAMILY   likewise, for what is not on an interface
 * so that the filter outlives the process that made it, and the next process finds it.
 *
 * Functions return 0 or -errno, with an error that says what was attempted, and why it failed.
 */
#ifndef TIDEGATE_KERNEL_H
#define TIDEGATE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "map_values.h"
#include "policy_image.h"

#define KERNEL_PIN_DIR "/sys/fs/bpf/tidegate"

struct error;
struct image;
struct kernel;
struct prefix;

/*
 * Makes the pinned maps, or takes over those that are there, with all they hold; brings the
 * defenses up; from then on kernel_attach() replaces what is attached by this build's programs.
 * When the maps have an older layout, makes others beside them, and kernel_is_moving() until
 * kernel_finish_move().  -EPROTO when they have one that is not known: nothing is touched then.
 */
int kernel_load(const char *pin_dir, struct kernel **ret, struct error *error);

/* Opens what is pinned and leaves the programs that run alone; one that kernel_attach() needs
 * in addition is loaded then.  -ENOENT when nothing is pinned, -EPROTO when it has another
 * layout. */
int kernel_open(const char *pin_dir, struct kernel **ret, struct error *error);

/* Detaches and unpins everything, whatever its layout.  Links go before maps, so that no
 * packet meets a program without its policy.  0 also when there was nothing. */
int kernel_remove(const char *pin_dir, bool *ret_found, struct error *error);

/* ---- moving to maps of another layout --------------------------------------------------- */

/*
 * The order of a move: kernel_load() makes the new maps and carries over what was learned,
 * the caller puts the policy into them and attaches, and then everything is attached with them.
 * Killed anywhere in between, it is done again from the start; what has moved stays.
 */
bool kernel_is_moving(const struct kernel *kernel);

/* For a plan before kernel_load(): only the state and the sources can be read.  -EPROTO when the
 * layout is not an older one that this build knows. */
int kernel_open_older(const char *pin_dir, struct kernel **ret, struct error *error);

/* Moves the defenses, carries over the counters, and puts the new maps in place of the old ones. */
int kernel_finish_move(struct kernel *kernel, struct error *error);

/* What an older image was made from. */
struct image_source {
	void *snapshot; /* of image/snapshot.h; allocated */
	size_t snapshot_size;
	bool is_audit;
	__u64 generation;
	__u64 deadline_ns;
};
int kernel_read_source(struct kernel *kernel, enum image_slot slot, struct image_source *ret,
		       struct error *error);

void kernel_free(struct kernel *kernel);
void kernel_freep(struct kernel **kernel);

/* ---- pins that somebody took away ------------------------------------------------------- */

/* Whether something of ours is attached in this network namespace that is not pinned. */
bool kernel_has_strays(const char *pin_dir);

/* Pins it again, with its maps, so that kernel_open() finds them; warns.  0 also when there was
 * nothing to do. */
int kernel_adopt(const char *pin_dir, struct error *error);

/* For who stays: links that are held do not go with their pins. */
void kernel_hold_links(struct kernel *kernel);

/* Whether all is as it was: pinned, and attached.  Costs some tens of system calls. */
bool kernel_is_in_place(struct kernel *kernel);

/* Makes the pins again that are gone; warns.  -ESTALE when those of other maps are there. */
int kernel_heal(struct kernel *kernel, struct error *error);

/* Whether the program decides by these maps. */
bool kernel_is_of_these_maps(struct kernel *kernel, __u32 program_id);

/* ---- interfaces ------------------------------------------------------------------ */

enum hook_kind { HOOK_NONE, HOOK_XDP_NATIVE, HOOK_XDP_GENERIC, HOOK_TCX, HOOK_CLSACT, HOOK_MAX };
const char *hook_name(enum hook_kind hook);      /* "xdp", "xdp-generic", "tcx", "clsact" */
enum hook_kind hook_from_name(const char *name); /* HOOK_NONE = no such hook */

struct attachment {
	int ifindex; /* 0: its interface is gone */
	enum hook_kind hook;
	bool is_attached; /* the kernel says that the program is there now */
	__u32 program_id;
	char pin[48];
};

/* What is pinned, compared with what the kernel has attached. */
int kernel_attachments(struct kernel *kernel, struct attachment **ret, size_t *ret_count,
		       struct error *error);

struct attach_request {
	int ifindex;
	bool is_ethernet;    /* else tc, read from layer 3 */
	enum hook_kind hook; /* just this one; HOOK_NONE = the best there is */
	bool is_shared;      /* INTERFACE_SHARED */
};

/*
 * Attaches the filter, or, after kernel_load(), puts it into the link that is there already (its
 * id stays, no packet passes in between).  Native XDP, else tcx, else clsact; generic XDP costs
 * as much as tc and is only taken when asked for.  *ret_note, allocated, says why a better hook was
 * not taken (an XDP program of somebody else's is named), or is NULL.
 */
int kernel_attach(struct kernel *kernel, const struct attach_request *request,
		  enum hook_kind *ret_hook, char **ret_note, struct error *error);
int kernel_detach(struct kernel *kernel, const struct attachment *attachment, struct error *error);

struct other_interface {
	__u32 ifindex;
	__u32 flags; /* INTERFACE_UPPER or INTERFACE_INSIDE, and INTERFACE_NEW: a bridge */
};

/*
 * The interfaces that are not guarded: just these.  What has no room is left out, which means that
 * it counts as the outside.  A bridge stays new unless it was first noted before `settled_s`
 * (CLOCK_MONOTONIC), or has ceased to be new before.  1 = some are new, 0 = none, or -errno.
 */
int kernel_note_others(struct kernel *kernel, const struct other_interface *others, size_t count,
		       __u32 settled_s, struct error *error);

/* The link-layer addresses at which this host receives: just these, which it sorts.  What has no
 * room is left out, which counts for something only where forwarding is off. */
int kernel_note_macs(struct kernel *kernel, struct mac_key *macs, size_t count,
		     struct error *error);

/* ---- the policy -------------------------------------------------------------------- */

/* Puts the image into the slot, in one step for all packets.  generation is filled in. */
int kernel_swap(struct kernel *kernel, enum image_slot slot, struct image *image,
		struct error *error);

/* Makes both slots hold the same image. */
int kernel_copy_slot(struct kernel *kernel, enum image_slot from, enum image_slot to,
		     struct error *error);

/* Enables the fast path if who filled the slot failed, or was killed, before that. */
int kernel_tend_fastpath(struct kernel *kernel, struct error *error);

/* A copy of the image in the slot; -ENOENT when it is empty. */
int kernel_read_image(struct kernel *kernel, enum image_slot slot, struct image *ret,
		      struct error *error);

/* Only its header, which is much cheaper. */
int kernel_read_header(struct kernel *kernel, enum image_slot slot, struct image_header *ret,
		       struct error *error);

int kernel_read_state(struct kernel *kernel, struct state *ret, struct error *error);
int kernel_write_state(struct kernel *kernel, const struct state *current, struct error *error);

/* Whether the programs can tell replies from new flows (conntrack kfuncs). */
bool kernel_has_conntrack(void);

/* ---- defenses ---------------------------------------------------------------------- */

/*
 * Attached by kernel_load() as far as the kernel can.  TIDEGATE_WITHOUT=learn,gate in the
 * environment leaves them out, to see what they are worth: that is no way to run, and `status`
 * is not content with it.
 */
struct defense_state {
	bool is_attached;
	bool is_left_out;           /* by TIDEGATE_WITHOUT, at the last kernel_load() */
	char why_not[DEFENSE_TEXT]; /* of the last kernel_load(); "" = it was attached then */
};
int kernel_read_defenses(struct kernel *kernel, struct defense_state ret[DEFENSE_MAX],
			 struct error *error);

/* Brings back what firewall tools can remove, connection tracking.  After kernel_load(). */
void kernel_tend_defenses(struct kernel *kernel);
const char *defense_name(enum defense defense);    /* "bindwatch" */
const char *defense_without(enum defense defense); /* what is weaker without it */

/* A port that Docker bound and that was not forgotten. */
struct bound_port {
	struct bound_key key;
	struct bound_value value;
};
int kernel_read_bound(struct kernel *kernel, struct bound_port **ret, size_t *ret_count,
		      struct error *error);

/* Whether a packet to there is to one of these. */
bool kernel_is_bound(const struct bound_port *ports, size_t count, const struct prefix *daddr,
		     __u8 proto, __u16 dport);

/* Forgets these, but none that was bound again at `before_ns` or later. */
int kernel_forget(struct kernel *kernel, const struct bound_port *stale, size_t count,
		  __u64 before_ns, struct error *error);

/* ---- counters ---------------------------------------------------------------------- */

/* Which counter belongs to whom, as it was when it was read.  Of use as long as the kernel that it
 * was read from, and only one at a time. */
struct counter_ids;
int counter_ids_read(struct kernel *kernel, struct counter_ids **ret, struct error *error);
void counter_ids_free(struct counter_ids *ids);
void counter_ids_freep(struct counter_ids **ids);

/* 0 = it has none. */
__u32 counter_ids_find(const struct counter_ids *ids, const char *identity);

/* Something counts into this id: it will not be freed. */
void counter_ids_hold(struct counter_ids *ids, __u32 id);

/*
 * The counter of each identity: it keeps the id it had; a new one starts at zero.  A wide one
 * takes two ids, its own and the next.  Returns how many found no room, and have 0.
 */
struct counter_request {
	const char *identity;
	bool is_wide;
	__u32 id; /* out */
};
int counter_ids_give(struct counter_ids *ids, struct counter_request *requests, size_t count);

/* Whether there are as many as that takes; they may lie in pieces that are too small.  Where there
 * are not, room is made first, so that what is given does not lie where joint counters could. */
bool counter_ids_have_room(const struct counter_ids *ids, const struct counter_request *requests,
			   size_t count);

/* Frees the ids of all others that are not held. */
int counter_ids_make_room(struct counter_ids *ids, const struct counter_request *requests,
			  size_t count, struct error *error);

/*
 * A counter that stands for several, which it adds to in counter_ids_totals().  Where there is no
 * room left for another, or none is known, the id is 0 and each is to be counted by itself.
 */
struct combined_counter {
	__u32 reason; /* ids: COUNTER_OF_REASON() */
	__u32 port;   /* 0 = none */
	__u32 rule;
	__u32 id; /* out */
};
int counter_ids_give_combined(struct counter_ids *ids, struct combined_counter *combined,
			      size_t count);
void counter_ids_find_combined(const struct counter_ids *ids, struct combined_counter *combined,
			       size_t count);

/* Whether the id is a combined counter's, and what it stands for. */
bool counter_ids_split(const struct counter_ids *ids, __u32 id, struct combined_counter *ret);

/* Whether it is one of the two ids of a wide counter. */
bool counter_ids_is_wide(const struct counter_ids *ids, __u32 id);

/* What all of them counted until now, by id; what a reason has counted of IPv6 is in the counter of
 * both families as well.  Owned by the ids. */
int counter_ids_totals(struct counter_ids *ids, const struct counters **ret, struct error *error);

#endif
