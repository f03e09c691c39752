#!/bin/bash
# A packet that brings its own route is first for one address and then for another, which is the one
# whose port is closed.  Hosts that accept source routes are rare; the kernel's settings for them are on
# here.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
ip address add 192.0.2.3/24 dev eth0
ip address add 2001:db8::3/64 dev eth0 nodad
# Closed on these addresses; on the others of this host nobody has these ports.
publish dns -p $host4:5353:53/udp -p "[$host6]:5353:53/udp" -p $host4:8080:80

for name in all default eth0; do
	echo 1 >/proc/sys/net/ipv4/conf/$name/accept_source_route
	echo 1 >/proc/sys/net/ipv6/conf/$name/accept_source_route
	for routing in seg6_enabled rpl_seg_enabled; do
		[ ! -e /proc/sys/net/ipv6/conf/$name/$routing ] ||
			echo 1 >/proc/sys/net/ipv6/conf/$name/$routing
	done
done

port=20000
sport() { port=$((port + 1)); }
expect_routes() {
	local wanted=$1 route
	for route in lsrr ssrr; do
		sport
		expect_frame "$wanted" "UDP by $route" \
			udp,$attacker4,$port,192.0.2.3,5353,$route=$host4
		sport
		expect_frame "$wanted" "UDP to this host after $route" \
			-e udp,$attacker4,$port,192.0.2.3,5353,$route=$host4 \
			udp,$attacker4,$port,$host4,5353
	done
	for route in srh rpl; do
		sport
		expect_frame "$wanted" "UDP by an IPv6 routing header, $route" \
			udp,$attacker6,$port,2001:db8::3,5353,$route=$host6
	done
}

because="without tidegate"
expect_routes open
for hook in xdp xdp-generic tcx; do
	configure </dev/null
	expect "tidegate up succeeds at $hook" tidegate up --hook $hook
	because="nothing allows it, at $hook"
	sport
	expect_frame closed "UDP to this host" udp,$attacker4,$port,$host4,5353
	sport
	expect_frame closed "UDP over IPv6" udp,$attacker6,$port,$host6,5353
	expect_routes closed
done
