/* SPDX-License-Identifier: GPL-2.0-only */
/* form.c: lines of text.  See form.h. */
#include "watch/form.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/in.h>
#include <string.h>

#include "reason.h"
#include "watch/packet.h"
#include "base/cleanup.h"
#include "base/proto.h"

/* "203.0.113.7:40122", "[2001:db8::1]:443", "?" */
#define SOURCE_TEXT (PREFIX_STRLEN + 10)
static const char *source_text(const struct sighting *sighting, char buf[static SOURCE_TEXT])
{
	char text[PREFIX_STRLEN];

	if (!sighting->saddr.family)
		return "?";
	prefix_format(&sighting->saddr, text);
	if (!sighting->has_ports)
		snprintf(buf, SOURCE_TEXT, "%s", text);
	else if (sighting->saddr.family == 4)
		snprintf(buf, SOURCE_TEXT, "%s:%u", text, sighting->sport);
	else
		snprintf(buf, SOURCE_TEXT, "[%s]:%u", text, sighting->sport);
	return buf;
}

/* "6379/tcp", "icmp", "protocol 47" */
#define PORT_TEXT 24
static const char *port_text(const struct sighting *sighting, char buf[static PORT_TEXT])
{
	if (sighting->has_ports)
		snprintf(buf, PORT_TEXT, "%u/%s", sighting->dport, proto_name(sighting->proto));
	else if (sighting->proto == IPPROTO_ICMP || sighting->proto == IPPROTO_ICMPV6)
		snprintf(buf, PORT_TEXT, "%s", sighting->proto == IPPROTO_ICMP ? "icmp" : "icmpv6");
	else
		snprintf(buf, PORT_TEXT, "protocol %u", sighting->proto);
	return buf;
}

static void put_time(const struct sighting *sighting, const char *format, FILE *out)
{
	struct tm tm;
	char text[32];

	localtime_r(&sighting->at.tv_sec, &tm);
	strftime(text, sizeof(text), format, &tm);
	fputs(text, out);
}

void form_packet(const struct sighting *sighting, const char *file, FILE *out)
{
	char source[SOURCE_TEXT], port[PORT_TEXT];
	const char *missing = watch_missing(sighting);

	fprintf(out, "%s %s → %s", sighting->interface, source_text(sighting, source),
		port_text(sighting, port));
	if (sighting->owner[0])
		fprintf(out, " %s", sighting->owner);
	else if (sighting->process[0])
		fprintf(out, " %s (host)", sighting->process);
	fprintf(out, " %s", reason_name(sighting->reason));
	if (sighting->is_audit)
		fputs(" (audit: passed)", out);
	if (sighting->rule[0] && sighting->line)
		fprintf(out, " %s (%s:%u)", sighting->rule, file, sighting->line);
	else if (sighting->rule[0])
		fprintf(out, " %s", sighting->rule);
	if (missing[0])
		fprintf(out, " (%s)", missing);
	if (sighting->count > 1 || !sighting->event)
		fprintf(out, " ×%u", sighting->count);
}

void form_text(const struct sighting *sighting, const char *file, FILE *out)
{
	put_time(sighting, "%H:%M:%S ", out);
	form_packet(sighting, file, out);
	fputs("\n", out);
}

/* ---- netfilter's -------------------------------------------------------------------------- */

/* net/netfilter/nf_log_syslog.c: destination, source and type, all in one. */
static void put_mac(const struct event *event, FILE *out)
{
	fputs("MAC=", out);
	for (size_t i = 0; !(event->flags & EVENT_L3) && i < ETH_HLEN && i < event->captured; i++)
		fprintf(out, "%s%02x", i ? ":" : "", event->bytes[i]);
	fputs(" ", out);
}

