/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe.h: packets that no wire carried, shown to a program by BPF_PROG_TEST_RUN: to the one that
 * is attached, which counts them, or to a copy of it, which decides by the same maps and has
 * counters of its own.
 */
#ifndef TIDEGATE_KERNEL_PROBE_H
#define TIDEGATE_KERNEL_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "addr/prefix.h"
#include "kernel/kernel.h"
#include "reason.h"

/* The first packet of a flow, or another one, by the flags. */
struct probe_packet {
	struct prefix saddr, daddr;  /* full length, of one family */
	unsigned short sport, dport; /* host order */
	__u8 proto;                  /* IPPROTO_TCP, _UDP or _SCTP */
	__u8 tcp_flags;              /* PROBE_SYN, or others as TCP has them */
};
#define PROBE_SYN 0x02

struct image_header;

/* From whom each packet comes, as Ethernet has it: made of the active policy's digest, so that
 * `watch` can tell these packets from those that a wire carried.  The digest is no secret of this
 * host's metrics: a neighbour who reads them can keep his packets out of `watch`, and nothing else.
 */
void probe_neighbor(const struct image_header *active, __u8 ret[6]);

/* A program, and the interface by which it is told that the packet came in. */
struct probe {
	int program_fd; /* -1 = none */
	int ifindex;
	__u8 mac[6];         /* the interface's */
	__u8 neighbor[6];    /* probe_neighbor() */
	bool is_xdp, is_l3;  /* otherwise tc, with an Ethernet header */
	int counters_fd;     /* of a copy; -1 = those that are pinned */
	struct counters *of; /* likewise, the element that it adds to; mapped */
	__u32 elements;
	__u32 cpu; /* that a copy has to run on */
};

/*
 * The program that is attached there.  -EPROTO with an error when it is none of this build's, or
 * decides by other maps.
 */
int probe_open(struct kernel *kernel, const struct attachment *attachment, const __u8 mac[6],
	       struct probe *ret, struct error *error);

/* The same program loaded again, with counters of its own: so nothing that people see is counted,
 * and what it counted says why it decided so.  Likewise. */
struct probe_request {
	const struct attachment *attachment;
	const __u8 *mac;           /* the interface's */
	const struct image *image; /* for the copy to decide by, with rules counted and ports not;
				      NULL = it decides by what enforces */
};
int probe_open_copy(struct kernel *kernel, const struct probe_request *request, struct probe *ret,
		    struct error *error);
void probe_close(struct probe *probe);

/* A source like `saddr` that the program can be shown: where there is no Ethernet header the kernel
 * takes two bytes of it for the protocol.  Not of a copy, which takes any. */
struct prefix probe_source(const struct probe *probe, const struct prefix *saddr);

/* 0 or -errno.  ret_bytes: as many as the program counts. */
int probe_run(const struct probe *probe, const struct probe_packet *packet, bool *ret_is_dropped,
	      size_t *ret_bytes, struct error *error);

/* What a copy counted since it was asked last, and forgets by that.  port and rule are ids of
 * counters, 0 = none.  ids: NULL for a copy with an image of its own. */
struct probe_counted {
	enum reason reason;
	__u32 port, rule;
};
int probe_read_counted(const struct probe *probe, struct counter_ids *ids,
		       struct probe_counted *ret, struct error *error);

/* Takes a packet of so many bytes back out of what the pinned counters add up to. */
int probe_uncount(struct kernel *kernel, const struct probe_packet *packet,
		  const struct probe_counted *counted, size_t bytes, struct error *error);

/* "'name' (id 7)" of a program that a packet meets before the attached one, at the same hook, and
 * that can keep it from there; allocated, or NULL. */
char *probe_find_in_front(const struct attachment *attachment);

/* Likewise of an XDP program where the attached one is at tcx or clsact, which come after XDP. */
char *probe_find_before(const struct attachment *attachment);

#endif
