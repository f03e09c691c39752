/* SPDX-License-Identifier: GPL-2.0-only */
/* scenes.c: what enforces, as an operator would have written it.  See rows.h. */
#include <string.h>

#include "classify.h"
#include "image/image.h"
#include "rows.h"
#include "base/cleanup.h"

static const char rules_text[] =
	"allow 80/tcp\n"
	"allow 443\n"
	"allow 6379/tcp from 8.0.1.0/24 2001:db8:86dd:1::/64\n"
	"deny 6379/tcp from 8.0.1.128/25 2001:db8:86dd:1:8000::/65\n"
	"allow 6379/tcp from 8.0.1.200 2001:db8:86dd:1:8000::c8\n"
	"allow 6379/tcp from 8.0.2.0/24 2001:db8:86dd:2::/64\n"
	"deny 6379/tcp from 8.0.2.0/24 2001:db8:86dd:2::/64\n"
	"deny 25/tcp from 8.0.3.0/24 2001:db8:86dd:3::/64\n"
	"allow 8080/tcp on 192.0.2.5\n"
	"allow 9002-9005/tcp\n"
	"allow 5300/udp from 8.0.1.0/24 2001:db8:86dd:1::/64\n"
	"allow 3868/sctp from 8.0.1.0/24 2001:db8:86dd:1::/64\n"
	"ban 8.0.66.0/24 2001:db8:86dd:66::/64\n"
	"failsafe from 8.0.10.10 8.0.66.7 2001:db8:86dd:10::10 2001:db8:86dd:66::7\n"
	"failsafe 22/tcp\n"
	"allow container web port 80/tcp from 8.0.1.0/24 2001:db8:86dd:1::/64\n"
	"allow 5000/tcp on 172.17.0.2 from 8.0.1.0/24\n"
	"allow 5000/tcp on fd00:17::2 from 2001:db8:86dd:1::/64\n"
	"allow 7100-7110/tcp from 8.0.1.0/24 2001:db8:86dd:1::/64\n"
	"failsafe 5353/udp from 8.0.1.0/24 2001:db8:86dd:1::/64\n"
	"deny 26/tcp\n"
	"allow 80/tcp on 192.0.2.40 from 8.0.1.0/24\n";

#define UNTIL    "allow 6379/tcp from 8.0.1.0/24 until 2027-01-15T09:00Z\n"
#define DENY_ALL "default deny all\nallow 80/tcp\nban 8.0.66.0/24\nfailsafe from 8.0.10.10\n"

#define SCENE(variable, ...) const struct scene variable = { .name = #variable, __VA_ARGS__ }

SCENE(closed, .config = "");
SCENE(rules, .config = rules_text);
SCENE(deny_all, .config = DENY_ALL);
SCENE(allow_all, .config = "default allow\ndeny 6379/tcp from 8.0.3.0/24 2001:db8:86dd:3::/64\n");
SCENE(audit, .config = rules_text, .is_audit = true);
SCENE(audit_deny_all, .config = DENY_ALL, .is_audit = true);
SCENE(expired, .is_expired = true,
      .config = UNTIL "deny 25/tcp from 8.0.3.0/24 until 2027-01-15T09:00Z\n"
		      "allow 26/tcp\n"
		      "ban 8.0.66.0/24 until 2027-01-15T09:00Z\n"
		      "failsafe from 8.0.10.10 until 2027-01-15T09:00Z\n"
		      "failsafe 2222/tcp until 2027-01-15T09:00Z\n");
SCENE(expired_allow_all, .is_expired = true, .config = "default allow\n" UNTIL);
SCENE(not_expired, .config = UNTIL "ban 8.0.66.0/24 until 2027-01-15T09:00Z\n"
				   "ban 2001:db8:86dd:66::/64 until 2027-01-15T09:00Z\n");
SCENE(no_policy, .config = NULL);
SCENE(no_active, .confirmed = "allow 6379/tcp\n");
SCENE(trial, .config = "allow 6379/tcp\n", .confirmed = "", .is_trial = true);
SCENE(trial_over, .config = "allow 6379/tcp\n", .confirmed = "", .is_past_deadline = true);
SCENE(trial_unbacked, .config = "allow 6379/tcp\n", .is_past_deadline = true);
SCENE(no_forwarding, .config = "", .is_forwarding_off = true);
SCENE(no_forwarding_shared, .config = "", .is_forwarding_off = true, .is_shared = true,
      .is_foreign = true);
SCENE(no_forwarding_foreign, .config = "", .is_forwarding_off = true, .is_foreign = true);
SCENE(shared, .config = "", .is_shared = true);
SCENE(deny_all_no_forwarding_shared, .config = DENY_ALL, .is_forwarding_off = true,
      .is_shared = true, .is_foreign = true);

