#!/bin/bash
# The machine is a container itself (LXC, nspawn), and all that leads outside is a veth, like those of
# its own containers: `interface auto` takes the one with the default route.  Where it finds
# none, nothing is protected, and each command says so.
. "$(dirname "$0")/lib.sh"

auto() {
	mkdir -p "${config%/*}"
	echo "interface auto" >"$config"
}
interfaces() { tidegate --json status | jq -r '.interfaces | map(.name) | join(" ")'; }
route() { ip route "$1" default via 192.0.2.254; }

network_up
engine_start
publish cache -p 6379:6379
# A container that is routed to, as Incus and Calico do it, is not the way out.
ip netns add routed
ip link add ve-routed type veth peer name host0 netns routed
ip address add 203.0.113.1/24 dev ve-routed
ip link set ve-routed up
ip -n routed address add 203.0.113.2/24 dev host0
ip -n routed link set host0 up
auto

expect "tidegate up succeeds" tidegate up
expect "status is green" tidegate status
expect_equal "the veth with the default route is guarded, and no other" "$(interfaces)" eth0
because="by interface auto"
expect_closed stranger $host4 6379/tcp
expect_closed stranger $host6 6379/tcp
expect_equal "the routed container gets in" \
	"$(ip netns exec routed "$probe" ask tcp -w 3000 203.0.113.1 6379 | cut -d ' ' -f 1)" open
tidegate allow 6379/tcp from $office4
expect_open office $host4 6379/tcp
expect "tidegate down succeeds" tidegate down

auto
route delete
because="no default route"
expect_not "tidegate up fails, $because" tidegate up
expect "it says what to do, $because" \
	sh -c "'$tidegate' up 2>&1 | grep -q 'no interface to guard.*ve-routed.*tidegate up NAME'"
expect "it changed nothing, $because" test ! -e /sys/fs/bpf/tidegate/links
ip -6 route add default via $office6
expect "tidegate up succeeds, with a default route of IPv6 only" tidegate up
expect_equal "the veth with that is guarded" "$(interfaces)" eth0
expect "tidegate down succeeds" tidegate down
ip -6 route delete default

# At boot the filter is there before the network.
expect "tidegate up --boot succeeds, $because" tidegate up --boot
expect_not "status is not green, $because" tidegate status
expect_closed stranger $host4 6379/tcp
"$tidegate" run >>/run/tidegate.log 2>&1 &
daemon_pid=$!
expect "the daemon warns, $because" eventually 10 grep -q 'warning: no interface to guard' /run/tidegate.log
expect_not "status is not green with the daemon, $because" tidegate status
because="nobody knows yet which veth leads outside"
expect_closed stranger $host4 6379/tcp
route add
expect "status is green as soon as there is one" eventually 5 "$tidegate" status
expect_equal "the veth with it is guarded" "$(interfaces)" eth0
because="guarded by the daemon"
expect_closed stranger $host4 6379/tcp
daemon_stop
