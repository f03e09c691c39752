/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rows_image.c: which image enforces, and what happens without one, or with one that is
 * not what image_check() would accept.  What is not known does not enter.
 */
#include "rows.h"

#define REDIS4 ANY4("tcp", 6379)
#define REDIS6 ANY6("tcp", 6379)
#define ARP    { .ethertype = LIE(0x0806), .payload = 28 }

/* clang-format off */
static const struct row array[] = {
	/* ---- none */
	{ "without_a_policy_nothing_enters", &no_policy, { TO(HOST4, 6379) }, DROP_NO_POLICY },
	{ "without_a_policy_ssh_does_not_enter", &no_policy, { TO(HOST4, 22) }, DROP_NO_POLICY },
	{ "without_a_policy_no_ipv6_enters", &no_policy, { TO(HOST6, 22) }, DROP_NO_POLICY },
	{ "without_a_policy_no_echo_enters", &no_policy, { TO(HOST4, 0), ICMP(8) },
	  DROP_NO_POLICY },
	{ "without_a_policy_no_neighbour_solicitation_enters", &no_policy,
	  { TO(HOST6, 0), ICMPV6(135) }, DROP_NO_POLICY },
	{ "without_a_policy_no_reply_enters", &no_policy,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6379), FLAGS(TCP_ACK) }, DROP_NO_POLICY },
	{ "without_a_policy_no_malformed_packet_enters", &no_policy,
	  { TO(HOST4, 6379), .ihl = LIE(4) }, DROP_NO_POLICY },
	{ "without_a_policy_arp_passes", &no_policy, ARP, PASS_NOT_IP },
	{ "without_an_active_policy_the_confirmed_one_decides", &no_active, { TO(HOST4, 6379) },
	  PASS_ALLOWED, REDIS4, 1 },
	{ "without_an_active_policy_the_confirmed_one_closes", &no_active, { TO(HOST4, 9000) },
	  DROP_CLOSED, ANY4("tcp", 9000-9010) },

	/* ---- trial */
	{ "a_policy_on_trial_decides", &trial, { TO(HOST4, 6379) }, PASS_ALLOWED, REDIS4, 1 },
	{ "an_ipv6_packet_is_decided_by_the_policy_on_trial", &trial, { TO(HOST6, 6379) },
	  PASS_ALLOWED, REDIS6, 1 },
	{ "past_its_deadline_the_confirmed_policy_decides", &trial_over, { TO(HOST4, 6379) },
	  DROP_CLOSED, REDIS4 },
	{ "past_its_deadline_the_confirmed_policy_decides_for_ipv6", &trial_over,
	  { TO(HOST6, 6379) },
	  DROP_CLOSED, REDIS6 },
	{ "past_its_deadline_the_confirmed_policy_leaves_ssh_alone", &trial_over, { TO(HOST4, 22) },
	  PASS_UNGUARDED },
	{ "past_its_deadline_without_a_confirmed_policy_nothing_enters", &trial_unbacked,
	  { TO(HOST4, 6379) }, DROP_NO_POLICY },
	{ "past_its_deadline_without_a_confirmed_policy_arp_passes", &trial_unbacked, ARP,
	  PASS_NOT_IP },

	/* ---- damaged */
	{ "destinations_that_are_missing_close_a_port", &no_destinations, { TO(HOST4, 6379) },
	  DROP_NO_POLICY },
	{ "destinations_that_are_missing_close_an_ipv6_port", &no_destinations, { TO(HOST6, 6379) },
	  DROP_NO_POLICY },
	{ "destinations_that_are_missing_close_a_port_nobody_guards", &no_destinations,
	  { TO(HOST4, 22222) }, DROP_NO_POLICY },
	{ "destinations_that_are_missing_close_echo", &no_destinations, { TO(HOST4, 0), ICMP(8) },
	  DROP_NO_POLICY },
	{ "sources_that_are_missing_close_a_port_with_rules", &no_sources,
	  { FROM(OFFICE4), TO(HOST4, 6379) },
	  DROP_NO_POLICY },
	{ "sources_that_are_missing_close_an_ipv6_port_with_rules", &no_sources,
	  { FROM(OFFICE6), TO(HOST6, 6379) }, DROP_NO_POLICY },
	{ "a_port_without_verdict_entry_is_allowed_by_its_rule", &no_entries,
	  { TO(HOST4, 80) }, PASS_ALLOWED, ANY4("tcp", 80), 1 },
	{ "a_port_without_verdict_entry_is_closed_by_its_port", &no_entries,
	  { TO(HOST4, 6379) }, DROP_CLOSED, ANY4("tcp", 6379) },
	{ "ports_of_zeros_let_nobody_in", &no_ports, { TO(HOST4, 80) }, DROP_CLOSED },
	{ "ports_of_zeros_let_no_allowed_source_in", &no_ports, { FROM(OFFICE6), TO(HOST6, 6379) },
	  DROP_CLOSED },
	{ "rules_of_zeros_let_nobody_in", &no_rules, { TO(HOST4, 80) }, DROP_CLOSED,
	  ANY4("tcp", 80) },
	{ "rules_of_zeros_let_no_allowed_source_in", &no_rules, { FROM(OFFICE6), TO(HOST6, 6379) },
	  DROP_CLOSED, ANY6("tcp", 6379) },
	{ "a_damaged_policy_lets_arp_pass", &no_rules, ARP, PASS_NOT_IP },
};
/* clang-format on */

ROWS(rows_image);
