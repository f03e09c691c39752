#!/bin/bash
# An interface named in the configuration is guarded when it appears after the start, and
# when it appears again.
. "$(dirname "$0")/lib.sh"

# A second cable: 203.0.113.1 here, 203.0.113.66 outside.  It is there for a while before it is set
# up, under a watch.
plug() {
	ip link add eth1 type veth peer name eth1 netns outside
	ip -n outside address add 203.0.113.66/24 dev eth1
	ip -n outside link set eth1 up
	watch_start tcp 203.0.113.66 203.0.113.1 6379/tcp
	watch_start udp 203.0.113.66 203.0.113.1 5353/udp
	sleep 1
	ip address add 203.0.113.1/24 dev eth1
	ip link set eth1 up
	eventually 5 busybox ping -q -c 1 -W 1 203.0.113.66 || die "the second cable works"
}
unplug() { ip link delete eth1; }

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp

configure </dev/null
expect "tidegate up succeeds" tidegate up
daemon_start
plug
because="by an interface that nobody wants guarded"
expect_open 203.0.113.66 203.0.113.1 6379/tcp 5353/udp
expect_some_got_in "$because" tcp udp
expect "status names it as such" grep -q '^  unguarded  eth1 (veth)$' <(tidegate status)
expect_equal "so does status --json" "$(tidegate --json status | jq -c .unguarded)" '["eth1"]'
tidegate allow 6379/tcp on 203.0.113.1 from $office4
expect_open office 203.0.113.1 6379/tcp
expect "status says that an address is no interface" \
	grep -q 'may arrive on any interface' <(tidegate status)
tidegate delete 1
unplug

configure </dev/null
sed -i 's/^interface .*/interface eth0 eth1/' "$config"
tidegate reload >/dev/null 2>&1
plug
because="by an interface that came after the start"
expect_closed 203.0.113.66 203.0.113.1 6379/tcp 5353/udp
expect_nothing_got_in "$because" tcp udp
expect "status is green with both" eventually 5 "$tidegate" status
expect "status names it" sh -c "'$tidegate' status | grep 'interface  eth1'"
expect_not "and no longer as unguarded" grep -q unguarded <(tidegate status)

unplug
expect_not "status is not green without it" "$tidegate" status
plug
because="by an interface that came back"
expect_closed 203.0.113.66 203.0.113.1 6379/tcp 5353/udp
expect_nothing_got_in "$because" tcp udp
because="by the other, all the time"
expect_closed stranger $host4 6379/tcp 5353/udp
expect "status is green again" eventually 5 "$tidegate" status
