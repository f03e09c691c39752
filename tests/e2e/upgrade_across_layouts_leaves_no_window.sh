#!/bin/bash
# Promise 4, when a newer build has another layout of maps: `tidegate up`, or the restarted daemon,
# moves the filter to maps of its own.  Nobody gets in who may not meanwhile, whoever may always
# gets in, the links stay, the counters go on, and what only the kernel knew is still known.
# Killed at any moment, the next `up` ends it.  Until then every other command says what is to do.
. "$(dirname "$0")/lib.sh"

from=${from-7}
old=$build/layout-$from/tidegate
pins=/sys/fs/bpf/tidegate

# links: "PIN ID PROGRAM" a line.
links() {
	local pin
	for pin in "$pins"/links/*; do
		echo "${pin##*/} $(bpftool -j link show pinned "$pin" | jq -r '"\(.id) \(.prog_id)"')"
	done
}
map_ids() { for pin in "$pins"/maps/*; do bpftool -j map show pinned "$pin" | jq .id; done; }
layout() { echo $(($(bpftool -j map lookup pinned $pins/maps/state key 0 0 0 0 | jq -r '.value[0]'))); }
without_gate() { grep -v '^gate-'; }

# The packets that a rule let in, and those of the reasons.
passed() { "$1" list --json | jq ".[] | select(.rule == \"${2:-allow 8080/tcp}\") | .counter.packets"; }
dropped() { "$1" status --json | jq '.reasons.closed'; }
generation() { "$1" status --json | jq .generation; }

watch_all() {
	watch_start tcp stranger $host4 6379/tcp
	watch_start tcp6 stranger $host6 6379/tcp
	watch_start udp stranger $host4 5353/udp
	watch_start direct stranger 172.30.7.7 9999/tcp
	watch_start learned stranger $host4 7777/tcp
	watch_start learned6 stranger $host6 7777/tcp
	watch_start allowed stranger $host4 8080/tcp
}
closed="tcp tcp6 udp direct learned learned6"

expect_all_well() {
	expect_nothing_got_in "$1" $closed
	watch_stop allowed
	expect "what is allowed always got in ($answered of $sent), $1" \
		test "$answered" -gt 100 -a "$answered" -ge $((sent - 60))
}

expect_moved() {
	local id left=''
	expect_equal "the new layout is in place, $1" "$(layout)" "$("$tidegate" version | sed -n 's/.*layout \([0-9]*\).*/\1/p')"
	expect_equal "nothing is pinned beside links and maps, $1" "$(cd $pins && echo *)" "links maps"
	expect_equal "nor beside the links that were there, $1" "$(links | cut -d ' ' -f 1)" \
		"$(cut -d ' ' -f 1 /run/links.old)"
	gone() { ! bpftool map show id "$1" >/dev/null 2>&1; }
	while read -r id; do
		eventually 5 gone "$id" || left+=" $id"
	done </run/maps.old
	expect_equal "the old maps are gone, $1" "$left" ""
}

# What only the kernel knows: a port that was bound, and a network that was made, after the policy.
late_start() {
	docker network create --subnet 172.30.7.0/24 later >/dev/null
	publish late --network later --ip 172.30.7.7 --expose 9999
	publish bound -p 7777:7777
	eventually 5 at host "$probe" ask tcp 172.30.7.7 9999
	eventually 5 at host "$probe" ask tcp 127.0.0.1 7777
}
late_stop() {
	docker rm -f late bound >/dev/null
	docker network rm later >/dev/null
}

# old_up: the old build's filter, with what it cannot know.
old_up() {
	tidegate down 2>/dev/null
	"$old" up 2>/dev/null || die "the old build's up succeeds"
	late_start
	links >/run/links.old
	map_ids >/run/maps.old
}

network_up
engine_start
ip -n outside route add 172.16.0.0/12 via $host4
iptables -P FORWARD ACCEPT
publish cache -p 6379:6379 -p 5353:53/udp
publish web -p 8080:80
quiet="allow 6379/tcp from $office4"
configure <<<"allow 8080/tcp
$quiet"

# ---- what watches see, where nothing is in front of them -------------------------------------------

late_start
watch_all
sleep 0.5
expect_some_got_in "without a filter" $closed
watch_stop allowed
late_stop

# ---- other commands --------------------------------------------------------------------------------

old_up
for command in reload status list "allow 6379/tcp" confirm; do
	expect_not "tidegate $command fails" "$tidegate" $command
	"$tidegate" $command >/run/answer 2>&1
	expect "tidegate $command says what is to do" \
		grep -q 'still enforcing: `tidegate up`, or a restart of the unit, upgrades it' /run/answer
done
expect_equal "the configuration is as it was" "$(grep -c allow $config)" 2
"$tidegate" --json status >/run/answer 2>/dev/null
expect "status --json is JSON and says so" jq -e '(.problems | any(test("older version"))) and .enforcing == false' /run/answer
expect_equal "nothing was touched" "$(links)" "$(cat /run/links.old)"
expect_equal "the layout is the old one" "$(layout)" "$from"

# ---- up --------------------------------------------------------------------------------------------

