/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * classify_bench.c: nanoseconds for a source look-up inside the kernel, in the image and
 * in an LPM trie with the same prefixes, net of the same program without a look-up; and
 * whether the kernel's answers are the host's.  Needs root; attaches nothing, sends nothing.
 *
 *   classify_bench OBJECT [SHAPE [PREFIXES…]]
 *
 * Rounds of all programs take turns and the least time counts, because on a shared machine
 * every disturbance makes it longer.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../random.h"
#include "../unit/image_oracle.h"
#include "base/cleanup.h"

#include "classify_bench.h"

#define ROUNDS 15
#define REPEAT 100000

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "classify_bench: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- prefixes ----------------------------------------------------------------------------- */

static struct prefix make(__u8 family, __u64 hi, __u64 lo, int length)
{
	struct prefix prefix = { .family = family, .length = length };

	for (int i = 0; i < 8 && family == 6; i++) {
		prefix.addr[i] = hi >> (56 - 8 * i);
		prefix.addr[8 + i] = lo >> (56 - 8 * i);
	}
	for (int i = 0; i < 4 && family == 4; i++)
		prefix.addr[i] = lo >> (24 - 8 * i);
	oracle_mask(&prefix);
	return prefix;
}

static struct prefix mixed4(size_t i, size_t count)
{
	return make(4, 0, random64() >> 32, below(5) < 3 ? 24 : 16 + below(17));
}

static struct prefix hosts4(size_t i, size_t count)
{
	return make(4, 0, random64() >> 32, 32);
}

/* Every second address, as many as there are. */
static struct prefix dense4(size_t i, size_t count)
{
	return make(4, 0, 0x0a000000 + 2 * i, 32);
}

static struct prefix one_sixteen4(size_t i, size_t count)
{
	if (i == 0)
		return make(4, 0, 0xf0000000, 32);
	return make(4, 0, 0x0a0a0000 + 2 * below(32768), 32);
}

static struct prefix mixed6(size_t i, size_t count)
{
	return make(6, 0x2000000000000000ull | random64() >> 3, random64(),
		    below(5) < 3 ? 48 : 32 + below(33));
}

/* A few hundred providers, each with its part of the prefixes, as in the real world. */
static struct prefix providers6(size_t i, size_t count)
{
	__u64 provider = (below(300) * 0x9e3779b97f4a7c15ull) >> 40 & 0x0fffff;

	return make(6, 0x2400000000000000ull | provider << 32 | random64() >> 32, 0,
		    below(5) < 3 ? 48 : 40 + below(25));
}

static struct prefix one_thirtytwo6(size_t i, size_t count)
{
	return make(6, 0x20010db800000000ull | random64() >> 32, 0, 64);
}

static struct prefix one_sixtyfour6(size_t i, size_t count)
{
	return make(6, 0x20010db800010002ull, random64(), 128);
}

static struct prefix hosts6(size_t i, size_t count)
{
	return make(6, 0x2000000000000000ull | random64() >> 3, random64(), 128);
}

static struct prefix mixed_with_hosts6(size_t i, size_t count)
{
	return below(10) ? mixed6(i, count) : hosts6(i, count);
}

static const struct shape {
	const char *name;
	struct prefix (*make)(size_t i, size_t count);
} shapes[] = {
	{ "mixed4", mixed4 },
	{ "hosts4", hosts4 },
	{ "dense4", dense4 },
	{ "one_sixteen4", one_sixteen4 },
	{ "mixed6", mixed6 },
	{ "providers6", providers6 },
	{ "one_thirtytwo6", one_thirtytwo6 },
	{ "one_sixtyfour6", one_sixtyfour6 },
	{ "hosts6", hosts6 },
	{ "mixed_with_hosts6", mixed_with_hosts6 },
};

static struct policy *make_policy(const struct shape *shape, size_t count, __u8 *ret_family)
{
	struct policy *policy = oracle_policy();
	unsigned int rule = oracle_add_rule(policy, STATEMENT_ALLOW);
	struct prefix any = {};

