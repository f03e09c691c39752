#!/bin/bash
# Promise 4: a port is closed before the container that publishes it runs, with a port that
# was asked for and with one that Docker chooses, with the daemon and without.
. "$(dirname "$0")/lib.sh"

# churn: containers that come and go on port 6379.  The kernel takes up to half a second
# until it forwards to a new container at all; a shorter life would prove nothing.
churn() {
	local _
	for _ in {1..3}; do
		publish cache -p 6379:6379 -p 5353:53/udp
		sleep 1
		docker rm -f cache >/dev/null
	done
}

watch_all() {
	watch_start tcp stranger $host4 6379/tcp
	watch_start tcp6 stranger $host6 6379/tcp
	watch_start udp stranger $host4 5353/udp
}

network_up
engine_start
image probe

because="without tidegate"
watch_all
churn
expect_some_got_in "while containers start, $because" tcp tcp6 udp

configure </dev/null
expect "tidegate up succeeds" tidegate up
for because in "without the daemon" "with the daemon"; do
	[ "$because" = "without the daemon" ] || daemon_start
	watch_all
	churn
	expect_nothing_got_in "while containers start, $because" tcp tcp6 udp
done

docker run -d --name ephemeral -P --expose 80 probe /bin/probe serve tcp:80 >/dev/null
ephemeral=$(docker port ephemeral 80/tcp | sed -n 's/^0.0.0.0://p')
because="a port that Docker chose"
expect_open host $host4 "$ephemeral"
expect_closed stranger $host4 "$ephemeral"
# `[::]:PORT`, and `:::PORT` up to Engine 20.10.
expect_closed stranger $host6 "$(docker port ephemeral 80/tcp | sed -nE 's/^(\[::\]|::)://p')"
