#!/bin/bash
# Promise 6: addresses behind the NAT cannot be reached from the wire by routing to them:
# neither a container's own address, published port or not, nor 127.0.0.1.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379 --expose 9999
publish local -p 127.0.0.1:7000:80
docker network create --ipv6 --subnet fd00:5:6::/64 shop >/dev/null
publish shop --network shop --expose 9999 -p 5353:53/udp
cache=$(container_address cache)
shop=$(container_address shop)
shop6=$(docker inspect -f '{{.NetworkSettings.Networks.shop.GlobalIPv6Address}}' shop)

# A neighbour on the wire who knows where containers live.
ip -n outside route add 172.16.0.0/12 via $host4
ip -n outside route add fd00:5:6::/64 via $host6
# And who sends frames for 127.0.0.1 to the docker host: no forgery needed, his own kernel
# only has to believe that the address is not his.
outside sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
	ip address delete 127.0.0.1/8 dev lo
	ip route add 127.0.0.1 via 192.0.2.1'
# The host forwards, as one does that had forwarding on before Docker came.
iptables -P FORWARD ACCEPT
ip6tables -P FORWARD ACCEPT
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding

because="around the published port, without tidegate"
expect_open stranger "$cache" 6379/tcp 9999/tcp
expect_open stranger "$shop" 9999/tcp 53/udp
expect_open stranger "$shop6" 9999/tcp 53/udp
expect_open stranger 127.0.0.1 7000/tcp

configure <<<"allow 6379/tcp from $stranger4"
expect "tidegate up succeeds" tidegate up
because="around the published port, with tidegate"
expect_closed stranger "$cache" 6379/tcp 9999/tcp
expect_closed stranger "$shop" 9999/tcp 53/udp
expect_closed stranger "$shop6" 9999/tcp 53/udp
expect_closed stranger 127.0.0.1 7000/tcp
because="by the published port, which is allowed"
expect_open stranger $host4 6379/tcp
because="from the host itself"
expect_open host "$cache" 6379/tcp 9999/tcp
expect_open host "$shop6" 9999/tcp
expect_open host 127.0.0.1 7000/tcp
