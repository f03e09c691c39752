#!/bin/bash
# Promise 4: Docker is restarted, and its containers with it; restarted while they go on
# (live-restore); killed: closed throughout, with the daemon and without.
. "$(dirname "$0")/lib.sh"

# What starts by itself again with Docker.
install() {
	image probe
	docker network create --subnet 172.30.7.0/24 later >/dev/null
	docker run -d --restart always --stop-signal KILL --name cache --network later --ip 172.30.7.7 \
		-p 6379:6379 -p 5353:53/udp probe /bin/probe serve tcp:6379 udp:53 >/dev/null
}

watch_all() {
	watch_start tcp stranger $host4 6379/tcp
	watch_start tcp6 stranger $host6 6379/tcp
	watch_start udp stranger $host4 5353/udp
	watch_start direct stranger 172.30.7.7 6379/tcp
}

answers() { [[ $(ask host $host4 6379/tcp -w 300) == open* ]]; }

# restart stop|kill [DOCKERD OPTIONS...]
restart() {
	"engine_$1"
	shift
	engine_start "$@"
	expect "the container is there, $because" eventually 20 answers
	sleep 0.7 # the kernel takes up to half a second until it forwards to it
}

network_up
ip -n outside route add 172.16.0.0/12 via $host4
iptables -P FORWARD ACCEPT
engine_start
install
because="Docker restarted without tidegate"
watch_all
restart stop
expect_some_got_in "$because" tcp tcp6 udp direct

process() { docker inspect -f '{{.State.Pid}}' cache; }

configure </dev/null
expect "tidegate up succeeds" tidegate up
daemon_start
process=$(process)
because="Docker and its containers restarted"
watch_all
restart stop --live-restore
expect_not "it is another one" test "$(process)" = "$process"
process=$(process)
because="Docker restarted while its containers go on"
restart stop --live-restore
expect_equal "it is the same one" "$(process)" "$process"
expect_nothing_got_in "Docker restarted, with the daemon" tcp tcp6 udp direct
expect "status is green" eventually 10 "$tidegate" status

daemon_kill
because="Docker killed and started, without the daemon"
watch_all
restart kill --live-restore
expect_nothing_got_in "$because" tcp tcp6 udp direct
