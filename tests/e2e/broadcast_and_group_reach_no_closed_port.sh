#!/bin/bash
# docker-proxy bound to every address also takes what is sent to all: broadcasts, groups, and the
# address that is none.  Its answer would then be a flow that this host began, and unicast its reply.
# Also where the interface is shared, as under virtual machines: there the same frame is for others
# as well.  What is only for others passes.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
publish dns -p 5353:53/udp

all=mac=ff:ff:ff:ff:ff:ff
port=20000
sport() { port=$((port + 1)); }

# The last of each is what the answer to the one before makes of a unicast packet.
expect_groups() {
	local wanted=$1 to
	for to in 255.255.255.255,5353,$all 192.0.2.255,5353,$all \
		224.0.0.1,5353,mac=01:00:5e:00:00:01 ff02::1,5353,mac=33:33:00:00:00:01 \
		ff02::2,5353,mac=33:33:00:00:00:02 ff02::1:ff00:1,5353,mac=33:33:ff:00:00:01; do
		sport
		expect_frame "$wanted" "UDP to ${to%%,*}" "udp,$(from "$to"),$port,$to"
		sport
		expect_frame "$wanted" "UDP to this host after ${to%%,*}" \
			-e "udp,$(from "$to"),$port,$to" \
			"udp,$(from "$to"),$port,$(host_of "$to"),5353"
	done
}
from() { [[ $1 == *:*,* && $1 != *.*,* ]] && echo $attacker6 || echo $attacker4; }
host_of() { [[ $1 == *:*,* && $1 != *.*,* ]] && echo $host6 || echo $host4; }

# Nobody can be answered at 0.0.0.0: what counts is that it arrives.
expect_nowhere() {
	local mac
	for mac in $HOST_MAC ff:ff:ff:ff:ff:ff 01:00:5e:00:00:01; do
		sport
		expect_seen ${1-} container:dns "UDP from 0.0.0.0 to 0.0.0.0 at $mac" \
			"udp,0.0.0.0,$port,0.0.0.0,5353,mac=$mac,%text"
	done
}

# Its own eth0 is the far end of a wire into the bridge.
vm() { ip netns exec vm "$@"; }
vm_up() {
	ip netns add vm
	ip link add vm0 type veth peer name eth0 netns vm
	vm sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad'
	ip -n vm address add 192.0.2.50/24 dev eth0
	ip -n vm address add 2001:db8::50/64 dev eth0 nodad
	ip -n vm link set eth0 up
	ip link set vm0 master br0 up
	vm "$probe" serve tcp:5353 udp:5353 tcp:22 >/dev/null &
}
at() {
	local where=$1 pid
	shift
	case $where in
	host) "$@" ;;
	vm) vm "$@" ;;
	container:*)
		pid=$(docker inspect -f '{{.State.Pid}}' "${where#*:}") || return 1
		nsenter --net="/proc/$pid/ns/net" "$@"
		;;
	*) outside "$@" ;;
	esac
}

# From eth0 to a bridge that eth0 is a port of, as hypervisors have it.
bridge_up() {
	iptables -P FORWARD ACCEPT # for bridged packets, which br_netfilter shows it
	ip link add br0 address $HOST_MAC type bridge
	echo 0 >/proc/sys/net/ipv6/conf/br0/accept_dad
	ip address flush dev eth0
	ip link set eth0 master br0
	ip link set br0 up
	ip address add $host4/24 broadcast + dev br0
	ip address add $host6/64 dev br0 nodad
	ip route add default via 192.0.2.254
	vm_up
	eventually 10 busybox ping -q -c 1 -W 1 192.0.2.50 && eventually 10 busybox ping -q -c 1 -W 1 $office6 ||
		die "the docker host reaches its machine and the office"
}

expect_machine_reached() {
	expect_open stranger 192.0.2.50 5353/udp 5353/tcp 22/tcp
	expect_open stranger 2001:db8::50 5353/udp 5353/tcp
	expect_seen vm "a broadcast to a port that is not published" \
		udp,$attacker4,68,255.255.255.255,67,$all,%text
}

ip address change $host4/24 broadcast + dev eth0
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
because="without tidegate"
expect_groups open
expect_nowhere

configure <<<"allow 1/udp"
expect "tidegate up succeeds" tidegate up
because="nothing allows it"
expect_frame closed "UDP to this host" udp,$attacker4,1,$host4,5353
expect_groups closed
expect_nowhere not

expect "tidegate down succeeds" tidegate down
ip link add link eth0 name mv0 type macvlan mode bridge
ip address add 192.0.2.3/24 dev mv0
ip link set mv0 up
because="with a macvlan of the host's, without tidegate"
expect_groups open
expect "tidegate up succeeds" tidegate up
because="with a macvlan of the host's"
expect_groups closed
expect_nowhere not
expect "tidegate down succeeds" tidegate down
ip link delete mv0

bridge_up
because="as a bridge port, without tidegate"
expect_groups open
expect_nowhere
expect_machine_reached
expect "tidegate up succeeds" tidegate up
because="as a bridge port"
expect_frame closed "UDP to this host" udp,$attacker4,2,$host4,5353
expect_groups closed
expect_nowhere not
expect_machine_reached
