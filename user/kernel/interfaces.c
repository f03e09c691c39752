/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * interfaces.c: what bpf/ knows of each interface: guarded, not guarded, or nothing, which
 * is the outside to all that stands behind the filter.
 */
#include "kernel/kernel.h"

#include <errno.h>

#include "kernel/private.h"
#include "base/cleanup.h"
#include "base/clock.h"

int kernel_note_guarded(struct kernel *kernel, const struct attach_request *request,
			struct error *error)
{
	struct interface interface = { .flags = request->is_shared ? INTERFACE_SHARED : 0 };
	__u32 key = request->ifindex;

	if (bpf_map_update_elem(kernel->interfaces_fd, &key, &interface, BPF_ANY) < 0)
		return error_set_errno(error, -errno,
				       "cannot record interface %d (the limit is %d interfaces)",
				       request->ifindex, LIMIT_KNOWN);
	return 0;
}

int kernel_forget_interface(struct kernel *kernel, __u32 ifindex, struct error *error)
{
	if (kernel->interfaces_fd >= 0 &&
	    bpf_map_delete_elem(kernel->interfaces_fd, &ifindex) < 0 && errno != ENOENT)
		return error_set_errno(error, -errno, "cannot remove interface %u from its map",
				       ifindex);
	return 0;
}

static const struct other_interface *find_other(const struct other_interface *others, size_t count,
						__u32 ifindex)
{
	for (size_t i = 0; i < count; i++)
		if (others[i].ifindex == ifindex)
			return &others[i];
	return NULL;
}

/* Those that are noted as not guarded, and should not be. */
static int forget_others(struct kernel *kernel, const struct other_interface *others, size_t count,
			 struct error *error)
{
	_cleanup_free_ __u32 *gone = calloc(LIMIT_KNOWN, sizeof(*gone));
	__u32 gone_count = 0, key, *previous = NULL;
	struct interface interface;
	int err = 0;

	if (!gone)
		return error_set_errno(error, -ENOMEM, "cannot record interfaces");
	for (; bpf_map_get_next_key(kernel->interfaces_fd, previous, &key) == 0; previous = &key)
		if (bpf_map_lookup_elem(kernel->interfaces_fd, &key, &interface) == 0 &&
		    (interface.flags & (INTERFACE_UPPER | INTERFACE_INSIDE)) &&
		    !find_other(others, count, key) && gone_count < LIMIT_KNOWN)
			gone[gone_count++] = key;
	for (__u32 i = 0; err == 0 && i < gone_count; i++)
		err = kernel_forget_interface(kernel, gone[i], error);
	return err;
}

/* there: how it is noted, NULL when it is not. */
static struct interface describe(const struct other_interface *other, const struct interface *there,
				 __u32 settled_s)
{
	struct interface interface = { .flags = other->flags };
	bool is_known = there && (there->flags & (INTERFACE_UPPER | INTERFACE_INSIDE));

	if (!(other->flags & INTERFACE_NEW))
		return interface;
	interface.noted_s = is_known ? there->noted_s : clock_s(CLOCK_MONOTONIC_COARSE);
	if ((is_known && !(there->flags & INTERFACE_NEW)) || interface.noted_s < settled_s)
		interface.flags &= ~INTERFACE_NEW;
	return interface;
}

static int note_other(struct kernel *kernel, const struct other_interface *other, __u32 settled_s,
		      struct error *error)
{
	struct interface there, interface;
	bool is_there = bpf_map_lookup_elem(kernel->interfaces_fd, &other->ifindex, &there) == 0;

	interface = describe(other, is_there ? &there : NULL, settled_s);
	if (!(is_there && memcmp(&there, &interface, sizeof(there)) == 0) &&
	    bpf_map_update_elem(kernel->interfaces_fd, &other->ifindex, &interface, BPF_ANY) < 0 &&
	    errno != E2BIG)
		return error_set_errno(error, -errno, "cannot record interface %u", other->ifindex);
	return interface.flags & INTERFACE_NEW ? 1 : 0;
}

int kernel_note_others(struct kernel *kernel, const struct other_interface *others, size_t count,
		       __u32 settled_s, struct error *error)
{
	int err = forget_others(kernel, others, count, error), some = 0;

	for (size_t i = 0; err >= 0 && i < count; i++) {
		err = note_other(kernel, &others[i], settled_s, error);
		some |= err > 0;
	}
	return err < 0 ? err : some;
}

/* ---- link-layer addresses ------------------------------------------------------------------ */

static int compare_mac(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mac_key));
}

/* Removes those that no device has any more. */
static int forget_macs(struct kernel *kernel, const struct mac_key *macs, size_t count,
		       struct error *error)
{
	struct mac_key key, next, *previous = NULL;
	bool is_left = bpf_map_get_next_key(kernel->own_macs_fd, NULL, &next) == 0;

	/* The one behind is asked for before the key goes: without its key the walk would begin
	 * anew. */
	while (is_left) {
		key = next;
		previous = &key;
		is_left = bpf_map_get_next_key(kernel->own_macs_fd, previous, &next) == 0;
		if (!bsearch(&key, macs, count, sizeof(*macs), compare_mac) &&
		    bpf_map_delete_elem(kernel->own_macs_fd, &key) < 0 && errno != ENOENT)
			return error_set_errno(error, -errno,
					       "cannot remove a link-layer address from its map");
	}
	return 0;
}

int kernel_note_macs(struct kernel *kernel, struct mac_key *macs, size_t count, struct error *error)
{
	__u8 own = 1;

	qsort(macs, count, sizeof(*macs), compare_mac);
	for (size_t i = 0; i < count; i++)
		if (bpf_map_update_elem(kernel->own_macs_fd, &macs[i], &own, BPF_ANY) < 0 &&
		    errno != E2BIG)
			return error_set_errno(error, -errno, "cannot record a link-layer address");
	return forget_macs(kernel, macs, count, error);
}
