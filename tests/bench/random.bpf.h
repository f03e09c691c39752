/* SPDX-License-Identifier: GPL-2.0-only */
/* random.bpf.h: xorshift64* in the kernel, for programs that run on one CPU. */
#ifndef TIDEGATE_BENCH_RANDOM_BPF_H
#define TIDEGATE_BENCH_RANDOM_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 random_state = 0x9e3779b97f4a7c15ull;

static __always_inline __u64 random64(void)
{
	__u64 x = random_state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random_state = x;
	return x * 2685821657736338717ull;
}

#endif
