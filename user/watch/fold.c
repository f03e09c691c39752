/* SPDX-License-Identifier: GPL-2.0-only */
/* fold.c: a small table of what was shown in this second.  See fold.h. */
#include "watch/fold.h"

#include <string.h>

#include "base/cleanup.h"

/* What finds no place is shown: a scan of all ports is as many lines. */
#define FOLDED_MAX 1024

struct fold {
	size_t count;
	struct sighting kept[FOLDED_MAX]; /* count: not shown yet */
};

struct fold *fold_new(void)
{
	return calloc(1, sizeof(struct fold));
}

void fold_free(struct fold *fold)
{
	free(fold);
}

static bool is_alike(const struct sighting *a, const struct sighting *b)
{
	return a->reason == b->reason && a->dport == b->dport && a->proto == b->proto &&
	       a->ifindex == b->ifindex && a->is_drop == b->is_drop &&
	       prefix_equal(&a->saddr, &b->saddr);
}

bool fold_is_first(struct fold *fold, const struct sighting *sighting)
{
	for (size_t i = 0; i < fold->count; i++) {
		unsigned int more = fold->kept[i].count + sighting->count;

		if (!is_alike(&fold->kept[i], sighting))
			continue;
		fold->kept[i] = *sighting;
		fold->kept[i].count = more;
		return false;
	}
	if (fold->count < FOLDED_MAX) {
		fold->kept[fold->count] = *sighting;
		fold->kept[fold->count++].count = 0;
	}
	return true;
}

int fold_flush(struct fold *fold, sighting_fn *take, void *arg)
{
	size_t left = 0;
	int err = 0;

	for (size_t i = 0; i < fold->count && err >= 0; i++) {
		struct sighting *one = &fold->kept[i];

		if (!one->count)
			continue;
		one->event = NULL;
		err = take(arg, one);
		one->count = 0;
		fold->kept[left++] = *one;
	}
	fold->count = left;
	return err;
}
