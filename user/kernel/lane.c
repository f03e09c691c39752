/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lane.c: the map "lane", what the image that enforces says to most packets.  While it is
 * closed, packets are decided by the image itself: dearer, and never different.
 */
#include <errno.h>
#include <sys/mman.h>

#include "image/lane.h"
#include "kernel/private.h"
#include "base/log.h"

static struct lane *map_lane(const struct kernel *kernel)
{
	void *lane = mmap(NULL, sizeof(struct lane), PROT_READ | PROT_WRITE, MAP_SHARED,
			  kernel->lane_fd, 0);

	return lane == MAP_FAILED ? NULL : lane;
}

int kernel_close_lane(struct kernel *kernel)
{
	struct lane *lane = map_lane(kernel);

	if (!lane)
		return kernel_fail(-errno, "cannot close the lane");
	__atomic_store_n(&lane->offset, 0, __ATOMIC_SEQ_CST);
	munmap(lane, sizeof(*lane));
	return 0;
}

bool kernel_is_lane_open(struct kernel *kernel)
{
	struct lane *lane = map_lane(kernel);
	bool is_open = lane && lane->offset;

	if (lane)
		munmap(lane, sizeof(*lane));
	return is_open;
}

void kernel_open_lane(struct kernel *kernel, const struct image *image)
{
	struct lane *lane = map_lane(kernel);

	if (!lane) {
		log_warning("cannot open the lane: %s; the policy is in place, and packets cost "
			    "more than they need to",
			    strerror(errno));
		return;
	}
	image_fill_lane(image, &lane->table);
	__atomic_store_n(&lane->offset, LANE_OFFSET, __ATOMIC_RELEASE);
	munmap(lane, sizeof(*lane));
}
