#!/bin/bash
# An interface that has just been plugged in has no filter yet, for the milliseconds that the daemon
# takes or, without a daemon, for as long as it lasts.  What stands behind the filter takes
# it for the outside.  The counter-proof goes without that, and answers get in.
. "$(dirname "$0")/lib.sh"

mac=02:00:00:00:00:01
inside4=203.0.113.1 inside6=2001:db8:1::1
lan4=203.0.113.66 lan6=2001:db8:1::66

# The other end is up already, and knows this one's address.  What sets up this one is running and
# waits for it to come: it is up a fraction of a millisecond after it is there.
plug() {
	local commands=/run/plug.$RANDOM ip_pid
	mkfifo "$commands"
	ip -n outside -batch - <<-EOF
		link add eth1 address $mac type veth peer name port
		link set port up
		address add $lan4/24 dev port
		address add $lan6/64 dev port nodad
		neigh replace $inside4 lladdr $mac nud permanent dev port
		neigh replace $inside6 lladdr $mac nud permanent dev port
	EOF
	ip -batch - <"$commands" &
	ip_pid=$!
	exec 9>"$commands"
	sleep 0.05
	ip -n outside link set eth1 netns $$
	printf '%s\n' "link set eth1 up" "address add $inside4/24 dev eth1" \
		"address add $inside6/64 dev eth1 nodad" >&9
	exec 9>&-
	wait $ip_pid || die "the interface is set up"
	rm "$commands"
}
unplug() { ip link delete eth1; }

watches_start() {
	watch_start translated $lan4 $inside4 6379/tcp
	watch_start proxy $lan6 $inside6 6379/tcp
	watch_start udp $lan4 $inside4 5353/udp
}

# Each time the daemon is some 50 ms late, as it is where the host is busy, and then guards it
# while the attempts go on.
plug_often() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		kill -STOP $daemon_pid
		plug
		sleep 0.05
		kill -CONT $daemon_pid
		sleep 0.1
		unplug
	done
}

# The daemon, where status cannot be green: the configuration names eth1, which is not there.
follow() {
	: >/run/tidegate.log
	"$tidegate" run >>/run/tidegate.log 2>&1 &
	daemon_pid=$!
	eventually 10 grep -q 'following' /run/tidegate.log || die "the daemon starts"
}

network_up
# The attempts go on while there is no interface to send them by.
outside sysctl -qw net.ipv4.ip_nonlocal_bind=1 net.ipv6.ip_nonlocal_bind=1
engine_start
publish cache -p 6379:6379 -p 5353:53/udp -p 8080:8080
configure <<<"allow 8080/tcp from 203.0.113.0/24"
sed -i 's/^interface .*/interface eth0 eth1/' "$config"

export TIDEGATE_WITHOUT=learn,gate
because="without the means"
expect "tidegate up succeeds, $because" tidegate up eth0
plug
watches_start
sleep 1
expect_some_got_in "$because and without a daemon" translated proxy udp
unplug
follow
watches_start
plug_often
expect_some_got_in "$because, plugged in ten times" translated proxy udp
daemon_stop
unset TIDEGATE_WITHOUT

expect "tidegate up succeeds" tidegate up eth0
watches_start
plug
sleep 1
because="without a daemon"
expect_closed $lan4 $inside4 6379/tcp 5353/udp
expect_refused $lan6 $inside6 6379/tcp 5353/udp # by the kernel: the socket is denied
expect_open $lan4 $inside4 8080/tcp
expect_nothing_got_in "$because" translated proxy udp
unplug
follow
watches_start
plug_often
expect_nothing_got_in "plugged in ten times" translated proxy udp
plug
because="guarded as soon as the daemon has seen it"
expect "status is green" eventually 5 "$tidegate" status
expect_closed $lan4 $inside4 6379/tcp 5353/udp
expect_closed $lan6 $inside6 6379/tcp 5353/udp
expect_open $lan4 $inside4 8080/tcp
unplug

# The other way round: nobody wants it guarded.
sed -i 's/^interface .*/interface eth0/' "$config"
expect "tidegate reload succeeds" tidegate reload
plug
because="nobody wants it guarded, and the daemon has seen it"
becomes open 5 $lan4 $inside4 6379/tcp
expect_open $lan4 $inside4 5353/udp
expect_open $lan6 $inside6 6379/tcp
expect_closed stranger $host4 6379/tcp 5353/udp
