/* SPDX-License-Identifier: GPL-2.0-only */
/* private.h: what the files of this folder share behind kernel.h. */
#ifndef TIDEGATE_KERNEL_PRIVATE_H
#define TIDEGATE_KERNEL_PRIVATE_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/error.h"
#include "kernel/kernel.h"

#define POLICY_SIZES 3

/* The entries of bpf/filter.bpf.c. */
enum filter_program { PROGRAM_XDP, PROGRAM_TC, PROGRAM_TC_L3, PROGRAM_MAX };

/* Directories below that of the pins: of the maps, and of those that are to take their place. */
#define MAPS_DIR      "maps"
#define NEXT_MAPS_DIR "maps-new"

struct kernel {
	char *pin_dir;
	const char *maps_dir;
	struct held_link *held; /* held.c */
	size_t held_count;
	bool is_moving;     /* what is attached has other maps than these */
	__u32 older_layout; /* of those, when it is moving */
	bool is_renewing;   /* kernel_load(): what is attached gets the program of this build */
	int program_fds[PROGRAM_MAX]; /* -1 = not loaded yet */
	int policy_fds[POLICY_SIZES]; /* by size: small, medium, large */
	int fastpath_fd;
	int counters_fd;
	struct counters *counters; /* mapped, each element; NULL = not now */
	__u32 counter_elements;
	int counter_owners_fd;
	int interfaces_fd;
	int own_macs_fd;
	int state_fd;
	int bound_ports_fd;
	int bound_at_fd;
	int bound_marks_fd;
	int defenses_fd;
	/* -1 = what is pinned was made by a build that did not have them yet */
	int listeners_fd;
	int event_buckets_fd;
	int event_rings_fd;
};

/* What libbpf has to say is for debugging: before its first call. */
void kernel_hear_libbpf(void);

/* ---- pins (pins.c) ------------------------------------------------------------------ */

/* Directory and subdirectories, of maps and links, on a BPF file system. */
int kernel_make_dirs(const char *pin_dir, struct error *error);

/* One of them, below that of the pins: "/NAME", or "". */
int kernel_make_dir(const char *pin_dir, const char *name, struct error *error);

/* Removes the directory with all pins in it; 0 also when there is none. */
int kernel_unlink_all(const char *pin_dir, const char *name, bool *ret_found, struct error *error);

/* A pinned map's descriptor. */
int kernel_open_map(const char *pin_dir, const char *maps_dir, const char *name,
		    struct error *error);

/* The layout of the maps there, 0 when none has been said yet. */
int kernel_read_layout(const char *pin_dir, const char *maps_dir, __u32 *ret, struct error *error);

/* All maps, with their descriptors in the kernel: opened, set to none, closed. */
int kernel_open_maps(struct kernel *kernel, struct error *error);
void kernel_forget_maps(struct kernel *kernel);
void kernel_close_maps(struct kernel *kernel);

/* Those of the kernel's maps that are not pinned.  Returns how many. */
int kernel_pin_maps(struct kernel *kernel, struct error *error);

/* 1 = there was no pin of that name, 0 = there was. */
int kernel_pin_missing(int fd, const char *pin_dir, const char *dir, const char *name,
		       struct error *error);

/* The maps of the object become the pinned ones. */
int kernel_share_maps(const struct kernel *kernel, struct bpf_object *object, struct error *error);

/* Likewise one, by that name. */
int kernel_share_map(const struct kernel *kernel, struct bpf_map *map, const char *name);

/* The program holds all maps, also those that it does not use. */
void kernel_bind_maps(struct kernel *kernel, int program_fd);

/* Of a directory's path: so the state in the kernel says which pins belong to it. */
__u64 kernel_digest_of_pins(const char *pin_dir);

/* ---- programs (programs.c) ---------------------------------------------------------- */

/* Makes the maps that are not pinned yet. */
int kernel_make_maps(struct kernel *kernel, struct error *error);

/* The program, loaded at the first call: the verifier takes a tenth of a second for each, and
 * hardly anybody needs all. */
int kernel_program(struct kernel *kernel, enum filter_program program, struct error *error);

/* The program loaded once more, with a map of its own for the counters, of so many elements, and,
 * where an image is given, with slots and a fast path of its own: the one active, the other
 * disabled. */
struct copy_request {
	enum filter_program program;
	__u32 elements;
	const struct image *image; /* NULL = it decides by what enforces */
};
int kernel_load_copy(struct kernel *kernel, const struct copy_request *request, int *ret_program_fd,
		     int *ret_counters_fd, struct error *error);

/* Asks for the module with the conntrack functions. */
void kernel_load_conntrack(void);

#define PROGRAM_MAPS 32

struct program {
	struct bpf_prog_info info;
	__u32 maps[PROGRAM_MAPS]; /* ids; info.nr_map_ids of them */
};
int kernel_read_program(int fd, struct program *program);

