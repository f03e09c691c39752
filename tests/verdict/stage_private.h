/* SPDX-License-Identifier: GPL-2.0-only */
/* stage_private.h: what stage*.c and ways.c share behind stage.h. */
#ifndef TIDEGATE_VERDICT_STAGE_PRIVATE_H
#define TIDEGATE_VERDICT_STAGE_PRIVATE_H

#include "kernel/private.h"
#include "stage.h"

struct policy;

struct stage {
	struct kernel *kernel;
	const struct scene *scene;
	struct policy *policy; /* that enforces in this scene */
	struct counter_ids *ids;
	struct combined_counter combined[STAGE_COUNTERS]; /* that were given out */
	size_t combined_count;
	struct counts counts; /* as last read */
	int veth, tun;        /* ifindexes of the guarded interfaces */
	int wire_fd;          /* sends frames that veth0 receives */
	int tun_fd;
};

/* The place in struct counts of a counter's id. */
__u32 stage_place(__u32 id);
void stage_set_forwarding(const char *value);
void stage_set_shared(const struct stage *stage, bool is_shared);

#endif
