/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit.h: how much of everything there can be.  tidegate(8) has each of these with its number.
 */
#ifndef TIDEGATE_LIMIT_H
#define TIDEGATE_LIMIT_H

#define LIMIT_COUNTERS     65536 /* reasons, 2 for each guarded port, 1 for each rule; combined */
#define LIMIT_RULES        8192  /* entries of image_header.rules, but those of the defaults */
#define LIMIT_PORTS        16384 /* guarded ports, each protocol and family (a range counts once) */
#define LIMIT_CLASSES      65535 /* classes of source address */
#define LIMIT_DESTINATIONS 8192  /* address ranges with a meaning of their own, each family */
#define LIMIT_PREFIXES     2000000 /* source prefixes over all rules */
#define LIMIT_INTERFACES   256     /* guarded interfaces */
#define LIMIT_KNOWN        4096    /* interfaces that are noted, guarded or not */
#define LIMIT_MACS         4096    /* link-layer addresses of this host */
#define LIMIT_BOUND        65536   /* ports bound by Docker at one address and not forgotten */
#define LIMIT_VLAN_TAGS    2       /* 802.1Q and 802.1ad in front of the IP header */
#define LIMIT_IPV4_OPTIONS 8       /* in one header */
#define LIMIT_IPV6_HEADERS 8       /* extension headers in front of the ports */

#endif
