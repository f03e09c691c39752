#!/bin/bash
# Promise 4: while the policy is replaced again and again, and the daemon killed again and again,
# numbered datagrams of allowed and of denied sources come in all the time: not one verdict is
# wrong, and no counter ever goes back.
#
# TIDEGATE_SOAK=1 is the long form: 10 000 replacements and 1 000 kills.  The short one stops after
# 300 and 30, or after six seconds.
. "$(dirname "$0")/lib.sh"

stream=$build/tests/e2e/stream
replacements=300 kills=30 seconds=6 at_least=3 rate=100000
[ -z "${TIDEGATE_SOAK-}" ] || replacements=10000 kills=1000 seconds=7000 at_least=10000

# ---- the streams: 0 and 1 to a container by IPv4, 2 and 3 to the host by IPv6 -----------------

allowed=(0 2) denied=(1 3)
rules=("allow 5353/udp from $office4" "deny 5353/udp from $stranger4"
	"allow 7001/udp from $office6" "deny 7001/udp from $stranger6")

receivers_start() {
	mkfifo /run/receive4.stop /run/receive6.stop
	at container:dns "$stream" receive 53 <>/run/receive4.stop >/run/receive4 2>&1 &
	"$stream" receive 7001 <>/run/receive6.stop >/run/receive6 2>&1 &
	receivers=$(jobs -p | tail -n 2)
	are_ready() { grep -q ready /run/receive4 && grep -q ready /run/receive6; }
	eventually 5 are_ready || die "the receivers start"
}

sender_start() {
	mkfifo /run/send.stop
	outside "$stream" send -r $rate $office4,$host4,5353 $stranger4,$host4,5353 \
		$office6,$host6,7001 $stranger6,$host6,7001 <>/run/send.stop >/run/send 2>&1 &
	sender=$!
}

# number_of WHAT FLOW FILE
number_of() { sed -n "s/^flow $2 .*$1 \([0-9]*\).*/\1/p;\$a0" "$3" | head -n 1; }

