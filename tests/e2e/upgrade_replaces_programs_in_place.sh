#!/bin/bash
# Promise 4: `tidegate up` of a newer build puts its programs into the links that are there, where
# the kernel can, and beside the old ones before those go, where it cannot: nobody gets in who may
# not meanwhile, and the counters go on.  A build that does not know the layout of what is
# pinned leaves it alone.
. "$(dirname "$0")/lib.sh"

next=$build/next/tidegate
pins=/sys/fs/bpf/tidegate

# links: "PIN ID PROGRAM" a line.
links() {
	local pin
	for pin in "$pins"/links/*; do
		echo "${pin##*/} $(bpftool -j link show pinned "$pin" | jq -r '"\(.id) \(.prog_id)"')"
	done
}

# programs: "PIN TAG" a line, the tag is a hash of the instructions.
programs() {
	links | while read -r pin _ program; do
		echo "$pin $(bpftool -j prog show id "$program" | jq -r .tag)"
	done
}

without_gate() { grep -v '^gate-'; }

# The packets that the rule let in.
passed() { "$tidegate" list --json | jq '.[] | select(.rule == "allow 8080/tcp") | .counter.packets'; }
generation() { "$tidegate" status --json | jq .generation; }

watch_all() {
	watch_start tcp stranger $host4 6379/tcp
	watch_start tcp6 stranger $host6 6379/tcp
	watch_start udp stranger $host4 5353/udp
	watch_start direct stranger 172.30.7.7 9999/tcp
	watch_start allowed stranger $host4 8080/tcp
}

# A container on a network that no policy knows: only the gate is in front of it.
late_start() {
	docker network create --subnet 172.30.7.0/24 later >/dev/null
	publish late --network later --ip 172.30.7.7 --expose 9999
	eventually 5 at host "$probe" ask tcp 172.30.7.7 9999
}
late_stop() {
	docker rm -f late >/dev/null
	docker network rm later >/dev/null
}

network_up
engine_start
ip -n outside route add 172.16.0.0/12 via $host4
iptables -P FORWARD ACCEPT
publish cache -p 6379:6379 -p 5353:53/udp
publish web -p 8080:80
configure <<<"allow 8080/tcp"

expect "tidegate up succeeds" tidegate up
late_start
because="upgraded by down and up"
watch_all
tidegate down 2>/dev/null
"$next" up 2>/dev/null
sleep 0.3
expect_some_got_in "$because" tcp tcp6 udp direct
watch_stop allowed
tidegate down 2>/dev/null
late_stop

expect "tidegate up succeeds" tidegate up
late_start
because="upgraded in place"
flow_start web stranger $host4 8080/tcp
links >/run/links.old
programs >/run/programs.old
watch_all
sleep 0.3
passed=$(passed) generation=$(generation)
expect "$("$next" version | head -n 1): up succeeds" "$next" up --without-docker
links >/run/links.new
programs >/run/programs.new
# There and back again.
tidegate up --without-docker 2>/dev/null
"$next" up --without-docker 2>/dev/null
links >/run/links.last
sleep 0.3
expect "the counters go on, $because" test "$passed" -gt 0 -a "$(passed)" -ge "$passed"
expect "so does the number of the policy, $because" test "$(generation)" -ge "$generation"
expect_flow web open "$because"
expect_nothing_got_in "$because" tcp tcp6 udp direct
watch_stop allowed
expect "what is allowed always got in ($answered of $sent)" \
	test "$answered" -gt 100 -a "$answered" -ge $((sent - 60))

expect_equal "the same links are pinned" "$(cut -d ' ' -f 1 /run/links.new)" \
	"$(cut -d ' ' -f 1 /run/links.old)"
expect_equal "they keep their ids, but for the gate's" \
	"$(without_gate </run/links.last | cut -d ' ' -f 1,2)" \
	"$(without_gate </run/links.old | cut -d ' ' -f 1,2)"
expect_equal "no program is the old one" \
	"$(comm -12 <(cut -d ' ' -f 3 /run/links.old | sort) <(cut -d ' ' -f 3 /run/links.new | sort))" ""
for program in xdp gate-inet4 gate-inet6; do
	expect_not "the one at $program has other instructions" \
		test "$(grep -- "$program" /run/programs.old)" = "$(grep -- "$program" /run/programs.new)"
done
old_gates=$(sed -n 's/^gate-.* //p' /run/links.old /run/links.new | sort -u | paste -sd ,)
expect_equal "none of the gates before is attached" \
	"$(bpftool -j link show | jq "[.[] | select(.prog_id | IN($old_gates))] | length")" 0

# ---- another layout ---------------------------------------------------------------------------

# The first word of the state is its number (include/map_values.h).
set_layout() {
	local value
	value=$(bpftool -j map lookup pinned $pins/maps/state key 0 0 0 0 | jq -r '.value[4:][]')
	bpftool map update pinned $pins/maps/state key 0 0 0 0 value "$1" 0 0 0 $value
}

set_layout 77
because="another layout is pinned"
watch_all
links >/run/links.before
expect_not "tidegate up fails, $because" tidegate up
for command in up reload status "allow 6379/tcp" run; do
	timeout 5 "$tidegate" $command >/run/answer 2>&1
	expect "tidegate $command says so" grep -q 'have layout 77, this build knows [0-9]' /run/answer
done
expect_equal "nothing was touched" "$(links)" "$(cat /run/links.before)"
because="the old one goes on"
expect_open stranger $host4 8080/tcp
expect_nothing_got_in "$because" tcp tcp6 udp direct
watch_stop allowed
expect "down and up start anew" sh -c "'$tidegate' down && '$tidegate' up"
because="after that"
expect_closed stranger $host4 6379/tcp
expect_open stranger $host4 8080/tcp
