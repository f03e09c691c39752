#!/bin/bash
# `tidegate watch` names the process that holds the port where no container does, and the container
# where a process in the host's network is one's; with --all what passes is shown as well.
. "$(dirname "$0")/lib.sh"

# seen PATTERN: a line matches from the port on.
seen() { grep -qE "^[0-9:]{8} eth0 [^ ]+ → $1\$" /run/text; }
# seen_as_json JQ-CONDITION
seen_as_json() { jq -es "any(.[]; $1)" /run/json; }

# serve NAME PROTO:PORT...: a process of that name on this host.
serve() {
	ln -sf "$probe" "/run/$1"
	"/run/$1" serve "${@:2}" &
}

network_up
engine_start
image probe
publish cache -p 6379:6379
docker run -d --name shared --network host probe /bin/probe serve tcp:3333 >/dev/null
serve greeter tcp:2222 udp:5355
configure <<EOF
deny 2222/tcp
deny 5355/udp
deny 3333/tcp
deny 4444/tcp
deny 5555/tcp
allow 7777/tcp
EOF
expect "tidegate up succeeds" tidegate up
"$tidegate" watch --all >/run/text 2>/run/text.talk &
"$tidegate" watch --all --json >/run/json 2>/run/json.talk &
listening() {
	[ "$(bpftool -j map dump pinned /sys/fs/bpf/tidegate/maps/listeners |
		jq '[.. | objects | select(has("until_ns")) | select(.until_ns > 0)] | length')" = 2 ]
}
expect "two listen" eventually 5 listening

rule() { echo "denied deny $1 \(/etc/tidegate/tidegate\.conf:[0-9]+\)"; }
expect_closed stranger $host4 2222/tcp 5355/udp 4444/tcp 3333/tcp 6379/tcp
expect "the process that listens" eventually 5 seen "2222/tcp greeter \(host\) $(rule 2222/tcp)"
expect "the one that waits for datagrams" \
	eventually 5 seen "5355/udp greeter \(host\) $(rule 5355/udp)"
expect "nobody, where nobody listens" eventually 5 seen "4444/tcp $(rule 4444/tcp)"
expect "the container whose process it is, in the host's network" \
	eventually 5 seen "3333/tcp shared $(rule 3333/tcp)"
expect "a container, and not docker-proxy" eventually 5 seen "6379/tcp cache closed"
expect_closed stranger $host6 2222/tcp
expect "by IPv6 as well, and as JSON" eventually 5 seen_as_json \
	'.destination == "2001:db8::1" and .port == 2222 and .process == "greeter" and .owner == null'
expect_schema /run/json watch

because="begun while somebody watches"
serve late tcp:5555
sleep 1.1 # the sockets that were read a moment ago
expect_closed stranger $host4 5555/tcp
expect "the process that began later" eventually 5 seen "5555/tcp late \(host\) $(rule 5555/tcp)"

because="of what passes"
serve welcome tcp:7777
sleep 1.1
expect_open stranger $host4 7777/tcp
expect "it is shown with --all" eventually 5 seen_as_json \
	'.port == 7777 and .verdict == "pass" and .reason == "allowed" and .process == "welcome"'
expect "and what is dropped as well" seen_as_json '.port == 4444 and .verdict == "drop"'
