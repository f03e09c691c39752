#!/bin/bash
# Nothing that Docker or a firewall's own tools do can undo the filter: iptables -F, nft
# flush ruleset, a Docker restart.  The opposite are rules in DOCKER-USER, which are gone
# after that.
. "$(dirname "$0")/lib.sh"

flush_and_restart() {
	iptables -F
	iptables -t nat -F
	ip6tables -F
	nft flush ruleset
	engine_stop
	engine_start
	eventually 10 test "$(docker inspect -f '{{.State.Running}}' cache)" = true ||
		die "Docker restarts the container"
}

network_up
outside "$probe" serve tcp:80 >/dev/null &
engine_start
publish cache --restart always -p 6379:6379 -p 5353:53/udp
flow_start host_tcp6 host $office6 80/tcp -p 7779 # its own, from what becomes a published port
publish late -p 7779:80

because="with rules in DOCKER-USER"
iptables -I DOCKER-USER -i eth0 -p tcp --dport 6379 -j DROP
iptables -I DOCKER-USER -i eth0 -p udp --dport 53 -j DROP
expect_closed stranger $host4 6379/tcp 5353/udp
flush_and_restart
because="after nft flush ruleset and a Docker restart, with what is left of DOCKER-USER"
expect_open stranger $host4 6379/tcp 5353/udp

configure <<<"allow 6379/tcp from $office4"
expect "tidegate up succeeds" tidegate up
daemon_start
because="with tidegate"
expect_closed stranger $host4 6379/tcp 5353/udp
expect_open office $host4 6379/tcp
expect_flow_recovers host_tcp6 "$because"

watch_start tcp stranger $host4 6379/tcp
watch_start udp stranger $host4 5353/udp
watch_start tcp6 stranger $host6 6379/tcp
iptables -F
iptables -t nat -F
iptables -P FORWARD ACCEPT
because="after iptables -F"
expect_closed stranger $host4 6379/tcp 5353/udp
expect_closed stranger $host6 6379/tcp
nft flush ruleset
because="after nft flush ruleset"
expect_flow host_tcp6 open "$because"
expect "the table that turns tracking on is there again" \
	eventually 5 nft list table inet tidegate
expect "it can be saved and loaded" sh -c 'nft list table inet tidegate >/run/saved && nft -f /run/saved'
expect "what was saved asks for it as well" grep -q 'ct state' /run/saved
expect_closed stranger $host4 6379/tcp 5353/udp
expect_closed stranger $host6 6379/tcp
flush_and_restart
because="after a Docker restart"
expect_closed stranger $host4 6379/tcp 5353/udp
expect_closed stranger $host6 6379/tcp
expect_open office $host4 6379/tcp
expect "status is green, $because" eventually 10 "$tidegate" status
expect_nothing_got_in "all the time" tcp udp tcp6
