#!/bin/bash
# Promise 1 for UDP, where no handshake tells a first packet from a later one: flows that
# conntrack already knows are cut as well, and ranges count port by port.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish dns -p 5353:53/udp -p 6000-6003:6000-6003/udp -p 5353:5353/tcp
flow_start before stranger $host4 5353/udp
flow_start before6 stranger $host6 5353/udp

because="without tidegate"
expect_open stranger $host4 5353/udp 6000/udp 6003/udp 5353/tcp
expect_open stranger $host6 5353/udp 6003/udp
expect_flow before open "$because"
expect_flow before6 open "$because"

configure <<<"allow 5353/tcp"
expect "tidegate up succeeds" tidegate up
because="nothing allows it"
expect_flow before closed "$because"
expect_flow before6 closed "$because"
expect_closed stranger $host4 5353/udp 6000/udp 6003/udp
expect_closed stranger $host6 5353/udp 6003/udp
because="not published"
expect_refused stranger $host4 6004/udp
because="the same port of another protocol is allowed"
expect_open stranger $host4 5353/tcp

expect "a part of the range can be allowed" tidegate allow 6001-6002/udp from $office4
because="inside the allowed part"
expect_open office $host4 6001/udp 6002/udp
because="outside the allowed part"
expect_closed office $host4 6000/udp 6003/udp
because="the allow names another source"
expect_closed stranger $host4 6001/udp
