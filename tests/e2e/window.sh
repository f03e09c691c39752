# window.sh: containers that come and go while somebody outside tries every port of theirs, all
# the time.  Sourced behind lib.sh by the scripts about promise 4.
#
# TIDEGATE_SOAK=1 is the long form: 200 containers one by one and 200 eight at a time, where the
# short one has two and eight.

hammer=$build/tests/e2e/hammer
singles=2 in_groups=8 rate=20000
[ -z "${TIDEGATE_SOAK-}" ] || singles=200 in_groups=200 rate=100000

# Where Docker takes the ports of -P from, so that there are few enough to try them all, and
# the ports that are asked for.
dynamic_lo=40000 dynamic_hi=40031
fixed_lo=7000 fixed_hi=7007

window_up() {
	network_up
	echo "$dynamic_lo $dynamic_hi" >/proc/sys/net/ipv4/ip_local_port_range
	# The host's table of flows fills up with attempts that nobody refused.
	echo 1 >/proc/sys/net/netfilter/nf_conntrack_udp_timeout
	echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close
	echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_syn_sent
	echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_syn_recv
}

hammer_start() {
	rm -f /run/hammer.stop
	mkfifo /run/hammer.stop
	outside "$hammer" -r $rate $stranger4 $host4 $stranger6 $host6 $fixed_lo-$fixed_hi \
		$dynamic_lo-$dynamic_hi <>/run/hammer.stop >/run/hammer.result 2>&1 &
	hammer_pid=$!
}

# Sets $sent and $answered.
hammer_stop() {
	echo >/run/hammer.stop
	wait "$hammer_pid"
	sent=0 answered=-1
	read -r _ sent _ answered < <(tail -n 1 /run/hammer.result)
}

heard_something() { [ -s /run/hammer.result ]; }

# start NUMBER: a container that listens on TCP and UDP.  Every other one asks for its ports;
# every fourth is on a network that did not exist before.
start() {
	local number=$1 options=()
	if [ $((number % 2)) = 0 ]; then
		options+=(-p "$((fixed_lo + number % (fixed_hi - fixed_lo + 1))):80"
			-p "$((fixed_lo + number % (fixed_hi - fixed_lo + 1))):53/udp")
	else
		options+=(-P --expose 80 --expose 53/udp)
	fi
	if [ $((number / 2 % 2)) = 1 ]; then
		docker network create "net$number" >/dev/null || return
		options+=(--network "net$number")
	fi
	docker run -d --name "window$number" "${options[@]}" probe /bin/probe serve tcp:80 udp:53 \
		>/dev/null || return
	echo "$number" >>/run/window.started
}

remove() {
	docker rm -f "window$1" >/dev/null 2>&1
	[ $(($1 / 2 % 2)) = 0 ] || docker network rm "net$1" >/dev/null 2>&1
}

# The kernel takes up to half a second until it forwards to a new container at all; a shorter life
# would prove nothing.
come_and_go() {
	start "$1"
	sleep 0.8
	remove "$1"
}

one_by_one() {
	local number
	for ((number = 0; number < $1; number++)); do
		come_and_go $number
	done
}

# Where two want one port at the same time, one of them does not start.
eight_at_a_time() {
	local first i pids
	for ((first = 0; first < $1; first += 8)); do
		pids=()
		for ((i = first; i < first + 8; i++)); do
			come_and_go $i 2>>/run/window.errors &
			pids+=($!)
		done
		wait "${pids[@]}"
	done
}

count_started() {
	started=$(wc -l </run/window.started)
	rm /run/window.started
}

# expect_no_window WHY: many containers under the hammer, and it hears nothing.
expect_no_window() {
	hammer_start
	one_by_one $singles
	eight_at_a_time $in_groups
	hammer_stop
	count_started
	note "$started containers came and went, $sent attempts, $answered answers, $1"
	expect "the containers do start, $1" test "$started" -ge $((singles + in_groups / 2))
	expect_unanswered "$1"
}

expect_unanswered() {
	if [ "$sent" -gt 10000 ] && [ "$answered" = 0 ]; then
		ok "not one answer in all attempts, $1"
	else
		fail "not one answer in all attempts, $1" </run/hammer.result
	fi
}

# expect_window WHY: the same, and it hears something before long.
expect_window() {
	local number
	hammer_start
	for ((number = 0; number < 16; number++)); do
		come_and_go $number
		! heard_something || break
	done
	hammer_stop
	count_started
	note "$started containers came and went, $sent attempts, $answered answers, $1"
	expect "there are answers, $1" test "$answered" -gt 0
}
