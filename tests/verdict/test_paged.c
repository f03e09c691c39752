/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_paged.c: frames whose headers are not in the linear part of the skb, as drivers and GRO
 * hand them over.  filter_tc has to pull them up before it reads.
 */
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "reason.h"
#include "rows.h"
#include "tap.h"
#include "base/cleanup.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* Longer than a page, or the sending side makes it linear. */
#define PAGED .payload = 6000

/* clang-format off */
static const struct row array[] = {
	{ "ports_in_a_page_are_read", &rules, { TO(HOST4, 6379), PAGED }, DROP_CLOSED },
	{ "an_allowed_port_in_a_page_passes", &rules, { TO(HOST4, 80), PAGED }, PASS_ALLOWED },
	{ "ports_in_a_page_behind_options_are_read", &rules,
	  { TO(HOST4, 6379), .options = 40, .option_type = 7, PAGED }, DROP_CLOSED },
	{ "ports_in_a_page_behind_tags_are_read", &rules,
	  { .tags = { DOT1AD(5), DOT1Q(6) }, TO(HOST4, 6379), PAGED }, DROP_CLOSED },
	{ "ipv6_ports_in_a_page_are_read", &rules, { TO(HOST6, 6379), PAGED }, DROP_CLOSED },
	{ "an_allowed_ipv6_port_in_a_page_passes", &rules, { TO(HOST6, 80), PAGED }, PASS_ALLOWED },
	{ "ports_in_a_page_behind_extension_headers_are_read", &rules,
	  { TO(HOST6, 6379), .extensions = { HOPOPTS(4), DSTOPTS(4), ROUTING(4, 0), AH(4) },
	  PAGED },
	  DROP_CLOSED },
	{ "an_allowed_port_in_a_page_behind_extension_headers_passes", &rules,
	  { TO(HOST6, 80), .extensions = { HOPOPTS(4), DSTOPTS(4), ROUTING(4, 0), AH(4) }, PAGED },
	  PASS_ALLOWED },
	/* 256 bytes are pulled up; a chain that goes on behind them is nobody's. */
	{ "headers_far_into_a_page_are_malformed", &rules,
	  { TO(HOST6, 80), .extensions = { DSTOPTS(40) }, PAGED }, DROP_MALFORMED },
	{ "a_ban_in_a_page_is_a_ban", &rules, { FROM(BANNED4), TO(HOST4, 22222), PAGED },
	  DROP_BANNED },
};
/* clang-format on */

/* With a struct virtio_net_hdr in front of each frame, which says how much is linear. */
static int open_socket(void)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;

	addr.sll_ifindex = if_nametoindex("veth1");
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) < 0)
		die("cannot open a socket on veth1");
	return fd;
}

static void send_paged(int fd, struct bytes *bytes)
{
	struct virtio_net_hdr header = { .hdr_len = 14 };
	struct iovec parts[] = { { &header, sizeof(header) }, { bytes->data, bytes->length } };

	if (writev(fd, parts, ARRAY_SIZE(parts)) < 0)
		die("cannot send %zu bytes on veth1", bytes->length);
}

int main(void)
{
	struct stage *stage = stage_open();
	_cleanup_close_ int fd = open_socket();

	for (size_t i = 0; i < ARRAY_SIZE(array); i++) {
		struct outcome outcome;
		struct bytes bytes;

		stage_set(stage, array[i].scene);
		frame_build(&array[i].frame, &bytes);
		send_paged(fd, &bytes);
		stage_observe(stage, &outcome);
		if (!tap_case(outcome.reason == array[i].reason, "%s", array[i].name))
			printf("# reason: %s, expected %s\n", reason_name(outcome.reason),
			       reason_name(array[i].reason));
	}
	return tap_end();
}
