/* SPDX-License-Identifier: GPL-2.0-only */
/* lane.h: what an image says to most packets, in the form that is read fastest.  Pure. */
#ifndef TIDEGATE_IMAGE_LANE_H
#define TIDEGATE_IMAGE_LANE_H

struct image;
struct lane_table;

/* Of an image that image_check() accepted, with its joint counters.  Every byte of the table is
 * written. */
void image_fill_lane(const struct image *image, struct lane_table *ret);

#endif
