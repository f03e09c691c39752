/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_truncations.c: packets to a closed port, cut after each byte.  Whatever is left, both
 * programs say the same of it, and none of it passes for something that it is not.
 */
#include <stdio.h>

#include "reason.h"
#include "rows.h"
#include "tap.h"
#include "base/cleanup.h"

struct base {
	const char *name;
	struct frame frame;
};

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
static const struct base bases[] = {
	{ "tcp", { TO(HOST4, 6379), .payload = 8 } },
	{ "tcp_behind_options", { TO(HOST4, 6379), .options = 40 } },
	{ "tcp_behind_a_tag", { .tags = { DOT1Q(5) }, TO(HOST4, 6379) } },
	{ "tcp_behind_two_tags", { .tags = { DOT1AD(5), DOT1Q(6) }, TO(HOST4, 6379) } },
	{ "tcp_in_a_first_fragment", { TO(HOST4, 6379), .more = true } },
	{ "udp", { TO(HOST4, 5300), UDP, .payload = 8 } },
	{ "sctp", { TO(HOST4, 3868), SCTP, .payload = 8 } },
	{ "tcp_over_ipv6", { TO(HOST6, 6379), .payload = 8 } },
	{ "tcp_over_ipv6_behind_two_tags", { .tags = { DOT1AD(5), DOT1Q(6) }, TO(HOST6, 6379) } },
	{ "tcp_behind_extension_headers",
	  { TO(HOST6, 6379), .extensions = { HOPOPTS(1), DSTOPTS(0), ROUTING(2, 0),
					     FRAGMENT(0, true), AH(4) } } },
	{ "udp_behind_extension_headers",
	  { TO(HOST6, 5300), UDP, .extensions = { HOPOPTS(0), DSTOPTS(0), DSTOPTS(0), DSTOPTS(0),
						  DSTOPTS(0), DSTOPTS(0), DSTOPTS(0),
						  DSTOPTS(0) } } },
	{ "sctp_over_ipv6", { TO(HOST6, 3868), SCTP, .payload = 8 } },
};
/* clang-format on */

/* Where the IP header begins: what ends in front of it is not IP to anyone. */
static bool may_be(enum reason reason, const struct bytes *bytes)
{
	if (reason == PASS_NOT_IP)
		return bytes->length < bytes->network;
	return reason_is_drop(reason);
}

/* Whether all ways that the frame can go agree, on something that may be. */
static bool try_frame(struct stage *stage, const char *name, const struct bytes *bytes)
{
	enum reason said = REASON_NONE;
	bool is_ok = true;

	for (enum way way = 0; way < WAY_MAX; way++) {
		struct outcome outcome;

		if (!stage_has_way(way, bytes))
			continue;
		stage_send(stage, way, bytes, 0, &outcome);
		if (!said)
			said = outcome.reason;
		if (outcome.reason == said && may_be(outcome.reason, bytes) && !outcome.is_changed)
			continue;
		printf("# %s, %zu bytes: %s says %s, xdp %s\n", name, bytes->length, way_names[way],
		       reason_name(outcome.reason), reason_name(said));
		is_ok = false;
	}
	return is_ok;
}

static void cut_on_the_way(struct stage *stage, const struct base *base)
{
	struct frame frame = base->frame;
	struct bytes bytes;
	bool is_ok = true;
	size_t length;

	frame_build(&frame, &bytes);
	length = bytes.length;
	for (size_t cut = 14; cut <= length; cut++) {
		frame.cut = (struct lie)LIE(cut);
		frame_build(&frame, &bytes);
		is_ok &= try_frame(stage, base->name, &bytes);
	}
	tap_case(is_ok, "%s_cut_anywhere_does_not_pass", base->name);
}

/*
 * The lengths in the IP header agree with the bytes that are there.  IPv6 cannot say "none":
 * a payload length of 0 means that the length is elsewhere (RFC 2675), and the frame's end
 * counts.  Linux takes such a packet for an empty one.
 */
static void cut_by_the_sender(struct stage *stage, const struct base *base)
{
	struct frame frame = base->frame;
	struct bytes bytes;
	bool is_ok = true;

	for (unsigned int sent = 0; sent <= 28; sent++) {
		frame.transport = (struct lie)LIE(sent);
		frame_build(&frame, &bytes);
		is_ok &= try_frame(stage, base->name, &bytes);
		if (!sent && strchr(frame.daddr, ':'))
			continue;
		frame.padding = 30;
		frame_build(&frame, &bytes);
		is_ok &= try_frame(stage, base->name, &bytes);
		frame.padding = 0;
	}
	tap_case(is_ok, "%s_sent_short_does_not_pass", base->name);
}

int main(void)
{
	struct stage *stage = stage_open();

	stage_set(stage, &closed);
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		cut_on_the_way(stage, &bases[i]);
		cut_by_the_sender(stage, &bases[i]);
	}
	return tap_end();
}
