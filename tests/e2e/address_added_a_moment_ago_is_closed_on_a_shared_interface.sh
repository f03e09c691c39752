#!/bin/bash
# Where frames for others come in as well, as at a port of a bridge, an address that this host got a
# moment ago is still told from one of a machine behind it: also with forwarding off, when the kernel
# does not say where an address leads, and without a daemon that would follow the change.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
publish web -p 8080:80 -p 5353:53/udp

iptables -P FORWARD ACCEPT # for bridged packets, which br_netfilter shows it
vm() { ip netns exec vm "$@"; }
ip link add br0 address "$HOST_MAC" type bridge
echo 0 >/proc/sys/net/ipv6/conf/br0/accept_dad
ip address flush dev eth0
ip link set eth0 master br0
ip link set br0 up
ip address add $host4/24 dev br0
ip address add $host6/64 dev br0 nodad
ip route add default via 192.0.2.254
ip netns add vm
ip link add vm0 type veth peer name eth0 netns vm
vm sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad'
ip -n vm address add 192.0.2.50/24 dev eth0
ip -n vm address add 2001:db8::50/64 dev eth0 nodad
ip -n vm link set eth0 up
ip link set vm0 master br0 up
vm "$probe" serve tcp:8080 udp:5353 >/dev/null &
eventually 10 busybox ping -q -c 1 -W 1 192.0.2.50 && eventually 10 busybox ping -q -c 1 -W 1 $office6 ||
	die "the docker host reaches its machine and the office"

echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
echo 0 >/proc/sys/net/ipv4/conf/br0/forwarding
echo 0 >/proc/sys/net/ipv4/conf/eth0/forwarding
ip address add 2001:db8::4/64 dev br0 nodad
ip address add 192.0.2.4/24 dev br0
because="without tidegate"
expect_open stranger 2001:db8::4 8080/tcp 5353/udp
expect_open stranger 2001:db8::50 8080/tcp 5353/udp

configure </dev/null
expect "tidegate up succeeds" tidegate up
because="nothing allows it"
expect_closed stranger $host4 8080/tcp 5353/udp
expect_closed stranger $host6 8080/tcp 5353/udp
expect_closed stranger 2001:db8::4 8080/tcp 5353/udp

ip address add 2001:db8::5/64 dev br0 nodad
ip address add 192.0.2.5/24 dev br0
ip link add dummy type veth peer name dummy2
ip address add 2001:db8:5::1/128 dev dummy nodad
ip link set dummy up
outside ip route add 2001:db8:5::1 via $host6
because="added after the policy was made"
expect_closed stranger 2001:db8::5 8080/tcp 5353/udp
expect_closed stranger 192.0.2.5 8080/tcp 5353/udp
expect_closed stranger 2001:db8:5::1 8080/tcp 5353/udp
because="of a machine behind the bridge"
expect_open stranger 2001:db8::50 8080/tcp 5353/udp
expect_open stranger 192.0.2.50 8080/tcp 5353/udp

expect "tidegate down succeeds" tidegate down
because="after tidegate down"
expect_open stranger 2001:db8::5 8080/tcp 5353/udp
expect_open stranger 2001:db8:5::1 8080/tcp
