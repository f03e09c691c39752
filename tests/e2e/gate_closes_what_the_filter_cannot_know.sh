#!/bin/bash
# Promises 4 and 6 with no daemon: a network that no policy has heard of, and a port that is
# forwarded but not bound (yet, or not by docker-proxy: SCTP), are closed by the gate; what a rule allows, what containers begin, and
# what is forwarded to somebody else goes through it.
. "$(dirname "$0")/lib.sh"

# A virtual machine of this host, on a bridge that is not Docker's.
machine_up() {
	ip netns add machine
	ip link add vmbr0 type bridge
	ip address add 10.9.0.1/24 dev vmbr0
	ip link set vmbr0 up
	ip link add vm0 type veth peer name eth0 netns machine
	ip link set vm0 master vmbr0 up
	ip -n machine link set eth0 up
	ip -n machine address add 10.9.0.2/24 dev eth0
	ip -n machine route add default via 10.9.0.1
	ip netns exec machine "$probe" serve tcp:9999 udp:53 &
}

publish_all() {
	docker network create --subnet 172.30.7.0/24 later >/dev/null
	publish later --network later --ip 172.30.7.7 --expose 9999 --expose 53/udp
	publish web -p 7777:80 -p 5353:53/udp
	iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 3868 -j DNAT \
		--to-destination "$(container_address web):80"
}

remove_all() {
	iptables -t nat -D DOCKER ! -i docker0 -p tcp --dport 3868 -j DNAT \
		--to-destination "$(container_address web):80"
	docker rm -f later web >/dev/null
	docker network rm later >/dev/null
}

network_up
engine_start
image probe
machine_up
ip -n outside route add 172.16.0.0/12 via $host4
ip -n outside route add 10.9.0.0/24 via $host4
iptables -P FORWARD ACCEPT
# Rules for ports of this host's, which a container on a new network happens to have as well.
configure <<EOF
allow 9999/tcp
allow 7777/tcp from $office4
EOF

because="without the gate"
export TIDEGATE_WITHOUT=gate
expect "tidegate up succeeds, $because" tidegate up
publish_all
expect_open stranger 172.30.7.7 9999/tcp 53/udp
expect_open stranger $host4 3868/tcp
remove_all

unset TIDEGATE_WITHOUT
expect "tidegate up succeeds" tidegate up
expect "status names the gate" sh -c "'$tidegate' status | grep -w 'defenses.*gate'"
publish_all
because="on a network that no policy knows"
expect_closed stranger 172.30.7.7 9999/tcp 53/udp
because="forwarded, and nobody bound it"
expect_closed stranger $host4 3868/tcp
because="allowed by its port"
expect_open office $host4 7777/tcp
expect_closed stranger $host4 7777/tcp
expect "drops are counted as the gate's" \
	sh -c "'$tidegate' status | grep -E '^dropped:.* gate [1-9]'"
because="begun by a container there"
docker run -d --name client --network later probe /bin/probe serve >/dev/null
outside "$probe" serve tcp:80 udp:53 &
becomes open 5 container:client $internet4 80/tcp
becomes open 5 container:client $internet4 53/udp
because="to a machine that is not Docker's"
expect_open stranger 10.9.0.2 9999/tcp 53/udp

tidegate allow 3868/tcp from $office4
because="a forwarding of one's own, allowed by the port that was sent to"
expect_open office $host4 3868/tcp
expect_closed stranger $host4 3868/tcp

expect "tidegate up --audit succeeds" tidegate up --audit --without-docker
because="in audit mode"
expect_open stranger $host4 3868/tcp

expect "tidegate up succeeds" tidegate up --without-docker
links() {
	local pin
	for pin in /sys/fs/bpf/tidegate/links/{gate,learn}-*; do
		bpftool -j link show pinned "$pin" | jq .id
	done | paste -sd ' '
}
before=$(links)
expect "tidegate up again succeeds" tidegate up --without-docker
expect_equal "the links of the defenses are the same" "$(links)" "$before"
expect_equal "and there are seven" "$(links | wc -w)" 7

expect "tidegate down succeeds" tidegate down
because="after down"
expect_open stranger 172.30.7.7 9999/tcp
