/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * alternate.c: puts the filter in front of an interface and takes it away again, some times a
 * second, while traffic runs, and measures either time what the interface carries.  Rounds that
 * are seconds apart differ by what else the machine does; these are not.
 *
 *   alternate INTERFACE PIN rx|tx SLOTS MILLISECONDS
 *
 * PIN is tidegate's link on the interface, native XDP or tcx.  Prints a line for each slot: 1 with
 * the filter, 0 without; begin and end, microseconds of CLOCK_MONOTONIC; bytes a second.  The order
 * is 0110, so that what rises or falls all the time favours neither.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <sys/socket.h>

/* include/uapi/linux/bpf.h of Linux 6.6 */
#define ATTACH_TCX_INGRESS 46

/* After each change, until what was under way is through. */
#define SETTLE_US 10000

struct stage {
	const char *interface;
	int ifindex;
	bool is_xdp;
	bool is_sent; /* count what the interface sends, otherwise what it receives */
	int filter_fd;
	int link_fd; /* while the filter is there, otherwise -1 */
};

static void fail(const char *what)
{
	fprintf(stderr, "alternate: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

/* Rolls over at 4 GiB, which no slot carries. */
static __u32 carried(const struct stage *stage)
{
	struct ifaddrs *list, *entry;
	__u32 bytes = 0;

	if (getifaddrs(&list))
		fail("read the counters of the interface");
	for (entry = list; entry; entry = entry->ifa_next) {
		const struct rtnl_link_stats *stats = entry->ifa_data;

		if (entry->ifa_addr && entry->ifa_addr->sa_family == AF_PACKET && stats &&
		    !strcmp(entry->ifa_name, stage->interface))
			bytes = stage->is_sent ? stats->tx_bytes : stats->rx_bytes;
	}
	freeifaddrs(list);
	return bytes;
}

/* What the pinned link holds.  The link itself is let go: each slot makes its own. */
static void take_over(struct stage *stage, const char *pin)
{
	struct bpf_link_info info = {};
	__u32 length = sizeof(info);
	int fd = bpf_obj_get(pin);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		fail("open the pinned link");
	stage->is_xdp = info.type == BPF_LINK_TYPE_XDP;
	stage->filter_fd = bpf_prog_get_fd_by_id(info.prog_id);
	if (stage->filter_fd < 0)
		fail("open the filter");
	if (bpf_link_detach(fd))
		fail("detach the filter");
	close(fd);
}

static void attach(struct stage *stage)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = stage->is_xdp ? XDP_FLAGS_DRV_MODE : 0);

	stage->link_fd = bpf_link_create(
		stage->filter_fd, stage->ifindex,
		stage->is_xdp ? BPF_XDP : (enum bpf_attach_type)ATTACH_TCX_INGRESS, &opts);
	if (stage->link_fd < 0)
		fail("attach the filter");
}

static void arrange(struct stage *stage, bool with_filter)
{
	if (with_filter && stage->link_fd < 0)
		attach(stage);
	if (!with_filter && stage->link_fd >= 0) {
		close(stage->link_fd);
		stage->link_fd = -1;
	}
}

static void measure(struct stage *stage, bool with_filter, long us)
{
	long long begin, end;
	__u32 before, bytes;

	arrange(stage, with_filter);
	usleep(SETTLE_US);
	before = carried(stage);
	begin = now_us();
	usleep(us);
	bytes = carried(stage) - before;
	end = now_us();
	printf("%d %lld %lld %.0f\n", with_filter, begin, end, bytes * 1e6 / (end - begin));
}

int main(int argc, char **argv)
{
	struct stage stage = { .link_fd = -1 };

	if (argc != 6) {
		fprintf(stderr, "usage: alternate INTERFACE PIN rx|tx SLOTS MILLISECONDS\n");
		return 2;
	}
	stage.interface = argv[1];
	stage.ifindex = if_nametoindex(argv[1]);
	stage.is_sent = !strcmp(argv[3], "tx");
	take_over(&stage, argv[2]);
	for (int i = 0; i < atoi(argv[4]); i++)
		measure(&stage, i % 4 == 1 || i % 4 == 2, atol(argv[5]) * 1000);
	return 0;
}
