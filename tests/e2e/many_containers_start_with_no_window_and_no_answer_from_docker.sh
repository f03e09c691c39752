#!/bin/bash
# Promise 4: the same while the daemon runs and Docker does not answer it: its address leads
# nowhere.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/window.sh"

blocked=tcp://198.51.100.99:2375

window_up
engine_start
image probe

configure </dev/null
expect "tidegate up succeeds" tidegate up --without-docker
daemon_start_blocked() {
	"$tidegate" run --docker $blocked >>/run/tidegate.log 2>&1 &
	daemon_pid=$!
	sleep 1
}
daemon_start_blocked
expect "the filter is attached" sh -c "'$tidegate' status | grep -q 'eth0: xdp'"
expect_no_window "with Docker's answers blocked"
daemon_stop

# Without Docker's word the ports learned so far would stay closed: begin anew.
tidegate down
export TIDEGATE_WITHOUT=learn,gate
expect "tidegate up succeeds without the means" tidegate up --without-docker
daemon_start_blocked
expect_window "with Docker's answers blocked, and neither bind learning nor the gate"
