#!/bin/bash
# `tidegate status` shows packets to the programs that are attached, and is not green while they do
# anything but what the policy says, whoever brought it about and how; and no counter moves by that.
. "$(dirname "$0")/lib.sh"

pins=/sys/fs/bpf/tidegate
tamper() { /usr/bin/python3 "$e2e/tamper.py" "$@"; }

network_up
engine_start
publish cache -p 6379:6379 -p 5353:53/udp
publish web -p 8080:80
configure <<-EOF
	set office $office4
	allow 8080/tcp
	allow 6379/tcp from office
	allow 9000-9010/tcp from office
	ban 203.0.113.0/24
EOF

# is_red WHY HOW: status fails for that reason.
is_red() {
	local why=$1 how=$2 output status
	output=$(tidegate status 2>&1)
	status=$?
	expect_equal "status fails: $how" $status 1
	expect "and says: $why" grep -qE "^  problem .*$why" <<<"$output"
}
# up_anew HOOK: what no reload looks at is loaded again.
up_anew() {
	tidegate down >/dev/null
	expect "up at $1" tidegate up --hook "$1"
	expect "status succeeds at $1" tidegate status
}

counted() { tidegate status --json | jq -c '[.reasons | del(.control, ."not-ip")], [.ports[] | [.passed, .dropped]]'; }

for hook in xdp tcx clsact; do
	up_anew $hook
	before=$(counted)
	expect "it shows packets to the filter at $hook" \
		grep -qE '^  proof  *10 packets .*: 8 dropped, 2 passed' <(tidegate status)
	expect_equal "no counter moves by that" "$(counted)" "$before"

	tamper fastpath $pins
	because="the fast path was overwritten, at $hook"
	expect_open stranger $host4 8080/tcp
	is_red "the filter on 'eth0' passes a packet .*against the policy" "$because"
	tidegate explain 198.51.100.7 6379 >/run/explained
	expect_equal "explain says so as well" $? 3
	expect "and the metrics do not call that enforcing" \
		grep -qx 'tidegate_enforcing 0' <(tidegate metrics)
	expect "in its first line" grep -q '^policy and kernel disagree: ' /run/explained
done

up_anew xdp
tamper image $pins
is_red "against the policy" "the image was replaced by one that closes nothing"

up_anew xdp
mkdir -p /sys/fs/bpf/other
tamper program xdp /sys/fs/bpf/other/xdp
tamper replace $pins/links/*-xdp /sys/fs/bpf/other/xdp
because="somebody else's program is in the link, and the gate is left"
expect_closed stranger $host4 6379/tcp
is_red "eth0" "$because"

up_anew tcx
tamper program tc /sys/fs/bpf/other/tc
tamper front eth0 /sys/fs/bpf/other/tc
is_red "on 'eth0' the program .*somebody_else.* stands in front" "somebody else's program is in front"
rm -r /sys/fs/bpf/other

up_anew clsact
tc filter del dev eth0 ingress
because="the filter was deleted with tc, and the gate is left"
expect_closed stranger $host4 6379/tcp
is_red "eth0" "$because"

# One that has XDP before us, and lets the filter have tcx or clsact, is no fault; what it redirects
# it does, and that is said.
for hook in tcx clsact; do
	because="with somebody else's XDP program, at $hook"
	up_anew $hook
	expect_not "there is no note without one" grep -q '^  note ' <(tidegate status)
	mkdir -p /sys/fs/bpf/other
	tamper program xdp /sys/fs/bpf/other/xdp
	ip link set dev eth0 xdp pinned /sys/fs/bpf/other/xdp
	tidegate status >/run/status
	expect_equal "status succeeds, $because" $? 0
	expect "and notes whose it is" grep -qE \
		"^  note  *on 'eth0' the XDP program 'somebody_else' \(id [0-9]+\) is before the filter, which is at $hook" /run/status
	expect "--json as well" jq -e '.notes | length == 1 and all(test("XDP"))' <(tidegate status --json)
	expect_closed stranger $host4 6379/tcp
	ip link set dev eth0 xdp off
	rm -r /sys/fs/bpf/other
done
