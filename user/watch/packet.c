/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet.c: headers for people to read.  What decided has read them by itself (bpf/parse.h); what
 * is odd here is only shown as less.
 */
#include "watch/packet.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#define VLAN_BYTES 4
#define VLAN_TAGS  2

static bool has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static __u16 read16(const struct event *event, size_t at)
{
	return event->bytes[at] << 8 | event->bytes[at + 1];
}

size_t packet_network(const struct event *event)
{
	size_t at = offsetof(struct ethhdr, h_proto);

	if (event->flags & EVENT_L3)
		return 0;
	for (int i = 0; i < VLAN_TAGS && at + 2 <= event->captured; i++) {
		__u16 ethertype = read16(event, at);

		if (ethertype != ETH_P_8021Q && ethertype != ETH_P_8021AD)
			break;
		at += VLAN_BYTES;
	}
	at += 2;
	return at < event->captured ? at : event->captured;
}

static void read_ports(const struct event *event, size_t at, struct sighting *sighting)
{
	if (!has_ports(sighting->proto) || at + 4 > event->captured)
		return;
	sighting->has_ports = true;
	sighting->sport = read16(event, at);
	sighting->dport = read16(event, at + 2);
}

static void read_ipv4(const struct event *event, size_t at, struct sighting *sighting)
{
	struct iphdr ip;

	if (at + sizeof(ip) > event->captured)
		return;
	memcpy(&ip, event->bytes + at, sizeof(ip));
	sighting->saddr = prefix_from_address(4, &ip.saddr);
	sighting->daddr = prefix_from_address(4, &ip.daddr);
	sighting->proto = ip.protocol;
	if (!(ntohs(ip.frag_off) & 0x1fff) && ip.ihl >= 5)
		read_ports(event, at + ip.ihl * 4, sighting);
}

/* Ports only right behind the header: extension headers are rare. */
static void read_ipv6(const struct event *event, size_t at, struct sighting *sighting)
{
	struct ipv6hdr ip6;

	if (at + sizeof(ip6) > event->captured)
		return;
	memcpy(&ip6, event->bytes + at, sizeof(ip6));
	sighting->saddr = prefix_from_address(6, &ip6.saddr);
	sighting->daddr = prefix_from_address(6, &ip6.daddr);
	sighting->proto = ip6.nexthdr;
	read_ports(event, at + sizeof(ip6), sighting);
}

static void read_flow(const struct event *event, struct sighting *sighting)
{
	sighting->saddr = prefix_from_address(event->family, event->saddr);
	sighting->daddr = prefix_from_address(event->family, event->daddr);
	sighting->proto = event->protocol;
	sighting->has_ports = has_ports(event->protocol);
	sighting->sport = ntohs(event->sport);
	sighting->dport = ntohs(event->dport);
}

void packet_read(const struct event *event, struct sighting *sighting)
{
	size_t at = packet_network(event);

	if (event->family)
		read_flow(event, sighting);
	else if (at < event->captured && event->bytes[at] >> 4 == 4)
		read_ipv4(event, at, sighting);
	else if (at < event->captured && event->bytes[at] >> 4 == 6)
		read_ipv6(event, at, sighting);
}