# Where a datagram can get lost behind the filter, as the kernel counts it: queues of sockets,
# and of the processors' backlogs.
losses() {
	{
		grep '^Udp:' /proc/net/snmp
		at container:dns grep '^Udp:' /proc/net/snmp
	} | awk '$4 ~ /^[0-9]+$/ { errors += $4 } END { print errors + 0 }'
	while read -r _ dropped _; do
		echo $((16#$dropped))
	done </proc/net/softnet_stat
}
sum() { awk '{ sum += $1 } END { print sum + 0 }'; }

# What each rule decided and each reason says, one "NAME NUMBER" a line.
counters() {
	"$tidegate" list --json 2>/dev/null | jq -r '.[] | "rule \(.rule)\t\(.counter.packets)"'
	"$tidegate" status --json 2>/dev/null | jq -r '.reasons | to_entries[] | "reason \(.key)\t\(.value)"'
}
counter() { awk -F '\t' -v name="$1" '$1 == name { n = $2 } END { print n + 0 }'; }

streams_start() {
	because=$1
	rm -f /run/*.stop
	receivers_start
	counters >/run/before
	lost_before=$(losses | sum)
	sender_start
}

# Sets sent[], received[], decided[] by flow, missing and lost.
declare -A sent received decided
streams_stop() {
	local flow file
	echo >/run/send.stop
	wait "$sender"
	sleep 0.3
	echo >/run/receive4.stop
	echo >/run/receive6.stop
	wait $receivers
	lost=$(($(losses | sum) - lost_before))
	counters >/run/after
	missing=0
	for flow in 0 1 2 3; do
		file=/run/receive$((flow < 2 ? 4 : 6))
		sent[$flow]=$(number_of sent $flow /run/send)
		received[$flow]=$(number_of received $flow $file)
		decided[$flow]=$(($(counter "rule ${rules[flow]}" </run/after) - $(counter "rule ${rules[flow]}" </run/before)))
	done
	for flow in "${allowed[@]}"; do
		missing=$((missing + sent[$flow] - received[$flow]))
	done
	note "$(sed -n 's/^rate //p' /run/send) packets/s; sent ${sent[0]} ${sent[1]} ${sent[2]} ${sent[3]}," \
		"decided ${decided[0]} ${decided[1]} ${decided[2]} ${decided[3]}," \
		"arrived ${received[0]} ${received[1]} ${received[2]} ${received[3]}," \
		"lost in queues $lost, $because"
}

# ---- what happens meanwhile -----------------------------------------------------------------

# replace NUMBER: each is another image; two in 52 are of another size.
replace() {
	local host=198.51.100.$(($1 / 4 % 250 + 1))
	case $(($1 % 52 < 48 ? $1 % 4 : 4 + $1 % 2)) in
	0) tidegate ban $host ;;
	1) tidegate allow $((20000 + $1 % 5000))/tcp from $host ;;
	2) tidegate unban 198.51.100.$((($1 - 2) / 4 % 250 + 1)) ;;
	3) tidegate delete allow $((20000 + ($1 - 2) % 5000))/tcp from $host ;;
	4) tidegate ban crowd ;;
	5) tidegate unban crowd ;;
	esac
}

replace_all() {
	local number failed=0
	for ((number = 0; number < replacements && SECONDS < deadline; number++)); do
		replace $number 2>>/run/replace.log || failed=$((failed + 1))
	done
	echo "$number $failed" >/run/replaced
}

# At any moment of its start, and when it is done with it; now and then there is none.
kill_all() {
	local number pid
	for ((number = 0; number < kills && SECONDS < deadline; number++)); do
		echo started
		"$tidegate" run >>/run/tidegate.log 2>&1 &
		pid=$!
		sleep 0.$((RANDOM % 8))$((RANDOM % 10))
		kill -KILL $pid && echo killed
		wait $pid
		sleep 0.$((RANDOM % 10))
	done >/run/kills 2>/dev/null
}

# Says of each counter that is smaller than it was.
watch_counters() {
	local sample=0
	while [ -e /run/watching ]; do
		counters
		echo "samples	$((++sample))"
		sleep 0.2
	done 2>/dev/null | awk -F '\t' '
		$2 + 0 < last[$1] + 0 { print $1 " went from " last[$1] " to " $2 }
		{ last[$1] = $2 }
		END { print "samples " last["samples"] }' >/run/watched
}

generation() { "$tidegate" status --json | jq .generation; }

# ---- the case -------------------------------------------------------------------------------

network_up
for to in $host4 $host6; do
	ip -n outside neighbour replace $to lladdr "$(cat /sys/class/net/eth0/address)" dev eth0
done
engine_start
image probe
docker run -d --name dns -p 5353:53/udp probe /bin/probe serve tcp:9 >/dev/null
printf '%s\n' "${rules[@]}" "set crowd file crowd.list" | configure
seq 0 149999 | awk '{ printf "10.%d.%d.%d\n", $1 / 32768, $1 / 128 % 256, $1 * 2 % 256 }' \
	>"${config%/*}/crowd.list"
expect "tidegate up succeeds" tidegate up

streams_start "replaced by down and up"
tidegate down 2>/dev/null
tidegate up 2>/dev/null
streams_stop
for flow in "${denied[@]}"; do
	expect "denied datagrams of flow $flow arrived, $because" test "${received[$flow]}" -gt 0
done

streams_start "an allow taken away for a moment"
tidegate delete ${rules[0]}
sleep 0.1
tidegate ${rules[0]}
streams_stop
expect "the allowed ones of flow 0 are not all there, $because" test "${decided[0]}" -lt "${sent[0]}"
expect_equal "those of flow 2 are, $because" "${decided[2]}" "${sent[2]}"

before=$(generation)
streams_start "with replacements and kills"
deadline=$((SECONDS + seconds))
touch /run/watching
watch_counters &
watcher=$!
kill_all &
killer=$!
replace_all &
wait $! $killer
rm /run/watching
wait $watcher
streams_stop
count=$(($(generation) - before))
read -r replaced failed </run/replaced
note "policy replaced $count times, daemon killed $(grep -c killed /run/kills) times; counters" \
	"compared $(sed -n 's/^samples //p' /run/watched) times"
if [ "$failed" = 0 ] && [ $count -ge "$replaced" ] && [ $count -ge $at_least ]; then
	ok "each replacement came about"
else
	fail "each replacement came about" <<<"$(tail /run/replace.log)"
fi
expect_equal "each kill met a living daemon" "$(grep -c killed /run/kills)" \
	"$(grep -c started /run/kills)"
for flow in "${denied[@]}"; do
	expect_equal "not one denied datagram of flow $flow arrived, $because" "${received[$flow]}" 0
done
for flow in 0 1 2 3; do
	expect_equal "each datagram of flow $flow is counted by '${rules[flow]}', $because" \
		"${decided[$flow]}" "${sent[$flow]}"
done
for reason in malformed banned martian direct closed no-policy learned gate; do
	expect_equal "none was dropped as '$reason'" "$(counter "reason $reason" </run/after)" \
		"$(counter "reason $reason" </run/before)"
done
expect "what is missing of the allowed was lost in a queue ($missing missing, $lost lost)" \
	test "$missing" -ge 0 -a "$missing" -le "$lost"
expect_equal "none arrived twice" "$(number_of repeated 0 /run/receive4) $(number_of repeated 2 /run/receive6)" "0 0"
expect "no counter ever went back" test "$(wc -l </run/watched)" = 1
