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
