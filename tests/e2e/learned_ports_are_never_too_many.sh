#!/bin/bash
# More ports bound by Docker than there is room for: what Docker bound stays closed, what it did not
# bind stays open, but for the same number at another address, and status says so.
. "$(dirname "$0")/lib.sh"

claim=$build/tests/e2e/claim
second4=192.0.2.5 third4=192.0.2.6

says() { grep -E "$1" <("$tidegate" status 2>&1); }
serve() {
	"$probe" serve tcp:7000 tcp:9000 tcp:9500 tcp:10500 tcp:39000 udp:9900 udp:10500 udp:39000 \
		>/dev/null &
}

network_up
ip address add $second4/24 dev eth0
ip address add $third4/24 dev eth0
engine_start
configure </dev/null
expect "tidegate up succeeds" tidegate up
"$claim" tcp 0.0.0.0 9000 1 >/dev/null
"$claim" tcp $second4 9500 1 >/dev/null
"$claim" tcp $host4 10000 40000 >/dev/null
"$claim" tcp $second4 10000 30000 >/run/claim
expect_equal "all is bound" "$(cat /run/claim)" "bound 30000 refused 0"
"$claim" udp 0.0.0.0 9900 1 >/dev/null
serve

because="bound before there was no more room"
becomes open 5 stranger $host4 7000/tcp
expect_closed stranger $host4 9000/tcp 10500/tcp
expect_closed stranger $second4 9500/tcp 10500/tcp
because="bound when there was no more room"
expect_closed stranger $second4 39000/tcp
expect_closed stranger $host4 9900/udp
because="not bound by Docker"
expect_open stranger $host4 7000/tcp 10500/udp 39000/udp 9500/tcp
expect_open stranger $host6 9000/tcp 10500/tcp 39000/tcp 9900/udp
expect_open stranger $third4 10500/tcp 9500/tcp
expect "status says that there is no room" says 'no room for more ports'
expect_not "and fails" tidegate status

kill %+
expect "tidegate reload succeeds" tidegate reload
serve
because="nobody held it, and it was forgotten"
becomes open 5 stranger $host4 7000/tcp
expect_open stranger $second4 39000/tcp 10500/tcp
expect "status is green" tidegate status
