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
