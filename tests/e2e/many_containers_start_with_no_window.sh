#!/bin/bash
# Promise 4: while somebody outside tries every port all the time, containers come and go, one
# by one and eight at a time, with ports that were asked for and with such that Docker chooses,
# some on new networks.  Whether the daemon follows, runs without an answer from Docker, or is
# dead, and with docker-proxy or without, nobody gets in; each time the same without the means
# that close it shows that somebody would.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/window.sh"

blocked=tcp://198.51.100.99:2375

# options of dockerd | of `up` | the daemon | the means that are enough
variants="
                         |                  | follows  | learn,gate
                         | --without-docker | blocked  | learn,gate
                         |                  | killed   | learn
 --userland-proxy=false  |                  | killed   | learn,gate"
# In the last one dockerd binds the ports itself.  What the gate alone closes is in
# gate_closes_what_the_filter_cannot_know.

declare -A words=([follows]="with the daemon" [blocked]="with Docker's answers blocked"
	[killed]="with the daemon killed")

# daemon_become STATE: of a daemon that does not run.
daemon_become() {
	case $1 in
	blocked) # the address leads nowhere
		"$tidegate" run --docker $blocked >>/run/tidegate.log 2>&1 &
		daemon_pid=$!
		sleep 1
		;;
	*)
		daemon_start
		[ "$1" != killed ] || daemon_kill
		;;
	esac
}

daemon_end() { [ -z "$daemon_pid" ] || daemon_stop; }

# try DOCKERD-OPTIONS UP-OPTIONS DAEMON MEANS
try() {
	local dockerd=$1 up=$2 daemon=$3 means=$4 with
	with="${words[$daemon]}${dockerd:+ and $dockerd}"
	configure </dev/null
	# shellcheck disable=SC2086
	expect "tidegate up succeeds, $with" tidegate up $up
	if [ -n "$dockerd" ] && [ -n "${TIDEGATE_SOAK-}" ]; then
		daemon_become follows
		expect_no_window "with the daemon and $dockerd"
		daemon_kill
	fi
	daemon_become "$daemon"
	expect "the filter is attached, $with" sh -c "'$tidegate' status | grep -q 'eth0: xdp'"
	expect_no_window "$with"
	daemon_end
	# Without Docker's word the ports learned so far would stay closed: begin anew.
	[ "$daemon" != blocked ] || tidegate down
	export TIDEGATE_WITHOUT=$means
	# shellcheck disable=SC2086
	[ "$daemon" = follows ] || expect "tidegate up succeeds, $with, without $means" tidegate up $up
	[ "$daemon" = killed ] || daemon_become "$daemon"
	expect_window "$with, without $means"
	daemon_end
	unset TIDEGATE_WITHOUT
	tidegate down
}

window_up
while IFS='|' read -r -u 3 dockerd up daemon means; do
	[ -n "$means" ] || continue
	dockerd=${dockerd// /} daemon=${daemon// /}
	# shellcheck disable=SC2086
	engine_start $dockerd
	image probe
	[ "$daemon$dockerd" = killed ] || [ "$daemon" = blocked ] ||
		expect_window "without tidegate${dockerd:+, with $dockerd}"
	try "$dockerd" "${up// /}" "$daemon" "${means// /}"
	engine_stop
done 3<<<"$variants"
