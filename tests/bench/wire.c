/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.c: a wire between two hosts, as long as it runs (wire.bpf.c).
 *
 *   wire CLIENT_END HOST_END
 *
 * Both are interfaces of this network namespace: the near ends of the veth pairs to the client and
 * to the host.  Prints "ready".
 *
 * On a veth pair, what one stack sends is an skb at the other end, and native XDP there has to
 * copy each into a buffer of its own.  What comes through this wire is copied on the way, with
 * and without XDP at its end alike, and is in such a buffer already, as on a NIC.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "wire.h"

/* include/uapi/linux/bpf.h of Linux 6.6 */
#define ATTACH_TCX_INGRESS 46

static void fail(const char *what)
{
	fprintf(stderr, "wire: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

/* "NAME.bpf.o" beside this program. */
static struct bpf_object *open_object(const char *name)
{
	char path[4096];
	ssize_t end = readlink("/proc/self/exe", path, sizeof(path) - 64);

	path[end < 0 ? 0 : end] = 0;
	strcpy(strrchr(path, '/') + 1, name);
	return bpf_object__open_file(path, NULL);
}

static struct bpf_object *load(const struct wire_ends *ends)
{
	struct bpf_object *object = open_object("wire.bpf.o");
	struct bpf_map *map = object ? bpf_object__find_map_by_name(object, ".rodata") : NULL;

	if (!map || bpf_map__set_initial_value(map, ends, sizeof(*ends)) ||
	    bpf_object__load(object))
		fail("load wire.bpf.o");
	return object;
}

/* Nobody closes the link: it goes with this process. */
static void attach(struct bpf_object *object, const char *name, int ifindex,
		   enum bpf_attach_type type)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program || bpf_link_create(bpf_program__fd(program), ifindex, type, NULL) < 0)
		fail(name);
}

int main(int argc, char **argv)
{
	struct wire_ends ends;
	struct bpf_object *object;

	if (argc != 3) {
		fprintf(stderr, "usage: wire CLIENT_END HOST_END\n");
		return 2;
	}
	ends.client = if_nametoindex(argv[1]);
	ends.host = if_nametoindex(argv[2]);
	if (!ends.client || !ends.host)
		fail("find the interfaces");
	object = load(&ends);
	attach(object, "to_host", ends.client, BPF_XDP);
	attach(object, "to_client", ends.host, (enum bpf_attach_type)ATTACH_TCX_INGRESS);
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
