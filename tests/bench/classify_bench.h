/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * classify_bench.h: what both halves of the benchmark share.
 */
#ifndef TIDEGATE_CLASSIFY_BENCH_H
#define TIDEGATE_CLASSIFY_BENCH_H

#define BENCH_KEYS (1u << 20)

/* A source address in host order; IPv4 in lo. */
struct bench_key {
	__u64 hi, lo;
};

struct bench_lpm4 {
	__u32 length;
	__be32 addr;
};

struct bench_lpm6 {
	__u32 length;
	__u64 hi, lo; /* network order */
} __attribute__((packed));

#endif
