#!/bin/bash
# To an IPv4-only container Docker relays IPv6 in docker-proxy: ordinary local delivery,
# which no rule in DOCKER-USER ever sees.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp

because="without tidegate"
expect_open stranger $host4 6379/tcp 5353/udp
expect_open stranger $host6 6379/tcp 5353/udp
iptables -I DOCKER-USER -i eth0 -j DROP
because="with DOCKER-USER dropping all"
expect_closed stranger $host4 6379/tcp 5353/udp
expect_open stranger $host6 6379/tcp 5353/udp
iptables -D DOCKER-USER -i eth0 -j DROP

configure </dev/null
expect "tidegate up succeeds" tidegate up
because="nothing allows it"
expect_closed stranger $host4 6379/tcp 5353/udp
expect_closed stranger $host6 6379/tcp 5353/udp
link_local=$(ip -6 -o address show dev eth0 scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
expect "the host has a link-local address" test -n "$link_local"

expect "an IPv6 address can be allowed" tidegate allow 6379/tcp from $office6
because="allowed from the office's IPv6 address"
expect_open office $host6 6379/tcp
because="the allow names another source"
expect_closed stranger $host6 6379/tcp
expect_closed office $host4 6379/tcp