/* ---- bound ports ------------------------------------------------------------------------ */

/* clang-format off */
#define BOUND { \
	{ "0.0.0.0", IPPROTO_TCP, 31000 }, { "::", IPPROTO_TCP, 31000 }, \
	{ "0.0.0.0", IPPROTO_UDP, 31001 }, { "192.0.2.5", IPPROTO_TCP, 31002 }, \
	{ "2001:db8::5", IPPROTO_TCP, 31002 }, { "0.0.0.0", IPPROTO_TCP, 33000 }, \
	{ "0.0.0.0", IPPROTO_TCP, 80 }, { "0.0.0.0", IPPROTO_TCP, 25 }, \
	{ "0.0.0.0", IPPROTO_TCP, 22 }, { "0.0.0.0", IPPROTO_TCP, 6379 }, \
	{ "0.0.0.0", IPPROTO_UDP, 65535 }, \
}
/* clang-format on */

SCENE(bound, .config = rules_text, .bound = BOUND);
SCENE(dhcp, .config = "allow 68/udp from 8.0.1.0/24\nallow 546/udp from 2001:db8:86dd:1::/64\n");
SCENE(bound_dhcp, .config = "", .bound = { { "0.0.0.0", IPPROTO_UDP, 68 } });
SCENE(bound_deny_all, .config = DENY_ALL, .bound = BOUND);
SCENE(bound_allow_all, .config = "default allow\n", .bound = BOUND);

/* ---- damage ------------------------------------------------------------------------------- */

static struct image_header *header_of(struct image *image)
{
	return image->bytes;
}

/* A list whose only entry is itself, in place of the first slots: of ports 0, 256, 512 and a few
 * more. */
static __u32 endless_list(struct image *image)
{
	__u32 offset = IMAGE_PORT_INDEX;
	__u32 self = IMAGE_REF_NODE | offset / 8;
	const struct image_list list = { .is_wide = 1 };
	__u8 *at = (__u8 *)image->bytes + offset;

	memcpy(at, &list, sizeof(list));
	memcpy(at + 4, &self, sizeof(self)); /* where IPv4 has its entries */
	memcpy(at + 8, &self, sizeof(self));
	return self;
}

static void lose_destinations(struct image *image)
{
	struct image_header *header = header_of(image);

	memset(&header->own, 0, sizeof(header->own));
	header->daddr4 = header->daddr6 = (struct image_table){ .root = endless_list(image) };
}

static void lose_sources(struct image *image)
{
	struct image_header *header = header_of(image);

	header->saddr4 = header->saddr6 = (struct image_table){ .root = endless_list(image) };
}

/* Behind the image its map is filled with zeros. */
#define ZEROS (IMAGE_SMALL - IMAGE_CHUNK)

void lose_entries(struct image *image)
{
	struct image_endpoint *endpoints =
		(void *)((__u8 *)image->bytes + header_of(image)->endpoints);

	for (__u32 i = 0; i < header_of(image)->endpoints_used; i++)
		endpoints[i].entry4 = endpoints[i].entry6 = (struct verdict_entry){};
}

static void lose_ports(struct image *image)
{
	lose_entries(image);
	header_of(image)->endpoints = ZEROS;
}

static void lose_rules(struct image *image)
{
	lose_entries(image);
	header_of(image)->rules = ZEROS;
}

SCENE(no_destinations, .config = rules_text, .damage = lose_destinations);
SCENE(no_sources, .config = rules_text, .damage = lose_sources);
SCENE(no_entries, .config = rules_text, .damage = lose_entries);
SCENE(no_ports, .config = rules_text, .damage = lose_ports);
SCENE(no_rules, .config = rules_text, .damage = lose_rules);

const struct scene *const scenes[] = {
	&closed,
	&rules,
	&deny_all,
	&allow_all,
	&audit,
	&audit_deny_all,
	&expired,
	&expired_allow_all,
	&not_expired,
	&no_policy,
	&no_active,
	&trial,
	&trial_over,
	&trial_unbacked,
	&no_forwarding,
	&no_forwarding_shared,
	&shared,
	&deny_all_no_forwarding_shared,
	&no_destinations,
	&no_sources,
	&no_entries,
	&no_ports,
	&no_rules,
	&bound,
	&bound_deny_all,
	&bound_allow_all,
	&dhcp,
	&bound_dhcp,
	&no_forwarding_foreign,
};
const size_t scenes_count = ARRAY_SIZE(scenes);

const struct rows *const tables[] = {
	&rows_ethernet,    &rows_ipv4,   &rows_ipv6,  &rows_transport, &rows_policy,
	&rows_destination, &rows_source, &rows_reply, &rows_bound,     &rows_image,
};
const size_t tables_count = ARRAY_SIZE(tables);
