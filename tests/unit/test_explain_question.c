/* SPDX-License-Identifier: GPL-2.0-only */
/* test_explain_question.c: which packet is meant, by what people type and by the lines of logs. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "explain/explain.h"
#include "base/cleanup.h"
#include "base/proto.h"

/* "SOURCE:PORT DESTINATION PORT/PROTO FLAGS INTERFACE", or the error. */
static void describe(char *const *words, size_t count, char *ret, size_t size)
{
	struct explain_question question;
	struct error error = {};
	char saddr[PREFIX_STRLEN], daddr[PREFIX_STRLEN] = "-";
	int err = explain_read_question(words, count, &question, &error);

	if (err < 0) {
		assert_int_equal(err, -EINVAL);
		assert_true(error.text[0] != '\0');
		snprintf(ret, size, "%s", error.text);
		return;
	}
	if (question.daddr.family)
		prefix_format(&question.daddr, daddr);
	snprintf(ret, size, "%s %u > %s %u/%s %02x %s", prefix_format(&question.saddr, saddr),
		 question.sport, daddr, question.dport, proto_name(question.proto),
		 question.tcp_flags, question.interface);
}

static void assert_line(const char *line, const char *expected)
{
	char text[ERROR_TEXT], *words[] = { (char *)line };

	describe(words, 1, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void what_people_type(void **state)
{
	assert_line("203.0.113.7 6379", "203.0.113.7 0 > - 6379/tcp 02 ");
	assert_line("203.0.113.7 53/udp in eth0", "203.0.113.7 0 > - 53/udp 02 eth0");
	assert_line("2001:db8::7 2001:db8::1 443", "2001:db8::7 0 > 2001:db8::1 443/tcp 02 ");
	assert_line("from 203.0.113.7 to 192.0.2.1 port 443 proto sctp",
		    "203.0.113.7 0 > 192.0.2.1 443/sctp 02 ");
	/* The last group of an address is no port. */
	assert_line("2001:db8::1:7 2001:db8::1:8 443",
		    "2001:db8::1:7 0 > 2001:db8::1:8 443/tcp 02 ");
}

static void what_people_mistype(void **state)
{
	assert_line("203.0.113.7", "the port is missing");
	assert_line("", "the source is missing");
	assert_line("203.0.113.7 0", "'0': not a port, which is 1 to 65535[/tcp]");
	assert_line("203.0.113.7 65536", "'65536': not a port, which is 1 to 65535[/tcp]");
	assert_line("203.0.113.7 80/icmp",
		    "'80/icmp': unknown protocol 'icmp', use tcp, udp or sctp");
	assert_line("203.0.113.0/24 80",
		    "'203.0.113.0/24': a packet has one address: name one of them");
	assert_line("203.0.113.7 2001:db8::1 80", "source and destination are of two families");
	assert_line("203.0.113.7 80 in", "'in': something is missing behind it");
	assert_line("203.0.113.7 80 443", "'443': one port too many");
	assert_line("203.0.113.7 192.0.2.1 192.0.2.2 80", "'192.0.2.2': one address too many");
	assert_line("203.0.113.7 80 in a-name-that-no-interface-has",
		    "'a-name-that-no-interface-has': too long for an interface");
}

static void a_line_of_the_kernels_log(void **state)
{
	assert_line("Nov 27 12:01:07 host kernel: [12.3] [UFW BLOCK] IN=eth0 OUT= "
		    "MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=203.0.113.7 DST=192.0.2.1 "
		    "LEN=60 TOS=0x00 PREC=0x00 TTL=52 ID=1 DF PROTO=TCP SPT=40122 DPT=6379 "
		    "WINDOW=64240 RES=0x00 SYN URGP=0",
		    "203.0.113.7 40122 > 192.0.2.1 6379/tcp 02 eth0");
	/* nft: `log prefix "drop "`, IPv6 */
	assert_line("drop IN=eth0 OUT= MAC=02:00 SRC=2001:0db8:0000:0000:0000:0000:0000:0007 "
		    "DST=2001:0db8:0000:0000:0000:0000:0000:0001 LEN=48 TC=0 HOPLIMIT=64 "
		    "FLOWLBL=0 PROTO=UDP SPT=5353 DPT=53 LEN=8",
		    "2001:db8::7 5353 > 2001:db8::1 53/udp 02 eth0");
	assert_line("IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 PROTO=TCP SPT=1 DPT=80 ACK FIN",
		    "203.0.113.7 1 > 192.0.2.1 80/tcp 11 eth0");
	assert_line("IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 PROTO=TCP SPT=1 DPT=80 ACK PSH",
		    "203.0.113.7 1 > 192.0.2.1 80/tcp 18 eth0");
	assert_line("IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 PROTO=TCP SPT=1 DPT=80 RST",
		    "203.0.113.7 1 > 192.0.2.1 80/tcp 04 eth0");
	/* A word of the prefix is no flag. */
	assert_line("no ACK here IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 PROTO=TCP SPT=1 DPT=80 "
		    "SYN",
		    "203.0.113.7 1 > 192.0.2.1 80/tcp 02 eth0");
}

static void a_line_of_the_kernels_log_that_is_no_question(void **state)
{
	assert_line("IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 PROTO=ICMP TYPE=8 CODE=0",
		    "'ICMP': only TCP, UDP and SCTP have ports, and are asked about");
	assert_line("IN=eth0 OUT= SRC=203.0.113.7 DST=192.0.2.1 PROTO=TCP", "the line has no DPT=");
	assert_line("IN=eth0 OUT= SRC=203.0.1",
		    "'203.0.1': no IPv4 or IPv6 prefix, write it as 192.0.2.0/24 or 2001:db8::/32");
	assert_line("IN=eth0 SRC=",
		    "'': no IPv4 or IPv6 prefix, write it as 192.0.2.0/24 or 2001:db8::/32");
	assert_line("IN=eth0 SRC=203.0.113.7 DPT=80 SPT=99999 PROTO=TCP",
		    "'99999': not a port, which is 1 to 65535[/tcp]");
	assert_line("IN=eth0 SRC=203.0.113.7 DPT=80", "the line has no PROTO=");
	assert_line("IN=eth0 OUT=docker0 SRC=203.0.113.7 DST=172.17.0.2 PROTO=TCP SPT=1 DPT=80 SYN",
		    "the line is of a packet behind the filter, on its way to 172.17.0.2: where it "
		    "was sent to is not in it; name the port that is published");
}

static void a_line_of_ss(void **state)
{
	assert_line("tcp ESTAB 0 0 192.0.2.1:6379 203.0.113.7:40122 users:((\"x\",pid=1,fd=3))",
		    "203.0.113.7 40122 > 192.0.2.1 6379/tcp 02 ");
	assert_line("ESTAB 0 0 192.0.2.1%eth0:6379 203.0.113.7:40122",
		    "203.0.113.7 40122 > 192.0.2.1 6379/tcp 02 ");
	assert_line("udp ESTAB 0 0 [2001:db8::1]:53 [2001:db8::7]:40122",
		    "2001:db8::7 40122 > 2001:db8::1 53/udp 02 ");
	assert_line("tcp ESTAB 0 0 [fe80::1]%eth0:22 [fe80::2]%eth0:40122",
		    "fe80::2 40122 > fe80::1 22/tcp 02 ");
	/* A socket of both families has IPv4 packets. */
	assert_line("tcp ESTAB 0 0 [::ffff:192.0.2.1]:80 [::ffff:203.0.113.7]:40122",
		    "203.0.113.7 40122 > 192.0.2.1 80/tcp 02 ");
	/* Nobody is at the other end. */
	assert_line("tcp LISTEN 0 128 0.0.0.0:6379 0.0.0.0:*",
		    "'tcp': no IPv4 or IPv6 prefix, write it as 192.0.2.0/24 or 2001:db8::/32");
}

static void a_line_of_conntrack(void **state)
{
	assert_line(
		"tcp      6 117 SYN_SENT src=203.0.113.7 dst=192.0.2.1 sport=40122 dport=6379 "
		"[UNREPLIED] src=172.17.0.2 dst=203.0.113.7 sport=6379 dport=40122 mark=0 use=1",
		"203.0.113.7 40122 > 192.0.2.1 6379/tcp 02 ");
	assert_line("ipv6 10 udp 17 29 src=2001:db8::7 dst=2001:db8::1 sport=5353 dport=53 "
		    "src=2001:db8::1 dst=2001:db8::7 sport=53 dport=5353",
		    "2001:db8::7 5353 > 2001:db8::1 53/udp 02 ");
	assert_line("icmp 1 29 src=203.0.113.7 dst=192.0.2.1 type=8 code=0 id=1",
		    "the line names neither tcp, udp nor sctp");
	assert_line("tcp 6 117 SYN_SENT src=203.0.113.7 dst=192.0.2.1 sport=4",
		    "the line has no dport=");
	assert_line("udplite 136 29 src=203.0.113.7 dst=192.0.2.1 sport=1 dport=2",
		    "the line names neither tcp, udp nor sctp");
}

static void a_line_of_watch(void **state)
{
	assert_line("12:01:07 eth0 203.0.113.7:40122 → 6379/tcp cache closed",
		    "203.0.113.7 40122 > - 6379/tcp 02 eth0");
	assert_line("12:01:07 eth0 [2001:db8::7]:40122 → 53/udp unguarded ×412",
		    "2001:db8::7 40122 > - 53/udp 02 eth0");
	assert_line("203.0.113.7 -> 80", "203.0.113.7 0 > - 80/tcp 02 ");
	assert_line("→ 80", "a line of `watch` is TIME IFACE SOURCE → PORT");
	assert_line("203.0.113.7 →", "a line of `watch` is TIME IFACE SOURCE → PORT");
}

/* What nobody's log has: it ends with an error, and reads nothing that is not there. */
static void hostile_lines(void **state)
{
	static const char *const lines[] = {
		"tcp 192.0.2.1:0 203.0.113.7:1",
		"SRC=",
		"src=",
		"src= dst= sport= dport=",
		"SRC=\x01 DPT=\xff",
		"[]:1 []:2",
		":1 :2",
		"[:1 ]:2",
		"%:1 %:2",
		"in in in",
		"from from",
		"port",
		"→",
		"→ →",
		"SRC=1.2.3.4 DPT=",
	};
	static char wide[70000];
	char text[ERROR_TEXT], *words[] = { wide };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		words[0] = (char *)lines[i];
		describe(words, 1, text, sizeof(text));
		assert_null(strstr(text, " > "));
	}
	memset(wide, 'a', sizeof(wide) - 1);
	words[0] = wide;
	describe(words, 1, text, sizeof(text));
	assert_null(strstr(text, " > "));
	for (size_t i = 0; i + 1 < sizeof(wide); i += 2)
		wide[i] = ' ';
	describe(words, 1, text, sizeof(text));
	assert_null(strstr(text, " > "));
}

static void names_of_containers(void **state)
{
	char *one[] = { (char *)"cache" }, *compose[] = { (char *)"shop/db" },
	     *two[] = { (char *)"container", (char *)"203.0.113.7" },
	     *address[] = { (char *)"2001:db8::7" }, *line[] = { (char *)"SRC=203.0.113.7" },
	     *empty[] = { (char *)"" }, *packet[] = { (char *)"203.0.113.7", (char *)"80" };
	struct explain_name name;

	assert_int_equal(explain_read_name(one, 1, &name), 0);
	assert_int_equal(name.kind, EXPLAIN_CONTAINER);
	assert_int_equal(explain_read_name(compose, 1, &name), 0);
	assert_int_equal(name.kind, EXPLAIN_COMPOSE);
	assert_int_equal(explain_read_name(two, 2, &name), 0);
	assert_string_equal(name.text, "203.0.113.7");
	assert_int_equal(explain_read_name(address, 1, &name), -ENOENT);
	assert_int_equal(explain_read_name(line, 1, &name), -ENOENT);
	assert_int_equal(explain_read_name(empty, 1, &name), -ENOENT);
	assert_int_equal(explain_read_name(packet, 2, &name), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_type),
		cmocka_unit_test(what_people_mistype),
		cmocka_unit_test(a_line_of_the_kernels_log),
		cmocka_unit_test(a_line_of_the_kernels_log_that_is_no_question),
		cmocka_unit_test(a_line_of_ss),
		cmocka_unit_test(a_line_of_conntrack),
		cmocka_unit_test(a_line_of_watch),
		cmocka_unit_test(hostile_lines),
		cmocka_unit_test(names_of_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
