/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot.h: what an image carries for user space: the configuration it was made from and the
 * inventory.  So the running policy can be shown when the file has changed, and rebuilt when
 * Docker does not answer, without a state file.  Pure.
 */
#ifndef TIDEGATE_SNAPSHOT_H
#define TIDEGATE_SNAPSHOT_H

#include <stddef.h>

struct image;
struct inventory;

/* inventory NULL = nothing was known of Docker.  Allocated bytes. */
int snapshot_pack(const char *config_text, const struct inventory *inventory, void **ret,
		  size_t *ret_size);

/* From an image that image_check() accepted; *ret_inventory is NULL when there was none, and not
 * unpacked, which is most of the work, when ret_inventory is NULL.
 * -EBADMSG when the bytes are not what snapshot_pack() writes. */
int snapshot_unpack(const struct image *image, char **ret_config_text,
		    struct inventory **ret_inventory);

#endif
