/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * classify_bench.bpf.c: one source look-up a run, in the image and in the kernel's LPM
 * trie, and the same without a look-up.  The key is another one in each run: one fixed
 * packet would flatter every tree.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "image.h"
#include "classify_bench.h"

char _license[] SEC("license") = "GPL";

static __always_inline __u64 clock_ns(void)
{
	return bpf_ktime_get_coarse_ns();
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_KEYS);
	__type(key, __u32);
	__type(value, struct bench_key);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_KEYS);
	__type(key, __u32);
	__type(value, __u32);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_PREFIXES);
	__type(key, struct bench_lpm4);
	__type(value, __u32);
} lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LIMIT_PREFIXES);
	__type(key, struct bench_lpm6);
	__type(value, __u32);
} lpm6 SEC(".maps");

__u32 next_key; /* one CPU runs this */
__u32 sink;

static __always_inline const struct bench_key *fetch_key(__u32 *ret_number)
{
	__u32 number = next_key++ % BENCH_KEYS;

	*ret_number = number;
	return bpf_map_lookup_elem(&keys, &number);
}

/* What a packet has done before it looks up its source. */
static __always_inline const struct image_header *fetch_image(struct image_ref *image)
{
	*image = current_image();
	return image->bytes ? image_header_of(*image) : NULL;
}

SEC("xdp")
int bench_empty(struct xdp_md *ctx)
{
	__u32 number;
	const struct bench_key *key = fetch_key(&number);

	if (key)
		sink = key->hi ^ key->lo;
	return XDP_PASS;
}

SEC("xdp")
int bench_base(struct xdp_md *ctx)
{
	__u32 number;
	const struct bench_key *key = fetch_key(&number);
	const struct image_header *header;
	struct image_ref image;

	header = fetch_image(&image);
	if (key && header)
		sink = key->hi ^ key->lo ^ header->saddr4.root;
	return XDP_PASS;
}

SEC("xdp")
int bench_image4(struct xdp_md *ctx)
{
	__u32 number;
	const struct bench_key *key = fetch_key(&number);
	const struct image_header *header;
	struct image_ref image;

	header = fetch_image(&image);
	if (key && header)
		sink = classify4(image, &header->saddr4, key->lo);
	return XDP_PASS;
}

SEC("xdp")
int bench_image6(struct xdp_md *ctx)
{
	__u32 number;
	const struct bench_key *key = fetch_key(&number);
	const struct image_header *header;
	struct image_ref image;

	header = fetch_image(&image);
	if (key && header)
		sink = classify6(image, &header->saddr6, key->hi, key->lo);
	return XDP_PASS;
}

SEC("xdp")
int bench_lpm4(struct xdp_md *ctx)
{
	__u32 number, *value;
	const struct bench_key *key = fetch_key(&number);
	struct bench_lpm4 prefix = { .length = 32 };

	if (!key)
		return XDP_PASS;
	prefix.addr = __builtin_bswap32(key->lo);
	value = bpf_map_lookup_elem(&lpm4, &prefix);
	sink = value ? *value : 0;
	return XDP_PASS;
}

SEC("xdp")
int bench_lpm6(struct xdp_md *ctx)
{
	__u32 number, *value;
	const struct bench_key *key = fetch_key(&number);
	struct bench_lpm6 prefix = { .length = 128 };

	if (!key)
		return XDP_PASS;
	prefix.hi = __builtin_bswap64(key->hi);
	prefix.lo = __builtin_bswap64(key->lo);
	value = bpf_map_lookup_elem(&lpm6, &prefix);
	sink = value ? *value : 0;
	return XDP_PASS;
}

static __always_inline void answer(__u32 number, __u32 value)
{
	__u32 *slot = bpf_map_lookup_elem(&answers, &number);

	if (slot)
		*slot = value;
}

SEC("xdp")
int entry4(struct xdp_md *ctx)
{
	__u32 number;
	const struct bench_key *key = fetch_key(&number);
	const struct image_header *header;
	struct image_ref image;

	header = fetch_image(&image);
	if (key && header)
		answer(number, classify4(image, &header->saddr4, key->lo));
	return XDP_PASS;
}

SEC("xdp")
int entry6(struct xdp_md *ctx)
{
	__u32 number;
	const struct bench_key *key = fetch_key(&number);
	const struct image_header *header;
	struct image_ref image;

	header = fetch_image(&image);
	if (key && header)
		answer(number, classify6(image, &header->saddr6, key->hi, key->lo));
	return XDP_PASS;
}
