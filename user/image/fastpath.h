/* SPDX-License-Identifier: GPL-2.0-only */
/* fastpath.h: what an image says to most packets, in the form that is read fastest.  Pure. */
#ifndef TIDEGATE_IMAGE_FASTPATH_H
#define TIDEGATE_IMAGE_FASTPATH_H

struct image;
struct fastpath_table;

/* Of an image that image_check() accepted, with its combined counters.  Every byte of the table is
 * written. */
int image_fill_fastpath(const struct image *image, struct fastpath_table *ret);

#endif
