#!/bin/bash
# Who calls itself docker-proxy and is not Docker teaches nothing: a container in the host's network
# closes no port of a service of the host's, and leaves no less room for Docker.  Nor does Docker
# itself close a port that it asks for and does not get.
. "$(dirname "$0")/lib.sh"

second4=192.0.2.5

# serve_at ADDRESS PORT: a UDP service of the host's, as one that binds each of its addresses.
serve_at() {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
while True:
	data, peer = s.recvfrom(2048)
	s.sendto(peer[0].encode(), peer)' "$1" "$2" &
}

# stays_open FROM HOST PORT/PROTO: ten times in a row.
stays_open() {
	local _
	for _ in {1..10}; do
		[[ $(ask "$@" -w 1000) == open* ]] || return 1
	done
}
expect_stays_open() { expect "stays open: $1 to $2 port $3, $because" stays_open "$@"; }

# forge NAME CLAIM...: in a container without capabilities, in the host's network.
forge() {
	local name=$1
	shift
	docker run -d --name "$name" --network host --cap-drop ALL \
		-v "$build/tests/e2e/claim:/bin/claim:ro" probe /bin/claim "$@" >/dev/null ||
		die "container $name starts"
}

# Ports that bindwatch has noted, at every address and at one; nothing when there is no such map.
count_bound() {
	local map
	for map in bound_ports bound_ports_at; do
		bpftool --json map dump pinned "/sys/fs/bpf/tidegate/maps/$map"
	done | jq -s 'if all(type == "array") then map(length) | add else empty end'
}

network_up
ip address add $second4/24 dev eth0
engine_start
image probe
"$probe" serve udp:5353 tcp:7000 >/dev/null &
serve_at $host4 5360
serve_at $host6 5360
configure </dev/null
expect "tidegate up succeeds" tidegate up

expect "the kernel learns" sh -c "'$tidegate' status | grep 'defenses.*bindwatch'"
because="nobody asks for it"
becomes open 5 stranger $host4 5353/udp
becomes open 5 stranger $host4 5360/udp
expect_open stranger $host6 5353/udp 5360/udp

forge wildcard udp :: 5353 1 0
forge ipv4 udp $host4 5360 1 0
forge ipv6 udp :: 5360 1 0
because="a container asks for it under docker-proxy's name"
expect_stays_open stranger $host4 5353/udp
expect_stays_open stranger $host6 5353/udp
expect_stays_open stranger $host4 5360/udp
expect_stays_open stranger $host6 5360/udp
docker rm -f wildcard ipv4 ipv6 >/dev/null

forge fill tcp $host4 10000 40000
docker wait fill >/dev/null
expect_equal "the container does bind" "$(docker logs fill)" "bound 40000 refused 0"
because="a container bound more ports than are remembered"
expect_equal "nothing was learned, $because" "$(count_bound)" 0
expect_stays_open stranger $host4 5353/udp

unshare --user --map-root-user "$build/tests/e2e/claim" udp $host4 5365 1 >/run/claim
expect_equal "root of its own user namespace does bind" "$(cat /run/claim)" "bound 1 refused 0"
serve_at $host4 5365
sleep 0.2
because="bound by root of its own user namespace"
expect_stays_open stranger $host4 5365/udp

# With what Docker has, and a container has not: CAP_NET_ADMIN.
"$build/tests/e2e/claim" udp :: 5353 1 0 &
claims=($!)
"$build/tests/e2e/claim" udp $host4 5360 1 0 &
claims+=($!)
"$build/tests/e2e/claim" udp 0.0.0.0 5360 1 0 &
claims+=($!)
"$build/tests/e2e/claim" udp :: 5360 1 0 &
claims+=($!)
because="Docker asks for it again and again and does not get it"
expect_stays_open stranger $host4 5353/udp
expect_stays_open stranger $host6 5353/udp
expect_stays_open stranger $host4 5360/udp
expect_stays_open stranger $host6 5360/udp
kill "${claims[@]}"

"$build/tests/e2e/claim" udp $second4 5353 1 >/run/claim
expect_equal "Docker does not get one address of all" "$(cat /run/claim)" "bound 0 refused 1"
because="Docker asked for it at this address and did not get it"
expect_stays_open stranger $second4 5353/udp
"$build/tests/e2e/claim" udp $second4 5360 1 >/run/claim
expect_equal "Docker gets a port that another address has" "$(cat /run/claim)" "bound 1 refused 0"
serve_at $second4 5360
sleep 0.2
because="Docker got it at this address"
expect_closed stranger $second4 5360/udp
because="Docker got it at another address"
expect_stays_open stranger $host4 5360/udp
