/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cost.c: nanoseconds that programs take for a packet under BPF_PROG_TEST_RUN, with another
 * source address in each run.
 *
 *   cost ADDRESS PORT SOURCE PROGRAM...
 *   cost size PROGRAM
 *
 * SOURCE is `inside` (where the sets are, so some are in them), `outside`, or ADDRESS:PORT for
 * an ACK from there, always the same.
 * PROGRAM is the name of one in cost.bpf.o or receiver.bpf.o, or the id of one that is loaded.
 * Prints "PROGRAM VERDICT MINIMUM MEDIAN" a line.  The programs take turns, and what
 * counts is the least time: on a shared machine every disturbance makes it longer.
 *
 * `size` prints "INSTRUCTIONS VERIFIED": how long the program is, and how many instructions the
 * verifier looked at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cost.h"

#define ROUNDS       41
#define REPEAT       50000
#define PROGRAMS_MAX 16
#define FRAME_BYTES  74

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "cost: cannot %s '%s': %s\n", what, name, strerror(errno));
	exit(1);
}

static struct bpf_object *load(const char *name)
{
	char path[4096];
	struct bpf_object *object;
	ssize_t end = readlink("/proc/self/exe", path, sizeof(path) - 64);

	path[end < 0 ? 0 : end] = 0;
	strcpy(strrchr(path, '/') + 1, name);
	object = bpf_object__open_file(path, NULL);
	if (!object || bpf_object__load(object))
		fail("load", path);
	return object;
}

static int find_program(struct bpf_object *objects[2], const char *name)
{
	const struct bpf_program *program;
	int fd = -1;

	if (atoi(name))
		fd = bpf_prog_get_fd_by_id(atoi(name));
	for (int i = 0; i < 2 && fd < 0; i++) {
		program = bpf_object__find_program_by_name(objects[i], name);
		fd = program ? bpf_program__fd(program) : -1;
	}
	if (fd < 0)
		fail("find the program", name);
	return fd;
}

/* Into the packet at that offset, in the family of the packet. */
static void put_address(unsigned char *packet, int offset, bool is_ipv6, const char *address)
{
	if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, address, packet + offset) != 1)
		fail("read the address", address);
}

/* "ADDRESS:PORT" instead of a random source, and ACK instead of SYN. */
static void fix_source(unsigned char *packet, bool is_ipv6, const char *source)
{
	unsigned char *tcp = packet + 14 + (is_ipv6 ? 40 : 20);
	const char *colon = strrchr(source, ':');
	char address[64];
	int port;

	if (!colon)
		return;
	port = atoi(colon + 1);
	snprintf(address, sizeof(address), "%.*s", (int)(colon - source), source);
	put_address(packet, is_ipv6 ? 22 : 26, is_ipv6, address);
	tcp[0] = port >> 8;
	tcp[1] = port & 0xff;
	tcp[13] = 0x10;
}

/* A SYN to that address and port. */
static void make_packet(const char *address, int port, const char *source,
			unsigned char packet[FRAME_BYTES])
{
	bool is_ipv6 = strchr(address, ':') != NULL;
	unsigned char *tcp = packet + 14 + (is_ipv6 ? 40 : 20);

	memset(packet, 0, FRAME_BYTES);
	memcpy(packet + 12, is_ipv6 ? "\x86\xdd\x60\0\0\0\0\x14\x06\x40" : "\x08\x00\x45\0\0\x28",
	       is_ipv6 ? 10 : 6);
	if (!is_ipv6)
		memcpy(packet + 22, "\x40\x06", 2);
	put_address(packet, is_ipv6 ? 38 : 30, is_ipv6, address);
	memcpy(tcp, "\x9c\x40", 2);
	tcp[2] = port >> 8;
	tcp[3] = port & 0xff;
	tcp[12] = 5 << 4;
	tcp[13] = 0x02;
	fix_source(packet, is_ipv6, source);
}

static __u32 run(int fd, unsigned char *packet, __u32 *ret_verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = FRAME_BYTES,
		    .repeat = REPEAT);

	if (bpf_prog_test_run_opts(fd, &opts))
		fail("run", "a program");
	*ret_verdict = opts.retval;
	return opts.duration;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void configure(const struct bpf_object *object, const char *where)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, ".data.config");
	struct cost_config config = { .set_bits = strcmp(where, "outside") ? 0 : 0x8000,
				      .is_fixed = strchr(where, ':') != NULL };
	__u32 zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(map), &zero, &config, 0))
		fail("write", "the configuration");
}

static int print_size(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		fail("ask for the size of", "a program");
	printf("%zu %u\n", info.xlated_prog_len / sizeof(struct bpf_insn), info.verified_insns);
	return 0;
}

int main(int argc, char **argv)
{
	int fds[PROGRAMS_MAX], times[PROGRAMS_MAX][ROUNDS], vary, target, count = argc - 4;
	__u32 verdicts[PROGRAMS_MAX], zero = 0;
	struct bpf_object *objects[2];
	unsigned char packet[FRAME_BYTES];

	if (argc != 3 && (count < 1 || count > PROGRAMS_MAX)) {
		fprintf(stderr, "usage: cost ADDRESS PORT SOURCE PROGRAM... | cost size PROGRAM\n");
		return 2;
	}
	objects[0] = load("cost.bpf.o");
	objects[1] = load("receiver.bpf.o");
	if (argc == 3)
		return print_size(find_program(objects, argv[2]));
	configure(objects[0], argv[3]);
	make_packet(argv[1], atoi(argv[2]), argv[3], packet);
	for (int i = 0; i < count; i++)
		fds[i] = find_program(objects, argv[4 + i]);
	vary = find_program(objects, "vary");
	target = bpf_object__find_map_fd_by_name(objects[0], "target");
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < count; i++) {
			if (bpf_map_update_elem(target, &zero, &fds[i], 0))
				fail("aim at", argv[4 + i]);
			times[i][round] = run(vary, packet, &verdicts[i]);
		}
	}
	for (int i = 0; i < count; i++) {
		qsort(times[i], ROUNDS, sizeof(int), compare);
		printf("%s %u %d %d\n", argv[4 + i], verdicts[i], times[i][0],
		       times[i][ROUNDS / 2]);
	}
	return 0;
}
