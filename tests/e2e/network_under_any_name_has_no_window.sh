#!/bin/bash
# A Docker network whose bridge has a name of its own, made when nobody looks: its containers are
# closed all the same, and begin what they like.  A bridge that is not Docker's is open again once
# somebody has looked, and as long as it was there before.
. "$(dirname "$0")/lib.sh"

# machine NAME NUMBER: a virtual machine on a bridge of its own, 10.9.NUMBER.2.
machine() {
	ip netns add "$1"
	ip link add "$1" type bridge
	ip address add "10.9.$2.1/24" dev "$1"
	ip link set "$1" up
	ip link add "$1-port" type veth peer name eth0 netns "$1"
	ip link set "$1-port" master "$1" up
	ip -n "$1" link set eth0 up
	ip -n "$1" address add "10.9.$2.2/24" dev eth0
	ip -n "$1" route add default via "10.9.$2.1"
	ip netns exec "$1" "$probe" serve tcp:9999 udp:53 >/dev/null &
}

# network NAME NUMBER: with two containers, 172.30.NUMBER.7 and .8.
network() {
	docker network create --subnet "172.30.$2.0/24" --opt com.docker.network.bridge.name="$1" \
		"$1" >/dev/null
	publish "$1" --network "$1" --ip "172.30.$2.7" --expose 9999 --expose 53/udp \
		-p "700$2:80" -p "800$2:81"
	publish "$1-peer" --network "$1" --ip "172.30.$2.8" --expose 9999 --expose 53/udp
}

expect_goes_out() {
	expect_open container:foo0 $internet4 80/tcp 53/udp
	expect_open container:foo0 172.30.8.8 9999/tcp 53/udp
	expect_open container:foo0 "$(container_address web)" 9999/tcp
}

network_up
engine_start
image probe
publish web --expose 9999
ip -n outside route add 172.16.0.0/12 via $host4
ip -n outside route add 10.9.0.0/16 via $host4
outside "$probe" serve tcp:80 udp:53 >/dev/null &
iptables -P FORWARD ACCEPT
iptables -I DOCKER-USER -j ACCEPT # networks of Docker's reach each other
machine vm0 0
configure <<<"allow 7008/tcp from $office4"

because="without the gate"
export TIDEGATE_WITHOUT=gate
expect "tidegate up succeeds, $because" tidegate up
network foo0 8
becomes open 5 stranger 172.30.8.7 9999/tcp
expect_open stranger 172.30.8.7 53/udp
expect_goes_out
docker rm -f foo0 foo0-peer >/dev/null
docker network rm foo0 >/dev/null

unset TIDEGATE_WITHOUT
expect "tidegate up succeeds" tidegate up
network foo0 8
machine vm1 1
because="nobody has looked since"
expect_goes_out
expect_closed stranger 172.30.8.7 9999/tcp 53/udp
expect_closed stranger $host4 7008/tcp 8008/tcp
expect_open office $host4 7008/tcp
because="there before"
expect_open stranger 10.9.0.2 9999/tcp 53/udp
because="new, and not asked for"
expect_closed stranger 10.9.1.2 9999/tcp

expect "tidegate reload without Docker succeeds" tidegate reload --without-docker
because="Docker was not asked"
expect_closed stranger 172.30.8.7 9999/tcp 53/udp
expect_open stranger 10.9.0.2 9999/tcp
expect_goes_out

expect "tidegate reload succeeds" tidegate reload
because="Docker has told of it"
expect_closed stranger 172.30.8.7 9999/tcp 53/udp
expect_goes_out
because="Docker does not know it"
expect_open stranger 10.9.1.2 9999/tcp 53/udp

daemon_start
watch_start own stranger 172.30.9.7 9999/tcp
network foo1 9
sleep 3
expect_nothing_got_in "with the daemon" own
machine vm2 2
because="the daemon has looked"
becomes open 8 stranger 10.9.2.2 9999/tcp

# A bridge with a way out is no network's: what comes in by it is the outside's.
daemon_stop
ip -n outside link add port type veth peer name eth1 netns $$
ip -n outside address add 203.0.113.66/24 dev port
ip -n outside link set port up
ip -n outside route add 172.31.0.0/16 dev port via 203.0.113.1 onlink
ip link add name lan type bridge
ip tuntap add uplink mode tap
ip link set uplink master lan up
ip link set eth1 master lan up
ip address add 203.0.113.1/24 dev lan
ip link set lan up
publish late -p 7777:80
ip -n outside route replace "$(container_address late)/32" via 203.0.113.1 dev port
because="by a bridge that leads out, and nobody has looked"
expect_closed 203.0.113.66 "$(container_address late)" 80/tcp
expect_closed 203.0.113.66 203.0.113.1 7777/tcp