/* Of the map of that descriptor; 0 = none. */
__u32 kernel_map_id(int fd);

/* ---- links (attach.c, held.c) ---------------------------------------------------------- */

/* include/uapi/linux/bpf.h of Linux 6.6; libbpf 1.1 does not have them yet. */
#define ATTACH_TCX_INGRESS 46
#define LINK_TYPE_TCX      11

/* Room for what a later kernel has to say. */
struct later_link_info {
	struct bpf_link_info info;
	__u8 later_kernels[64];
};

/* Position of our filter on clsact: in front of the priorities that tools pick themselves,
 * under a handle that they do not. */
#define CLSACT_HANDLE   0x7467
#define CLSACT_PRIORITY 1

/* Path of a pin below links/, allocated. */
int kernel_link_path(const struct kernel *kernel, const char *pin, char **ret);

/* Detaches what the pin names, whoever holds it as well, and unpins it. */
int kernel_unpin_link(struct kernel *kernel, const char *pin, struct error *error);

/* The program of ours that is attached to clsact there, or an error. */
int kernel_open_clsact(int ifindex);

/* Whether the link is there, and nothing is attached by it any more.  Of netfilter's nobody can
 * tell. */
bool kernel_is_defunct(int link_fd);

/* Whether everything that is pinned for an interface and attached is a program of this process. */
bool kernel_is_own_attached(struct kernel *kernel);

/* What kernel_hold_links() holds. */
void kernel_release_links(struct kernel *kernel);

/* In the map "interfaces": as guarded, or no longer. */
int kernel_note_guarded(struct kernel *kernel, const struct attach_request *request,
			struct error *error);
int kernel_forget_interface(struct kernel *kernel, __u32 ifindex, struct error *error);

/* Puts the image into the active slot of a copy's maps, which are by size as in struct kernel, and
 * empty. */
int kernel_fill_copy(const int policy_fds[POLICY_SIZES], const struct image *image,
		     struct error *error);

/* ---- the fast path (slots.c) ------------------------------------------------------------- */

/* No packet asks it from now on; none does any more when a slot has been filled after that, for
 * which the kernel waits until every program that runs has ended. */
int kernel_disable_fastpath(struct kernel *kernel, struct error *error);

bool kernel_is_fastpath_enabled(struct kernel *kernel);

/* Whether the programs are to look for listeners.  They cease to do so when there is none. */
int kernel_set_watched(struct kernel *kernel, bool is_watched, bool *ret_was, struct error *error);

/* ---- counters (counters.c) ------------------------------------------------------ */

/* Of the map "counters": one for each number of a CPU that is present, and one.  0 = not known. */
__u32 kernel_counter_elements(void);

/* The other functions want them mapped. */
int kernel_map_counters(struct kernel *kernel, struct error *error);
void kernel_unmap_counters(struct kernel *kernel);

struct counter kernel_counter(const struct kernel *kernel, __u32 id);
void kernel_zero_counter(struct kernel *kernel, __u32 id);
void kernel_add_to_counter(struct kernel *kernel, __u32 id, const struct counter *more);

/* ---- moving (move.c) -------------------------------------------------------------- */

/* By the key of "counter_owners"; a wide one with what was dropped as well. */
struct carried_counter {
	struct counter_key key;
	bool is_wide;
	struct counter of[2];
};

struct carried_counters {
	struct counter reasons[COUNTER_FIRST];
	struct carried_counter *list;
	size_t count;
};

/* Into the new maps, of which nobody else knows yet: what the older ones hold. */
int kernel_begin_move(struct kernel *kernel, struct error *error);

/* Whether this build can move what has that layout. */
bool kernel_is_older_layout(__u32 layout);

/* Adds nothing: what was counted before is this, also when it is said twice. */
int kernel_carry_counters(struct kernel *kernel, const struct carried_counters *carried,
			  struct error *error);
void kernel_set_carried(struct kernel *kernel, __u32 id, const struct counter *carried);

/* Notes them as learned, unless they are. */
int kernel_carry_bound(struct kernel *kernel, const struct bound_port *ports, size_t count,
		       struct error *error);

/* ---- defenses (defenses.c): each loads and attaches itself, or says why not ----------- */

void kernel_load_defenses(struct kernel *kernel);

/* Those that were loaded, and that somebody detached. */
void kernel_mend_defenses(struct kernel *kernel);
int kernel_load_bindwatch(struct kernel *kernel, struct error *error);

/* While the filter moves: learns into these maps as well, beside what learns into the others. */
int kernel_load_bindwatch_beside(struct kernel *kernel, struct error *error);
void kernel_unload_bindwatch_beside(struct kernel *kernel);
int kernel_load_gate(struct kernel *kernel, struct error *error);

#endif
