#!/bin/bash
# An Engine that takes connections and does not answer: commands and the daemon wait for it without
# the lock, and do not hang for it.
. "$(dirname "$0")/lib.sh"

network_up
configure <<<"docker unix:///run/slow.sock"
/usr/bin/python3 - <<-'EOF' &
	import socket
	listener = socket.socket(socket.AF_UNIX)
	listener.bind("/run/slow.sock")
	listener.listen()
	connections = []
	while True:
	    connections.append(listener.accept()[0])
	    open("/run/asked", "a").write("x")
EOF
slow_pid=$!
eventually 5 test -S /run/slow.sock
expect "tidegate up --without-docker succeeds" tidegate up --without-docker

is_asked() { [ -s /run/asked ]; }

# expect_lock_free TRIES: at any time, while the command asks.
expect_lock_free() {
	local free=0 number
	for ((number = 0; number < $1; number++)); do
		flock --wait 0.5 /run/tidegate/lock true && free=$((free + 1))
		sleep 0.1
	done
	expect_equal "the lock is to be had at any time" "$free" "$1"
}

for command in "allow 81/tcp" reload; do
	: >/run/asked
	# shellcheck disable=SC2086 # words
	"$tidegate" $command >>/run/tidegate.log 2>&1 &
	command_pid=$!
	expect "$command asks" eventually 5 is_asked
	expect_lock_free 20
	expect "meanwhile somebody is banned within 2 s" timeout 2 "$tidegate" ban 203.0.113.9
	expect_lock_free 20
	expect "meanwhile he is let in again within 2 s" timeout 2 "$tidegate" unban 203.0.113.9
	wait "$command_pid"
	expect_equal "$command goes on with what is known" $? 0
done
rules=$("$tidegate" list)
expect "and what was changed stays" grep -q "allow 81/tcp" <<<"$rules"

: >/run/asked
"$tidegate" run >>/run/tidegate.log 2>&1 &
daemon_pid=$!
expect "the daemon asks" eventually 5 is_asked
free=0
for number in {1..30}; do
	flock --wait 2 /run/tidegate/lock true && free=$((free + 1))
	sleep 0.1
	[ $((number % 10)) != 0 ] || kill -HUP "$daemon_pid"
done
expect_equal "the lock is to be had at any time" "$free" 30

configure <<<"docker unix:///run/slow.sock
allow 80/tcp"
is_applied() { grep -q 'allow 80/tcp' <<<"$("$tidegate" list 2>/dev/null)"; }
expect "a saved file is applied within 10 s all the same" eventually 10 is_applied
hangs() { grep -q hangs <<<"$("$tidegate" status)"; }
sleep 25
expect_not "the daemon is not taken for one that hangs" hangs
daemon_stop
kill "$slow_pid" && ! wait "$slow_pid" 2>/dev/null
