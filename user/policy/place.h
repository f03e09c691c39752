/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * place.h: destinations without the port number, and what is known about the port numbers of each.
 * Private to this folder.
 */
#ifndef TIDEGATE_POLICY_PLACE_H
#define TIDEGATE_POLICY_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "addr/prefix.h"

struct claim;

/* Where a packet goes, but for the port number.  Address family 0: every address of this
 * host; length 0: every one of that family. */
struct place {
	__u8 proto;
	struct prefix addr;
};

int place_compare(const struct place *a, const struct place *b);
/* "0.0.0.0" and "every address" are the same wish: both become length 0. */
struct prefix place_normalize(const struct prefix *addr);
bool place_is_martian(const struct prefix *addr);

/* Port numbers of one place that have the same rules. */
struct segment {
	unsigned int lo, hi;
	unsigned int list;
	const struct claim *claim; /* NULL in a rule layer */
};

/* What one kind of input knows about a place: segments, disjoint and ascending. */
struct layer {
	struct place place;
	struct segment *segments;
	size_t count;
};

struct layers {
	struct layer *array; /* ascending by place */
	size_t count;
};

/* An empty layer, appended.  Places come in ascending order. */
struct layer *layers_add(struct layers *layers, const struct place *place);
int layer_append(struct layer *layer, const struct segment *segment);
/* NULL when nothing is known of the place. */
const struct layer *layers_find(const struct layers *layers, const struct place *place);
void layers_clear(struct layers *layers);

#endif
