#!/bin/bash
# The same verdict whichever hook: native and generic XDP, tcx, clsact.  Moving from one to
# the next leaves one attachment, and the best there is when none is asked for.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp

because="without tidegate"
expect_open stranger $host4 6379/tcp 5353/udp
expect_open stranger $host6 6379/tcp 5353/udp

configure <<<"allow 6379/tcp from $office4"
for hook in clsact xdp tcx xdp-generic xdp clsact; do
	expect "tidegate up --hook $hook succeeds" tidegate up --hook $hook
	because="at $hook"
	expect_closed stranger $host4 6379/tcp 5353/udp
	expect_closed stranger $host6 6379/tcp 5353/udp
	expect_open office $host4 6379/tcp
	expect "only $hook is attached" test "$(find /sys/fs/bpf/tidegate/links -name "[0-9]*-*" | wc -l)" = 1
	expect "status names $hook" grep -q "eth0: $hook" <(tidegate status)
done
tidegate down
expect "after down, up takes native XDP" tidegate up
expect "status names xdp" grep -q "eth0: xdp$" <(tidegate status)
because="at the best hook"
expect_closed stranger $host4 6379/tcp 5353/udp

expect "tidegate down succeeds" tidegate down
because="after tidegate down"
expect_open stranger $host4 6379/tcp 5353/udp
