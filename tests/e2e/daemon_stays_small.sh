#!/bin/bash
# Hundreds of rounds, with a configuration that changes, changes to another Engine and back, and is
# wrong now and then: descriptors and memory stay as they were.
. "$(dirname "$0")/lib.sh"

fds() { find "/proc/$daemon_pid/fd" -mindepth 1 | wc -l; }
# Not the peak; in KiB.
memory() { awk '/^(RssAnon):/ { print $2 }' "/proc/$daemon_pid/status"; }

network_up
engine_start
publish cache -p 6379:6379
configure </dev/null
daemon_start

# rounds COUNT
rounds() {
	local number
	for ((number = 0; number < $1; number++)); do
		case $((number % 8)) in
		0) configure <<<"allow 80/tcp comment \"$number\"" ;;
		1) configure <<<"docker unix:///run/nobody.sock" ;;
		2) configure <<<"docker off" ;;
		3) configure <<<"alow $number/tcp" ;;
		4) configure <<<"docker unix:///run/docker.sock" ;;
		5) rm "$config" ;;
		6) configure <<<"ban 203.0.113.$((number % 256))" ;;
		7) kill -HUP "$daemon_pid" ;;
		esac
		sleep 0.1
	done
	configure </dev/null
	eventually 10 "$tidegate" --force reload
	expect "status is green after $1 changes" eventually 10 "$tidegate" status
	sleep 3
}

rounds 40
fds_before=$(fds) memory_before=$(memory)
rounds "${TIDEGATE_ROUNDS:-160}"
note "descriptors $fds_before -> $(fds), memory $memory_before -> $(memory) KiB"
expect "no descriptor more" test "$(fds)" -le "$fds_before"
# Less than 7 KiB a round: what the allocator gives back, and when, makes for some hundreds.
expect "no memory more" test "$(memory)" -le $((memory_before + 1024))
daemon_stop
