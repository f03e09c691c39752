#!/bin/bash
# `tidegate watch` shows what the defenses drop as well: the gate, bind learning, and the program at
# the socket look-up, also of what came in by an interface that nobody has looked at yet.  No rule is
# to blame then, so it says what was missing.
. "$(dirname "$0")/lib.sh"

inside4=203.0.113.1 inside6=2001:db8:1::1
lan4=203.0.113.66 lan6=2001:db8:1::66

# An interface that was plugged in a moment ago, and no daemon to guard it.
plug() {
	ip link add eth1 type veth peer name eth1 netns outside
	ip address add $inside4/24 dev eth1
	ip address add $inside6/64 dev eth1 nodad
	ip link set eth1 up
	ip -n outside address add $lan4/24 dev eth1
	ip -n outside address add $lan6/64 dev eth1 nodad
	ip -n outside link set eth1 up
	eventually 10 busybox ping -q -c 1 -W 1 $lan4 && eventually 10 busybox ping -q -c 1 -W 1 $lan6 ||
		die "the interface is plugged in"
}

# listening: each of the watchers does.
listening() {
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/tidegate/maps/listeners |
		jq --argjson clock "$(cut -d' ' -f1 /proc/uptime)" '[.. | objects
			| select(has("until_ns")) | .until_ns | select(. > $clock * 1e9)] | length')" = 3 ]
}

# seen IFACE SOURCE PORT REASON WHAT-WAS-MISSING: a whole line says so.
seen() {
	grep -qE "^$time $1 $2:[0-9]+ → $3 $4 \($5\)( ×[0-9]+)?\$" /run/text
}

# seen_as_json JQ-CONDITION
seen_as_json() { jq -es "any(.[]; $1)" /run/json; }

time='[0-9]{2}:[0-9]{2}:[0-9]{2}'
of_gate="the filter let it come this far, but no rule lets it into the container"
of_bind="Docker bound the port a moment ago, and no policy knows it yet"
of_unseen="interface not seen yet: no round has looked at it"

network_up
engine_start
image probe
ip -n outside route add 172.16.0.0/12 via $host4
iptables -P FORWARD ACCEPT
publish known -p 6379:6379
configure </dev/null
sed -i 's/^interface .*/interface eth0 eth1/' "$config"
expect "tidegate up succeeds" tidegate up eth0
for format in text json kernel; do
	"$tidegate" watch --format $format >/run/$format 2>/run/$format.talk &
done
expect "three listen" eventually 5 listening

docker network create --subnet 172.30.7.0/24 later >/dev/null
publish later --network later --ip 172.30.7.7 --expose 9999
publish fresh -p 7777:80
because="behind the filter"
expect_closed stranger 172.30.7.7 9999/tcp
expect "the gate's drop, and what was missing" \
	eventually 5 seen eth0 192.0.2.66 9999/tcp gate "$of_gate"
expect "the same as JSON" eventually 5 seen_as_json \
	'.reason == "gate" and .destination == "172.30.7.7" and .port == 9999 and (.unseen | not)'
expect "and as the kernel logs it, with the packet's own headers" eventually 5 grep -qE \
	'\[TIDEGATE DROP\] IN=eth0 OUT= MAC= SRC=192\.0\.2\.66 DST=172\.30\.7\.7 LEN=[0-9]+ .* PROTO=TCP SPT=[0-9]+ DPT=9999 .* SYN ' \
	/run/kernel

because="bound since the policy was made"
expect_closed stranger $host4 7777/tcp
expect "bind learning's drop, and what was missing" \
	eventually 5 seen eth0 192.0.2.66 7777/tcp learned "$of_bind"

# Without the filter in front of it the program at the socket look-up has the last word.
because="the filter was detached by hand"
: >/run/text
bpftool link detach pinned "$(echo /sys/fs/bpf/tidegate/links/*-xdp)"
expect_refused stranger $host6 7777/tcp # by the kernel: the socket is denied
expect "the socket program's drop, and what was missing" \
	eventually 5 seen eth0 '\[2001:db8::66\]' 7777/tcp learned "$of_bind"
expect "and as the kernel logs it, though nobody has its bytes" eventually 5 grep -qE \
	'\[TIDEGATE DROP\] IN=eth0 OUT= MAC= SRC=2001:db8::66 DST=2001:db8::1 PROTO=TCP SPT=[0-9]+ DPT=7777 $' \
	/run/kernel

because="by an interface that nobody has seen yet"
plug
expect_closed $lan4 $inside4 6379/tcp
expect "the gate's drop says that the interface was not seen" \
	eventually 5 seen eth1 203.0.113.66 6379/tcp "known gate" "$of_unseen"
expect_refused $lan6 $inside6 6379/tcp
expect "so does the socket program's" \
	eventually 5 seen eth1 '\[2001:db8:1::66\]' 6379/tcp "known gate" "$of_unseen"
expect "so does JSON" eventually 5 seen_as_json \
	'.interface == "eth1" and .source == "2001:db8:1::66" and .unseen and .owner == "known"'
expect_schema /run/json watch
