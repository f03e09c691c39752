/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entries.h: the verdict entries of an image: precomputed, with their counters.  Pure.
 */
#ifndef TIDEGATE_IMAGE_ENTRIES_H
#define TIDEGATE_IMAGE_ENTRIES_H

struct image_header;
struct image_writer;
struct policy;

/* Fills the verdict entries of the endpoints at own addresses, from their rules and the header's
 * flags. */
void entries_write(const struct image_writer *writer, const struct image_header *header,
		   const struct policy *policy);

#endif
