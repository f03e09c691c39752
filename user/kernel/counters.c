/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * counters.c: what was counted.  The programs add to the counters meanwhile, each CPU to its
 * own element of the map; the first element is for user space alone.
 */
#include "kernel/kernel.h"

#include <ctype.h>
#include <errno.h>
#include <sys/mman.h>

#include "kernel/private.h"
#include "base/cleanup.h"

__u32 kernel_counter_elements(void)
{
	/* "0-3" or "0,2-5": the last number is the highest.  One that is offline is present. */
	_cleanup_fclose_ FILE *file = fopen("/sys/devices/system/cpu/present", "re");
	char text[256] = "";
	const char *last;

	if (!file || !fgets(text, sizeof(text), file))
		return 0;
	last = text + strcspn(text, "\n");
	while (last > text && isdigit(last[-1]))
		last--;
	return isdigit(*last) ? COUNTERS_CPU(strtoul(last, NULL, 10)) + 1 : 0;
}

int kernel_map_counters(struct kernel *kernel, struct error *error)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	void *counters;

	if (kernel->counters)
		return 0;
	if (bpf_obj_get_info_by_fd(kernel->counters_fd, &info, &size) < 0)
		return error_set_errno(error, -errno, "cannot open the counters");
	counters = mmap(NULL, info.max_entries * sizeof(*kernel->counters), PROT_READ | PROT_WRITE,
			MAP_SHARED, kernel->counters_fd, 0);
	if (counters == MAP_FAILED)
		return error_set_errno(error, -errno, "cannot map the counters");
	kernel->counters = counters;
	kernel->counter_elements = info.max_entries;
	return 0;
}

void kernel_unmap_counters(struct kernel *kernel)
{
	if (kernel->counters)
		munmap(kernel->counters, kernel->counter_elements * sizeof(*kernel->counters));
	kernel->counters = NULL;
}

void kernel_zero_counter(struct kernel *kernel, __u32 id)
{
	for (__u32 i = 0; i < kernel->counter_elements; i++)
		kernel->counters[i].of[id] = (struct counter){};
}

struct counter kernel_counter(const struct kernel *kernel, __u32 id)
{
	struct counter sum = {};

	for (__u32 i = 0; i < kernel->counter_elements; i++) {
		const volatile struct counter *counter = &kernel->counters[i].of[id];

		sum.packets += counter->packets;
		sum.bytes += counter->bytes;
	}
	return sum;
}

void kernel_add_to_counter(struct kernel *kernel, __u32 id, const struct counter *more)
{
	struct counter *counter = &kernel->counters[COUNTERS_USER].of[id];

	/* Others may do the same at this moment. */
	__atomic_fetch_add(&counter->packets, more->packets, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counter->bytes, more->bytes, __ATOMIC_RELAXED);
}

void kernel_set_carried(struct kernel *kernel, __u32 id, const struct counter *carried)
{
	kernel->counters[COUNTERS_USER].of[id] = *carried;
}
