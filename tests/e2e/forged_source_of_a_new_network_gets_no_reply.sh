#!/bin/bash
# A forged source is no evidence either where it is a container's in a network that came after the
# policy was made: at once, and also when no daemon follows what Docker does.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
attacker_up
publish dns -p 5353:53/udp
outside "$probe" serve tcp:80 >/dev/null &
iptables -P FORWARD ACCEPT
ip6tables -P FORWARD ACCEPT
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
for name in all default eth0; do
	echo 0 >/proc/sys/net/ipv4/conf/$name/rp_filter
done

port=20000
sport() { port=$((port + 1)); }

# later NAME SUBNET: a network and a container in it, of which no policy knows.
later() {
	docker network create --ipv6 --subnet "$2" "$1" >/dev/null
	docker run -d --name "$1" --network "$1" probe /bin/probe serve udp:53 tcp:80 >/dev/null
	new=$(container_address "$1")
	new6=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}' "$1")
}

expect_new() {
	sport
	expect_frame "$1" "UDP as a reply to a container in a new network" \
		-e udp,$new,53,$attacker4,$port udp,$attacker4,$port,$host4,53
	sport
	expect_frame "$1" "TCP to a container in a new network, opened from both ends" \
		-e tcp,$new,80,$attacker4,$port tcp,$attacker4,$port,$host4,80
	sport
	expect_frame "$1" "UDP as a reply to a new container's IPv6 address" \
		-e udp,$new6,53,$attacker6,$port udp,$attacker6,$port,$new6,53
	sport
	expect_frame "$1" "UDP as a reply of an address of this host's that is new" \
		-e udp,$late6,5353,$attacker6,$port udp,$attacker6,$port,$late6,5353
}

late6=2001:db8::1
because="without tidegate"
later first fd00:5:1::/64
expect_new open

configure </dev/null
expect "tidegate up succeeds" tidegate up
later second fd00:5:2::/64
late6=2001:db8::2
ip address add $late6/64 dev eth0 nodad
because="and no daemon"
expect_new shut
expect_open container:second $internet4 80/tcp
expect "tidegate down succeeds" tidegate down

daemon_start
later third fd00:5:3::/64
late6=2001:db8::3
ip address add $late6/64 dev eth0 nodad
because="and a daemon"
expect_new shut