because="moved by up"
flow_start web stranger $host4 8080/tcp
expect_open office $host4 6379/tcp
quiet_passed=$(passed "$old" "$quiet")
watch_all
sleep 0.5
passed=$(passed "$old") dropped=$(dropped "$old") generation=$(generation "$old")
expect "up --dry-run succeeds" "$tidegate" --dry-run up
expect_equal "and touches nothing" "$(links; cd $pins && echo *)" "$(cat /run/links.old; echo links maps)"
expect "up --boot of the new build succeeds, without Docker" "$tidegate" up --boot
links >/run/links.new
sleep 0.3
expect "the rule's counter goes on ($passed)" test "$passed" -gt 0 -a "$(passed "$tidegate")" -gt "$passed"
expect "that of a rule that nobody uses has something to keep" test "$quiet_passed" -gt 0
expect_equal "and keeps it" "$(passed "$tidegate" "$quiet")" "$quiet_passed"
expect "the reasons' counters go on ($dropped)" test "$dropped" -gt 0 -a "$(dropped "$tidegate")" -ge "$dropped"
expect "so does the number of the policy" test "$(generation "$tidegate")" -gt "$generation"
expect_flow web open "$because"
expect_all_well "$because"
expect_moved "$because"
expect_equal "the links keep their ids, but for the gate's" \
	"$(without_gate </run/links.new | cut -d ' ' -f 1,2)" \
	"$(without_gate </run/links.old | cut -d ' ' -f 1,2)"
expect_equal "no program is the old one" \
	"$(comm -12 <(cut -d ' ' -f 3 /run/links.old | sort) <(cut -d ' ' -f 3 /run/links.new | sort))" ""
expect "a reload succeeds, $because" "$tidegate" reload
expect "status is green, $because" "$tidegate" status
late_stop

# ---- the other hooks -----------------------------------------------------------------------------------

for hook in xdp-generic tcx clsact; do
	because="moved by up, at $hook"
	tidegate down 2>/dev/null
	"$old" up --hook $hook 2>/dev/null
	watch_start tcp stranger $host4 6379/tcp
	watch_start udp stranger $host4 5353/udp
	watch_start allowed stranger $host4 8080/tcp
	sleep 0.3
	expect "up succeeds, $because" "$tidegate" up --without-docker
	sleep 0.2
	expect_nothing_got_in "$because" tcp udp
	watch_stop allowed
	expect "what is allowed always got in ($answered of $sent), $because" \
		test "$answered" -gt 100 -a "$answered" -ge $((sent - 60))
	expect_equal "it is the same hook, $because" "$("$tidegate" --json status | jq -r '.interfaces[0].hook')" $hook
	expect "status is green, $because" "$tidegate" status
done

# ---- a trial, the audit mode, a configuration that cannot be used ------------------------------------

because="moved in a trial"
tidegate down 2>/dev/null
"$old" up 2>/dev/null
echo "allow 6379/tcp" >>$config
"$old" reload --confirm 5s 2>/dev/null
echo "nonsense" >>$config
expect "up --boot succeeds, $because, with a configuration that cannot be used" "$tidegate" up --boot
expect_open stranger $host4 6379/tcp
expect "the trial goes on" test "$("$tidegate" status --json | jq .trial_seconds_left)" -gt 0
because="moved in a trial that lapsed"
becomes closed 8 stranger $host4 6379/tcp
expect_open stranger $host4 8080/tcp
configure <<<"allow 8080/tcp"

tidegate down 2>/dev/null
"$old" up --audit 2>/dev/null
expect "up --boot succeeds" "$tidegate" up --boot
expect_equal "the audit mode goes on" "$("$tidegate" status --json | jq .audit)" true
"$tidegate" up 2>/dev/null

# ---- the daemon --------------------------------------------------------------------------------------

because="moved by the daemon"
tidegate down 2>/dev/null
"$old" up 2>/dev/null
"$old" run >>/run/tidegate.log 2>&1 &
daemon_pid=$!
eventually 10 "$old" status || die "the old daemon starts"
late_start
links >/run/links.old
map_ids >/run/maps.old
watch_all
sleep 0.3
expect_not "up refuses while the old daemon runs" "$tidegate" up
expect_equal "and touches nothing" "$(links | cut -d ' ' -f 1,2)" "$(cut -d ' ' -f 1,2 /run/links.old)"
daemon_stop
daemon_start
expect_all_well "$because"
expect_moved "$because"
daemon_stop
late_stop

# ---- killed ------------------------------------------------------------------------------------------

because="killed again and again"
old_up
watch_all
killed=0
for ((delay = 10; delay < 3000; delay += ${TIDEGATE_STEP:-35})); do
	"$tidegate" up --without-docker 2>/dev/null &
	pid=$!
	sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
	! kill -KILL $pid 2>/dev/null || killed=$((killed + 1))
	wait $pid 2>/dev/null
	[ "$(layout)" = "$from" ] || break
done
expect "it was killed before it was through ($killed times, last after $delay ms)" test $killed -gt 5
expect "up succeeds, $because" "$tidegate" up --without-docker
sleep 0.2
expect_all_well "$because"
expect_moved "$because"
expect "a reload succeeds, $because" "$tidegate" reload
expect "status is green, $because" "$tidegate" status
late_stop

# ---- without Docker ------------------------------------------------------------------------------------

because="moved while Docker is dead"
tidegate down 2>/dev/null
"$old" up 2>/dev/null
engine_kill
watch_start tcp stranger $host4 6379/tcp
watch_start allowed stranger $host4 8080/tcp
sleep 0.3
expect "up succeeds, $because" "$tidegate" up
sleep 0.3
expect_equal "the policy knows what was published, $because" \
	"$("$tidegate" status --json 2>/dev/null | jq -c '[.ports[] | select(.published) | .port] | unique')" \
	"[5353,6379,8080]"
expect_nothing_got_in "$because" tcp
watch_stop allowed
expect "what is allowed always got in ($answered of $sent), $because" \
	test "$answered" -gt 100 -a "$answered" -ge $((sent - 60))
