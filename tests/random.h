/* SPDX-License-Identifier: GPL-2.0-only */
/* random.h: xorshift64* for programs of the host: the same numbers in each run. */
#ifndef TIDEGATE_TESTS_RANDOM_H
#define TIDEGATE_TESTS_RANDOM_H

#include <linux/types.h>

static __u64 random_state = 88172645463325252ull;

static inline __u64 random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 2685821657736338717ull;
}

/* 0 to limit - 1. */
static inline __u64 below(__u64 limit)
{
	return random64() % limit;
}

#endif
