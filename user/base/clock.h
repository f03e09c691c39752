/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h: what time it is, by any clock of clock_gettime(2): CLOCK_REALTIME for what people
 * write, CLOCK_MONOTONIC for how long something takes, CLOCK_MONOTONIC_COARSE for what the BPF
 * programs compare with bpf_ktime_get_coarse_ns(), CLOCK_BOOTTIME for what goes on in suspend.
 * A test may put its own in place of them all.
 */
#ifndef TIDEGATE_CLOCK_H
#define TIDEGATE_CLOCK_H

#include <linux/types.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND_NS 1000000000ull

/* Rounded down. */
__u64 clock_ns(clockid_t clock);
int64_t clock_ms(clockid_t clock);
time_t clock_s(clockid_t clock);

/* For tests: asks this function from now on; NULL = the kernel again. */
typedef int clock_reader(clockid_t clock, struct timespec *ret);
void clock_replace(clock_reader *reader);

#endif
