#!/bin/bash
# With a thousand ports published, none beside another, `tidegate status` still shows a packet for each
# to the filter, and answers within a second.
. "$(dirname "$0")/lib.sh"

# status_ms: the middle one of five.
status_ms() {
	local before
	for _ in {1..5}; do
		before=$(date +%s%N)
		"$tidegate" status >/run/status || return
		echo $((($(date +%s%N) - before) / 1000000))
	done | sort -n | sed -n 3p
}

network_up
engine_start --userland-proxy=false # of which there would be a thousand; nor IPv6, which they relay
# shellcheck disable=SC2046
publish many $(seq -f '-p %.0f:80' 20001 2 21999)
configure </dev/null
expect "tidegate up succeeds" tidegate up
ms=$(status_ms)
expect "status shows a packet for each port" grep -qE '^  proof  *1000 packets .*: 1000 dropped, 0 passed' /run/status
expect_equal "and has a row for each" "$(grep -c '^2[01][0-9]*/tcp ' /run/status)" 1000
expect "within a second: $ms ms" test "$ms" -le 1000

# Who reads the counters sees none of these packets, also where the policy is replaced meanwhile or
# the command is killed.  A kill can come between a packet and its being taken back out.
closed() { "$tidegate" status --json | jq .reasons.closed; }
before=$(closed)
for ((number = 1; number <= 20; number++)); do
	"$tidegate" ban 192.0.2.$number
done >/run/bans 2>&1 &
banning=$!
for _ in {1..12}; do
	"$tidegate" status >/run/status
done
wait $banning
expect "20 addresses are banned meanwhile" test "$("$tidegate" bans | wc -l)" = 20
expect_equal "none of 12 proofs is counted with the policy replaced meanwhile" "$(closed)" "$before"
killed=0
for number in {1..20}; do
	timeout -s KILL 0.0$((10 + number * 3)) "$tidegate" status >/run/status
	[ $? != 137 ] || killed=$((killed + 1))
done 2>/dev/null
expect "most of 20 are killed, after 13 to 70 ms: $killed" test $killed -ge 5
counted=$(($(closed) - before))
expect "and are not counted: $counted packets" test $counted -le 20
