/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h: policy -> image bytes (include/policy_image.h has the layout).  Pure.
 */
#ifndef TIDEGATE_IMAGE_H
#define TIDEGATE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "policy_image.h"
#include "reason.h"

struct error;
struct policy;
struct verdict_entry;
struct prefix;

/*
 * Counter ids are handed in, because they must survive this image: the caller maps an
 * identity to an id (counter_ids_give), 0 = not counted.
 */
struct image_input {
	const struct policy *policy;
	const __u32 *rule_counters; /* one id for each policy rule */
	const __u32 *port_counters; /* first of two ids for each policy port */
	const void *snapshot;       /* copied into the image as they are */
	size_t snapshot_size;
	__u64 now_epoch; /* seconds: together they turn `until` into expires_ns */
	__u64 now_monotonic_ns;
};

struct image {
	void *bytes; /* size is a multiple of IMAGE_CHUNK; starts with struct image_header */
	size_t size;
};

/*
 * The digest does not cover generation, deadline_ns, built_at or the snapshot's bytes, nor
 * expires_ns (it depends on the clock; the rule's `until` is covered instead), so that an
 * unchanged policy gives an unchanged digest.
 * 0, -E2BIG with ret_error, which names the limit, or -ENOMEM.  *ret untouched on failure.
 */
int image_build(const struct image_input *input, struct image *ret, struct error *ret_error);

/*
 * What is said beforehand and moves more than one counter: to each such entry the caller may give
 * a counter of its own, which then stands for them.  *ret: allocated, points into the image.
 */
struct image_entry {
	struct verdict_entry *entry;
	__u32 reason_counter; /* COUNTER_OF_REASON() */
};
int image_entries(const struct image *image, struct image_entry **ret, size_t *ret_count);

/* Once the entries have their counters: adds these to the digest. */
void image_seal(struct image *image);

/*
 * Whether the rules of two images with the same digest expire at the same time, give or take two
 * seconds.  They do not when the clock was set in between, or the machine was suspended, during
 * which CLOCK_MONOTONIC stands still.
 */
bool image_expires_alike(const struct image *a, const struct image *b);

/* 0 when the bytes are an image of this ABI whose offsets all lie inside, else -EBADMSG. */
int image_check(const void *bytes, size_t size);

/* Packets with ports. */
struct image_flow {
	const struct prefix *saddr, *daddr; /* full length, of one family */
	unsigned short dport;
	__u8 proto; /* IPPROTO_*; 0 = TCP */
};

/* What the image says of the packets of a flow to one of this host's own addresses, unless they are
 * replies. */
enum reason image_decide(const struct image *image, const struct image_flow *flow, __u64 now_ns);

/* The same to any address, with what is counted, and whether the source is one that no packet from
 * outside has.  Of a destination that the image does not know, and of ports that Docker bound a
 * moment ago, it says what holds if the address is this host's and the port is not. */
struct image_answer {
	enum reason reason;
	__u32 port_counter; /* id: the one of the port's two; 0 = none */
	__u32 rule_counter;
	enum destination kind; /* below DESTINATION_FIRST */
	bool is_guarded;       /* somebody names the port there */
};
void image_answer(const struct image *image, const struct image_flow *flow, __u64 now_ns,
		  struct image_answer *ret);

/* Whether the address is neither this host's own nor a container's, as far as the image knows. */
bool image_is_outside(const struct image *image, const struct prefix *addr);

static inline const struct image_header *image_header(const struct image *image)
{
	return image->bytes;
}

void image_clear(struct image *image);

#endif
