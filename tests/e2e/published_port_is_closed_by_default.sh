#!/bin/bash
# Promise 1: a published port that no rule allows is closed from the outside, IPv4 and
# IPv6, TCP and UDP, from the first packet.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
publish web -p 8080-8082:8080-8082 -p $host4:9000:80

because="without tidegate"
expect_open stranger $host4 6379/tcp 5353/udp 8080/tcp 8082/tcp 9000/tcp
expect_open stranger $host6 6379/tcp 5353/udp 8080/tcp

configure </dev/null
expect "tidegate up succeeds" tidegate up

because="nothing allows it"
expect_closed stranger $host4 6379/tcp 5353/udp 8080/tcp 8082/tcp 9000/tcp
expect_closed stranger $host6 6379/tcp 5353/udp 8080/tcp
expect_closed office $host4 6379/tcp 5353/udp
expect_closed office $host6 6379/tcp 5353/udp

because="from the host itself"
expect_open host $host4 6379/tcp 5353/udp 9000/tcp
expect_open host 127.0.0.1 6379/tcp

expect "tidegate down succeeds" tidegate down
because="after tidegate down"
expect_open stranger $host4 6379/tcp 5353/udp
expect_open stranger $host6 6379/tcp
