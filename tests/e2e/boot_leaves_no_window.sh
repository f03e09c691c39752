#!/bin/bash
# Promise 4: at boot the filter comes first, then Docker with containers that start by
# themselves, ports of Docker's choice among them; the daemon comes last, or never.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/window.sh"

count=6
[ -z "${TIDEGATE_SOAK-}" ] || count=40

# What is to start by itself at the next boot.
install() {
	local number
	for ((number = 0; number < count; number++)); do
		docker run -d --restart always --stop-timeout 1 --name "boot$number" \
			$([ $((number % 2)) = 0 ] && echo "-p $((fixed_lo + number)):80" || echo "-P") \
			--expose 80 --expose 53/udp probe /bin/probe serve tcp:80 udp:53 >/dev/null
	done
}

# Docker may pick a port that some socket of the host has taken meanwhile: one may stay out.
are_running() { [ "$(docker ps -q | wc -l)" -ge $((count - 1)) ]; }

# boot: everything down; tidegate first, if COMMAND brings it up; then Docker, all the time
# under the hammer.
boot() {
	engine_stop
	"$tidegate" down >/dev/null
	"$@"
	hammer_start
	engine_start
	expect "the containers start by themselves, $because" eventually 60 are_running
	sleep 1
}

window_up
engine_start
image probe
install
configure </dev/null

because="without tidegate"
boot true
hammer_stop
note "$sent attempts, $answered answers, $because"
expect "there are answers, $because" test "$answered" -gt 0

because="filter first, daemon never"
boot tidegate up --without-docker
hammer_stop
note "$sent attempts, $answered answers, $because"
expect_unanswered "$because"

because="filter first, daemon last"
boot tidegate up --without-docker
daemon_start
sleep 1
hammer_stop
note "$sent attempts, $answered answers, $because"
expect_unanswered "$because"
daemon_stop

because="filter first, but neither bind learning nor the gate"
export TIDEGATE_WITHOUT=learn,gate
boot tidegate up --without-docker
hammer_stop
note "$sent attempts, $answered answers, $because"
expect "there are answers, $because" test "$answered" -gt 0
