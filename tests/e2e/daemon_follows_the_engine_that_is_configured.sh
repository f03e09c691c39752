#!/bin/bash
# Which Engine is followed is what the policy says that enforces: a mistake in the file asks no other
# one, and turns `docker off` on no more.  A change of the file keeps the event stream.
. "$(dirname "$0")/lib.sh"

# trap_start SOCKET: an Engine that only counts who connects.
trap_start() {
	rm -f "$1" /run/trapped
	/usr/bin/python3 - "$1" <<-'EOF' &
		import socket, sys
		listener = socket.socket(socket.AF_UNIX)
		listener.bind(sys.argv[1])
		listener.listen()
		while True:
		    listener.accept()[0].close()
		    open("/run/trapped", "a").write("x")
	EOF
	trap_pid=$!
	eventually 5 test -S "$1"
}
trap_stop() { kill "$trap_pid" && ! wait "$trap_pid" 2>/dev/null; }
trapped() { wc -c 2>/dev/null </run/trapped || echo 0; }
generation() { "$tidegate" status --json 2>/dev/null | jq .generation; }
has_changed() { [ "$(generation)" != "$1" ]; }
# The daemon's side of its connections, by inode.
streams() { find "/proc/$daemon_pid/fd" -lname 'socket:*' -printf '%l\n' | sort; }

network_up
engine_start
configure <<<"docker off"
expect "tidegate up succeeds" tidegate up
trap_start /run/trap.sock
mv /run/docker.sock /run/custom.sock
mv /run/trap.sock /run/docker.sock

because="docker off"
"$tidegate" run >>/run/tidegate.log 2>&1 &
daemon_pid=$!
sleep 2
expect_equal "nobody asks Docker, $because" "$(trapped)" 0
configure <<<"docker off
alow 80/tcp"
sleep 7
expect_equal "nor when the file has a mistake" "$(trapped)" 0
expect "and the daemon says what is wrong" grep -q alow /run/tidegate.log

because="docker unix:///run/custom.sock"
configure <<<"docker unix:///run/custom.sock"
export DOCKER_HOST=unix:///run/custom.sock
expect "status is green, $because" eventually 10 "$tidegate" status
configure <<<"docker unix:///run/custom.sock
alow 80/tcp"
sleep 1
before=$(generation)
publish cache -p 6379:6379
expect "the policy that enforces follows that Engine while the file has a mistake" \
	eventually 10 has_changed "$before"
expect_equal "no other Engine was asked" "$(trapped)" 0
expect_closed stranger $host4 6379/tcp

configure <<<"docker unix:///run/custom.sock"
expect "status is green again" eventually 10 "$tidegate" status
before=$(streams)
for number in {1..10}; do
	tidegate ban 203.0.113.$number 2>/dev/null
done
expect "status is green after ten bans" eventually 10 "$tidegate" status
expect_equal "the daemon has the same connections as before, its event stream among them" \
	"$(comm -12 <(echo "$before") <(streams) | wc -l)" "$(wc -l <<<"$before")"
daemon_stop
trap_stop
