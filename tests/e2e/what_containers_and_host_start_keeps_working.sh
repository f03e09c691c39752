#!/bin/bash
# Promise 3: everything that containers and the host start themselves keeps working, and
# everything that is not published is never touched.  What is shown without tidegate is that
# every one of these conversations is possible here, and that the published ports are open.
# Flows whose source port equals a published port have a script of their own.
. "$(dirname "$0")/lib.sh"

network_up
outside "$probe" serve tcp:80 tcp:443 udp:53 udp:123 >/dev/null &
"$probe" serve tcp:22 udp:51820 >/dev/null & # the host's own sshd and WireGuard
engine_start
docker network create shop >/dev/null
publish cache -p 6379:6379 -p 5353:53/udp -p 127.0.0.1:7000:7000
publish client --network shop
publish database --network shop --expose 5432
cache=$(container_address cache)
database=$(container_address database)

outbound() {
	expect_open container:cache $internet4 80/tcp 443/tcp 53/udp
	expect_open container:client $internet4 80/tcp 53/udp
	expect_open host $internet4 80/tcp 443/tcp 53/udp 123/udp
	expect_open host $office6 80/tcp 53/udp
	expect_open container:client "$database" 5432/tcp
	expect "a container finds another by name, $because" \
		docker exec client nslookup database
	expect_open host "$cache" 6379/tcp
	expect_open host 127.0.0.1 6379/tcp 7000/tcp
	expect_open host $host4 6379/tcp
	expect_open container:client $host4 6379/tcp
	expect_open container:cache 172.17.0.1 6379/tcp
	expect_open stranger $host4 22/tcp 51820/udp
	expect_open stranger $host6 22/tcp 51820/udp
	expect "the host answers to ping, $because" outside busybox ping -q -c 1 -W 2 $host4
	expect "and to ping over IPv6, $because" outside busybox ping -q -c 1 -W 2 $host6
	expect "a container pings the internet, $because" \
		docker exec client ping -q -c 1 -W 2 $internet4
	because="nobody serves it: the error comes back, $because"
	expect_refused host $internet4 81/tcp 54/udp
	expect_refused container:cache $internet4 81/tcp 54/udp
	expect_refused stranger $host4 23/tcp 24/udp
}

because="without a filter"
expect_open stranger $host4 6379/tcp 5353/udp
outbound

configure </dev/null
expect "tidegate up succeeds" tidegate up
because="nothing allows it"
expect_closed stranger $host4 6379/tcp 5353/udp
expect_closed stranger $host6 6379/tcp 5353/udp
because="with tidegate"
outbound
