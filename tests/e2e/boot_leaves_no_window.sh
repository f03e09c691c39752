#!/bin/bash
# Promise 4: at boot the filter comes first, then Docker with containers that start by
# themselves, ports of Docker's choice among them; the daemon comes last.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/window.sh"

count=4
[ -z "${TIDEGATE_SOAK-}" ] || count=16

# What is to start by itself at the next boot.
install() {
	local number ports
	for ((number = 0; number < count; number++)); do
		ports=(-P)
		[ $((number % 2)) = 1 ] || ports=(-p $((fixed_lo + number)):80)
		docker run -d --restart always --stop-signal KILL --name "boot$number" "${ports[@]}" \
			--expose 80 --expose 53/udp probe /bin/probe serve tcp:80 udp:53 >/dev/null
	done
}

are_running() { [ "$(docker ps -q | wc -l)" -ge "$1" ]; }

# boot AT_LEAST COMMAND...: everything down; tidegate first, if COMMAND brings it up; then Docker,
# all the time under the hammer, and that many containers.
boot() {
	local at_least=$1
	shift
	engine_stop
	"$tidegate" down >/dev/null
	"$@"
	hammer_start
	engine_start
	expect "the containers start by themselves, $because" eventually 60 are_running "$at_least"
	sleep 0.5
}

# Where the hammer gets in, docker-proxy relays, each time from another port of the few that Docker
# also chooses from: so some containers may stay out.
boot_expecting_answers() {
	boot $((count / 2)) "$@"
	hammer_stop
	note "$sent attempts, $answered answers, $because"
	expect "there are answers, $because" test "$answered" -gt 0
}

window_up
engine_start
image probe
install
configure </dev/null

because="without tidegate"
boot_expecting_answers true

because="filter first, daemon last"
boot $count tidegate up --without-docker
expect_not "there was no answer before the daemon" heard_something
daemon_start
sleep 0.5
hammer_stop
note "$sent attempts, $answered answers, $because"
expect_unanswered "$because"
daemon_stop

because="filter first, but neither bind learning nor the gate"
export TIDEGATE_WITHOUT=learn,gate
boot_expecting_answers tidegate up --without-docker