	for (size_t i = 0; i < count; i++)
		oracle_add_source(policy, rule, shape->make(i, count));
	*ret_family = any.family = policy->rules[rule].sources[0].family;
	oracle_bind(oracle_add_port(policy, IPPROTO_TCP, any, 80, 80), rule);
	return policy;
}

/* An address inside a random prefix: a miss would end sooner. */
static void fill_keys(const struct policy *policy, struct bench_key *keys)
{
	const struct policy_rule *rule = &policy->rules[0];

	for (size_t i = 0; i < BENCH_KEYS; i++) {
		struct prefix address = rule->sources[below(rule->sources_count)];
		int width = oracle_width(address.family);

		for (int bit = address.length; bit < width; bit++)
			address.addr[bit / 8] |= (random64() & 1) << (7 - bit % 8);
		keys[i].hi = width == 32 ? 0 : oracle_word(address.addr, 8);
		keys[i].lo = width == 32 ? oracle_word(address.addr, 4)
					 : oracle_word(address.addr + 8, 8);
	}
}

/* ---- into the kernel ------------------------------------------------------------------------ */

static int map_fd(const struct bpf_object *object, const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

static void load_image(const struct bpf_object *object, const struct image *image)
{
	static const struct {
		const char *name;
		__u32 size;
	} maps[] = { { "policy_small", IMAGE_SMALL },
		     { "policy_medium", IMAGE_MEDIUM },
		     { "policy_large", IMAGE_LARGE } };
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG | BPF_F_MMAPABLE);
	__u32 key = 0, active = SLOT_ACTIVE, i = 0;
	void *value;
	int fd;

	while (image->size > maps[i].size)
		i++;
	value = calloc(1, maps[i].size);
	memcpy(value, image->bytes, image->size);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "image", 4, maps[i].size, 1, &opts);
	if (fd < 0 || bpf_map_update_elem(fd, &key, value, 0) || bpf_map_freeze(fd))
		fail("write the image");
	for (__u32 j = 0; j < 3; j++)
		(void)bpf_map_delete_elem(map_fd(object, maps[j].name), &active);
	if (bpf_map_update_elem(map_fd(object, maps[i].name), &active, &fd, 0))
		fail("swap the image in");
	free(value);
	close(fd);
}

static void load_keys(const struct bpf_object *object, const struct bench_key *keys)
{
	__u32 *numbers = calloc(BENCH_KEYS, sizeof(*numbers)), count = BENCH_KEYS;

	for (__u32 i = 0; i < BENCH_KEYS; i++)
		numbers[i] = i;
	if (bpf_map_update_batch(map_fd(object, "keys"), numbers, keys, &count, NULL))
		fail("write the keys");
	free(numbers);
}

static void load_lpm(const struct bpf_object *object, const struct policy *policy, __u8 family)
{
	int fd = map_fd(object, family == 4 ? "lpm4" : "lpm6");
	const struct policy_rule *rule = &policy->rules[0];

	for (size_t i = 0; i < rule->sources_count; i++) {
		struct {
			__u32 length;
			__u8 addr[16];
		} key = { .length = rule->sources[i].length };
		__u32 value = 1;

		memcpy(key.addr, rule->sources[i].addr, 16);
		if (bpf_map_update_elem(fd, &key, &value, 0))
			fail("write the trie");
	}
}

static void run(const struct bpf_object *object, const char *name, __u32 repeat, __u32 *ret_ns)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = repeat);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts))
		fail("run a program");
	*ret_ns = opts.duration;
}

/* ---- measuring ---------------------------------------------------------------------------------
 */

enum { EMPTY, BASE, IMAGE, LPM, PROGRAMS };

