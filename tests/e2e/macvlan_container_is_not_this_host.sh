#!/bin/bash
# A macvlan container on the guarded interface has an address of its own on the wire.  A port that
# this host has closed is open there all the same, also where forwarding is off and the kernel
# cannot be asked whose an address is.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
lan4=192.0.2.129 lan6=2001:db8::129
docker network create -d macvlan -o parent=eth0 --ipv6 --subnet 192.0.2.0/24 --subnet 2001:db8::/64 \
	lan >/dev/null || die "Docker makes a macvlan"
image probe
docker run -d --name here -p 8080:8080 -p 5353:5353/udp probe /bin/probe serve tcp:8080 udp:5353 \
	>/dev/null || die "a container that publishes starts"
docker run -d --name wire --network lan --ip $lan4 --ip6 $lan6 probe \
	/bin/probe serve tcp:8080 udp:5353 >/dev/null || die "a container on the wire starts"
for family in 4 6; do
	echo 0 >/proc/sys/net/ipv$family/conf/all/forwarding
	echo 0 >/proc/sys/net/ipv$family/conf/eth0/forwarding
done

because="without tidegate"
becomes open 10 stranger $lan6 8080/tcp
expect_open stranger $lan4 8080/tcp 5353/udp
expect_open stranger $lan6 5353/udp

configure </dev/null
for hook in xdp tcx; do
	expect "tidegate up --hook $hook succeeds" tidegate up --hook $hook
	because="of a container on the wire, at $hook, without forwarding"
	expect_open stranger $lan4 8080/tcp 5353/udp
	expect_open stranger $lan6 8080/tcp 5353/udp
	because="of this host, at $hook, without forwarding"
	expect_closed stranger $host4 8080/tcp 5353/udp
	expect_closed stranger $host6 8080/tcp 5353/udp
	tidegate down 2>/dev/null
done
