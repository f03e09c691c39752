#!/bin/bash
# `tidegate watch` shows what is dropped as it happens: from where, which port of which container, why,
# and by which rule; at every hook, through a reload, and to several who watch.  Nobody has to end it
# well: who was killed is forgotten.
. "$(dirname "$0")/lib.sh"

# watch NAME ARGUMENT...: in the background, what it prints in /run/NAME.
watch() {
	local name=$1
	shift
	"$tidegate" watch "$@" >"/run/$name" 2>"/run/$name.talk" &
	watchers+=($!)
}
watchers=()

# unwatch SIGNAL: to all of them, and waits.  0 = each ended well.
unwatch() {
	local status=0
	kill "-$1" "${watchers[@]}" 2>/dev/null
	for pid in "${watchers[@]}"; do
		wait "$pid" 2>/dev/null || status=$?
	done
	watchers=()
	return $status
}

# listening N: so many listen, by the map in the kernel, which keeps the place of who was killed.
listening() {
	local now
	now=$(bpftool -j map dump pinned /sys/fs/bpf/tidegate/maps/listeners |
		jq --argjson clock "$(cut -d' ' -f1 /proc/uptime)" '[.. | objects
			| select(has("until_ns")) | .until_ns | select(. > $clock * 1e9)] | length')
	[ "$now" = "$1" ]
}

# word: the word that enables the fast path.
word() { bpftool -j map dump pinned /sys/fs/bpf/tidegate/maps/fastpath | jq '[.. | objects | select(has("offset")) | .offset][0]'; }

# seen NAME PATTERN: a line of what NAME printed matches as a whole.
seen() { grep -qE "^$2\$" "/run/$1"; }

knock() { expect_closed stranger "$host4" "$1"; }

network_up
engine_start
publish cache -p 6379:6379
publish web -p 8080:80 -p 5353:53/udp
configure <<<'deny 8080/tcp from 192.0.2.66 comment "noisy"'
expect_not "there is nothing to watch before up" tidegate watch --count 1
expect "tidegate up succeeds" tidegate up

time='[0-9]{2}:[0-9]{2}:[0-9]{2}'
because="while somebody watches"
watch text
watch json --json port 8080/tcp
watch kernel --format kernel
expect "three listen" eventually 5 listening 3
knock 6379/tcp
knock 8080/tcp
expect "who, the port, the container and why" \
	eventually 5 seen text "$time eth0 192\.0\.2\.66:[0-9]+ → 6379/tcp cache closed"
expect "the rule, and where it stands" eventually 5 seen text \
	"$time eth0 192\.0\.2\.66:[0-9]+ → 8080/tcp web denied deny 8080/tcp from 192\.0\.2\.66 .*\(/etc/tidegate/tidegate\.conf:2\)"
expect "the same as JSON, of the port that was asked for" eventually 5 jq -es \
	'.[0] | .schema == 1 and .port == 8080 and .source == "192.0.2.66" and .owner == "web" and .reason == "denied"' \
	/run/json
expect_schema /run/json watch
expect_not "and of no other" grep -q 6379 /run/json
expect "and as the kernel logs it" eventually 5 seen kernel \
	'[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} [^ ]+ kernel: \[ *[0-9.]+\] \[TIDEGATE DROP\] IN=eth0 OUT= MAC=([0-9a-f]{2}:){13}[0-9a-f]{2} SRC=192\.0\.2\.66 DST=192\.0\.2\.1 LEN=[0-9]+ TOS=0x00 PREC=0x00 TTL=64 ID=[0-9]+ DF PROTO=TCP SPT=[0-9]+ DPT=6379 WINDOW=[0-9]+ RES=0x00 SYN URGP=0 '

lines=$(wc -l </run/text)
expect "status shows packets to the filter" grep -q '^  proof ' <(tidegate status)
tidegate explain 203.0.113.7 6379 >/run/explained
sleep 1.5
expect "which no wire carried, and nobody sees, nor those of explain" \
	test "$(wc -l </run/text)" = "$lines"

because="after a reload"
configure </dev/null
expect "it goes on after a reload" tidegate reload
: >/run/text
knock 8080/tcp
expect "and says what the new policy says" eventually 5 seen text ".* → 8080/tcp web closed"

unwatch INT
expect_equal "it ends well when it is interrupted" $? 0
expect "and leaves nobody listening" listening 0
expect_equal "nor anything for packets to ask" "$(word)" 8

because="of a flood"
watch flooded --json
eventually 5 listening 1
closed() { tidegate metrics | sed -n 's/^tidegate_packets_total{verdict="drop",reason="closed",family="ipv4"} //p'; }
before=$(closed)
outside timeout 10 /usr/bin/python3 - "$host4" <<-'EOF'
	import socket, sys
	sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	for _ in range(100000):
	    sender.sendto(b"x", (sys.argv[1], 5353))
EOF
sleep 1.5
knock 6379/tcp
expect "who comes after it is seen" eventually 5 jq -es 'any(.[]; .port == 6379)' /run/flooded
sleep 1.2
expect "some of it was shown" jq -es '[.[] | select(.port == 5353) | .packets] | add > 100' /run/flooded
expect "but not all" jq -es '[.[] | select(.port == 5353) | .packets] | add < 90000' /run/flooded
expect_equal "what was not is said" \
	"$(jq -s '[.[] | .packets // .more] | add' /run/flooded)" \
	"$(($(closed) - before))"
unwatch INT

because="of one who was killed"
watch dead
eventually 5 listening 1
unwatch KILL
sleep 4.5
knock 6379/tcp
expect_equal "nothing is left for packets to ask" "$(word)" 8

for hook in tcx xdp-generic; do
	because="at $hook"
	tidegate up --hook "$hook" >/dev/null 2>&1
	watch "$hook" from 192.0.2.0/24 reason closed in eth0 container cache
	eventually 5 listening 1
	knock 6379/tcp
	expect "it is seen at $hook" eventually 5 seen "$hook" ".* → 6379/tcp cache closed"
	unwatch TERM
done
