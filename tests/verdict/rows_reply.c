/* SPDX-License-Identifier: GPL-2.0-only */
/* rows_reply.c: what conntrack knows the host or a container to have begun.  flows.c. */
#include "rows.h"

#define REDIS4 ANY4("tcp", 6379)
#define REDIS6 ANY6("tcp", 6379)
#define ACK    FLAGS(TCP_ACK)

/* clang-format off */
static const struct row array[] = {
	{ "a_reply_to_the_host_passes_at_a_published_port", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6379), ACK }, PASS_REPLY },
	{ "a_udp_reply_to_the_host_passes_at_a_published_port", &closed,
	  { FROM(SERVER4), .sport = 53, TO(HOST4, 5300), UDP }, PASS_REPLY },
	{ "an_ipv6_reply_to_the_host_passes_at_a_published_port", &closed,
	  { FROM(SERVER6), .sport = 443, TO(HOST6, 6379), ACK }, PASS_REPLY },
	{ "an_ipv6_udp_reply_to_the_host_passes_at_a_published_port", &closed,
	  { FROM(SERVER6), .sport = 53, TO(HOST6, 5300), UDP }, PASS_REPLY },
	{ "a_reply_behind_options_passes", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6379), ACK, .options = 8 }, PASS_REPLY },
	{ "a_reply_behind_extension_headers_passes", &closed,
	  { FROM(SERVER6), .sport = 443, TO(HOST6, 6379), ACK,
	    .extensions = { HOPOPTS(0), DSTOPTS(1) } }, PASS_REPLY },
	{ "a_tagged_reply_passes", &closed,
	  { .tags = { DOT1Q(5) }, FROM(SERVER4), .sport = 443, TO(HOST4, 6379), ACK }, PASS_REPLY },
	{ "a_first_fragment_of_a_reply_passes", &closed,
	  { FROM(SERVER4), .sport = 53, TO(HOST4, 5300), UDP, .more = true, .payload = 1000 },
	  PASS_REPLY },
	{ "a_syn_ack_is_a_reply", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6379), FLAGS(TCP_SYN | TCP_ACK) }, PASS_REPLY },
	{ "a_reset_is_a_reply", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6379), FLAGS(TCP_RST) }, PASS_REPLY },
	{ "a_syn_is_never_a_reply", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6379) }, DROP_CLOSED, REDIS4 },
	{ "a_syn_with_fin_is_never_a_reply", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6379), FLAGS(TCP_SYN | TCP_FIN) }, DROP_CLOSED,
	  REDIS4 },
	{ "another_source_port_is_no_reply", &closed,
	  { FROM(SERVER4), .sport = 444, TO(HOST4, 6379), ACK }, DROP_CLOSED, REDIS4 },
	{ "another_source_is_no_reply", &closed,
	  { .sport = 443, TO(HOST4, 6379), ACK }, DROP_CLOSED, REDIS4 },
	{ "another_destination_is_no_reply", &closed,
	  { FROM(SERVER4), .sport = 443, TO(SECOND4, 6379), ACK }, DROP_CLOSED, REDIS4 },
	{ "another_port_is_no_reply", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6390), ACK }, DROP_CLOSED, ANY4("tcp", 6390) },
	{ "another_protocol_is_no_reply", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 5300), UDP }, DROP_CLOSED, ANY4("udp", 5300) },
	{ "a_reply_to_a_new_address_passes", &closed,
	  { FROM(SERVER4), .sport = 443, TO(NEW4, 6379), ACK }, PASS_REPLY },
	{ "a_reply_to_a_masqueraded_container_passes", &closed,
	  { FROM(SERVER4), .sport = 8443, TO(HOST4, 6379), ACK }, PASS_REPLY },
	{ "a_udp_reply_to_a_masqueraded_container_passes", &closed,
	  { FROM(SERVER4), .sport = 123, TO(HOST4, 5300), UDP }, PASS_REPLY },
	{ "a_reply_to_a_containers_own_address_passes", &closed,
	  { FROM(SERVER4), .sport = 443, TO(NAT4, 44001), ACK }, PASS_REPLY },
	{ "a_syn_to_a_containers_own_address_is_no_reply", &closed,
	  { FROM(SERVER4), .sport = 443, TO(NAT4, 44001) }, DROP_DIRECT },
	{ "a_reply_to_a_routed_container_passes", &closed,
	  { FROM(SERVER4), .sport = 443, TO(ROUTED4, 44001), ACK }, PASS_REPLY },
	{ "an_ipv6_reply_to_a_routed_container_passes", &closed,
	  { FROM(SERVER6), .sport = 443, TO(ROUTED6, 44001), ACK }, PASS_REPLY },
	{ "a_flow_of_a_container_opens_no_other_port_of_it", &closed,
	  { FROM(SERVER4), .sport = 443, TO(NAT4, 44002), ACK }, DROP_DIRECT },

	/* What the outside began is not a reply, however long it has lived. */
	{ "an_open_flow_of_a_stranger_is_cut", &closed,
	  { .sport = 50000, TO(HOST4, 6379), ACK, .payload = 100 }, DROP_CLOSED, REDIS4 },
	{ "an_open_flow_to_a_container_is_cut", &closed,
	  { .sport = 50001, TO(HOST4, 6379), ACK, .payload = 100 }, DROP_CLOSED, REDIS4 },
	{ "an_open_udp_flow_to_a_container_is_cut", &closed,
	  { .sport = 50001, TO(HOST4, 5300), UDP, .payload = 100 }, DROP_CLOSED,
	  ANY4("udp", 5300) },
	{ "an_open_ipv6_flow_to_a_container_is_cut", &closed,
	  { .sport = 50001, TO(HOST6, 6379), ACK, .payload = 100 }, DROP_CLOSED, REDIS6 },
	{ "an_open_flow_is_cut_under_deny_all", &deny_all,
	  { .sport = 50000, TO(HOST4, 6379), ACK, .payload = 100 }, DROP_CLOSED, REDIS4 },

	{ "a_reply_at_a_port_nobody_named_passes_under_deny_all", &deny_all,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 33000), ACK }, PASS_REPLY },
	{ "a_udp_reply_at_a_port_nobody_named_passes_under_deny_all", &deny_all,
	  { FROM(SERVER4), .sport = 53, TO(HOST4, 33000), UDP }, PASS_REPLY },
	{ "a_reply_at_a_port_nobody_guards_is_not_asked_about", &closed,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 33000), ACK }, PASS_UNGUARDED },
	/* bpf_ct_lookup knows TCP and UDP only. */
	{ "an_sctp_reply_cannot_be_told_from_a_new_flow", &closed,
	  { FROM(SERVER4), .sport = 3869, TO(HOST4, 3868), SCTP }, DROP_CLOSED,
	  ANY4("sctp", 3868) },
	{ "a_reply_is_counted_as_such_in_audit_mode", &audit,
	  { FROM(SERVER4), .sport = 443, TO(HOST4, 6379), ACK }, PASS_REPLY },
};
/* clang-format on */

ROWS(rows_reply);