static void measure(const struct bpf_object *object, __u8 family, __u32 best[PROGRAMS])
{
	const char *names[PROGRAMS] = { "bench_empty", "bench_base",
					family == 4 ? "bench_image4" : "bench_image6",
					family == 4 ? "bench_lpm4" : "bench_lpm6" };

	memset(best, 0xff, PROGRAMS * sizeof(*best));
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PROGRAMS; i++) {
			__u32 ns;

			run(object, names[i], REPEAT, &ns);
			if (ns < best[i])
				best[i] = ns;
		}
	}
}

static size_t count_differences(const struct bpf_object *object, const struct image *image,
				const struct bench_key *keys, __u8 family)
{
	struct image_ref ref = { image->bytes };
	const struct image_header *header = image_header(image);
	__u32 *numbers = calloc(BENCH_KEYS, sizeof(*numbers));
	__u32 *answers = calloc(BENCH_KEYS, sizeof(*answers));
	__u32 ns, position, count = BENCH_KEYS;
	size_t differences = 0;

	run(object, family == 4 ? "entry4" : "entry6", BENCH_KEYS, &ns);
	if (bpf_map_lookup_batch(map_fd(object, "answers"), NULL, &position, numbers, answers,
				 &count, NULL) &&
	    errno != ENOENT)
		fail("read the answers");
	for (__u32 i = 0; i < count; i++) {
		const struct bench_key *key = &keys[numbers[i]];
		__u32 host = family == 4 ? classify4(ref, &header->saddr4, key->lo)
					 : classify6(ref, &header->saddr6, key->hi, key->lo);

		differences += answers[i] != host;
	}
	free(numbers);
	free(answers);
	return differences + BENCH_KEYS - count;
}

static bool bench(const char *path, const struct shape *shape, size_t count)
{
	_cleanup_free_ struct bench_key *keys = calloc(BENCH_KEYS, sizeof(*keys));
	_cleanup_(oracle_freep) struct policy *policy = NULL;
	_cleanup_(image_clear) struct image image = {};
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct error error;
	__u32 best[PROGRAMS];
	size_t differences;
	double start;
	__u8 family;

	if (!object || bpf_object__load(object))
		fail("load the programs");
	policy = make_policy(shape, count, &family);
	start = seconds();
	if (oracle_build(policy, &image, &error))
		fail("build the image");
	start = seconds() - start;
	fill_keys(policy, keys);
	load_image(object, &image);
	load_keys(object, keys);
	load_lpm(object, policy, family);
	measure(object, family, best);
	differences = count_differences(object, &image, keys, family);
	printf("%-18s %8zu %7.3f %7.1f %6u %6u %6d %6d %6.1f  %zu\n", shape->name, count, start,
	       image.size / 1048576.0, best[EMPTY], best[BASE], (int)(best[IMAGE] - best[BASE]),
	       (int)(best[LPM] - best[EMPTY]),
	       (double)(best[LPM] - best[EMPTY]) / (best[IMAGE] - best[BASE]), differences);
	fflush(stdout);
	bpf_object__close(object);
	return differences == 0;
}

static const struct shape *find_shape(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (streq(shapes[i].name, name))
			return &shapes[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const size_t sizes[] = { 10, 100, 1000, 10000, 100000, 1000000 };
	const struct shape *shape = argc > 2 ? find_shape(argv[2]) : NULL;
	bool is_good = true;

	if (argc < 2 || (argc > 2 && !shape)) {
		fprintf(stderr, "usage: classify_bench OBJECT [SHAPE [PREFIXES...]]\n");
		return 2;
	}
	printf("%-18s %8s %7s %7s %6s %6s %6s %6s %6s  %s\n", "shape", "prefixes", "build_s", "MiB",
	       "empty", "base", "image", "lpm", "ratio", "differences");
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (shape && shape != &shapes[i])
			continue;
		for (int j = 3; j < argc; j++)
			is_good &= bench(argv[1], &shapes[i], strtoul(argv[j], NULL, 10));
		for (size_t j = 0; j < ARRAY_SIZE(sizes) && argc < 4; j++)
			is_good &= bench(argv[1], &shapes[i], sizes[j]);
	}
	return is_good ? 0 : 1;
}