static size_t put_ipv4(const struct event *event, size_t at, FILE *out)
{
	struct iphdr ip;

	if (at + sizeof(ip) > event->captured)
		return event->captured;
	memcpy(&ip, event->bytes + at, sizeof(ip));
	fprintf(out, "LEN=%u TOS=0x%02X PREC=0x%02X TTL=%u ID=%u ", ntohs(ip.tot_len),
		ip.tos & 0x1e, ip.tos & 0xe0, ip.ttl, ntohs(ip.id));
	if (ip.frag_off & htons(0x4000))
		fputs("DF ", out);
	if (ip.frag_off & htons(0x2000))
		fputs("MF ", out);
	return at + ip.ihl * 4;
}

static size_t put_ipv6(const struct event *event, size_t at, FILE *out)
{
	struct ipv6hdr ip6;

	if (at + sizeof(ip6) > event->captured)
		return event->captured;
	memcpy(&ip6, event->bytes + at, sizeof(ip6));
	fprintf(out, "LEN=%zu TC=%u HOPLIMIT=%u FLOWLBL=%u ", ntohs(ip6.payload_len) + sizeof(ip6),
		ip6.priority << 4 | ip6.flow_lbl[0] >> 4, ip6.hop_limit,
		(ip6.flow_lbl[0] & 15) << 16 | ip6.flow_lbl[1] << 8 | ip6.flow_lbl[2]);
	return at + sizeof(ip6);
}

static void put_tcp(const struct event *event, size_t at, FILE *out)
{
	static const char *const flags[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG" };
	/* As the kernel orders them. */
	static const unsigned char order[] = { 5, 4, 3, 2, 1, 0 };
	const unsigned char *tcp = event->bytes + at;

	if (at + 20 > event->captured)
		return;
	fprintf(out, "WINDOW=%u RES=0x%02x ", tcp[14] << 8 | tcp[15], tcp[12] & 0xf);
	for (size_t i = 0; i < sizeof(order); i++)
		if (tcp[13] >> order[i] & 1)
			fprintf(out, "%s ", flags[order[i]]);
	fprintf(out, "URGP=%u ", tcp[18] << 8 | tcp[19]);
}

static void put_transport(const struct sighting *sighting, size_t at, FILE *out)
{
	char name[8] = "";
	const char *lower = proto_name(sighting->proto);

	for (size_t i = 0; sighting->has_ports && lower[i] && i < sizeof(name) - 1; i++)
		name[i] = lower[i] & ~0x20;
	if (!sighting->has_ports) {
		fprintf(out, "PROTO=%u ", sighting->proto);
		return;
	}
	fprintf(out, "PROTO=%s SPT=%u DPT=%u ", name, sighting->sport, sighting->dport);
	if (sighting->proto == IPPROTO_TCP)
		put_tcp(sighting->event, at, out);
	else if (sighting->proto == IPPROTO_UDP && at + 8 <= sighting->event->captured)
		fprintf(out, "LEN=%u ",
			sighting->event->bytes[at + 4] << 8 | sighting->event->bytes[at + 5]);
}

void form_kernel(const struct sighting *sighting, const char *host, FILE *out)
{
	const struct event *event = sighting->event;
	char saddr[PREFIX_STRLEN], daddr[PREFIX_STRLEN];
	size_t at;

	if (!sighting->saddr.family || !event)
		return;
	at = packet_network(event);
	put_time(sighting, "%b %e %H:%M:%S", out);
	fprintf(out, " %s kernel: [%5llu.%06llu] [TIDEGATE %s] IN=%s OUT= ", host,
		event->time_ns / 1000000000, event->time_ns % 1000000000 / 1000,
		sighting->is_drop    ? "DROP"
		: sighting->is_audit ? "AUDIT"
				     : "PASS",
		sighting->interface);
	put_mac(event, out);
	fprintf(out, "SRC=%s DST=%s ", prefix_format(&sighting->saddr, saddr),
		prefix_format(&sighting->daddr, daddr));
	at = sighting->saddr.family == 4 ? put_ipv4(event, at, out) : put_ipv6(event, at, out);
	put_transport(sighting, at, out);
	fputs("\n", out);
}
