#!/bin/bash
# A daemon that hangs is no daemon: status knows within 30 s.  The filter goes on.
. "$(dirname "$0")/lib.sh"

network_up
engine_start
publish cache -p 6379:6379
configure </dev/null
daemon_start
expect "status is green" tidegate status

says() { grep -q -- "$1" <<<"$("$tidegate" status)"; }
kill -STOP "$daemon_pid"
expect "status is green for a moment" tidegate status
# Another pin directory's is another daemon.
expect "another daemon can run" tidegate --pin /sys/fs/bpf/other up
"$tidegate" --pin /sys/fs/bpf/other run 2>>/run/tidegate.log &
other_pid=$!
expect "status says within 30 s that the daemon hangs" eventually 30 says 'problem .*run. hangs'
expect_not "and exits 1" tidegate status
expect "--json as well" sh -c "'$tidegate' status --json | jq -e '.problems[] | select(test(\"hangs\"))'"
expect "it is said beside the daemon, too" says 'daemon  *hangs'
because="the daemon hangs"
expect_closed stranger $host4 6379/tcp

expect_not "another pin directory's daemon does not hang" \
	sh -c "'$tidegate' --pin /sys/fs/bpf/other status | grep hangs"

kill -CONT "$daemon_pid"
expect "status is green when it goes on" eventually 10 tidegate status
kill "$other_pid" && wait "$other_pid"
daemon_stop
expect_not "a daemon that was stopped does not hang" says hangs
tidegate --pin /sys/fs/bpf/other down 2>/dev/null
