#!/bin/bash
# Promise 2: an allowed source reaches the service, which sees the source's real address;
# everybody else finds the port closed.  IPv6 here is NATed by Docker as IPv4 is.
. "$(dirname "$0")/lib.sh"

expect_peer() {
	local answer
	answer=$(ask "$1" "$2" "$3" -w "$open_ms")
	expect_equal "the service behind $2 port $3 sees $1 as $(address "$1" "$2")" \
		"${answer% *}" "open peer $(address "$1" "$2")"
}

network_up
engine_start --experimental --ip6tables --ipv6 --fixed-cidr-v6 fd00:d0c::/64
publish cache -p 6379:6379 -p 5353:53/udp

because="without tidegate"
expect_open stranger $host4 6379/tcp 5353/udp
expect_open stranger $host6 6379/tcp 5353/udp
expect_peer office $host4 6379/tcp
expect_peer office $host6 6379/tcp

configure </dev/null
expect "tidegate up succeeds" tidegate up
because="before the allow"
expect_closed office $host4 6379/tcp 5353/udp
expect_closed office $host6 6379/tcp 5353/udp

expect "an address can be allowed" tidegate allow 6379/tcp from $office4
because="allowed from the office's IPv4 address"
expect_open office $host4 6379/tcp
expect_peer office $host4 6379/tcp
because="the allow names another source, port or family"
expect_closed stranger $host4 6379/tcp
expect_closed office $host4 5353/udp
expect_closed office $host6 6379/tcp

expect "a prefix can be allowed" tidegate allow 6379/tcp from 2001:db8::/123
expect "a port can be allowed" tidegate allow 5353/udp from $office4
expect "and for IPv6" tidegate allow 5353/udp from $office6
because="allowed by now"
expect_open office $host4 6379/tcp 5353/udp
expect_open office $host6 6379/tcp 5353/udp
expect_peer office $host6 6379/tcp
expect_peer office $host4 5353/udp
because="still nothing allows it"
expect_closed stranger $host4 6379/tcp 5353/udp
expect_closed stranger $host6 6379/tcp 5353/udp

expect "a deny of a more specific source wins" tidegate deny 6379/tcp from $office6
because="denied again"
expect_closed office $host6 6379/tcp
