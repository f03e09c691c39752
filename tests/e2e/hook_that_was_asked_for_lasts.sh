#!/bin/bash
# The hook of `up --hook` is taken again when an interface is made anew, for as long as the filter
# is up; and an interface that refuses keeps no other from being guarded.
. "$(dirname "$0")/lib.sh"

hook() { tidegate --json status | jq -r --arg name "$1" '.interfaces[] | select(.name == $name) | .hook'; }
is_at() { [ "$(hook "$1")" = "$2" ]; }
plug() {
	ip link add eth1 type veth peer name eth1 netns outside
	ip link set eth1 up
}

# Without Ethernet, and the first: XDP is refused there.
ip tuntap add tun0 mode tun
ip link set tun0 up
network_up
engine_start
publish cache -p 6379:6379
configure </dev/null
sed -i 's/^interface .*/interface eth0 eth1/' "$config"
plug

expect "tidegate up --hook tcx succeeds" tidegate up --hook tcx
daemon_start
expect_equal "eth1 is at tcx" "$(hook eth1)" tcx
ip link delete eth1
plug
expect "eth1, made anew, is at tcx again" eventually 5 is_at eth1 tcx
daemon_stop
ip link delete eth1
plug
expect "tidegate reload succeeds" tidegate reload
expect_equal "eth1 is at tcx after reload as well" "$(hook eth1)" tcx
expect_equal "eth0 stayed where it was" "$(hook eth0)" tcx
expect "tidegate down succeeds" tidegate down
expect "tidegate up succeeds" tidegate up
expect_equal "after down nothing is left of the wish" "$(hook eth1)" xdp

sed -i 's/^interface .*/interface eth0 tun0/' "$config"
expect "tidegate up --hook xdp succeeds with eth0 and eth1" tidegate up --hook xdp eth0 eth1
expect "tun0 is guarded by the hook that it has" tidegate reload
expect_equal "tun0 is at tcx" "$(hook tun0)" tcx
expect "tidegate down succeeds" tidegate down
because="tun0 refuses"
expect_not "tidegate up --boot fails, $because" tidegate up --boot --hook xdp
expect_equal "eth0 is guarded behind it, $because" "$(hook eth0)" xdp
expect_closed stranger $host4 6379/tcp
expect "tidegate down succeeds" tidegate down
expect_not "tidegate up fails, $because" tidegate up --hook xdp
expect "it changed nothing, $because" test ! -e /sys/fs/bpf/tidegate/links
