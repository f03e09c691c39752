#!/bin/bash
# Promise 4: a port that Docker binds is closed from the moment it is bound, under a flood of
# datagrams to that very port that began before.
. "$(dirname "$0")/lib.sh"

ports=1500
[ -z "${TIDEGATE_SOAK-}" ] || ports=50000

# try ADDRESS: sets $reached to how many of the ports were.
try() {
	tidegate down 2>/dev/null
	expect "tidegate up succeeds $because" tidegate up
	"$build/tests/e2e/grab" /run/netns/outside "$1" $ports >/run/grab
	note "$(cat /run/grab), $because, $1"
	reached=$(sed -n 's/.*reached //p' /run/grab)
}

network_up
configure <<<"docker off"
export TIDEGATE_WITHOUT=learn
because="without bind learning"
for to in $host4 $host6; do
	try $to
	expect "some ports were reached, $because, $to" test "$reached" -gt 0
done

unset TIDEGATE_WITHOUT
because="with it"
for to in $host4 $host6; do
	try $to
	expect_equal "no port was reached, $because, $to" "$reached" 0
done

# A port that Docker asks for and does not get stays as it was.  ask_for PORT: under docker-proxy's
# name; says "in use" or nothing.
ask_for() {
	python3 -c 'import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, b"docker-proxy", 0, 0, 0)
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(("::", int(sys.argv[1])))' "$1" 2>&1 |
		grep -o "in use"
}

# Of the long form the ports above are more than are remembered one by one.
tidegate down
expect "tidegate up succeeds" tidegate up
"$probe" serve udp:5353 &
because="before Docker asked for it"
becomes open 5 stranger $host4 5353/udp
expect_equal "Docker does not get it" "$(ask_for 5353)" "in use"
sleep 0.2
because="Docker asked for it and did not get it"
expect_open stranger $host4 5353/udp
expect_equal "Docker gets another one" "$(ask_for 5355)" ""
"$probe" serve udp:5355 &
sleep 0.2
because="Docker asked for it and got it"
expect_closed stranger $host4 5355/udp
