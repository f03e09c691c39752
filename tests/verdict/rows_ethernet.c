/* SPDX-License-Identifier: GPL-2.0-only */
/* rows_ethernet.c: frames that are not IP, VLAN tags, and frames that end too soon. */
#include "rows.h"

#define TAGGED(...)    .tags = { __VA_ARGS__ }
#define CLOSED4        TO(HOST4, 6379)
#define CLOSED6        TO(HOST6, 6379)
#define NOT_IP(number) { .ethertype = LIE(number), .payload = 46 }

/* clang-format off */
static const struct row array[] = {
	/* ---- tags */
	{ "untagged_closed_port_is_dropped", &closed, { CLOSED4 }, DROP_CLOSED, ANY4("tcp", 6379) },
	{ "one_tag_does_not_hide_a_closed_port", &closed,
	  { TAGGED(DOT1Q(5)), CLOSED4 }, DROP_CLOSED, ANY4("tcp", 6379) },
	{ "one_tag_does_not_hide_a_closed_ipv6_port", &closed,
	  { TAGGED(DOT1Q(5)), CLOSED6 }, DROP_CLOSED, ANY6("tcp", 6379) },
	{ "one_service_tag_does_not_hide_a_closed_port", &closed,
	  { TAGGED(DOT1AD(5)), CLOSED4 }, DROP_CLOSED, ANY4("tcp", 6379) },
	{ "a_priority_tag_does_not_hide_a_closed_port", &closed,
	  { TAGGED(DOT1Q(0xe000)), CLOSED4 }, DROP_CLOSED, ANY4("tcp", 6379) },
	{ "two_tags_do_not_hide_a_closed_port", &closed,
	  { TAGGED(DOT1AD(5), DOT1Q(6)), CLOSED4 }, DROP_CLOSED, ANY4("tcp", 6379) },
	{ "two_tags_of_the_same_kind_do_not_hide_a_closed_port", &closed,
	  { TAGGED(DOT1Q(5), DOT1Q(6)), CLOSED6 }, DROP_CLOSED, ANY6("tcp", 6379) },
	{ "three_tags_are_malformed", &closed,
	  { TAGGED(DOT1AD(5), DOT1Q(6), DOT1Q(7)), CLOSED4 }, DROP_MALFORMED },
	{ "three_tags_before_ipv6_are_malformed", &closed,
	  { TAGGED(DOT1Q(5), DOT1Q(6), DOT1AD(7)), CLOSED6 }, DROP_MALFORMED },
	{ "four_tags_are_malformed", &closed,
	  { TAGGED(DOT1Q(5), DOT1Q(6), DOT1Q(7), DOT1Q(8)), CLOSED4 }, DROP_MALFORMED },
	{ "one_tag_does_not_close_an_allowed_port", &rules,
	  { TAGGED(DOT1Q(5)), TO(HOST4, 80) }, PASS_ALLOWED, ANY4("tcp", 80), RULE_ALLOW_80 },
	{ "two_tags_do_not_close_an_allowed_port", &rules,
	  { TAGGED(DOT1AD(5), DOT1Q(6)), TO(HOST6, 80) }, PASS_ALLOWED, ANY6("tcp", 80),
	  RULE_ALLOW_80 },
	{ "a_tagged_ban_is_a_ban", &rules,
	  { TAGGED(DOT1Q(5)), FROM(BANNED4), TO(HOST4, 22222) }, DROP_BANNED, .rule = RULE_BAN },
	{ "tagged_arp_passes", &closed,
	  { TAGGED(DOT1Q(5)), .ethertype = LIE(0x0806), .payload = 28 }, PASS_NOT_IP },
	{ "twice_tagged_arp_passes", &closed,
	  { TAGGED(DOT1AD(5), DOT1Q(6)), .ethertype = LIE(0x0806), .payload = 28 }, PASS_NOT_IP },
	{ "a_legacy_tag_is_not_one", &closed,
	  { TAGGED({ 0x9100, 5 }), CLOSED4 }, PASS_NOT_IP },
	{ "a_tag_with_half_a_tci_passes", &closed,
	  { TAGGED(DOT1Q(5)), CLOSED4, .cut = LIE(15) }, PASS_NOT_IP },
	{ "a_tag_with_no_ethertype_behind_it_passes", &closed,
	  { TAGGED(DOT1Q(5)), CLOSED4, .cut = LIE(16) }, PASS_NOT_IP },
	{ "a_tag_with_half_an_ethertype_passes", &closed,
	  { TAGGED(DOT1Q(5)), CLOSED4, .cut = LIE(17) }, PASS_NOT_IP },
	{ "a_second_tag_cut_short_passes", &closed,
	  { TAGGED(DOT1Q(5), DOT1Q(6)), CLOSED4, .cut = LIE(21) }, PASS_NOT_IP },
	{ "a_tag_with_no_ip_header_behind_it_is_malformed", &closed,
	  { TAGGED(DOT1Q(5)), CLOSED4, .cut = LIE(20) }, DROP_MALFORMED },

	/* ---- other protocols */
	{ "arp_passes", &closed, NOT_IP(0x0806), PASS_NOT_IP },
	{ "rarp_passes", &closed, NOT_IP(0x8035), PASS_NOT_IP },
	{ "lldp_passes", &closed, NOT_IP(0x88cc), PASS_NOT_IP },
	{ "eapol_passes", &closed, NOT_IP(0x888e), PASS_NOT_IP },
	{ "macsec_passes", &closed, NOT_IP(0x88e5), PASS_NOT_IP },
	{ "mpls_passes", &closed, NOT_IP(0x8847), PASS_NOT_IP },
	{ "mpls_multicast_passes", &closed, NOT_IP(0x8848), PASS_NOT_IP },
	{ "pppoe_discovery_passes", &closed, NOT_IP(0x8863), PASS_NOT_IP },
	{ "pppoe_session_passes", &closed, NOT_IP(0x8864), PASS_NOT_IP },
	{ "spanning_tree_passes", &closed, NOT_IP(0x0026), PASS_NOT_IP },
	{ "the_longest_llc_length_passes", &closed, NOT_IP(0x05dc), PASS_NOT_IP },
	{ "an_ethertype_of_0_passes", &closed, NOT_IP(0), PASS_NOT_IP },
	{ "an_ethertype_of_ffff_passes", &closed, NOT_IP(0xffff), PASS_NOT_IP },
	{ "ip_under_a_foreign_ethertype_passes", &closed,
	  { CLOSED4, .ethertype = LIE(0x0801) }, PASS_NOT_IP },
	{ "arp_passes_under_deny_all", &deny_all, NOT_IP(0x0806), PASS_NOT_IP },

	/* ---- frames that end too soon */
	{ "ipv4_with_no_header_is_malformed", &closed, { CLOSED4, .cut = LIE(14) },
	  DROP_MALFORMED },
	{ "ipv6_with_no_header_is_malformed", &closed, { CLOSED6, .cut = LIE(14) },
	  DROP_MALFORMED },
	{ "ipv4_one_byte_short_of_its_header_is_malformed", &closed,
	  { CLOSED4, .cut = LIE(33) }, DROP_MALFORMED },
	{ "ipv6_one_byte_short_of_its_header_is_malformed", &closed,
	  { CLOSED6, .cut = LIE(53) }, DROP_MALFORMED },
	{ "arp_with_no_payload_passes", &closed,
	  { .ethertype = LIE(0x0806), .cut = LIE(14) }, PASS_NOT_IP },

	/* ---- what the EtherType says and what is there */
	{ "ipv6_under_the_ethertype_of_ipv4_is_malformed", &closed,
	  { CLOSED6, .ethertype = LIE(0x0800) }, DROP_MALFORMED },
	{ "ipv4_under_the_ethertype_of_ipv6_is_malformed", &closed,
	  { CLOSED4, .ethertype = LIE(0x86dd), .payload = 32 }, DROP_MALFORMED },
};
/* clang-format on */

ROWS(rows_ethernet);
