/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_fastpath.c: the fast path says what the image in the active slot says, or is closed.  That a
 * closed one changes no verdict is test_tiers.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "fastpath_table.h"
#include "verdict_entry.h"
#include "image/image.h"
#include "rows.h"
#include "stage_private.h"
#include "tap.h"
#include "base/cleanup.h"

static bool is_same(__u32 entry, const struct verdict_entry *of, bool is_ipv6)
{
	__u32 reason = COUNTER_OF_REASON(of->reason, is_ipv6);
	bool is_combined = of->port_counter || of->rule_counter;

	if (!entry) /* not valid, or more than one counter is to be moved */
		return !of->flags || (is_combined && !of->counter);
	return FASTPATH_VERDICT(entry) == of->verdict && FASTPATH_FLAGS(entry) == of->flags &&
	       FASTPATH_COUNTER(entry) == (is_combined ? of->counter : reason);
}

/* What the image has for the own address, found as bpf/decide.h does. */
static const struct verdict_entry *entry_of(struct image_ref image, bool is_ipv6, __u32 proto,
					    __u32 port, __u32 slot)
{
	const struct image_header *header = image_header_of(image);
	__u32 destination =
		is_ipv6 ? header->own.destination6[slot] : header->own.destination4[slot];
	__u32 number =
		image_endpoint_number(image, header, proto, port, destination, is_ipv6 ? 6 : 4);
	const struct image_endpoint *endpoint = image_endpoint_at(image, header, number);

	return is_ipv6 ? &endpoint->entry6 : &endpoint->entry4;
}

static bool has_port(const struct fastpath_table *table, struct image_ref image, bool is_ipv6,
		     __u32 proto, __u32 port)
{
	__u32 entry = table->entries[is_ipv6][proto][port];

	for (__u32 slot = 0; slot < OWN_ADDRS; slot++) {
		__u32 found =
			FASTPATH_IS_ROW(entry) ? table->rows[FASTPATH_ROW_OF(entry)][slot] : entry;

		if (!is_same(found, entry_of(image, is_ipv6, proto, port, slot), is_ipv6))
			return false;
	}
	return true;
}

static bool has_all_entries(const struct fastpath_table *table, struct image_ref image)
{
	for (__u32 proto = 0; proto < FASTPATH_PROTOS; proto++)
		for (__u32 port = 0; port < 65536; port++)
			if (!has_port(table, image, false, proto, port) ||
			    !has_port(table, image, true, proto, port))
				return false;
	return true;
}

/* The same own addresses, and the same bits by both for sources all over. */
static bool has_the_prefilter(const struct fastpath_table *table, struct image_ref image)
{
	const struct image_header *header = image_header_of(image);

	for (__u64 i = 0; i < 1u << 20; i++) {
		__u64 hi = 0x2001000000000000 + (i << 29);
		__u32 bucket = prefilter6_bucket(&table->shape6, hi);

		if (is_clear4(table->prefilter4, i << 12) != image_is_clear4(image, i << 12) ||
		    (table->prefilter6[bucket / 8] >> bucket % 8 & 1) ==
			    image_is_clear6(image, header, hi))
			return false;
	}
	return memcmp(&table->own, &header->own, sizeof(table->own)) == 0;
}

/* Open, and what is in the slot. */
static bool is_right(struct kernel *kernel)
{
	_cleanup_(image_clear) struct image image = {};
	struct fastpath *fastpath =
		mmap(NULL, sizeof(*fastpath), PROT_READ, MAP_SHARED, kernel->fastpath_fd, 0);
	bool is_ok;

	if (fastpath == MAP_FAILED)
		die("cannot map the fast path");
	is_ok = kernel_read_image(kernel, SLOT_ACTIVE, &image, &stage_error) == 0 &&
		fastpath->table.generation == image_header(&image)->generation &&
		fastpath->offset == FASTPATH_OFFSET &&
		has_all_entries(&fastpath->table, (struct image_ref){ image.bytes }) &&
		has_the_prefilter(&fastpath->table, (struct image_ref){ image.bytes });
	munmap(fastpath, sizeof(*fastpath));
	return is_ok;
}

static void it_follows_each_policy(struct stage *stage)
{
	stage_set(stage, &rules);
	tap_case(is_right(stage->kernel), "the_fast_path_agrees_with_the_image");
	stage_set(stage, &closed);
	tap_case(is_right(stage->kernel), "it_follows_when_the_policy_is_replaced");
}

/* A trial ends without anybody who would disable the fast path. */
static void it_is_closed_in_a_trial(struct stage *stage)
{
	stage_set(stage, &trial);
	tap_case(!kernel_is_fastpath_enabled(stage->kernel), "it_is_closed_in_a_trial");
	tap_case(kernel_tend_fastpath(stage->kernel, &stage_error) == 0 &&
			 !kernel_is_fastpath_enabled(stage->kernel),
		 "it_stays_closed_in_a_trial");
	if (kernel_copy_slot(stage->kernel, SLOT_CONFIRMED, SLOT_ACTIVE, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	tap_case(is_right(stage->kernel), "it_is_open_when_the_confirmed_policy_is_back");
	stage_set(stage, &no_ports);
	tap_case(!kernel_is_fastpath_enabled(stage->kernel),
		 "it_is_closed_where_the_image_is_none");
	stage_set(stage, &no_active);
	tap_case(kernel_tend_fastpath(stage->kernel, &stage_error) == 0 &&
			 !kernel_is_fastpath_enabled(stage->kernel),
		 "it_stays_closed_without_a_policy");
}

/* Who fills the slot may be killed before the fast path is enabled again. */
static void it_is_opened_by_who_comes_next(struct stage *stage)
{
	stage_set(stage, &rules);
	if (kernel_disable_fastpath(stage->kernel, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	tap_case(kernel_tend_fastpath(stage->kernel, &stage_error) == 0 && is_right(stage->kernel),
		 "it_is_opened_by_who_comes_next");
}

/* Not to be written through. */
static int open_small(const struct kernel *kernel)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/maps/policy_small", kernel->pin_dir) < 0)
		die("no memory");
	fd = bpf_obj_get_opts(path, &opts);
	if (fd < 0)
		die("cannot open '%s'", path);
	return fd;
}

/* A slot that cannot be filled leaves the image that was there.  Without the kernel's wait the fast
 * path may still be read, and must not be written. */
static void it_stays_closed_after_a_failure(struct stage *stage)
{
	_cleanup_close_ int read_only_fd = open_small(stage->kernel);
	_cleanup_(image_clear) struct image image = {};
	int fd = stage->kernel->policy_fds[0];

	if (kernel_read_image(stage->kernel, SLOT_ACTIVE, &image, &stage_error) < 0)
		die("%s", ERROR(&stage_error));
	stage->kernel->policy_fds[0] = read_only_fd;
	tap_case(kernel_swap(stage->kernel, SLOT_ACTIVE, &image, &stage_error) == -EPERM &&
			 !kernel_is_fastpath_enabled(stage->kernel),
		 "it_stays_closed_after_a_change_that_failed");
	stage->kernel->policy_fds[0] = fd;
	tap_case(kernel_tend_fastpath(stage->kernel, &stage_error) == 0 && is_right(stage->kernel),
		 "it_is_opened_after_that_by_who_comes_next");
}

int main(void)
{
	struct stage *stage = stage_open();

	it_follows_each_policy(stage);
	it_is_closed_in_a_trial(stage);
	it_is_opened_by_who_comes_next(stage);
	it_stays_closed_after_a_failure(stage);
	return tap_end();
}
