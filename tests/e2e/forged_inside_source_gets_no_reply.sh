#!/bin/bash
# What the outside sends never becomes evidence that the inside asked.  A neighbour sends in through
# eth0 as if a container, or this host, had begun a flow to him.  The host forwards it back to him, and
# conntrack now knows a flow "of the inside": what he then sends is its reply.  So a source that is
# this host's, or behind it, does not come in.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
docker network create --ipv6 --subnet fd00:5:6::/64 shop >/dev/null
publish web -p 8080:80 -p 5353:53/udp --expose 9899/sctp --expose 9999 --expose 9999/udp
publish shop --network shop -p 5354:53/udp -p 8081:80
web=$(container_address web)
shop6=$(docker inspect -f '{{.NetworkSettings.Networks.shop.GlobalIPv6Address}}' shop)
# A host that forwards, as one does that had forwarding on before Docker came.
iptables -P FORWARD ACCEPT
ip6tables -P FORWARD ACCEPT
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding

rp_filter() {
	local name
	for name in all default eth0; do
		echo "$1" >/proc/sys/net/ipv4/conf/$name/rp_filter
	done
}

# Each flow once: what conntrack knows of an earlier one must not answer for a later.
port=20000
sport() { port=$((port + 1)); }

# Each way through which a forged source makes an own "reply", and the reply itself.  What is not
# published may also be refused, by this host itself.
from_a_forged_source() {
	local wanted=$1 unpublished=$2

	sport
	expect_frame "$unpublished" "UDP as a reply to container port 53" \
		-e udp,$web,53,$attacker4,$port udp,$attacker4,$port,$host4,53
	sport
	expect_frame "$unpublished" "UDP as a reply, to the published port's number" \
		-e udp,$web,5353,$attacker4,$port -e udp,$web,53,$attacker4,$port udp,$attacker4,$port,$host4,53
	sport
	expect_frame "$unpublished" "UDP as a reply to a port that was never published" \
		-e udp,$web,9999,$attacker4,$port udp,$attacker4,$port,$host4,9999
	sport
	expect_frame "$unpublished" "UDP as a reply, forged in two fragments" \
		-e udp,$web,53,$attacker4,$port,split=1 udp,$attacker4,$port,$host4,53
	sport
	expect_frame "$unpublished" "SCTP as a reply" \
		-e sctp,$web,9899,$attacker4,$port sctp,$attacker4,$port,$host4,9899
	sport
	expect_frame "$wanted" "UDP to the container's IPv6 address as a reply" \
		-e udp,$shop6,53,$attacker6,$port udp,$attacker6,$port,$shop6,53
	sport
	expect_frame "$wanted" "UDP to docker-proxy as a reply of this host's IPv6 address" \
		-e udp,$host6,5353,$attacker6,$port udp,$attacker6,$port,$host6,5353
	echo 1 >/proc/sys/net/ipv4/conf/all/accept_local
	sport
	expect_frame "$wanted" "UDP as a reply of this host's address, which it takes from the wire" \
		-e udp,$host4,5353,$attacker4,$port udp,$attacker4,$port,$host4,5353
	echo 0 >/proc/sys/net/ipv4/conf/all/accept_local
}

by_a_simultaneous_open() {
	local unpublished=$1

	sport
	expect_frame "$unpublished" "TCP to container port 80, opened from both ends" \
		-e tcp,$web,80,$attacker4,$port tcp,$attacker4,$port,$host4,80
	sport
	expect_frame "$unpublished" "TCP to a port that was never published, opened from both ends" \
		-e tcp,$web,9999,$attacker4,$port tcp,$attacker4,$port,$host4,9999
}

honest_ones() {
	sport
	expect_frame "$1" "UDP to the published port" udp,$attacker4,$port,$host4,5353
	sport
	expect_frame "$1" "UDP over IPv6" udp,$attacker6,$port,$host6,5353
	sport
	expect_frame "$1" "TCP to the published port" tcp,$attacker4,$port,$host4,8080
	sport
	expect_frame "$1" "TCP over IPv6" tcp,$attacker6,$port,$host6,8080
}

rp_filter 0
because="without tidegate"
honest_ones open
from_a_forged_source open open
by_a_simultaneous_open open

for default in published all; do
	configure <<<"default deny $default"
	expect "tidegate up succeeds with default deny $default" tidegate up
	for filter in 0 2; do
		rp_filter $filter
		because="default deny $default, rp_filter $filter"
		honest_ones closed
		from_a_forged_source closed shut
		by_a_simultaneous_open shut
	done
done
expect "drops are counted as forged sources" \
	sh -c "'$tidegate' status | grep -E '^dropped:.* spoofed [1-9]'"
