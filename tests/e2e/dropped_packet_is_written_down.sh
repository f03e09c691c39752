#!/bin/bash
# `log new` and `log all`: the daemon writes down what is dropped, with fields, and `tidegate log
# drops` shows it.  A flood costs so many entries and no more, and the daemon goes on following
# Docker meanwhile.
. "$(dirname "$0")/lib.sh"

# drops FILTER: of all entries of drops.
drops() { "$tidegate" --json log drops | jq -r "$1"; }
# written N FILTER: so many entries are like that.
written() { [ "$(drops "[.entries[] | select($2)] | length")" = "$1" ]; }
knock() { expect_closed stranger "$host4" "$1"; }

network_up
engine_start
publish cache -p 6379:6379
publish web -p 8080:80
configure <<<"deny 8080/tcp from $stranger4 comment \"noisy\""
expect "tidegate up succeeds" tidegate up
daemon_start

because="without a word of logs"
knock 6379/tcp
sleep 1
expect "nothing is written down" written 0 true
expect "and nobody listens" grep -q '"until_ns": 0' <(bpftool -j map dump pinned /sys/fs/bpf/tidegate/maps/listeners | jq .)

because="with log new"
configure <<<"log new
deny 8080/tcp from $stranger4 comment \"noisy\""
listens() { bpftool -j map dump pinned /sys/fs/bpf/tidegate/maps/listeners | jq -e '[.. | objects
	| select(has("until_ns")) | .until_ns | select(. > 0)] | length == 1' >/dev/null; }
expect "the daemon listens once the file is saved" eventually 10 listens
knock 6379/tcp
expect "the first packet is an entry" eventually 5 written 1 true
expect_equal "with the source, the port, the container and why" \
	"$(drops '.entries[0] | "\(.src) \(.dst) \(.dpt)/\(.proto) \(.container) \(.reason) \(.in)"')" \
	"$stranger4 $host4 6379/tcp cache closed eth0"
"$tidegate" --json log >/run/log.json
expect_schema /run/log.json log
knock 6379/tcp
knock 8080/tcp
expect "another port is another" eventually 5 written 1 '.dpt == "8080"'
expect_equal "with the rule and its line" "$(drops '.entries[-1] | "\(.rule) \(.line)"')" \
	"deny 8080/tcp from $stranger4 comment \"noisy\" 3"
expect "the same again is none" written 1 '.dpt == "6379"'
expect "for people it is a line" grep -qE \
	"^[-0-9]{10} [0-9:]{8}  drop  eth0 ${stranger4//./\\.}:[0-9]+ → 6379/tcp cache closed$" \
	<("$tidegate" log drops)
expect_equal "and no change is among them" "$("$tidegate" log drops | grep -c '  change  ')" 0

because="with log all"
sed -i 's/^log new/log all/' "$config"
is_applied() { grep -q '^log all' <<<"$("$tidegate" --json log changes | jq -r '.entries[-1].added[]')"; }
expect "the file is taken" eventually 10 is_applied
before=$(drops '.entries | length')
knock 6379/tcp
more() { [ "$(drops '.entries | length')" -gt "$before" ]; }
expect "the same again is an entry" eventually 5 more

because="under a flood"
outside timeout 20 /usr/bin/python3 - "$host4" <<-'EOF' &
	import socket, sys, time
	end = time.monotonic() + 15
	sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	while time.monotonic() < end:
	    sender.sendto(b"x", (sys.argv[1], 5353))
EOF
flood_pid=$!
publish dns -p 5353:53/udp
is_guarded() { grep -q '^5353/udp' <<<"$("$tidegate" status)"; }
expect "the daemon follows Docker" eventually 10 is_guarded
expect "the filter is right" tidegate status
wait $flood_pid
sleep 2
entries=$(drops '[.entries[] | select(.dpt == "5353")] | length')
expect "some of it is written" test "$entries" -gt 0
expect "and not more than was said" test "$entries" -le 300
expect "how many packets each stands for as well" drops \
	'[.entries[] | select(.dpt == "5353") | .packets | tonumber] | add > 1000 or error'

because="when the filter is made anew"
daemon_stop
tidegate down
tidegate up
daemon_start
expect "it listens again" eventually 10 listens
sed -i '/^log/d' "$config"
silent() { ! listens; }
expect "without the statement nobody does" eventually 10 silent
daemon_stop
