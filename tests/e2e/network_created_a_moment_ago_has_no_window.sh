#!/bin/bash
# Promises 4 and 6 together: a container on a network that did not exist when the policy was
# made cannot be reached by routing to it, from the moment it is there.
. "$(dirname "$0")/lib.sh"

# churn: networks that come and go, always on the same subnet and address.
churn() {
	local _
	for _ in {1..3}; do
		docker network create --subnet 172.30.7.0/24 later >/dev/null
		publish later --network later --ip 172.30.7.7 --expose 9999 --expose 53/udp
		sleep 1
		docker rm -f later >/dev/null
		docker network rm later >/dev/null
	done
}

watch_all() {
	watch_start tcp stranger 172.30.7.7 9999/tcp
	watch_start udp stranger 172.30.7.7 53/udp
}

network_up
engine_start
image probe
# A neighbour on the wire who knows where containers will live, and a host that forwards as
# one does that had forwarding on before Docker came.
ip -n outside route add 172.16.0.0/12 via $host4
iptables -P FORWARD ACCEPT

watch_all
churn
expect_some_got_in "without tidegate" tcp udp

configure </dev/null
expect "tidegate up succeeds" tidegate up
daemon_start
watch_all
churn
expect_nothing_got_in "with the daemon" tcp udp
daemon_kill
watch_all
churn
expect_nothing_got_in "with the daemon killed" tcp udp
