/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rows.h: the table of packets.  A row is a statement, the scene it is about, a frame, and
 * what must come of it: the reason, and which counters move besides the reason's own.  A
 * counter that is not named must not move.
 */
#ifndef TIDEGATE_VERDICT_ROWS_H
#define TIDEGATE_VERDICT_ROWS_H

#include "stage.h"

/* ---- who is who: stage.h draws it ------------------------------------------------------ */

#define HOST4   "192.0.2.1"
#define HOST6   "2001:db8::1"
#define SECOND4 "192.0.2.5" /* of the host as well; 8080/tcp is published here alone */
#define SECOND6 "2001:db8::5"
#define NEW4    "192.0.2.77" /* of the host, and the policy does not know yet */
#define NEW6    "2001:db8::77"
#define VM4     "198.51.100.7" /* routed through the host */
#define VM6     "2001:db8:5::7"
#define FAR4    "198.18.0.1" /* somewhere behind the default route */
#define FAR6    "2001:db8:ffff::1"
#define NAT4    "172.17.0.2" /* a container behind NAT */
#define NAT6    "fd00:17::2"
#define ROUTED4 "172.30.0.2" /* a container in gateway mode routed */
#define ROUTED6 "fd00:30::2"

#define STRANGER4 FRAME_SADDR4
#define STRANGER6 FRAME_SADDR6
#define OFFICE4   "8.0.1.9"
#define OFFICE6   "2001:db8:86dd:1::9"
#define BANNED4   "8.0.66.6"
#define BANNED6   "2001:db8:86dd:66::6"
#define SAFE4     "8.0.10.10"
#define SAFE6     "2001:db8:86dd:10::10"
#define SERVER4   "8.0.53.53" /* host and containers have flows to it: flows.c */
#define SERVER6   "2001:db8:86dd:53::53"

/* ---- scenes ---------------------------------------------------------------------------- */

extern const struct scene closed; /* an empty configuration */
extern const struct scene rules;  /* SCENE_RULES, below */
extern const struct scene deny_all, allow_all;
extern const struct scene audit; /* `rules` in audit mode */
extern const struct scene audit_deny_all;
extern const struct scene expired; /* the rule's time is up, the policy is older */
extern const struct scene expired_allow_all;
extern const struct scene not_expired;
extern const struct scene no_policy;      /* both slots are empty */
extern const struct scene no_active;      /* the confirmed slot allows 6379/tcp */
extern const struct scene trial;          /* on trial: allow 6379/tcp; confirmed: nothing */
extern const struct scene trial_over;     /* the same past its deadline */
extern const struct scene trial_unbacked; /* past its deadline and nothing is confirmed */
extern const struct scene no_forwarding, no_forwarding_shared;
extern const struct scene shared, deny_all_no_forwarding_shared;
extern const struct scene dhcp, bound_dhcp;      /* names 68/udp and 546/udp; Docker bound 68/udp */
extern const struct scene no_forwarding_foreign; /* frames are to somebody else's MAC address */
extern const struct scene no_destinations, no_sources;    /* tables that lead nowhere */
extern const struct scene no_entries, no_ports, no_rules; /* zeros in their place */

extern const struct scene bound, bound_deny_all, bound_allow_all; /* Docker bound ports */

/* Nothing is said beforehand any more. */
void lose_entries(struct image *image);

extern const struct scene *const scenes[];
extern const size_t scenes_count;

/* Rules by their numbers. */
enum {
	RULE_ALLOW_80 = 1,
	RULE_ALLOW_443,
	RULE_OFFICE,      /* allow 6379/tcp from 8.0.1.0/24 */
	RULE_OFFICE_HALF, /* deny … from 8.0.1.128/25 */
	RULE_OFFICE_ONE,  /* allow … from 8.0.1.200 */
	RULE_EQUAL_ALLOW, /* allow … from 8.0.2.0/24 */
	RULE_EQUAL_DENY,  /* deny … from 8.0.2.0/24 */
	RULE_DENY_25,     /* deny 25/tcp from 8.0.3.0/24 */
	RULE_ON_SECOND,   /* allow 8080/tcp on 192.0.2.5 */
	RULE_RANGE,       /* allow 9002-9005/tcp */
	RULE_UDP,         /* allow 5300/udp from 8.0.1.0/24 */
	RULE_SCTP,        /* allow 3868/sctp from 8.0.1.0/24 */
	RULE_BAN,         /* 8.0.66.0/24 */
	RULE_SAFE_SOURCE, /* failsafe from 8.0.10.10 8.0.66.7 */
	RULE_SAFE_PORT,   /* failsafe 22/tcp */
	RULE_DIRECT,      /* allow container web port 80/tcp from 8.0.1.0/24 */
	RULE_DIRECT_NAT,  /* allow 5000/tcp on 172.17.0.2 from 8.0.1.0/24 */
	RULE_DIRECT_NAT6,
	RULE_UNPUBLISHED,   /* allow 7100-7110/tcp from 8.0.1.0/24 */
	RULE_SAFE_UDP,      /* failsafe 5353/udp from 8.0.1.0/24 */
	RULE_DENY_ANYWHERE, /* deny 26/tcp */
	RULE_MACVLAN,       /* allow 80/tcp on 192.0.2.40 from 8.0.1.0/24 */
};

/* ---- rows --------------------------------------------------------------------------------- */

struct row {
	const char *name;
	const struct scene *scene;
	struct frame frame;
	enum reason reason;
	const char *port;      /* its passed or dropped counter moves */
	unsigned int rule;     /* its counter moves */
	unsigned int gso_segs; /* only where the hook sees what GRO merged */
};

struct rows {
	const struct row *array;
	size_t count;
};

extern const struct rows rows_ethernet, rows_ipv4, rows_ipv6, rows_transport, rows_policy,
	rows_destination, rows_source, rows_reply, rows_bound, rows_image;

/* All of them. */
extern const struct rows *const tables[];
extern const size_t tables_count;

/* ---- words of the rows ------------------------------------------------------------------- */

#define FROM(address)     .saddr = (address)
#define TO(address, port) .daddr = (address), .dport = (port)
#define UDP               .protocol = IPPROTO_UDP
#define SCTP              .protocol = IPPROTO_SCTP
#define ICMP(type)        .protocol = IPPROTO_ICMP, .icmp_type = (type)
#define ICMPV6(type)      .protocol = IPPROTO_ICMPV6, .icmp_type = (type)
#define FLAGS(bits)       .flags = LIE(bits)
/* Identity of the port that holds on every address of the host. */
#define ANY4(proto, port) proto " 0.0.0.0 " #port
#define ANY6(proto, port) proto " :: " #port

/* What a row does not say is zero, and that is the point of the table. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define ROWS(name) const struct rows name = { array, sizeof(array) / sizeof(array[0]) }

#endif
